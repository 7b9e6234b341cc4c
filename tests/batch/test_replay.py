"""A run gone through again with nothing but its folder: the same verdicts, or where the rules of today differ."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from glhelpers.batch.execute import Result, execute
from glhelpers.batch.replay import replay
from glhelpers.batch.undoing import undo_parameters
from glhelpers.cli import app
from glhelpers.errors import GlhelpersError

pytestmark = pytest.mark.notebook


def run(desk: Any, ticket: int, approval: Path | None = None) -> Result:
    """Run the runbook of a case."""
    (case,) = [case for case in desk.ask("cases") if case["ticket"] == ticket]
    given = dict(case["parameters"]) | ({"approval": str(approval)} if approval is not None else {})
    return execute(case["runbook"], given, desk.settings)


@contextmanager
def without_services(desk: Any) -> Iterator[None]:
    """No address of a service in the environment, and no way to find one."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.endswith(("_URL", "_TOKEN"))}
    before = desk.ask("requests")["count"]
    try:
        yield
    finally:
        os.environ.update(kept)
    assert desk.ask("requests")["count"] == before, "a service was asked"


@pytest.mark.parametrize(
    ("ticket", "approve", "status"),
    [
        (1611, False, "needs_customer"),
        (1002, False, "awaiting_approval"),
        (1002, True, "completed"),
        (1026, True, "verification_failed"),
        (1533, False, "needs_customer"),
    ],
)
def test_the_same_run_comes_out(desk: Any, ticket: int, approve: bool, status: str) -> None:
    """Findings, decision, plan and its digest, outcome and status, a write included; no service is asked, nothing written."""
    first = run(desk, ticket)
    result = run(desk, ticket, desk.approved(first)) if approve else first
    assert result.record.status == status, result.record.why
    writes = desk.attempts()
    with without_services(desk):
        told = replay(result.folder)
    assert told.differences == ()
    assert told.again.plan_digest == told.record.plan_digest
    assert told.findings == len(result.record.findings)
    assert desk.attempts() == writes


def test_what_would_be_decided_otherwise_is_shown(desk: Any) -> None:
    """Other answers stand for other rules: the finding, the decision and the status differ, and the command says so."""
    result = run(desk, 1002)
    path = result.folder / "answers.json"
    tape = json.loads(path.read_text())
    for heard in tape["heard"]:
        if heard["path"].startswith("/adapter/v1/subscriptions/"):
            heard["body"]["status"] = "cancelled"
    path.write_text(json.dumps(tape))
    shown = CliRunner().invoke(app, ["evidence", "replay", str(result.folder)])
    assert shown.exit_code == 4, shown.output
    for words in ("Status", "awaiting_approval", "stopped", "Rule subscription-is-in-its-term", "come out otherwise"):
        assert words in shown.stdout


def test_the_command_says_that_nothing_differs(desk: Any) -> None:
    """One line, exit code 0."""
    shown = CliRunner().invoke(app, ["evidence", "replay", str(run(desk, 1002).folder)])
    assert shown.exit_code == 0, shown.output
    assert "✔ The same: 26 findings, awaiting_approval, the same plan" in shown.stdout


def test_a_question_that_was_not_asked_then_is_a_fact_that_nobody_knows(desk: Any) -> None:
    """A bundle that lost an answer never comes out better than it was."""
    result = run(desk, 1002)
    path = result.folder / "answers.json"
    tape = json.loads(path.read_text())
    tape["heard"] = [heard for heard in tape["heard"] if not heard["path"].endswith("/orders")]
    path.write_text(json.dumps(tape))
    told = replay(result.folder)
    assert told.again.status == "stopped"
    assert any("was not asked" in row.now or "did not ask that" in row.now for row in told.differences)


@pytest.mark.parametrize("damage", ["no answers", "no JSON", "not whole", "no record"])
def test_a_folder_that_cannot_be_replayed_says_so(desk: Any, tmp_path: Path, damage: str) -> None:
    """One sentence, and what to do."""
    folder = tmp_path / "copy"
    shutil.copytree(run(desk, 1002).folder, folder)
    match damage:
        case "no answers":
            (folder / "answers.json").unlink()
        case "no JSON":
            (folder / "answers.json").write_text("{")
        case "not whole":
            (folder / "answers.json").write_text('{"format": "glhelpers.answers/1", "whole": false, "heard": []}')
        case _:
            (folder / "record.json").unlink()
    with pytest.raises(GlhelpersError) as caught:
        replay(folder)
    assert caught.value.next_step


def test_no_address_and_no_token_stands_in_the_answers(desk: Any) -> None:
    """Who somebody is does not; the domain does, since rules compare domains."""
    text = (run(desk, 1533).folder / "answers.json").read_text()
    assert "@petrel.example.com" in text
    for service in (desk.settings.gitlab, desk.settings.customersdot, desk.settings.zendesk):
        assert service.token.get_secret_value() not in text
    people = re.findall(r"[^\s\"]+@petrel\.example\.com", text)
    assert people == ["person-fe0dac@petrel.example.com"]


def test_an_undo_is_replayed_too(desk: Any) -> None:
    """What the journal told then is part of the bundle: another machine has another journal."""
    done = run(desk, 1002, desk.approved(run(desk, 1002)))
    waiting = execute("undo", undo_parameters(done.folder, desk.settings), desk.settings)
    assert waiting.record.status == "awaiting_approval"
    told = replay(waiting.folder)
    assert told.differences == ()
