"""Where evidence ends up: issues, notes, labels and uploads on GitLab.com, tickets on Zendesk."""

from __future__ import annotations

import base64
from typing import Any

import pytest

ISSUE = "/projects/gitlab-com%2Fsupport%2Finternal-requests/issues/1"


def test_an_internal_note_and_its_update(sandbox: Any) -> None:
    """201 with the note; its own author may change it, somebody else may not."""
    note = sandbox.gitlab(f"{ISSUE}/notes", "owner", "POST", json={"body": "first", "internal": True})
    assert (note.status_code, note.json()["internal"], note.json()["author"]["username"]) == (201, True, "olive")
    path = f"{ISSUE}/notes/{note.json()['id']}"
    assert sandbox.gitlab(path, "owner", "PUT", json={"body": "second"}).json()["body"] == "second"
    assert sandbox.gitlab(path, "maintainer", "PUT", json={"body": "mine"}).status_code == 403
    assert [row["body"] for row in sandbox.gitlab(f"{ISSUE}/notes").json()] == ["second"]
    assert sandbox.gitlab("/projects/11/issues/2/notes").json() == []


@pytest.mark.parametrize(
    ("body", "status"), [("/close", 202), ("", 400), ("   ", 400), ("x" * 1_000_001, 400), ("/label ~x\ntext", 201)]
)
def test_bodies_of_notes(sandbox: Any, body: str, status: int) -> None:
    """Quick actions alone make no note; an empty or over-long text is refused."""
    answer = sandbox.gitlab(f"{ISSUE}/notes", "stranger", "POST", json={"body": body})
    assert answer.status_code == status


def test_a_note_is_public_unless_it_says_internal(sandbox: Any) -> None:
    """`internal` defaults to false."""
    note = sandbox.gitlab(f"{ISSUE}/notes", "maintainer", "POST", json={"body": "seen by all"}).json()
    assert note["internal"] is False


@pytest.mark.parametrize(
    ("change", "labels"),
    [
        ({"add_labels": "Console Escalation - customers"}, {"Status::New", "Console Escalation - customers"}),
        ({"add_labels": "Status::Done"}, {"Status::Done"}),
        ({"remove_labels": "Status::New"}, set()),
        ({"labels": "Status::Done,Console Escalation - customers"}, {"Status::Done", "Console Escalation - customers"}),
        (
            {"add_labels": ["Status::Done", "Console Escalation - customers"]},
            {"Status::Done", "Console Escalation - customers"},
        ),
    ],
)
def test_labels_are_added_removed_replaced(sandbox: Any, change: dict[str, Any], labels: set[str]) -> None:
    """A scoped label drops its siblings."""
    answer = sandbox.gitlab(ISSUE, "owner", "PUT", json=change)
    assert (answer.status_code, set(answer.json()["labels"])) == (200, labels)


def test_a_label_that_does_not_exist_is_made_without_a_word(sandbox: Any) -> None:
    """A typing error becomes a new label of the project."""
    search = "/projects/11/labels?search=console"
    assert len(sandbox.gitlab(search).json()) == 2
    assert sandbox.gitlab(ISSUE, "owner", "PUT", json={"add_labels": "Console Escalaton"}).status_code == 200
    assert [row["name"] for row in sandbox.gitlab(search).json()][-1] == "Console Escalaton"


def test_closing_and_reopening(sandbox: Any) -> None:
    """`state_event`, and an issue's address."""
    closed = sandbox.gitlab(ISSUE, "owner", "PUT", json={"state_event": "close"}).json()
    assert (closed["state"], closed["iid"]) == ("closed", 1)
    assert closed["web_url"].endswith("/gitlab-com/support/internal-requests/-/issues/1")
    assert sandbox.gitlab(ISSUE, "owner", "PUT", json={"state_event": "reopen"}).json()["state"] == "opened"


@pytest.mark.parametrize(("name", "sign"), [("record.json", "["), ("picture.png", "![")])
def test_an_upload_answers_the_link_to_put_into_a_note(sandbox: Any, name: str, sign: str) -> None:
    """Images are shown, other files linked."""
    answer = sandbox.gitlab("/projects/11/uploads", "owner", "POST", files={"file": (name, b"{}", "application/json")})
    told = answer.json()
    assert (answer.status_code, told["alt"]) == (201, name)
    assert told["markdown"] == f"{sign}{name}]({told['url']})"
    assert told["full_path"].startswith("/-/project/11/uploads/")
    assert sandbox.gitlab("/projects/11/uploads", "owner", "POST", json={}).status_code == 400


def test_issues_are_linked_once(sandbox: Any) -> None:
    """A second time is 409; an issue that is not there is 404."""
    body = {"target_project_id": "gitlab-com/support/internal-requests", "target_issue_iid": 2}
    first = sandbox.gitlab(f"{ISSUE}/links", "owner", "POST", json=body)
    assert (first.status_code, first.json()["link_type"]) == (201, "relates_to")
    again = sandbox.gitlab(f"{ISSUE}/links", "owner", "POST", json=body)
    assert (again.status_code, again.json()) == (409, {"message": "Issue(s) already assigned"})
    body["target_issue_iid"] = 99
    assert sandbox.gitlab(f"{ISSUE}/links", "owner", "POST", json=body).status_code == 404


@pytest.mark.parametrize("scheme", ["bearer", "basic", "wrong", "none"])
def test_zendesk_takes_basic_and_bearer(sandbox: Any, scheme: str) -> None:
    """`email/token:TOKEN` in Basic, or a Bearer token."""
    token = sandbox.told["tokens"]["zendesk"]
    basic = base64.b64encode(f"agent@example.com/token:{token}".encode()).decode()
    shown = {"bearer": f"Bearer {token}", "basic": f"Basic {basic}", "wrong": "Basic bm9ib2R5", "none": ""}[scheme]
    answer = sandbox.client.get(
        f"{sandbox.told['zendesk_url']}/api/v2/tickets/1001.json", headers={"Authorization": shown}
    )
    assert answer.status_code == (200 if scheme in ("bearer", "basic") else 401)


@pytest.mark.parametrize(("comment", "public"), [({"body": "x"}, True), ({"body": "x", "public": False}, False)])
def test_a_comment_is_public_unless_it_says_otherwise(sandbox: Any, comment: dict[str, Any], public: bool) -> None:
    """Zendesk's default would show evidence to the customer."""
    sandbox.zendesk("/tickets/1001.json", "PUT", json={"ticket": {"comment": comment}})
    (kept,) = sandbox.zendesk("/tickets/1001/comments.json").json()["comments"]
    assert (kept["public"], kept["body"]) == (public, "x")


def test_uploads_go_onto_a_comment_once(sandbox: Any) -> None:
    """A token names the file for an hour, and for one comment."""
    upload = sandbox.zendesk(
        "/uploads.json?filename=a.html", "POST", content=b"<p>", headers={"Content-Type": "text/html"}
    )
    token = upload.json()["upload"]["token"]
    assert upload.status_code == 201
    body = {"ticket": {"comment": {"body": "see", "public": False, "uploads": [token]}}}
    assert sandbox.zendesk("/tickets/1001.json", "PUT", json=body).status_code == 200
    (comment,) = sandbox.zendesk("/tickets/1001/comments.json").json()["comments"]
    assert [file["file_name"] for file in comment["attachments"]] == ["a.html"]
    assert sandbox.zendesk("/tickets/1001.json", "PUT", json=body).status_code == 422


def test_a_file_type_may_be_refused(sandbox: Any) -> None:
    """This world's Zendesk takes no notebooks."""
    assert sandbox.zendesk("/uploads.json?filename=a.ipynb", "POST", content=b"{}").status_code == 422


def test_tags_are_added_or_replaced(sandbox: Any) -> None:
    """PUT on the tags adds; `ticket.tags` replaces."""
    assert sandbox.zendesk("/tickets/1001/tags.json", "PUT", json={"tags": ["a", "saas"]}).json()["tags"] == [
        "saas",
        "a",
    ]
    replaced = sandbox.zendesk("/tickets/1001.json", "PUT", json={"ticket": {"tags": ["b"]}})
    assert replaced.json()["ticket"]["tags"] == ["b"]


def test_a_closed_ticket_takes_nothing(sandbox: Any) -> None:
    """422 with the field that forbids it, for updates and tags alike."""
    answer = sandbox.zendesk("/tickets/1002.json", "PUT", json={"ticket": {"comment": {"body": "x"}}})
    assert (answer.status_code, answer.json()["error"]) == (422, "RecordInvalid")
    assert sandbox.zendesk("/tickets/1002/tags.json", "PUT", json={"tags": ["x"]}).status_code == 422
    assert sandbox.zendesk("/tickets/9999.json").json()["error"] == "RecordNotFound"


def test_a_safe_update_conflicts_with_a_newer_one(sandbox: Any) -> None:
    """The stamp of the version read must still be the ticket's."""
    stamp = sandbox.zendesk("/tickets/1001.json").json()["ticket"]["updated_at"]
    body = {"ticket": {"status": "hold", "safe_update": True, "updated_stamp": stamp}}
    assert sandbox.zendesk("/tickets/1001.json", "PUT", json=body).status_code == 200
    assert sandbox.zendesk("/tickets/1001.json", "PUT", json=body).status_code == 409


@pytest.mark.parametrize(
    ("system", "path", "method"),
    [
        ("gitlab", "/api/v4/projects/11/issues/1", "PUT"),
        ("customersdot", "/adapter/v1/support-tools/force-associate", "POST"),
        ("zendesk", "/api/v2/tickets/1001.json", "PUT"),
        ("zendesk", "/api/v2/tickets/1001/tags.json", "PUT"),
    ],
)
@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"ticket": []}', b'{"ticket": {"comment": {"uploads": 5}}}', b'{"tags": 5}']
)
def test_a_malformed_body_is_no_server_error(sandbox: Any, system: str, path: str, method: str, content: bytes) -> None:
    """Refused or ignored, but answered."""
    token = {"Authorization": f"Bearer {sandbox.told['tokens']['owner' if system == 'gitlab' else system]}"}
    answer = sandbox.client.request(method, sandbox.told[f"{system}_url"] + path, headers=token, content=content)
    assert answer.status_code < 500
