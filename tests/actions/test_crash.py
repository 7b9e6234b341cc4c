"""`kill -9` on the way: after a re-run there has been exactly one write or none, and the journal tells which."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from glhelpers.models.change import Outcome

CHILD = Path(__file__).parents[1] / "support" / "dying_writer.py"


@pytest.mark.parametrize(
    ("point", "slow", "writes", "outcome"),
    [
        ("before intent", False, 0, None),
        ("after intent", False, 0, Outcome.not_applied),
        ("request sent", True, 1, Outcome.applied),
        ("answer received", False, 1, Outcome.applied),
        ("before verify", False, 1, Outcome.applied),
        ("before record", False, 1, None),
    ],
)
def test_a_killed_write_is_settled_and_never_doubled(
    desk: Any, point: str, slow: bool, writes: int, outcome: Outcome | None, tmp_path: Path
) -> None:
    """The process dies at the point; the next one reads back what became of it and sends nothing."""
    plan, approval = desk.plan(1002)
    (tmp_path / "plan.json").write_text(plan.model_dump_json())
    (tmp_path / "approval.json").write_text(approval.model_dump_json())
    if slow:
        desk.control(
            "PUT", "faults", [{"method": "POST", "path": "*/support-tools/*", "do": "latency", "seconds": 1.5}]
        )
    command = [sys.executable, str(CHILD), point, str(tmp_path / "plan.json"), str(tmp_path / "approval.json")]
    ended = subprocess.run([*command, f"sqlite:///{tmp_path / 'journal.db'}"], env=os.environ.copy(), timeout=60)
    assert ended.returncode == -9
    settled = desk.writer().settle_open(plan.target.key)
    assert (settled[1].outcome if settled is not None else None) is outcome
    assert desk.tool_writes() == writes
    assert desk.tool_requests() == writes
    assert desk.writer().settle_open(plan.target.key) is None
    assert desk.journal.first_broken_row() is None
    again, approval_again = desk.plan(1002) if writes == 0 else (None, None)
    if again is not None:
        writer = desk.writer()
        assert approval_again is not None
        intent, receipt = writer.send(again, approval_again)
        assert writer.verify(intent, receipt).outcome is Outcome.applied
        assert desk.tool_writes() == 1
