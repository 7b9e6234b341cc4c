"""Corners of the Support Admin Tools and of issues where a lenient sandbox would hide a client's mistake."""

from __future__ import annotations

from typing import Any

import pytest

ISSUE = "/projects/11/issues/1"


def test_a_pack_of_minutes_that_moves_leaves_plans_alone(sandbox: Any) -> None:
    """Its old group keeps its plan; on the new one the pack replaces the additional minutes that were there."""
    linked = {"id": 12, "gl_namespace_id": 101}
    sandbox.control("change", "POST", json={"set_order": linked})
    assert sandbox.associate("free-garden", "A-S00020012").status_code == 200
    old, new = (sandbox.gitlab(f"/namespaces/{id}").json() for id in (101, 103))
    assert (old["plan"], new["plan"]) == ("premium", "free")
    assert new["extra_shared_runners_minutes_limit"] == 1000


@pytest.mark.parametrize(
    ("tool", "body", "status"),
    [
        ("set-extra-minutes", {"namespace": "paid-house/kitchen", "new_total": 5}, 422),
        ("set-extra-minutes", {"namespace": "nowhere", "new_total": 5}, 422),
        ("clear-subscription", {"subscription_name": "A-S09999999"}, 422),
        ("clear-subscription", {"subscription_name": "A-S00020001"}, 422),
        ("unlink", {"customer_id": 999, "expected_uid": "2"}, 404),
        ("unlink", {"customer_id": 501, "expected_uid": "3"}, 409),
        ("unlink", {"customer_id": 502, "expected_uid": "None"}, 409),
        ("unlink", {"customer_id": 502, "expected_uid": "null"}, 409),
    ],
)
def test_what_the_other_tools_refuse(sandbox: Any, tool: str, body: dict[str, Any], status: int) -> None:
    """`success` is false, the sentence is there, no audit event is written, nothing counts as applied."""
    answer = sandbox.tool(tool, **body)
    assert answer.status_code == status
    assert (answer.json()["success"], len(answer.json()["error"]) > 15) == (False, True)
    assert sandbox.adapter("/audit-events").json() == []
    assert sandbox.control("writes")["count"] == 0


def test_a_refusal_may_be_asked_again_with_its_key(sandbox: Any) -> None:
    """Only effects are remembered under a key: once the reason is gone, the same request goes through."""
    assert sandbox.associate("paid-house", "A-S00020008", key="again").status_code == 422
    sandbox.tool("clear-subscription", subscription_name="A-S00020002")
    assert sandbox.associate("paid-house", "A-S00020008", key="again").status_code == 200


def test_a_dry_run_is_answered_even_where_the_real_answer_would_be_lost(sandbox: Any) -> None:
    """Nothing was done, so there is nothing to lose."""
    body = {"namespace": "free-garden", "subscription_name": "A-S00020007", "dry_run": True}
    assert sandbox.tool("force-associate", **body).json() == {"success": True, "dry_run": True}
    assert sandbox.gitlab("/namespaces/103").json()["plan"] == "free"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 3),
        ("?namespace_id=103", 1),
        ("?action=unlink", 1),
        ("?namespace_id=103&action=unlink", 0),
        ("?from=2026-11-23", 3),
        ("?from=2026-11-24", 0),
        ("?per_page=2", 2),
    ],
)
def test_audit_events_can_be_narrowed_down(sandbox: Any, query: str, found: int) -> None:
    """By namespace, by action, by day; oldest first, in pages."""
    sandbox.associate("free-garden", "A-S00020001", key="one")
    sandbox.tool("set-extra-minutes", namespace="was-premium", new_total=1)
    sandbox.tool("unlink", customer_id=503, expected_uid="1")
    rows = sandbox.adapter(f"/audit-events{query}").json()
    assert len(rows) == found
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    fields = {"id", "action", "namespace_id", "subscription_name", "request_link", "requester", "idempotency_key"}
    assert all(set(row) == fields | {"created_at", "via"} for row in rows)
    assert {row["via"] for row in rows} <= {"adapter"}


def test_a_note_belongs_to_its_issue(sandbox: Any) -> None:
    """A note of another issue cannot be reached through this one."""
    note = sandbox.gitlab(f"{ISSUE}/notes", "owner", "POST", json={"body": "mine", "internal": True}).json()
    wrong = sandbox.gitlab(f"/projects/11/issues/2/notes/{note['id']}", "owner", "PUT", json={"body": "moved"})
    assert (wrong.status_code, wrong.json()) == (404, {"message": "404 Note Not Found"})
    assert [row["body"] for row in sandbox.gitlab(f"{ISSUE}/notes").json()] == ["mine"]


@pytest.mark.parametrize(("kind", "status"), [("blocks", 201), ("is_blocked_by", 201), ("friend_of", 400)])
def test_kinds_of_links(sandbox: Any, kind: str, status: int) -> None:
    """Three kinds; a link that exists is refused from the other end too."""
    body = {"target_project_id": 11, "target_issue_iid": 2, "link_type": kind}
    assert sandbox.gitlab(f"{ISSUE}/links", "owner", "POST", json=body).status_code == status
    back = {"target_project_id": 11, "target_issue_iid": 1}
    assert sandbox.gitlab("/projects/11/issues/2/links", "owner", "POST", json=back).status_code == (
        409 if status == 201 else 201
    )


def test_unknown_parameters_are_ignored_without_a_word(sandbox: Any) -> None:
    """A misspelt field is 200 and nothing has changed: read back after every write."""
    before = sandbox.gitlab("/namespaces/103").json()
    answer = sandbox.gitlab("/namespaces/103", method="PUT", json={"extra_minutes": 9000})
    assert answer.status_code == 200
    assert sandbox.gitlab("/namespaces/103").json() == before


@pytest.mark.parametrize("value", [-1, "9", True, 1.5, [1]])
def test_limits_are_whole_numbers(sandbox: Any, value: Any) -> None:
    """400 that names the parameter; null clears the limit, so that the plan's quota applies."""
    body = {"shared_runners_minutes_limit": value}
    answer = sandbox.gitlab("/namespaces/103", method="PUT", json=body)
    assert (answer.status_code, answer.json()) == (400, {"error": "shared_runners_minutes_limit is invalid"})
    body = {"shared_runners_minutes_limit": None}
    assert sandbox.gitlab("/namespaces/103", method="PUT", json=body).json()["shared_runners_minutes_limit"] is None
