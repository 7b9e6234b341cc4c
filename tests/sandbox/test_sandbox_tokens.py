"""Tokens by kind and form, scopes, and routes that are none: what a client may not get away with."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("token", "form", "status"),
    [
        ("owner", "PRIVATE-TOKEN", 200),
        ("owner", "Bearer", 200),
        ("owner", "private_token", 200),
        ("owner", "access_token", 401),
        ("oauth", "PRIVATE-TOKEN", 401),
        ("oauth", "Bearer", 200),
        ("oauth", "private_token", 401),
        ("oauth", "access_token", 200),
        ("customersdot", "Bearer", 401),
        ("zendesk", "PRIVATE-TOKEN", 401),
    ],
)
@pytest.mark.parametrize("path", ["/api/v4/user", "/oauth/token/info"])
def test_each_kind_of_token_in_each_form(sandbox: Any, token: str, form: str, status: int, path: str) -> None:
    """Personal tokens have a header and a parameter of their own, OAuth tokens a parameter; Bearer does for both."""
    value = sandbox.told["tokens"][token]
    headers = {"Bearer": {"Authorization": f"Bearer {value}"}, "PRIVATE-TOKEN": {"PRIVATE-TOKEN": value}}
    query = {form: value} if form.endswith("_token") else {}
    answer = sandbox.client.get(sandbox.told["gitlab_url"] + path, headers=headers.get(form, {}), params=query)
    knows = token == "oauth" or path == "/api/v4/user"
    assert answer.status_code == (status if knows else 401)
    if answer.status_code == 401 and path == "/oauth/token/info":
        assert answer.json()["error"] == "invalid_token"
        assert answer.headers["www-authenticate"].startswith('Bearer realm="Doorkeeper"')


@pytest.mark.parametrize(
    ("caller", "method", "path", "status", "scopes"),
    [
        ("user_only", "GET", "/user", 200, ""),
        ("user_only", "GET", "/users/2", 200, ""),
        ("user_only", "GET", "/groups/104", 403, "api read_api"),
        ("user_only", "GET", "/projects/11/labels", 403, "api read_api"),
        ("readonly", "GET", "/groups/101/billable_members", 200, ""),
        ("readonly", "PUT", "/groups/101", 403, "api"),
        ("readonly", "POST", "/projects/11/uploads", 403, "api"),
        ("user_only", "GET", "/personal_access_tokens/self", 200, ""),
    ],
)
def test_scopes(sandbox: Any, caller: str, method: str, path: str, status: int, scopes: str) -> None:
    """What is too small is 403 and names the scopes that would do."""
    answer = sandbox.gitlab(path, caller, method, json={} if method != "GET" else None)
    assert answer.status_code == status
    if status == 403:
        assert (answer.json()["error"], answer.json()["scope"]) == ("insufficient_scope", scopes)


@pytest.mark.parametrize(
    ("caller", "says"),
    [("expired", "Token is expired."), ("revoked", "Token was revoked.")],
)
def test_what_a_stale_token_is_told(sandbox: Any, caller: str, says: str) -> None:
    """The description tells the two apart."""
    assert sandbox.gitlab("/user", caller).json()["error_description"].startswith(says)


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/groups/paid-house/kitchen", 404, {"error": "404 Not Found"}),
        ("GET", "/namespaces/paid-house/kitchen/gitlab_subscription", 404, {"error": "404 Not Found"}),
        ("GET", "/projects/gitlab-com/support/internal-requests/issues/1", 404, {"error": "404 Not Found"}),
        ("GET", "/groups/paid-house%2Fkitchen", 200, None),
        ("GET", "/groups/101/audit_events", 501, None),
        ("GET", "/groups/paid-house%2Fkitchen/audit_events", 501, None),
        ("POST", "/projects/11/issues", 501, None),
        ("DELETE", "/groups/101", 405, {"message": "405 Method Not Allowed"}),
        ("POST", "/users/2", 405, {"message": "405 Method Not Allowed"}),
    ],
)
def test_routes_that_are_none(sandbox: Any, method: str, path: str, status: int, body: Any) -> None:
    """An unencoded slash is 404 as on GitLab.com; what the sandbox does not model is 501, never an empty success."""
    answer = sandbox.gitlab(path, method=method)
    assert answer.status_code == status
    assert body is None or answer.json() == body


def test_roles_come_down_from_above_and_billing_stays_at_the_root(sandbox: Any) -> None:
    """The Owner of the top-level group owns its subgroups, which have no subscription of their own."""
    kitchen = sandbox.gitlab("/namespaces/102", "owner").json()
    assert (kitchen["plan"], kitchen["parent_id"]) == ("premium", 101)
    assert not {"seats_in_use", "ci_minutes_usage"} & set(kitchen)
    leaves = sandbox.gitlab("/namespaces/102/gitlab_subscription", "owner").json()
    assert {value for part in leaves.values() for value in part.values()} == {None}


@pytest.mark.parametrize("caller", ["owner", "stranger", "maintainer", "admin_no_mode"])
def test_limits_of_a_group_are_absent_for_everyone_but_administrators(sandbox: Any, caller: str) -> None:
    """Absent, not null: null would mean that the plan's quota applies."""
    names = {"shared_runners_minutes_limit", "extra_shared_runners_minutes_limit"}
    assert not names & set(sandbox.gitlab("/groups/104", caller).json())
    assert names <= set(sandbox.gitlab("/groups/104", "admin").json())


def test_memberships_are_those_of_billable_members(sandbox: Any) -> None:
    """On Free a Guest takes no seat, so there are no memberships to tell; on Premium there are."""
    sandbox.control("change", "POST", json={"add_members": {"group": "free-garden", "user": "gus", "level": "guest"}})
    assert sandbox.gitlab("/groups/103/billable_members/6/memberships", "owner").status_code == 404
    assert sandbox.gitlab("/groups/101/billable_members/6/memberships", "owner").status_code == 200
    assert sandbox.gitlab("/groups/101/billable_members/%C2%B2/memberships", "owner").status_code == 404
