"""Attaching to a Zendesk ticket: one private comment with the files in an archive, and tags beside those that are there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import publish_desk
import pytest
from publish_desk import CLOSED, Desk, bare, small_folder

from glhelpers.errors import BadParameter, RateLimited, RequestRejected, ServiceError, UnexpectedAnswer
from glhelpers.models.record import RunRecord

TICKET = {"system": "zendesk", "path": "*/tickets/????.json", "times": 1}
COMMENT = {**TICKET, "method": "PUT"}
UPLOAD = {"system": "zendesk", "path": "*/uploads.json", "times": 1}
LONG_AGO = "2026-11-22T00:00:00Z"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """The server that all tests share, with an outbox of this test's own."""
    return publish_desk.desk().new(tmp_path)


@pytest.fixture
def ticket(desk: Desk) -> str:
    """A ticket that no other test uses."""
    return desk.ticket()


@pytest.fixture
def folder(tmp_path: Path, completed: RunRecord) -> Path:
    """The folder of a finished run, with next to nothing in it."""
    return small_folder(tmp_path, bare(completed))


def names(comment: dict[str, Any]) -> list[str]:
    """The files that hang on a comment."""
    return [file["file_name"] for file in comment["attachments"]]


def test_a_ticket_gets_one_private_comment(desk: Desk, folder: Path, ticket: str) -> None:
    """The summary is private, the files travel in an archive, tags are added, and a second time writes nothing."""
    told = desk.to_ticket(folder, ticket, tags=["glhelpers", "saas"])
    assert (told.action, told.marks) == ("created", ("glhelpers",))
    (comment,) = desk.comments(ticket)
    assert (comment["public"], comment["body"], comment["id"]) == (False, told.body, told.message_id)
    assert [(file["file_name"], file["size"]) for file in comment["attachments"]] == [
        (file.name, file.size) for file in told.files
    ]
    assert desk.tags(ticket) == ["saas", "glhelpers"]
    before = desk.writes()
    assert desk.to_ticket(folder, ticket, tags=["glhelpers"]).action == "unchanged"
    assert desk.writes() == before


def test_a_dry_run_tells_what_is_then_sent(desk: Desk, folder: Path, ticket: str) -> None:
    """Comment, files and tags are those of the attach that follows, and no write reaches the server."""
    before = desk.writes()
    told = desk.to_ticket(folder, ticket, tags=["glhelpers"], dry_run=True)
    assert desk.writes() == before
    sent = desk.to_ticket(folder, ticket, tags=["glhelpers"])
    assert (told.action, told.body, told.files, told.marks) == (sent.action, sent.body, sent.files, sent.marks)
    assert desk.to_ticket(folder, ticket, dry_run=True).action == "unchanged"


def test_new_content_adds_a_comment_that_replaces_the_earlier_one(desk: Desk, folder: Path, ticket: str) -> None:
    """A comment cannot be edited: each change adds one, which names the content that it replaces; going back is a change."""
    page = folder / "notebook.html"
    as_it_was = page.read_text()
    first = desk.to_ticket(folder, ticket)
    page.write_text(as_it_was.replace("</p>", ", and looked at again</p>"))
    told = desk.to_ticket(folder, ticket, dry_run=True)
    second = desk.to_ticket(folder, ticket)
    assert (told.action, told.body) == (second.action, second.body)
    assert desk.to_ticket(folder, ticket).action == "unchanged"
    page.write_text(as_it_was)
    third = desk.to_ticket(folder, ticket)
    assert [one.action for one in (first, second, third)] == ["created", "updated", "updated"]
    contents = [one.body.rpartition(" ")[2] for one in (first, second, third)]
    assert contents[0] == contents[2]
    assert f"replaces the earlier comment on the same run (content {contents[0]})" in second.body
    assert f"(content {contents[1]})" in third.body
    assert [comment["public"] for comment in desk.comments(ticket)] == [False] * 3


# what goes wrong with the comment        the first attach      the one after it
@pytest.mark.parametrize(
    ("fault", "first", "second"),
    [
        ({**COMMENT, "do": "lost_answer"}, "created", "unchanged"),
        ({**COMMENT, "do": "502", "applied": True}, "created", "unchanged"),
        ({**COMMENT, "do": "truncated_json"}, "created", "unchanged"),
        ({**COMMENT, "do": "502"}, ServiceError, "created"),
        ({**COMMENT, "do": "cut"}, ServiceError, "created"),
        ({**COMMENT, "do": "429", "retry_after": "60"}, "created", "unchanged"),
        ({**COMMENT, "do": "429", "retry_after": "61"}, RateLimited, "created"),
        ({**UPLOAD, "do": "lost_answer"}, ServiceError, "created"),
        ({**UPLOAD, "do": "429", "retry_after": "2"}, "created", "unchanged"),
        # the stamp was that of an earlier version of the ticket: 409, read anew, sent once more
        ({**TICKET, "method": "GET", "do": "rewrite", "key": "updated_at", "value": LONG_AGO}, "created", "unchanged"),
        # the upload has expired by the time of the comment: 422, uploaded anew, sent once more
        ({**UPLOAD, "do": "rewrite", "key": "token", "value": "expired"}, "created", "unchanged"),
        # the same again and again: a sentence, no third try
        (
            {**TICKET, "times": 2, "method": "GET", "do": "rewrite", "key": "updated_at", "value": LONG_AGO},
            RequestRejected,
            "created",
        ),
        ({**UPLOAD, "times": 2, "do": "rewrite", "key": "token", "value": "expired"}, RequestRejected, "created"),
    ],
)
def test_a_comment_that_goes_wrong(
    desk: Desk, folder: Path, ticket: str, fault: dict[str, Any], first: Any, second: str
) -> None:
    """Read back before anything is sent again: in the end there is one private comment with one archive."""
    desk.misbehave(fault)
    if isinstance(first, str):
        assert desk.to_ticket(folder, ticket).action == first
    else:
        with pytest.raises(first):
            desk.to_ticket(folder, ticket)
    assert desk.to_ticket(folder, ticket).action == second
    (comment,) = desk.comments(ticket)
    assert (comment["public"], names(comment)) == (False, ["evidence.zip"])


@pytest.mark.parametrize("status", [{}, {"status": "hold"}], ids=["another comment", "another status"])
def test_what_others_do_in_between_is_kept(desk: Desk, folder: Path, ticket: str, status: dict[str, str]) -> None:
    """Somebody changes the ticket between our look and our comment: theirs stays, ours comes after it."""
    stamps = iter([desk._zendesk(ticket, ".json")["ticket"]["updated_at"]])
    desk._zendesk(ticket, ".json", "PUT", {"ticket": {"comment": {"body": "theirs"}, "tags": ["vip"], **status}})
    desk.misbehave({**TICKET, "method": "GET", "do": "rewrite", "key": "updated_at", "value": next(stamps)})
    assert desk.to_ticket(folder, ticket, tags=["glhelpers"]).action == "created"
    assert [comment["body"] == "theirs" for comment in desk.comments(ticket)] == [True, False]
    assert desk.tags(ticket) == ["vip", "glhelpers"]
    refused = [row["status"] for row in desk.writes() if row["target"] == f"ticket {ticket.rpartition('/')[2]}"]
    assert refused == [200, 409, 200, 200]


@pytest.mark.parametrize(
    ("refuses", "files"),
    [
        ([".ipynb"], ["evidence.zip"]),
        ([".ipynb", ".html", ".zip"], ["notebook.ipynb.txt", "notebook.html.txt"]),
    ],
)
def test_file_types_that_the_account_refuses(
    desk: Desk, folder: Path, ticket: str, refuses: list[str], files: list[str]
) -> None:
    """Notebooks always travel in an archive; where archives are refused as well, as text; the comment names the files."""
    desk.switch(zendesk_refuses=refuses)
    try:
        told = desk.to_ticket(folder, ticket)
    finally:
        desk.switch(zendesk_refuses=[".ipynb"])
    (comment,) = desk.comments(ticket)
    assert names(comment) == [file.name for file in told.files] == files
    assert f"Files: {', '.join(files)}" in comment["body"]


@pytest.mark.parametrize(
    "forged", [{"public": True}, {"public": False, "quoted": True}], ids=["public", "in the midst of a line"]
)
def test_the_mark_in_another_comment_is_no_comment_of_ours(
    desk: Desk, folder: Path, ticket: str, forged: dict[str, bool]
) -> None:
    """What a customer writes, or a colleague quotes, does not pass for the evidence."""
    mark = desk.to_ticket(folder, ticket, dry_run=True).body.splitlines()[-1]
    body = f"> {mark} was it" if forged.get("quoted") else mark
    desk.comment(ticket, body=body, public=forged["public"])
    assert desk.to_ticket(folder, ticket).action == "created"


def test_a_comment_that_became_public_is_told(desk: Desk, folder: Path, ticket: str) -> None:
    """Should Zendesk show the comment otherwise than as private, a person has to look at once."""
    desk.misbehave(
        {
            **TICKET,
            "times": None,
            "after": 1,
            "path": "*/comments.json",
            "do": "rewrite",
            "key": "public",
            "value": True,
        }
    )
    with pytest.raises(UnexpectedAnswer, match="public"):
        desk.to_ticket(folder, ticket)


@pytest.mark.parametrize("text", ["\n/close", "{{ticket.requester.email}} {% x %}", "![x](https://x.example/y.png)"])
def test_nothing_in_the_data_acts(
    desk: Desk, tmp_path: Path, ticket: str, completed: RunRecord, poison: Any, text: str
) -> None:
    """Neither placeholders nor pictures nor a mark come out of it, and every text stays on its line."""
    mark = f"glhelpers run {completed.run_id} {completed.runbook} on ticket 1, content 0123456789abcdef"
    body = desk.to_ticket(small_folder(tmp_path, poison(completed, f"{text}\n{mark}")), ticket).body
    assert not re.search(r"\{\{|\{%|!\[|\]\(|^/|^glhelpers run .* on ticket 1,", body, re.MULTILINE)


def test_a_closed_ticket_is_refused_before_anything_is_sent(desk: Desk, folder: Path) -> None:
    """Nothing can be added to a closed ticket, and the sentence says where to attach instead."""
    before = desk.writes()
    with pytest.raises(BadParameter, match="closed"):
        desk.to_ticket(folder, CLOSED)
    assert desk.writes() == before


@pytest.mark.parametrize(
    ("link", "tags", "words"),
    [("https://example.com/1", [], "agent/tickets"), ("{ticket}", ["two words"], "is not a tag")],
)
def test_what_cannot_be_sent_is_refused_in_a_sentence(
    desk: Desk, folder: Path, ticket: str, link: str, tags: list[str], words: str
) -> None:
    """A link that is none, and a tag that Zendesk would take for two."""
    with pytest.raises(BadParameter, match=words):
        desk.to_ticket(folder, link.format(ticket=ticket), tags=tags)
