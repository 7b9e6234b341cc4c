"""Evidence on the issue and the ticket by command: once however often it is asked for, and no label is ever created."""

from __future__ import annotations

import json
import multiprocessing
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from walks import planned_and_applied

pytestmark = pytest.mark.notebook

LABEL = "Console Escalation - customers"
ISSUES = "gitlab-com/support/internal-requests"
TICKETS = "https://gitlab.zendesk.com/agent/tickets"
PROJECT = f"projects/{ISSUES.replace('/', '%2F')}"
OWN = 2
"""Number of the issue of the module's run; its ticket is 1002."""


@pytest.fixture
def folder(modules_run: Path, tmp_path: Path) -> Path:
    """A copy of the module's run."""
    return Path(shutil.copytree(modules_run, tmp_path / modules_run.name))


def notes(desk: Any, iid: int) -> list[dict[str, Any]]:
    """The notes of people on an issue."""
    return [note for note in desk.gitlab(f"{PROJECT}/issues/{iid}/notes") if not note["system"]]


def comments(desk: Any, ticket: int) -> list[dict[str, Any]]:
    """The comments on a ticket, with what hangs on them."""
    found: list[dict[str, Any]] = zendesk(desk, f"tickets/{ticket}/comments.json")["comments"]
    return found


def zendesk(desk: Any, path: str) -> Any:
    """What Zendesk answers to an agent."""
    headers = {"Authorization": f"Bearer {desk.sandbox.tokens['zendesk']}"}
    with urlopen(Request(f"{desk.sandbox.urls['zendesk']}/api/v2/{path}", headers=headers)) as told:
        return json.load(told)


def test_attaching_twice_leaves_one_internal_note(shared_desk: Any, folder: Path) -> None:
    """Notebook, page and archive are linked in one internal note on the run's own issue; a second attach sends nothing."""
    code, said = shared_desk.command("attach", str(folder))
    assert code == 0
    assert "One internal note was added" in said
    (note,) = notes(shared_desk, OWN)
    assert note["internal"]
    for name in ("notebook.ipynb", "notebook.html", "evidence.zip"):
        assert f"[{name}](/uploads/" in note["body"]
    assert "fox-university" in note["body"]
    sent = shared_desk.attempts()
    code, said = shared_desk.command("attach", str(folder))
    assert code == 0
    assert "The note is there already; nothing was sent" in said
    assert shared_desk.attempts() == sent
    assert len(notes(shared_desk, OWN)) == 1


def test_issue_and_ticket_in_one_go_after_a_dry_run(shared_desk: Any, folder: Path) -> None:
    """The dry run sends nothing and shows both texts, character by character; the attach then sends exactly these."""
    before = shared_desk.attempts()
    where = ("--issue", f"{ISSUES}#11", "--ticket", f"{TICKETS}/1011")
    words = ("attach", str(folder), *where, "--label", "L&R", "--tag", "evidence")
    code, told = shared_desk.command(*words, "--dry-run")
    assert (code, shared_desk.attempts()) == (0, before)
    note_body, comment_body = re.findall(r"^-{80}\n(.*?)\n-{80}$", told, re.MULTILINE | re.DOTALL)
    for name in ("notebook.ipynb", "notebook.html"):
        assert f"  file   {name}  {(folder / name).stat().st_size:,} bytes" in told
    assert all(line in told for line in ("  label  L&R", "  tag    glhelpers", "  tag    evidence"))

    code, said = shared_desk.command(*words)
    assert code == 0
    assert "One internal note was added; label added: L&R" in said
    assert "One private comment was added; tags added: glhelpers, evidence" in said
    (note,) = notes(shared_desk, 11)
    (comment,) = comments(shared_desk, 1011)
    assert re.sub(r"(?<=/uploads/)[0-9a-f]{32}", "0" * 32, note["body"]) == note_body
    assert (comment["body"], comment["public"]) == (comment_body, False)
    (archive,) = comment["attachments"]
    assert f"evidence.zip  {archive['size']:,} bytes" in told
    assert shared_desk.gitlab(f"{PROJECT}/issues/11")["labels"] == ["L&R"]
    assert {"glhelpers", "evidence"} <= set(zendesk(shared_desk, "tickets/1011.json")["ticket"]["tags"])


def test_the_ticket_alone(shared_desk: Any, folder: Path) -> None:
    """`--ticket` without `--issue` leaves the issue of the run alone."""
    before = len(notes(shared_desk, OWN))
    assert shared_desk.command("attach", str(folder), "--ticket", f"{TICKETS}/1013")[0] == 0
    assert len(comments(shared_desk, 1013)) == 1
    assert len(notes(shared_desk, OWN)) == before


def test_a_killed_command_is_finished_by_the_next(
    shared_desk: Any, folder: Path, until: Callable[[Callable[[], Any]], Any]
) -> None:
    """`kill -9` while GitLab.com is at work on the note; the command given again leaves one note."""
    words = ("attach", str(folder), "--issue", f"{ISSUES}#14")
    slow = {"system": "gitlab", "method": "POST", "path": "*/notes", "do": "latency", "seconds": 9, "times": 1}
    shared_desk.misbehave(slow)
    child = multiprocessing.get_context("fork").Process(target=shared_desk.command, args=words)
    child.start()
    until(lambda: shared_desk.ask("faults")[0]["seen"])
    child.kill()
    child.join()
    shared_desk.misbehave()
    code, said = shared_desk.command(*words)
    assert code == 0
    assert "The note is there already; nothing was sent" in said
    assert len(notes(shared_desk, 14)) == 1


def test_a_folder_that_was_changed_is_not_sent(shared_desk: Any, folder: Path) -> None:
    """The seal tells which file; nothing leaves."""
    before = shared_desk.attempts()
    page = folder / "notebook.html"
    page.write_text(page.read_text().replace("fox", "ox"))
    code, said = shared_desk.command("attach", str(folder), "--ticket", f"{TICKETS}/1015")
    assert (code, shared_desk.attempts()) == (2, before)
    assert "notebook.html (changed)" in " ".join(said.split())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere"], "The run record "),
        (["{folder}", "--issue", "no-project"], "The issue is not named in a form that can be read."),
        (["{folder}", "--issue", f"{ISSUES}#999"], "GitLab.com"),
        (["{folder}", "--label", "Nowhere"], "has no label named Nowhere"),
        (["{folder}", "--ticket", "1005"], "The ticket is not given as a link that can be read."),
        (["{folder}", "--ticket", f"{TICKETS}/1005", "--tag", "two words"], "is not a tag"),
        (["{folder}", "--notebook", "nowhere.ipynb"], "nowhere.ipynb is not a notebook that can be read."),
    ],
    ids=["no folder", "a malformed issue", "no issue", "no label", "no ticket link", "no tag", "no notebook"],
)
def test_what_cannot_be_attached_is_said_in_a_sentence(
    shared_desk: Any, folder: Path, words: list[str], says: str
) -> None:
    """Nothing is sent, and the sentence names what is wrong."""
    before = shared_desk.attempts()
    code, said = shared_desk.command("attach", *[word.format(folder=folder) for word in words])
    assert code in (2, 3)
    assert says in said
    assert "Traceback" not in said
    assert shared_desk.attempts() == before


def test_an_escalated_run_labels_the_issue_and_tells_it_once(shared_desk: Any) -> None:
    """The existing label is put on, with one internal note that gives the answer of the tool."""
    record = planned_and_applied("force_associate", shared_desk.case(1025)).record
    assert record.status == "escalated"
    assert shared_desk.gitlab(f"{PROJECT}/issues/25")["labels"] == [LABEL]
    (note,) = notes(shared_desk, 25)
    assert note["internal"]
    assert "Answer of the tool: refused: " in note["body"]
    assert any("has the label" in notice for notice in record.notices)


def test_a_label_that_does_not_exist_is_not_created(shared_desk: Any, tmp_path: Path) -> None:
    """Where the project lacks the label, the issue gets the note alone, and note and record say so."""
    (tmp_path / "config.toml").write_text(f'[profiles.sandbox]\nescalation_label = "{LABEL.lower()}"\n')
    known = shared_desk.gitlab(f"{PROJECT}/labels")
    asked = {**shared_desk.case(1025), "issue": f"{ISSUES}#26"}
    record = planned_and_applied("force_associate", asked).record
    assert record.status == "escalated"
    assert shared_desk.gitlab(f"{PROJECT}/issues/26")["labels"] == []
    assert shared_desk.gitlab(f"{PROJECT}/labels") == known
    note = notes(shared_desk, 26)[0]
    assert note["internal"]
    assert "The project has no label" in note["body"]
    assert any("got no label" in notice for notice in record.notices)
