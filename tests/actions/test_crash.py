"""`kill -9` on the way: after a re-run there has been exactly one write or none, and the journal tells which."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import kill_rounds
import pytest

from glhelpers.errors import GateClosed, WriteInProgress
from glhelpers.models.change import Outcome
from tests.actions.conftest import Desk

SLOW = {"method": "POST", "path": "*/support-tools/*", "do": "latency", "seconds": 1.5}
NONE, APPLIED = Outcome.not_applied, Outcome.applied


@pytest.mark.parametrize(
    ("point", "kinds", "writes", "outcome"),
    [
        ("before intent", [], 0, None),
        ("after intent", ["intent"], 0, NONE),
        ("request sent", ["intent"], 1, APPLIED),
        ("answer received", ["intent"], 1, APPLIED),
        ("before verify", ["intent", "answer"], 1, APPLIED),
        ("before settling", ["intent", "answer"], 1, APPLIED),
        ("after settling", ["intent", "answer", "settled"], 1, None),
    ],
)
def test_a_killed_write_is_settled_and_never_doubled(
    desk: Desk, point: str, kinds: list[str], writes: int, outcome: Outcome | None
) -> None:
    """The process dies at the point; the next one reads back what became of it and sends nothing."""
    plan, approval = desk.plan(1002)
    if point == "request sent":
        desk.faults(SLOW)
    assert desk.child(point, plan, approval).wait(timeout=60) == -9
    desk.faults()
    assert [entry.kind for entry in desk.journal.entries()] == kinds
    settled = desk.writer().settle_open(plan.target.key)
    assert (settled[1].outcome if settled is not None else None) is outcome
    assert (desk.tool_writes(), desk.tool_requests()) == (writes, writes)
    assert desk.writer().settle_open(plan.target.key) is None
    if kinds:
        with pytest.raises(GateClosed, match="spent"):
            desk.writer().send(plan, approval)
    if writes == 0:
        again, fresh = desk.plan(1002)
        assert again.digest == plan.digest
        writer = desk.writer()
        assert writer.verify(*writer.send(again, fresh)).outcome is APPLIED
    assert (desk.tool_writes(), desk.tool_requests()) == (1, 1)
    assert desk.journal.first_broken_row() is None


def test_while_a_request_is_on_its_way_nobody_else_may_send(desk: Desk) -> None:
    """A second run is told who is at it; when the first has ended by itself, nothing is left to settle."""
    plan, approval = desk.plan(1002)
    desk.faults(SLOW)
    first = desk.child("never", plan, approval)
    while desk.journal.open_intent(desk.writer().target_key(plan.target.key)) is None:
        assert first.poll() is None
        time.sleep(0.02)
    with pytest.raises(WriteInProgress, match=rf"held by ada \(run dying, process {first.pid} on "):
        desk.writer().settle_open(plan.target.key)
    with pytest.raises(WriteInProgress, match=f"process {first.pid}"):
        desk.writer().send(plan, approval.model_copy(update={"approved_by": "carol"}))
    assert first.wait(timeout=30) == 0
    assert desk.writer().settle_open(plan.target.key) is None
    assert (desk.tool_writes(), desk.tool_requests()) == (1, 1)


def test_kills_at_random_moments(desk: Desk, tmp_path: Path) -> None:
    """Wherever a writer dies, its change was made once or not at all, the journal never says otherwise, and in the end it is made once."""
    plan, approval = desk.plan(1002)
    (tmp_path / "plan.json").write_text(plan.model_dump_json())
    (tmp_path / "approval.json").write_text(approval.model_dump_json())
    rounds = os.environ.get("KILL_ROUNDS", "20")
    files = [str(tmp_path / "plan.json"), str(tmp_path / "approval.json"), str(tmp_path)]
    command = [sys.executable, kill_rounds.__file__, rounds, "7", *files]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30 + 3 * int(rounds), check=True)
    seen = [json.loads(line) for line in told.stdout.splitlines()]
    assert len(seen) == int(rounds)
    for row in seen:
        assert row["applied"] in (0, 1), row
        assert row["applied_in_the_end"] == 1, row
        assert row["broken"] is None, row
        begun = "intent" in row["died_after"]
        assert row["journal"] == ({0: "NOT_APPLIED", 1: "APPLIED"}[row["applied"]] if begun else None), row
        assert row["applied"] == 0 or begun, "nothing is sent before the intent is on disk"
    assert len({tuple(row["died_after"]) for row in seen}) > 1, "the kills hit different moments"
