"""The table of notes on an issue: which opens the gate, and which is refused with which reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml
from sandboxes import addresses
from walks import Walked, walk

from glhelpers.sandbox.world_file import DEMO, load_world
from glhelpers.sandbox_process import Running, start_sandbox

TABLE = Path(__file__).with_name("approvals_on_issue.yaml")
ROWS: list[dict[str, Any]] = yaml.safe_load(TABLE.read_text())["rows"]
CASE = {case.ticket: case for case in load_world(DEMO).cases}[1610]
GIVEN = {name: str(value) for name, value in CASE.parameters.items()}
PEOPLE = [
    {"id": 900, "username": "colleague", "name": "A Colleague", "email": "colleague@example.com"},
    {"id": 901, "username": "Second-Colleague", "name": "Another Colleague", "email": "second@example.com"},
    {"id": 902, "username": "ada", "name": "Ada", "email": "ada@example.com"},
    {"id": 903, "username": "colleague-", "name": "A Colleague", "email": "looks-like@example.com"},
]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A sandbox whose world has the people of the table."""
    world = yaml.safe_load(DEMO.read_text())
    known = {user["username"] for user in world["users"]}
    world["users"] = [user for user in world["users"] if user["username"] not in ("colleague",)] + PEOPLE
    assert "colleague" in known
    path = tmp_path_factory.mktemp("world") / "world.yaml"
    path.write_text(yaml.safe_dump(world, sort_keys=False, allow_unicode=True))
    running = start_sandbox(world=path)
    yield running
    assert running.process is not None
    running.process.communicate(timeout=5)


def ask(office: Running, method: str, path: str, body: Any = None) -> Any:
    """Use a control of the sandbox."""
    data = json.dumps(body).encode() if body is not None else None
    request = Request(f"{office.urls['gitlab']}/__sandbox/{path}", data=data, method=method)
    try:
        with urlopen(request) as answer:
            return json.loads(answer.read())
    except HTTPError as error:
        raise AssertionError(error.read()) from None


@pytest.fixture
def desk(office: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Running:
    """The environment of somebody who runs with approvers in their profile; the world as new."""
    ask(office, "POST", "reset")
    for name, value in addresses(office).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GLHELPERS_OPERATOR", "Ada")
    (tmp_path / "config.toml").write_text(
        '[profiles.sandbox]\napprovers = ["colleague", "second-colleague", "ada", "support-admin"]\n'
    )
    return office


def noted(desk: Running, row: dict[str, Any], digest: str) -> None:
    """Put the notes of a row on the issue."""
    for user in row.get("users", []):
        ask(desk, "POST", "change", {"set_user": user})
    for note in row["notes"]:
        body = note.get("body", "glhelpers approve DIGEST").replace("DIGEST", digest).replace("SHORT", digest[:12])
        author = {"second-colleague": "Second-Colleague"}.get(note["author"], note["author"])
        written = {"minutes_ago": 1, **note, "author": author, "issue": GIVEN["issue"], "body": body}
        ask(desk, "POST", "change", {"add_note": written})


def played(desk: Running, row: dict[str, Any]) -> Walked:
    """Plan, let the notes be written, and run again with the approval from the issue."""
    planned = walk(CASE.runbook, GIVEN)
    assert planned.record.plan is not None
    assert planned.record.plan.second_person
    noted(desk, row, str(planned.record.plan_digest))
    return walk(CASE.runbook, GIVEN | {"approval": "issue"})


@pytest.mark.parametrize("row", ROWS, ids=[row["case"] for row in ROWS])
def test_a_row_of_the_table(desk: Running, row: dict[str, Any]) -> None:
    """It opens the gate and the change is made, or it does not, with the reason and the line to write; then nothing is sent."""
    ran = played(desk, row)
    writes = [one for one in ask(desk, "GET", "writes")["writes"] if one["path"].startswith("/adapter/")]
    if row.get("opens"):
        assert ran.record.status == "completed", ran.record.why
        assert ran.record.approval is not None
        assert ran.record.approval.note is not None
        assert len(writes) == 2
        return
    assert ran.record.status == "awaiting_approval", ran.record.why
    assert row["says"] in ran.record.why
    assert f"glhelpers approve {ran.record.plan_digest}" in str(ran.record.next_step)
    assert writes == []


def test_a_note_opens_the_gate_once(desk: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same note serves nobody a second time, whoever runs and however the world looks by then."""
    row = {"notes": [{"author": "colleague", "minutes_ago": 2}]}
    assert played(desk, row).record.status == "completed"
    ask(desk, "POST", "reset")
    planned = walk(CASE.runbook, GIVEN)
    stamp = {"issue": GIVEN["issue"], "author": "colleague", "body": f"glhelpers approve {planned.record.plan_digest}"}
    ask(desk, "POST", "change", {"add_note": {**stamp, "minutes_ago": 1}})
    once = walk(CASE.runbook, GIVEN | {"approval": "issue"})
    assert once.record.status == "completed", once.record.why
    assert once.record.approval is not None
    from glhelpers.gates.decision import refusal

    monkeypatch.setenv("GLHELPERS_OPERATOR", "somebody-else")
    other = once.record.approval.model_copy(update={"requested_by": "somebody-else"})
    assert other.id == once.record.approval.id
    assert once.record.plan is not None
    told = refusal(once.record.plan, other, now=other.approved_at, spent_at="then")
    assert told is not None
    assert "spent" in told


def test_without_an_issue_or_approvers_nothing_opens(desk: Running, tmp_path: Path) -> None:
    """No issue named, an issue that is not there, nobody on the list: a sentence each."""
    for other, says in (({"issue": ""}, "no issue"), ({"issue": "gitlab-com/support/nowhere#1"}, "knows no issue")):
        ran = walk(CASE.runbook, GIVEN | other | {"approval": "issue"})
        assert ran.record.status == "awaiting_approval"
        assert says in ran.record.why
    (tmp_path / "config.toml").write_text("[profiles.sandbox]\napprovers = []\n")
    ran = played(desk, {"notes": [{"author": "colleague"}]})
    assert "not on the profile's list" in ran.record.why
    assert "nobody: the profile has no `approvers`" in str(ran.record.next_step)


def test_a_file_that_claims_a_note_is_refused(desk: Running, tmp_path: Path) -> None:
    """Whoever says that a colleague wrote a note is sent to the note."""
    ran = played(desk, {"notes": [{"author": "colleague"}]})
    ask(desk, "POST", "reset")
    again = walk(CASE.runbook, GIVEN, ran.folder / "approval.json")
    assert again.error is not None
    assert "read from there" in again.error.message
    assert ask(desk, "GET", "writes")["attempts"] == 0
