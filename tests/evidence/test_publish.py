"""Attaching against a real server: one internal note, whatever happens in between, and never a secret."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
import yaml
from nbformat import NotebookNode
from pydantic import SecretStr

from glhelpers.clients.gitlab import GitLabClient
from glhelpers.clients.retry import RetryBudget
from glhelpers.clients.transport import RequestLog, Transport
from glhelpers.clients.zendesk import ZendeskClient
from glhelpers.errors import BadParameter, BadPlanFile, NotFound, ServiceError
from glhelpers.evidence.folder import RunFolder
from glhelpers.evidence.markdown import marker
from glhelpers.evidence.notebook import finished_notebook
from glhelpers.evidence.page import html_page
from glhelpers.evidence.publish import attach, attach_to_ticket, escalate, parse_issue
from glhelpers.models.record import RunRecord

PROJECT = "gitlab-com/support/internal-requests"
LABEL = "Console Escalation - customers"
TICKETS = "https://gitlab.zendesk.com/agent/tickets/"
TOKEN = "glpat-" + "a1B2c3D4e5F6g7H8i9J0"
WORLD = {
    "format": "glhelpers.world/1",
    "name": "attach",
    "today": "2026-11-23",
    "switches": {"notes_a_minute": 1000, "zendesk_refuses": [".ipynb"]},
    "users": [{"id": 1, "username": "robin", "admin": True}, {"id": 2, "username": "sam", "admin": True}],
    "tokens": [
        {"name": "admin", "value": "attach-robin", "user": "robin", "scopes": ["api", "admin_mode"]},
        {"name": "other", "value": "attach-sam", "user": "sam", "scopes": ["api", "admin_mode"]},
        {"name": "zendesk", "value": "attach-zendesk", "system": "zendesk"},
    ],
    "projects": [
        {
            "id": 7,
            "path": PROJECT,
            "labels": [LABEL, "Console Escalation::Customers"],
            "issues": [{"iid": number, "title": f"Issue {number}"} for number in range(1, 61)],
        }
    ],
    "tickets": [{"id": 1001, "subject": "Open"}, {"id": 1002, "subject": "Closed", "status": "closed"}],
}
issues = itertools.count(1)


@dataclass
class Sandbox:
    """A server of one's own, with the clients that talk to it."""

    ready: dict[str, Any]
    gitlab: GitLabClient
    zendesk: ZendeskClient
    http: httpx.Client

    def writes(self) -> int:
        """How many writes reached the server, refused ones included."""
        return len(self.http.get("/__sandbox/writes").json()["writes"])

    def faults(self, *faults: dict[str, Any]) -> None:
        """Make the server misbehave in this way from now on."""
        self.http.put("/__sandbox/faults", json=list(faults)).raise_for_status()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One server for all tests here; each test takes an issue of its own."""
    world = tmp_path_factory.mktemp("world") / "attach.yaml"
    world.write_text(yaml.safe_dump(WORLD))
    process = subprocess.Popen(
        [sys.executable, "-m", "glhelpers.sandbox", "--json", "--until-stdin-closes", "--world", str(world)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process, httpx.Client() as http:
        ready = json.loads(process.stdout.readline())
        http.base_url = httpx.URL(ready["gitlab_url"])
        made = [_transport(ready, service, token) for service, token in (("gitlab", "admin"), ("zendesk", "zendesk"))]
        yield Sandbox(ready, GitLabClient(made[0]), ZendeskClient(made[1]), http)
        for transport in made:
            transport.close()
        process.stdin.close()
        process.stdout.close()


def _transport(ready: dict[str, Any], service: str, token: str) -> Transport:
    secret = SecretStr(ready["tokens"][token])
    return Transport(service, ready[f"{service}_url"], secret, log=RequestLog(), budget=RetryBudget())


@pytest.fixture
def issue() -> str:
    """An issue that no other test uses."""
    return f"{PROJECT}#{next(issues)}"


@pytest.fixture
def folder(tmp_path: Path, completed: RunRecord, executed: NotebookNode) -> Path:
    """The folder of a finished run."""
    made = RunFolder.open(tmp_path, "", completed.runbook, completed.started_at)
    book = finished_notebook(executed, completed)
    made.write_record(completed)
    made.write_text("notebook.ipynb", nbformat.writes(book))
    made.write_text("notebook.html", html_page(completed, book))
    return made.finalise().path


def marked(sandbox: Sandbox, issue: str, text: str) -> list[Any]:
    """The notes of the issue that hold this text."""
    return [note for note in sandbox.gitlab.notes(*parse_issue(issue)) if text in note.body]


@pytest.mark.parametrize("text", ["a/b#1", "group/sub.x/project-y#4200", " a/b#1 "])
def test_an_issue_is_named_by_path_and_number(text: str) -> None:
    """The project's whole path stands before the number."""
    assert f"{parse_issue(text).project}#{parse_issue(text).iid}" == text.strip()


@pytest.mark.parametrize(
    "text", ["", "a#1", "a/b", "a/b#0", "a/b#x", "a/../b#1", "/a/b#1", "a//b#1", "a/b#1 x", "a/b&1"]
)
def test_what_is_no_issue_is_refused(text: str) -> None:
    """A malformed reference gives a sentence that shows the form."""
    with pytest.raises(BadParameter, match="group/project#12"):
        parse_issue(text)


def test_attach_leaves_one_internal_note(sandbox: Sandbox, folder: Path, issue: str, completed: RunRecord) -> None:
    """Notebook and page are uploaded and one internal note links to both; a second attach writes nothing."""
    first = attach(folder, sandbox.gitlab, issue)
    assert first.action == "created"
    assert first.files == ("notebook.ipynb", "notebook.html")
    (note,) = marked(sandbox, issue, marker(completed))
    assert note.internal
    assert note.id == first.note_id
    assert note.body.count("](/uploads/") == 2
    before = sandbox.writes()
    second = attach(folder, sandbox.gitlab, issue)
    assert (second.action, second.note_id) == ("unchanged", first.note_id)
    assert sandbox.writes() == before


def test_new_content_updates_the_same_note(sandbox: Sandbox, folder: Path, issue: str, completed: RunRecord) -> None:
    """If the page changed, its own note is updated in place."""
    first = attach(folder, sandbox.gitlab, issue)
    page = folder / "notebook.html"
    page.write_text(page.read_text().replace("</h1>", " (second look)</h1>"))
    second = attach(folder, sandbox.gitlab, issue)
    assert (second.action, second.note_id) == ("updated", first.note_id)
    (note,) = marked(sandbox, issue, marker(completed))
    assert note.body == second.body


def test_a_dry_run_sends_nothing(sandbox: Sandbox, folder: Path, issue: str) -> None:
    """It tells the note and the files, and no write reaches the server."""
    before = sandbox.writes()
    told = attach(folder, sandbox.gitlab, issue, dry_run=True)
    assert told.action == "would_create"
    assert told.files == ("notebook.ipynb", "notebook.html")
    assert "### ✓ force_associate" in told.body
    assert sandbox.writes() == before


@pytest.mark.parametrize("how", ["cut", "lost_answer"])
def test_a_crash_between_upload_and_note_leaves_one_note(
    sandbox: Sandbox, folder: Path, issue: str, completed: RunRecord, how: str
) -> None:
    """Whether the note had arrived or not, the next attach ends with exactly one."""
    sandbox.faults({"system": "gitlab", "method": "POST", "path": "*/notes", "times": 1, "do": how})
    try:
        with pytest.raises(ServiceError):
            attach(folder, sandbox.gitlab, issue)
    finally:
        sandbox.faults()
    again = attach(folder, sandbox.gitlab, issue)
    assert again.action == ("created" if how == "cut" else "unchanged")
    assert len(marked(sandbox, issue, marker(completed))) == 1


@pytest.mark.parametrize("name", ["notebook.ipynb", "notebook.html", "record.json", "notes.txt"])
@pytest.mark.parametrize("secret", [TOKEN, "dana@example.com"])
def test_a_secret_in_any_file_stops_everything(
    sandbox: Sandbox, folder: Path, issue: str, name: str, secret: str
) -> None:
    """Nothing is sent, the file and the place are named, the value is not."""
    path = folder / name
    text = path.read_text() if path.exists() else ""
    broken = text.replace("passes", f"passes {secret}", 1) if "passes" in text else f"{text}{secret}"
    if name == "record.json":
        broken = text.replace("Nothing stands", f"{secret} Nothing stands", 1)
    path.write_text(broken)
    before = sandbox.writes()
    with pytest.raises(BadPlanFile, match=f"Nothing was sent: .* in {name}[,;. ]") as caught:
        attach(folder, sandbox.gitlab, issue)
    assert secret not in str(caught.value)
    assert sandbox.writes() == before


@pytest.mark.parametrize(("author", "internal"), [("admin", False), ("other", True)])
def test_a_marker_in_another_note_is_no_note_of_ours(
    sandbox: Sandbox, folder: Path, issue: str, completed: RunRecord, author: str, internal: bool
) -> None:
    """A note that is public or of someone else neither passes for the evidence nor is overwritten."""
    project, iid = parse_issue(issue)
    path = f"/api/v4/projects/{project.replace('/', '%2F')}/issues/{iid}/notes"
    text = {"body": f"all is well {marker(completed)}", "internal": internal}
    headers = {"PRIVATE-TOKEN": sandbox.ready["tokens"][author]}
    forged = sandbox.http.post(path, json=text, headers=headers)
    assert forged.status_code == 201
    told = attach(folder, sandbox.gitlab, issue)
    assert told.action == "created"
    assert told.note_id != forged.json()["id"]


def test_an_unknown_issue_gives_a_sentence_and_nothing_is_sent(sandbox: Sandbox, folder: Path) -> None:
    """The issue is looked at before anything is uploaded."""
    before = sandbox.writes()
    with pytest.raises(NotFound):
        attach(folder, sandbox.gitlab, f"{PROJECT}#999999")
    assert sandbox.writes() == before


def test_a_folder_without_a_page_is_not_attached(sandbox: Sandbox, folder: Path, issue: str) -> None:
    """What is missing is named."""
    (folder / "notebook.html").unlink()
    with pytest.raises(BadPlanFile, match=r"notebook\.html is missing"):
        attach(folder, sandbox.gitlab, issue)


def test_an_escalation_labels_and_notes_once(sandbox: Sandbox, issue: str, completed: RunRecord) -> None:
    """An existing label is added, the note says what happened, and a second time changes nothing."""
    first = escalate(sandbox.gitlab, issue, LABEL, completed)
    assert first.label_exists
    before = sandbox.writes()
    second = escalate(sandbox.gitlab, issue, LABEL, completed)
    assert (second.note, second.note_id) == ("unchanged", first.note_id)
    assert sandbox.writes() == before
    assert sandbox.gitlab.issue(*parse_issue(issue)).labels.count(LABEL) == 1
    (note,) = marked(sandbox, issue, marker(completed, "escalation"))
    assert note.internal


@pytest.mark.parametrize("label", ["Console Escalation", "console escalation - customers", "No such label"])
def test_a_label_is_never_created(sandbox: Sandbox, issue: str, completed: RunRecord, label: str) -> None:
    """Only a label of exactly this name is added; otherwise note and result say that there was none."""
    told = escalate(sandbox.gitlab, issue, label, completed)
    assert not told.label_exists
    assert "got no label" in told.sentence
    assert label not in sandbox.gitlab.issue(*parse_issue(issue)).labels
    assert [known.name for known in sandbox.gitlab.labels(PROJECT, label) if known.name == label] == []


def test_a_ticket_gets_one_private_comment(sandbox: Sandbox, folder: Path) -> None:
    """The summary is private, the files travel in an archive, and a second time writes nothing."""
    link = f"{TICKETS}1001"
    assert attach_to_ticket(folder, sandbox.zendesk, link, dry_run=True).action == "would_create"
    told = attach_to_ticket(folder, sandbox.zendesk, link)
    assert (told.action, told.files) == ("created", ("evidence.zip",))
    comments = [comment for comment in sandbox.zendesk.comments(1001) if "glhelpers run" in comment.body]
    assert [comment.public for comment in comments] == [False]
    before = sandbox.writes()
    assert attach_to_ticket(folder, sandbox.zendesk, link).action == "unchanged"
    assert sandbox.writes() == before


def test_a_closed_ticket_is_refused_before_anything_is_sent(sandbox: Sandbox, folder: Path) -> None:
    """Nothing can be added to a closed ticket, and the sentence says where to attach instead."""
    before = sandbox.writes()
    with pytest.raises(BadParameter, match="closed"):
        attach_to_ticket(folder, sandbox.zendesk, f"{TICKETS}1002")
    assert sandbox.writes() == before


def test_a_ticket_link_must_be_one(sandbox: Sandbox, folder: Path) -> None:
    """Anything but a ticket link is refused before anything is read."""
    with pytest.raises(BadParameter, match="agent/tickets"):
        attach_to_ticket(folder, sandbox.zendesk, "https://example.com/1")
