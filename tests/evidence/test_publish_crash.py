"""`kill -9` while attaching: wherever it strikes, the next attach leaves one note or comment with one set of files."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import publish_desk
import pytest
from publish_desk import LABEL, Desk, bare, deadly, die, small_folder

from glhelpers.clients.gitlab import GitLabClient
from glhelpers.clients.zendesk import ZendeskClient
from glhelpers.evidence.publish import parse_issue
from glhelpers.evidence.publish_outbox import Message, Outbox
from glhelpers.models.record import RunRecord

Prepare = Callable[[], None]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """The server that all tests share, with an outbox of this test's own."""
    return publish_desk.desk().new(tmp_path)


@pytest.fixture
def folder(tmp_path: Path, completed: RunRecord) -> Path:
    """The folder of a finished run, with next to nothing in it."""
    return small_folder(tmp_path, bare(completed))


def check_issue(desk: Desk, issue: str) -> None:
    """One internal note with three files, the issue open and labelled."""
    notes = desk.gitlab().notes(*parse_issue(issue))
    assert [note.internal for note in notes] == [True]
    assert notes[0].body.count("](/uploads/") == 3
    assert desk.gitlab().issue(*parse_issue(issue)).labels == (LABEL,)


def check_ticket(desk: Desk, ticket: str) -> None:
    """One private comment with one archive, and the tag beside those that were there."""
    (comment,) = desk.comments(ticket)
    assert not comment["public"]
    assert [file["file_name"] for file in comment["attachments"]] == ["evidence.zip"]
    assert desk.tags(ticket) == ["saas", "glhelpers"]


# point of death                        what dies there                                                 notes, uploads by then and in the end
ISSUE_POINTS: list[tuple[str, Prepare, tuple[int, int], tuple[int, int]]] = [
    ("before the claim", lambda: deadly(Outbox, "claim"), (0, 0), (1, 3)),
    ("before any upload", lambda: deadly(GitLabClient, "upload"), (0, 0), (1, 3)),
    ("uploaded, not written down", lambda: deadly(Message, "keep"), (0, 1), (1, 4)),
    ("between two uploads", lambda: deadly(Message, "keep", after=True), (0, 1), (1, 3)),
    ("between the last two", lambda: deadly(GitLabClient, "upload", nth=2), (0, 2), (1, 3)),
    ("uploaded, before the intent", lambda: deadly(Message, "sending"), (0, 3), (1, 3)),
    ("before the note", lambda: deadly(GitLabClient, "create_note"), (0, 3), (1, 3)),
    ("after the note", lambda: deadly(GitLabClient, "create_note", after=True), (1, 3), (1, 3)),
    ("before the local mark", lambda: deadly(Message, "settle"), (1, 3), (1, 3)),
    ("before the label", lambda: deadly(GitLabClient, "add_labels"), (1, 3), (1, 3)),
]


@pytest.mark.parametrize(
    ("prepare", "by_then", "in_the_end"), [row[1:] for row in ISSUE_POINTS], ids=[row[0] for row in ISSUE_POINTS]
)
def test_killed_while_attaching_to_an_issue(
    desk: Desk, folder: Path, prepare: Prepare, by_then: tuple[int, int], in_the_end: tuple[int, int]
) -> None:
    """The next attach does what is left; uploads that were written down are not repeated."""
    issue, before = desk.issue(), len(desk.writes())

    def notes_and_uploads() -> tuple[int, int]:
        done = [row["action"] for row in desk.writes()[before:] if row["applied"]]
        return done.count("create_note"), done.count("upload")

    assert desk.killed(lambda: desk.to_issue(folder, issue, labels=[LABEL]), prepare) == -9
    assert notes_and_uploads() == by_then
    assert desk.to_issue(folder, issue, labels=[LABEL]).action == ("unchanged" if by_then[0] else "created")
    assert notes_and_uploads() == in_the_end
    check_issue(desk, issue)


TICKET_POINTS: list[tuple[str, Prepare, tuple[int, int], tuple[int, int]]] = [
    ("before the claim", lambda: deadly(Outbox, "claim"), (0, 0), (1, 1)),
    ("before the upload", lambda: deadly(ZendeskClient, "upload"), (0, 0), (1, 1)),
    ("after the upload", lambda: deadly(ZendeskClient, "upload", after=True), (0, 1), (1, 2)),
    ("before the comment", lambda: deadly(ZendeskClient, "add_private_comment"), (0, 1), (1, 2)),
    ("after the comment", lambda: deadly(ZendeskClient, "add_private_comment", after=True), (1, 1), (1, 1)),
    ("before the local mark", lambda: deadly(Message, "settle"), (1, 1), (1, 1)),
    ("before the tags", lambda: deadly(ZendeskClient, "add_tags"), (1, 1), (1, 1)),
]


@pytest.mark.parametrize(
    ("prepare", "by_then", "in_the_end"), [row[1:] for row in TICKET_POINTS], ids=[row[0] for row in TICKET_POINTS]
)
def test_killed_while_attaching_to_a_ticket(
    desk: Desk, folder: Path, prepare: Prepare, by_then: tuple[int, int], in_the_end: tuple[int, int]
) -> None:
    """The next attach uploads anew, since upload tokens are kept nowhere, and adds the comment if it is not there."""
    ticket, before = desk.ticket(), len(desk.writes())

    def comments_and_uploads() -> tuple[int, int]:
        done = [row["action"] for row in desk.writes()[before:] if row["applied"]]
        return done.count("update_ticket"), done.count("upload")

    assert desk.killed(lambda: desk.to_ticket(folder, ticket, tags=["glhelpers"]), prepare) == -9
    assert comments_and_uploads() == by_then
    assert desk.to_ticket(folder, ticket, tags=["glhelpers"]).action == ("unchanged" if by_then[0] else "created")
    assert comments_and_uploads() == in_the_end
    check_ticket(desk, ticket)


def test_killed_while_the_note_is_brought_up_to_date(desk: Desk, folder: Path) -> None:
    """The note is updated by the next attach, in place, and stays the only one."""
    issue = desk.issue()
    first = desk.to_issue(folder, issue)
    page = folder / "notebook.html"
    page.write_text(page.read_text().replace("</p>", ", and looked at again</p>"))
    assert desk.killed(lambda: desk.to_issue(folder, issue), lambda: deadly(GitLabClient, "update_note")) == -9
    again = desk.to_issue(folder, issue)
    assert (again.action, again.message_id) == ("updated", first.message_id)
    (note,) = desk.gitlab().notes(*parse_issue(issue))
    assert note.body.strip() == again.body.strip()


def test_a_note_that_is_still_on_its_way_is_waited_for(desk: Desk, folder: Path) -> None:
    """Killed while GitLab.com works on the note: the next attach looks only when it cannot arrive any more."""
    issue, desk.in_flight = desk.issue(), 1.0
    desk.misbehave({"system": "gitlab", "method": "POST", "path": "*/notes", "times": 1, "do": "latency", "seconds": 9})

    def prepare() -> None:
        create = GitLabClient.create_note

        def struck(*given: Any) -> Any:
            threading.Timer(0.2, die).start()
            return create(*given)

        setattr(GitLabClient, "create_note", struck)  # noqa: B010 (in the process that dies)

    assert desk.killed(lambda: desk.to_issue(folder, issue), prepare) == -9
    assert desk.to_issue(folder, issue).action == "unchanged"
    assert max(desk.waits) > 0
    (note,) = desk.gitlab().notes(*parse_issue(issue))
    assert note.internal


def test_kills_at_random_moments(desk: Desk, folder: Path) -> None:
    """Issue and ticket in one go, killed anywhere: in the end there is one note and one comment."""
    chance, died = random.Random(5), 0
    began = time.monotonic()
    desk.to_issue(folder, desk.issue(), labels=[LABEL])
    desk.to_ticket(folder, desk.ticket(), tags=["glhelpers"])
    longest = time.monotonic() - began
    for _ in range(int(os.environ.get("KILL_ROUNDS", "5"))):
        issue, ticket, moment = desk.issue(), desk.ticket(), chance.uniform(0, longest)

        def both(issue: str = issue, ticket: str = ticket) -> None:
            desk.to_issue(folder, issue, labels=[LABEL])
            desk.to_ticket(folder, ticket, tags=["glhelpers"])

        def prepare(moment: float = moment) -> None:
            threading.Timer(moment, die).start()

        died += desk.killed(both, prepare) == -9
        both()
        check_issue(desk, issue)
        check_ticket(desk, ticket)
    assert died
