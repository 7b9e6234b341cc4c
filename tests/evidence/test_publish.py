"""Attaching to an issue, against a real server: one internal note, whatever happens in between, and never a secret."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import publish_desk
import pytest
from nbformat import NotebookNode
from publish_desk import LABEL, PROJECT, Desk, bare, small_folder

from glhelpers.errors import BadParameter, BadPlanFile, NotFound, RateLimited, ServiceError, UnexpectedAnswer
from glhelpers.evidence.folder import RunFolder
from glhelpers.evidence.markdown import marker
from glhelpers.evidence.notebook import finished_notebook
from glhelpers.evidence.page import html_page
from glhelpers.evidence.personal import Destination, use_policy
from glhelpers.evidence.publish import escalate, parse_issue
from glhelpers.evidence.publish_parcel import parcel_for
from glhelpers.evidence.seal import MANIFEST, examine, seal_again
from glhelpers.models.record import RunRecord

TOKEN = "glpat-" + "a1B2c3D4e5F6g7H8i9J0"
NOTES = {"system": "gitlab", "path": "*/notes*", "times": 1}
UPLOADS = {"system": "gitlab", "method": "POST", "path": "*/uploads", "times": 1}
FILES = ("notebook.ipynb", "notebook.html", "evidence.zip")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """The server that all tests share, with an outbox of this test's own."""
    return publish_desk.desk().new(tmp_path)


@pytest.fixture
def issue(desk: Desk) -> str:
    """An issue that no other test uses."""
    return desk.issue()


@pytest.fixture
def folder(tmp_path: Path, completed: RunRecord) -> Path:
    """The folder of a finished run, with next to nothing in it."""
    return small_folder(tmp_path, bare(completed))


@pytest.fixture
def whole(tmp_path: Path, completed: RunRecord, executed: NotebookNode) -> Path:
    """The folder of a finished run as a run leaves it."""
    made = RunFolder.open(tmp_path, "", completed.runbook, completed.started_at)
    book = finished_notebook(executed, completed)
    made.write_record(completed)
    made.write_text("notebook.ipynb", nbformat.writes(book))
    made.write_text("notebook.html", html_page(completed, book))
    return made.finalise().path


def look_again(folder: Path) -> None:
    """Change the page."""
    page = folder / "notebook.html"
    page.write_text(page.read_text().replace("</p>", ", and looked at again</p>"))


def notes(desk: Desk, issue: str) -> list[Any]:
    """The notes of the issue."""
    return list(desk.gitlab().notes(*parse_issue(issue)))


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


def test_attach_leaves_one_internal_note(desk: Desk, whole: Path, issue: str, completed: RunRecord) -> None:
    """Notebook, page and archive are uploaded and one internal note links to them; a second attach writes nothing."""
    first = desk.to_issue(whole, issue)
    assert first.action == "created"
    assert tuple(file.name for file in first.files) == FILES
    (note,) = notes(desk, issue)
    assert (note.internal, note.id) == (True, first.message_id)
    assert marker(completed) in note.body
    assert all(f"[{name}](/uploads/" in note.body for name in FILES)
    before = desk.writes()
    second = desk.to_issue(whole, issue)
    assert (second.action, second.message_id, second.files) == ("unchanged", first.message_id, ())
    assert desk.writes() == before


def test_new_content_updates_the_same_note(desk: Desk, folder: Path, issue: str) -> None:
    """If the page changed, its own note is updated in place; the file that is as it was is not uploaded again."""
    first = desk.to_issue(folder, issue)
    look_again(folder)
    second = desk.to_issue(folder, issue)
    assert (second.action, second.message_id) == ("updated", first.message_id)
    assert [(file.name, file.again) for file in second.files] == list(zip(FILES, (False, True, True), strict=True))
    (note,) = notes(desk, issue)
    assert note.body == second.body.strip()


def test_without_the_outbox_of_then_the_note_is_found_all_the_same(
    desk: Desk, folder: Path, issue: str, tmp_path: Path
) -> None:
    """From another machine, too: what the issue shows counts."""
    first = desk.to_issue(folder, issue)
    desk.journal_url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    assert desk.to_issue(folder, issue).action == "unchanged"
    look_again(folder)
    again = desk.to_issue(folder, issue)
    assert (again.action, again.message_id) == ("updated", first.message_id)


def test_a_dry_run_tells_what_is_then_sent(desk: Desk, folder: Path, issue: str) -> None:
    """Files with size and digest, label and note are those of the attach that follows; no write reaches the server."""
    before = desk.writes()
    told = desk.to_issue(folder, issue, labels=[LABEL], dry_run=True)
    assert desk.writes() == before
    sent = desk.to_issue(folder, issue, labels=[LABEL])
    assert (told.action, told.files, told.marks) == (sent.action, sent.files, sent.marks)
    assert told.body == re.sub(r"/uploads/[0-9a-f]{32}/", f"/uploads/{'0' * 32}/", sent.body)
    assert notes(desk, issue)[0].body == sent.body.strip()
    again = desk.to_issue(folder, issue, labels=[LABEL], dry_run=True)
    assert (again.action, again.files, again.marks) == ("unchanged", (), ())
    look_again(folder)
    assert desk.to_issue(folder, issue, dry_run=True).action == "updated"


# what goes wrong with the note          the first attach              the one after it
@pytest.mark.parametrize(
    ("fault", "first", "second"),
    [
        ({"do": "lost_answer", "method": "POST"}, "created", "unchanged"),
        ({"do": "502", "applied": True, "method": "POST"}, "created", "unchanged"),
        ({"do": "truncated_json", "method": "POST"}, "created", "unchanged"),
        ({"do": "html", "method": "POST"}, "created", "unchanged"),
        ({"do": "502", "method": "POST"}, ServiceError, "created"),
        ({"do": "cut", "method": "POST"}, ServiceError, "created"),
        ({"do": "429", "method": "POST", "retry_after": "1"}, "created", "unchanged"),
        ({"do": "429", "method": "POST", "retry_after": "61"}, RateLimited, "created"),
        ({"do": "lost_answer", "method": "PUT"}, "updated", "unchanged"),
        ({"do": "502", "method": "PUT"}, ServiceError, "updated"),
    ],
    ids=lambda value: f"{value['method']} {value['do']}" if isinstance(value, dict) else "",
)
def test_a_note_that_goes_wrong(
    desk: Desk, folder: Path, issue: str, fault: dict[str, Any], first: Any, second: str
) -> None:
    """Read back before anything is sent again: in the end there is one note, with the content of now."""
    if fault["method"] == "PUT":
        desk.to_issue(folder, issue)
        look_again(folder)
    desk.misbehave({**NOTES, **fault})
    if isinstance(first, str):
        assert desk.to_issue(folder, issue).action == first
    else:
        with pytest.raises(first):
            desk.to_issue(folder, issue)
    again = desk.to_issue(folder, issue)
    assert again.action == second
    (note,) = notes(desk, issue)
    assert note.body == again.body.strip()


def test_a_limiter_is_waited_out_for_a_minute_at_most(desk: Desk, folder: Path, issue: str) -> None:
    """`Retry-After` is honoured; without one the waits grow; what was refused is sent once the service takes it."""
    desk.misbehave({**NOTES, "method": "POST", "do": "429", "retry_after": "1"}, {**UPLOADS, "do": "429"})
    assert desk.to_issue(folder, issue).action == "created"
    assert [wait for wait in desk.waits if wait > 0] == [0.5, 1.0]
    assert len(notes(desk, issue)) == 1


@pytest.mark.parametrize("how", ["cut", "lost_answer"])
def test_an_upload_that_goes_wrong_leaves_one_note(desk: Desk, folder: Path, issue: str, how: str) -> None:
    """The attach ends with a sentence; the next one uploads what is missing and writes the note."""
    desk.misbehave({**UPLOADS, "after": 1, "do": how})
    with pytest.raises(ServiceError):
        desk.to_issue(folder, issue)
    again = desk.to_issue(folder, issue)
    assert [file.again for file in again.files] == [False, True, True]
    assert len(notes(desk, issue)) == 1


HOSTILE = [
    "\n/close\n/label ~L&R\n@all look",
    "\r/close",
    "\u2028/close @all",
    "```\n/close\n```",
    "`@all",
    "--> \n/close",
    "<!-- \n/close @robin",
    "</td>\n\n/close",
    "|\n/close|",
    "\\\n/close \\@all",
    "$`\n/close\n`$ %{x}\n~L&R #1 !1 &1",
]


def test_live_quick_actions_and_mentions_would_be_noticed(desk: Desk, issue: str) -> None:
    """What the next test looks for: the sandbox closes the issue and tells whom it notified."""
    assert desk.post_note(issue, body="see\n/close\n@all").status_code == 201
    assert (desk.writes()[-1]["quick_actions"], desk.writes()[-1]["mentions"]) == (["close"], ["all"])
    assert desk.gitlab().issue(*parse_issue(issue)).state == "closed"


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_in_the_data_acts(
    desk: Desk, tmp_path: Path, issue: str, completed: RunRecord, poison: Any, text: str
) -> None:
    """Behind every free text of the record, in a new note, and in one that is brought up to date."""
    folder, before = small_folder(tmp_path, poison(completed, text)), len(desk.writes())
    desk.to_issue(folder, issue)
    if text is HOSTILE[0]:
        look_again(folder)
        assert desk.to_issue(folder, issue).action == "updated"
    acted = [row for row in desk.writes()[before:] if row["quick_actions"] or row["mentions"]]
    assert acted == []
    after = desk.gitlab().issue(*parse_issue(issue))
    assert (after.state, after.labels) == ("opened", ())


@pytest.mark.parametrize(
    ("name", "place", "secret"),
    [
        ("notebook.ipynb", "run.record()", TOKEN),
        ("notebook.html", "read back", TOKEN),
        ("notebook.html", "read back", "dana@example.com"),
        ("record.json", "GitLab.com shows it", TOKEN),
        ("notes.txt", "", TOKEN),
    ],
)
def test_a_secret_in_any_file_stops_everything(
    desk: Desk, folder: Path, issue: str, name: str, place: str, secret: str
) -> None:
    """Nothing is sent, the file and the place are named, the value is not."""
    path = folder / name
    text = path.read_text() if path.exists() else ""
    path.write_text(text.replace(place, f"{place} {secret}", 1))
    before = desk.writes()
    with pytest.raises(BadPlanFile, match=f"Nothing was sent: .* in {name}[,;. ]") as caught:
        desk.to_issue(folder, issue)
    assert secret not in str(caught.value)
    assert desk.writes() == before


@pytest.mark.parametrize(("author", "internal"), [("admin", False), ("other", True)])
def test_a_marker_in_another_note_is_no_note_of_ours(
    desk: Desk, folder: Path, issue: str, author: str, internal: bool
) -> None:
    """A note that is public or of someone else neither passes for the evidence nor is overwritten."""
    text = desk.to_issue(folder, desk.issue(), dry_run=True).body
    of_this_issue = re.sub(r"issue \d+ -->", f"issue {desk.gitlab().issue(*parse_issue(issue)).id} -->", text)
    forged = desk.post_note(issue, author, body=of_this_issue, internal=internal)
    assert forged.status_code == 201
    told = desk.to_issue(folder, issue)
    assert told.action == "created"
    assert told.message_id != forged.json()["id"]


def test_a_colleague_who_shares_the_journal_adds_no_second_note(desk: Desk, folder: Path, issue: str) -> None:
    """Their attach finds the note by its number; only its author can bring it up to date, which is said."""
    first = desk.to_issue(folder, issue)
    assert desk.to_issue(folder, issue, "other").action == "unchanged"
    look_again(folder)
    with pytest.raises(BadParameter, match=f"Note {first.message_id} .* another account"):
        desk.to_issue(folder, issue, "other")
    assert len(notes(desk, issue)) == 1


def test_of_two_notes_the_oldest_is_kept_up_to_date(desk: Desk, folder: Path, issue: str) -> None:
    """Where two machines without a common journal attached at the same moment."""
    first = desk.to_issue(folder, issue)
    desk.post_note(issue, body=notes(desk, issue)[0].body, internal=True)
    look_again(folder)
    assert desk.to_issue(folder, issue).message_id == first.message_id


def test_a_note_that_was_made_public_is_told(desk: Desk, folder: Path, issue: str) -> None:
    """Should GitLab.com not keep to `internal`, the sentence says which note has to go."""
    desk.misbehave({**NOTES, "method": "POST", "do": "rewrite", "key": "internal", "value": False})
    with pytest.raises(UnexpectedAnswer, match="public"):
        desk.to_issue(folder, issue)


def test_an_unknown_issue_gives_a_sentence_and_nothing_is_sent(desk: Desk, folder: Path) -> None:
    """The issue is looked at before anything is uploaded."""
    before = desk.writes()
    with pytest.raises(NotFound):
        desk.to_issue(folder, f"{PROJECT}#999999")
    assert desk.writes() == before


def test_a_folder_without_a_page_is_not_attached(desk: Desk, folder: Path, issue: str) -> None:
    """What is missing is named."""
    (folder / "notebook.html").unlink()
    with pytest.raises(BadPlanFile, match=r"notebook\.html is missing"):
        desk.to_issue(folder, issue)


@pytest.mark.parametrize(
    ("where", "size", "words"),
    [("issue", 100 * 2**20, "GitLab.com takes 104,857,600"), ("ticket", 50 * 10**6, "Zendesk takes 50,000,000")],
)
def test_a_file_that_is_too_large_is_told_before_anything_is_sent(
    desk: Desk, folder: Path, where: str, size: int, words: str
) -> None:
    """Each destination has its own limit."""
    with (folder / "notebook.ipynb").open("ab") as stream:
        stream.truncate(size + 1)
    before = desk.writes()
    with pytest.raises(BadPlanFile, match=f"notebook.ipynb has {size + 1:,} bytes and {words}"):
        desk.to_issue(folder, desk.issue()) if where == "issue" else desk.to_ticket(folder, desk.ticket())
    assert desk.writes() == before


@pytest.mark.parametrize("label", ["Console Escalation", LABEL.lower(), "No such label", f"{LABEL},L&R"])
def test_a_label_that_does_not_exist_stops_the_attach(desk: Desk, folder: Path, issue: str, label: str) -> None:
    """GitLab.com would create it without a word."""
    before = desk.writes()
    with pytest.raises(BadParameter, match="has no label named"):
        desk.to_issue(folder, issue, labels=[label])
    assert desk.writes() == before


def test_labels_are_added_once_and_a_scope_gives_way(desk: Desk, folder: Path, issue: str) -> None:
    """The others stay; of one scope there is one label, and the one that gives way is told."""
    assert desk.to_issue(folder, issue, labels=["L&R", "Console Escalation::Sales", "L&R"]).marks == (
        "L&R",
        "Console Escalation::Sales",
    )
    told = desk.to_issue(folder, issue, labels=["L&R", "Console Escalation::Customers"])
    assert (told.action, told.marks) == ("unchanged", ("Console Escalation::Customers",))
    assert told.notices == ("Labels of the same scope give way: Console Escalation::Sales.",)
    assert set(desk.gitlab().issue(*parse_issue(issue)).labels) == {"L&R", "Console Escalation::Customers"}


def test_the_seal_goes_along_and_a_copy_masked_further_has_none(folder: Path, tmp_path: Path) -> None:
    """Whoever unpacks the archive has the sealed folder, byte for byte, and can verify it."""
    seal_again(folder, None)
    parcel = parcel_for(folder, Destination.issue)
    zipfile.ZipFile(io.BytesIO(parcel.archive().content)).extractall(tmp_path / "unpacked")
    assert examine(tmp_path / "unpacked").whole
    assert (parcel.notices, MANIFEST in parcel.files) == ((), True)
    use_policy({"issue": {"addresses": "none"}})
    try:
        parcel = parcel_for(folder, Destination.issue)
    finally:
        use_policy({})
    assert MANIFEST not in parcel.files
    assert parcel.notices == ("The copy is masked further than the run folder, so the folder's seal stays behind.",)


def test_an_escalation_labels_and_notes_once(desk: Desk, issue: str, completed: RunRecord) -> None:
    """An existing label is added, the note says what happened, and a second time changes nothing."""
    first = escalate(desk.gitlab(), issue, LABEL, completed)
    assert first.label_exists
    before = desk.writes()
    second = escalate(desk.gitlab(), issue, LABEL, completed)
    assert (second.note, second.note_id) == ("unchanged", first.note_id)
    assert desk.writes() == before
    assert desk.gitlab().issue(*parse_issue(issue)).labels.count(LABEL) == 1
    (note,) = notes(desk, issue)
    assert note.internal
    assert marker(completed, "escalation") in note.body


@pytest.mark.parametrize("label", ["Console Escalation", "console escalation - customers", "No such label"])
def test_a_label_is_never_created(desk: Desk, issue: str, completed: RunRecord, label: str) -> None:
    """Only a label of exactly this name is added; otherwise note and result say that there was none."""
    told = escalate(desk.gitlab(), issue, label, completed)
    assert not told.label_exists
    assert "got no label" in told.sentence
    assert label not in desk.gitlab().issue(*parse_issue(issue)).labels
    assert [known.name for known in desk.gitlab().labels(PROJECT, label) if known.name == label] == []
