"""Who sees what on GitLab.com: tokens, scopes, hidden and forbidden, absent keys and nulls."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

LIMITS = {
    "shared_runners_minutes_limit",
    "extra_shared_runners_minutes_limit",
    "additional_purchased_storage_size",
    "additional_purchased_storage_ends_on",
}
BILLING = {"seats_in_use", "max_seats_used", "max_seats_used_changed_at", "end_date"}
PLAN = {"plan", "trial", "trial_ends_on"}
COUNTS = {"members_count_with_descendants"}
USAGE = {"ci_minutes_usage"}


@pytest.mark.parametrize(
    ("caller", "status"),
    [("admin", 200), ("owner", 200), ("maintainer", 200), ("stranger", 404), ("admin_no_mode", 404)],
)
@pytest.mark.parametrize("path", ["/namespaces/paid-house", "/namespaces/101", "/groups/paid-house"])
def test_a_private_group_is_hidden_from_strangers(sandbox: Any, caller: str, status: int, path: str) -> None:
    """A stranger, and an administrator without Admin Mode, cannot tell a private group from one that is not there."""
    assert sandbox.gitlab(path, caller).status_code == status


@pytest.mark.parametrize(
    ("caller", "path", "absent", "told", "null"),
    [
        ("admin", "paid-house", set(), LIMITS | BILLING | PLAN | COUNTS | USAGE | {"billable_members_count"}, set()),
        ("owner", "paid-house", LIMITS, BILLING | PLAN | COUNTS | USAGE | {"billable_members_count"}, set()),
        ("maintainer", "paid-house", LIMITS | PLAN | USAGE, COUNTS, BILLING | {"billable_members_count"}),
        ("stranger", "open-square", LIMITS | PLAN | COUNTS | USAGE, set(), BILLING | {"billable_members_count"}),
        ("owner", "free-garden", LIMITS | BILLING, PLAN | COUNTS | USAGE | {"billable_members_count"}, set()),
    ],
)
def test_a_namespace_shows_each_caller_his_fields(
    sandbox: Any, caller: str, path: str, absent: set[str], told: set[str], null: set[str]
) -> None:
    """Limits are for administrators, plans for Owners; billing figures are null, not absent, for everyone else."""
    seen = sandbox.gitlab(f"/namespaces/{path}", caller).json()
    assert not absent & set(seen)
    assert told <= set(seen)
    assert {name for name in null if name not in seen or seen[name] is not None} == set()


def test_minutes_used_are_split_between_quota_and_additional_units(sandbox: Any) -> None:
    """What is used above the quota comes out of the additional units."""
    usage = sandbox.gitlab("/namespaces/paid-house").json()["ci_minutes_usage"]
    assert usage == {"total_minutes_used": 10500, "monthly_minutes_used": 10000, "purchased_minutes_used": 500}


@pytest.mark.parametrize(
    ("caller", "path", "status"),
    [
        ("admin", "/namespaces/paid-house/gitlab_subscription", 200),
        ("owner", "/namespaces/paid-house/gitlab_subscription", 200),
        ("maintainer", "/namespaces/paid-house/gitlab_subscription", 403),
        ("stranger", "/namespaces/open-square/gitlab_subscription", 403),
        ("stranger", "/namespaces/paid-house/gitlab_subscription", 404),
        ("owner", "/groups/paid-house/billable_members", 200),
        ("maintainer", "/groups/paid-house/billable_members", 400),
        ("stranger", "/groups/paid-house/billable_members", 404),
        ("owner", "/groups/paid-house%2Fkitchen/billable_members", 400),
        ("owner", "/groups/paid-house%2Fkitchen", 200),
        ("owner", "/groups/paid-house/kitchen", 404),
        ("owner", "/namespaces/paid-house/kitchen", 404),
        ("owner", "/groups/PAID-house", 200),
        ("admin", "/namespaces/no-such-group", 404),
        ("admin", "/users/999", 404),
        ("admin", "/groups/paid-house/members/all/3", 404),
        ("admin", "/groups/paid-house/members/all/2", 200),
    ],
)
def test_hidden_forbidden_and_bad(sandbox: Any, caller: str, path: str, status: int) -> None:
    """Hidden is 404, forbidden is 403, billable members refuse with 400, and a slash in a path must be encoded."""
    assert sandbox.gitlab(path, caller).status_code == status


def test_a_namespace_without_a_subscription_answers_nulls(sandbox: Any) -> None:
    """Three objects, every leaf null: that is how GitLab.com says that there is no subscription."""
    told = sandbox.gitlab("/namespaces/free-garden/gitlab_subscription").json()
    assert set(told) == {"plan", "usage", "billing"}
    assert {value for part in told.values() for value in part.values()} == {None}


@pytest.mark.parametrize(
    ("caller", "status", "says"),
    [
        ("expired", 401, {"error": "invalid_token"}),
        ("revoked", 401, {"error": "invalid_token"}),
        ("user_only", 403, {"error": "insufficient_scope"}),
    ],
)
def test_tokens_that_do_not_do(sandbox: Any, caller: str, status: int, says: dict[str, str]) -> None:
    """Expired, revoked and too small tokens are told apart by the error, as on GitLab.com."""
    answer = sandbox.gitlab("/namespaces/101", caller)
    assert answer.status_code == status
    assert says.items() <= answer.json().items()


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_read_only_token_cannot_write(sandbox: Any, method: str) -> None:
    """Scope read_api reads everything and writes nothing."""
    path = "/projects/11/issues/1" + ("/notes" if method == "POST" else "")
    answer = sandbox.gitlab(path, "readonly", method, json={"body": "hello", "add_labels": "x"})
    assert answer.status_code == 403
    assert answer.json()["scope"] == "api"
    assert sandbox.gitlab("/projects/11/issues/1", "readonly").status_code == 200


@pytest.mark.parametrize("scheme", ["header", "bearer", "query", "none", "unknown"])
def test_every_way_to_show_a_token(sandbox: Any, scheme: str) -> None:
    """PRIVATE-TOKEN, Bearer and query parameter do the same; none or an unknown one is 401."""
    token = sandbox.told["tokens"]["owner"]
    url = f"{sandbox.told['gitlab_url']}/api/v4/user"
    headers = {"header": {"PRIVATE-TOKEN": token}, "bearer": {"Authorization": f"Bearer {token}"}}
    headers["unknown"] = {"PRIVATE-TOKEN": "glpat-nobody-has-this"}
    query = {"private_token": token} if scheme == "query" else {}
    answer: httpx.Response = sandbox.client.get(url, headers=headers.get(scheme, {}), params=query)
    if scheme in ("none", "unknown"):
        assert (answer.status_code, answer.json()) == (401, {"message": "401 Unauthorized"})
    else:
        assert answer.json()["username"] == "olive"


def test_admin_fields_of_a_user_are_for_administrators(sandbox: Any) -> None:
    """Whether somebody is an administrator cannot be seen without an administrator's token in Admin Mode."""
    assert sandbox.gitlab("/users/1", "admin").json()["is_admin"] is True
    for caller in ("owner", "admin_no_mode"):
        assert "is_admin" not in sandbox.gitlab("/users/2", caller).json()
    assert sandbox.gitlab("/users/5", "owner").json()["state"] == "blocked"
    assert [row["id"] for row in sandbox.gitlab("/users?username=OLIVE", "stranger").json()] == [2]
    assert sandbox.gitlab("/users?username=nobody", "stranger").json() == []


def test_own_token_tells_its_scopes(sandbox: Any) -> None:
    """A personal access token can look at itself; an OAuth token cannot."""
    assert sandbox.gitlab("/personal_access_tokens/self", "admin").json()["scopes"] == ["api", "admin_mode"]
    oauth = {"Authorization": f"Bearer {sandbox.told['tokens']['oauth']}", "PRIVATE-TOKEN": ""}
    url = f"{sandbox.told['gitlab_url']}/api/v4/personal_access_tokens/self"
    assert sandbox.client.get(url, headers={"Authorization": oauth["Authorization"]}).status_code >= 400


@pytest.mark.parametrize(("name", "status"), [("oauth", 200), ("owner", 401), ("expired", 401)])
def test_token_info_is_for_oauth_tokens(sandbox: Any, name: str, status: int) -> None:
    """`/oauth/token/info` lies at the host's root and knows OAuth tokens only."""
    headers = {"Authorization": f"Bearer {sandbox.told['tokens'][name]}"}
    answer = sandbox.client.get(f"{sandbox.told['gitlab_url']}/oauth/token/info", headers=headers)
    assert answer.status_code == status
    if status == 200:
        assert answer.json()["resource_owner_id"] == 2
    else:
        assert answer.json()["error"] == "invalid_token"


def test_who_takes_a_seat(sandbox: Any) -> None:
    """Premium counts Guests; blocked users, bots and ended memberships never count; subgroups do."""
    rows = sandbox.gitlab("/groups/101/billable_members?per_page=100", "owner").json()
    names = {row["username"] for row in rows}
    assert {"olive", "max", "gus"} <= names
    assert not {"blocked-bea", "robot", "late-lou"} & names
    assert len(rows) == 3 + 10 + 2
    assert sandbox.gitlab("/namespaces/101", "owner").json()["billable_members_count"] == 15


def test_memberships_of_a_billable_member(sandbox: Any) -> None:
    """Where in the hierarchy somebody has which role."""
    (row,) = sandbox.gitlab("/groups/101/billable_members/6/memberships", "owner").json()
    assert (row["source_id"], row["access_level"]["integer_value"]) == (101, 10)
    assert sandbox.gitlab("/groups/101/billable_members/3/memberships", "owner").status_code == 404


@pytest.mark.parametrize(
    ("query", "ids"), [("user_ids[]=2", [2]), ("user_ids[]=2&user_ids[]=4", [2, 4]), ("query=gus", [6])]
)
def test_members_can_be_filtered(sandbox: Any, query: str, ids: list[int]) -> None:
    """Members by id or by text, with role, state and end of membership."""
    rows = sandbox.gitlab(f"/groups/101/members?{query}", "owner").json()
    assert [row["id"] for row in rows] == ids
    if ids == [2]:
        assert (rows[0]["access_level"], rows[0]["state"], rows[0]["expires_at"]) == (50, "active", None)


def test_members_all_holds_those_inherited(sandbox: Any) -> None:
    """Direct members of a subgroup are few; with the inherited ones they are many."""
    direct = sandbox.gitlab("/groups/102/members?per_page=100", "owner").json()
    everyone = sandbox.gitlab("/groups/102/members/all?per_page=100", "owner").json()
    assert len(direct) == 2
    assert len(everyone) == 2 + 16


def test_an_administrators_list_of_namespaces_is_the_whole_instance(sandbox: Any) -> None:
    """An Owner lists his own; an administrator lists everything, which is what breaks the portal."""
    everything = sandbox.gitlab("/namespaces?per_page=100", "admin").json()
    assert len(everything) > len(sandbox.gitlab("/namespaces?per_page=100", "stranger").json())
    assert sandbox.gitlab("/namespaces?per_page=100", "admin_no_mode").json() == []
    last = sandbox.gitlab("/namespaces?per_page=100&page=120", "admin")
    assert (len(last.json()), last.headers["x-next-page"]) == (100, "")
    assert "x-total" not in last.headers
