"""What the Support Admin Tools and the passing of time do, seen through both systems."""

from __future__ import annotations

from typing import Any

import pytest

OCCUPIED = "unable to associate the subscription as the destination namespace is already associated with a subscription"


def test_force_associate_shows_in_both_systems(sandbox: Any) -> None:
    """The order names the group; plan, seats, term and quota are there; minutes and storage are as before."""
    before = sandbox.gitlab("/namespaces/free-garden").json()
    answer = sandbox.associate("free-garden", "A-S00020001")
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    (order,) = sandbox.adapter("/orders?subscription_name=A-S00020001").json()
    assert (order["gl_namespace_id"], order["gl_namespace_name"]) == ("103", "free-garden")
    after = sandbox.gitlab("/namespaces/free-garden").json()
    shown = sandbox.gitlab("/namespaces/103/gitlab_subscription").json()
    assert (shown["plan"]["code"], shown["plan"]["name"], shown["plan"]["trial"]) == ("premium", "Premium", False)
    assert shown["usage"]["seats_in_subscription"] == 10
    assert shown["billing"] == {
        "subscription_start_date": "2026-11-01",
        "subscription_end_date": "2027-10-31",
        "trial_ends_on": None,
    }
    assert (before["shared_runners_minutes_limit"], after["shared_runners_minutes_limit"]) == (400, 10000)
    for kept in ("extra_shared_runners_minutes_limit", "additional_purchased_storage_size"):
        assert after[kept] == before[kept]
    assert after["ci_minutes_usage"]["total_minutes_used"] == before["ci_minutes_usage"]["total_minutes_used"] == 123


def test_seats_owed_lag_until_the_daily_refresh(sandbox: Any) -> None:
    """Ten seats on a group of forty: nothing is owed at first, thirty after the refresh."""
    sandbox.associate("free-garden", "A-S00020001")
    assert sandbox.usage("free-garden")["seats_owed"] == 0
    sandbox.control("refresh", "POST")
    usage = sandbox.usage("free-garden")
    assert usage == {"seats_in_subscription": 10, "seats_in_use": 40, "max_seats_used": 40, "seats_owed": 30}


def test_a_new_term_resets_the_maximum(sandbox: Any) -> None:
    """A subscription that begins after the old one ended starts counting again at the seats in use."""
    assert sandbox.usage("was-premium")["max_seats_used"] == 9
    sandbox.associate("was-premium", "A-S00020001")
    assert sandbox.usage("was-premium")["max_seats_used"] == 5


def test_a_maximum_from_before_the_new_term_does_not_count(sandbox: Any) -> None:
    """The highest use was in June, the new subscription begins in November: counting begins anew."""
    sandbox.associate("long-quiet", "A-S00020001")
    assert sandbox.usage("long-quiet")["max_seats_used"] == 4
    assert sandbox.gitlab("/namespaces/111").json()["max_seats_used_changed_at"].startswith("2026-11-23")


def test_within_a_term_the_maximum_is_carried_over(sandbox: Any) -> None:
    """A subscription that begins while the old term runs keeps the maximum, and seats become owed at the refresh."""
    sandbox.associate("midterm", "A-S00020001")
    assert sandbox.usage("midterm")["max_seats_used"] == 45
    sandbox.control("refresh", "POST")
    assert sandbox.usage("midterm")["seats_owed"] == 35


@pytest.mark.parametrize(
    ("namespace", "subscription", "error"),
    [
        ("paid-house", "A-S00020001", OCCUPIED),
        ("closing-down", "A-S00020001", OCCUPIED),
        ("stubborn", "A-S00020001", OCCUPIED),
        ("free-garden", "A-S00020004", "the sandbox says no"),
        ("paid-house/kitchen", "A-S00020001", None),
        ("no-such-group", "A-S00020001", None),
        ("free-garden", "A-S09999999", None),
        ("free-garden", "A-S00020010", None),
    ],
    ids=["active plan", "compute minutes", "stubborn", "quirk", "subgroup", "no group", "no subscription", "no order"],
)
def test_what_force_associate_refuses(sandbox: Any, namespace: str, subscription: str, error: str | None) -> None:
    """422 with success false, no trace of it in either system, and no audit event."""
    before = sandbox.adapter("/audit-events").json()
    answer = sandbox.associate(namespace, subscription)
    assert (answer.status_code, answer.json()["success"]) == (422, False)
    assert error is None or answer.json()["error"] == error
    linked = [order["gl_namespace_id"] for order in sandbox.adapter(f"/orders?subscription_name={subscription}").json()]
    assert set(linked) <= {None}
    assert sandbox.adapter("/audit-events").json() == before
    writes = sandbox.control("writes")
    assert (writes["count"], writes["support_tools"], writes["attempts"]) == (0, 0, 1)


def test_an_expired_plan_makes_room(sandbox: Any) -> None:
    """The old order loses its link."""
    assert sandbox.associate("was-premium", "A-S00020001").status_code == 200
    (old,) = sandbox.adapter("/orders?subscription_name=A-S00020003").json()
    assert old["gl_namespace_id"] is None
    assert [row["subscription_name"] for row in sandbox.adapter("/orders?gl_namespace_id=105").json()] == [
        "A-S00020001"
    ]


def test_associating_the_same_again_changes_nothing(sandbox: Any) -> None:
    """The subscription that occupies a group is no obstacle to itself."""
    before = sandbox.gitlab("/namespaces/101/gitlab_subscription").json()
    assert sandbox.associate("paid-house", "A-S00020002").status_code == 200
    assert sandbox.gitlab("/namespaces/101/gitlab_subscription").json() == before


def test_moving_a_plan_drops_the_old_group_to_free(sandbox: Any) -> None:
    """A subscription is on one group at a time."""
    assert sandbox.associate("free-garden", "A-S00020002").status_code == 200
    old = sandbox.gitlab("/namespaces/paid-house").json()
    assert (old["plan"], old["shared_runners_minutes_limit"]) == ("free", 400)


@pytest.mark.parametrize(("subscription", "quota"), [("A-S00020001", 10_000), ("A-S00020008", 50_000)])
def test_the_quota_follows_plan_and_programme(sandbox: Any, subscription: str, quota: int) -> None:
    """Premium gives 10,000 minutes a month, Ultimate and programmes 50,000; it works without a linked user."""
    assert sandbox.associate("free-garden", subscription).status_code == 200
    assert sandbox.gitlab("/namespaces/103").json()["shared_runners_minutes_limit"] == quota


@pytest.mark.parametrize(
    ("subscription", "plan", "seats", "linked"),
    [("A-S00020005", "free", None, None), ("A-S00020006", "premium", 0, "103")],
    ids=["ignored", "partly"],
)
def test_success_that_is_none(
    sandbox: Any, subscription: str, plan: str, seats: int | None, linked: str | None
) -> None:
    """The tool says success; only a look at both systems tells that it is not."""
    assert sandbox.associate("free-garden", subscription).json()["success"] is True
    assert sandbox.gitlab("/namespaces/103").json()["plan"] == plan
    assert sandbox.usage("103")["seats_in_subscription"] == seats
    assert sandbox.adapter(f"/orders?subscription_name={subscription}").json()[0]["gl_namespace_id"] == linked


@pytest.mark.parametrize("tool", ["force-associate", "clear-subscription", "unlink", "set-extra-minutes"])
@pytest.mark.parametrize(
    "ticket", [None, "", "1001", "https://gitlab.zendesk.com/tickets/1001", "https://evil.example/agent/tickets/1"]
)
def test_no_tool_acts_without_a_ticket_link(sandbox: Any, tool: str, ticket: str | None) -> None:
    """A missing link is 422 `can't be blank`; a malformed one is refused too."""
    body = {"namespace": "103", "subscription_name": "A-S00020001", "customer_id": 501, "expected_uid": "2"}
    answer = sandbox.tool(tool, **body, new_total=5, zendesk_ticket_url=ticket)
    assert answer.status_code == 422
    says = answer.json()["errors"]["zendesk_ticket_url"]
    assert says == (["can't be blank"] if not ticket else ["is not a ticket link"])
    assert sandbox.control("writes")["count"] == 0


def test_one_effect_for_one_idempotency_key(sandbox: Any) -> None:
    """The same request gets the same answer and no second effect; another request with the key is refused."""
    first = sandbox.tool("set-extra-minutes", "key-1", namespace="103", new_total=100).json()
    sandbox.gitlab("/namespaces/103", method="PUT", json={"extra_shared_runners_minutes_limit": 7})
    again = sandbox.tool("set-extra-minutes", "key-1", namespace="103", new_total=100)
    assert again.json() == first
    assert sandbox.gitlab("/namespaces/103").json()["extra_shared_runners_minutes_limit"] == 7
    assert sandbox.tool("set-extra-minutes", "key-1", namespace="103", new_total=200).status_code == 409
    assert sandbox.associate("103", "A-S00020001", "key-1").status_code == 409
    (event,) = sandbox.adapter("/audit-events?namespace_id=103").json()
    assert (event["idempotency_key"], event["action"]) == ("key-1", "set_extra_minutes")
    assert sandbox.control("writes")["support_tools"] == 1


def test_a_dry_run_leaves_nothing_behind(sandbox: Any) -> None:
    """Everything is checked, nothing is kept."""
    assert sandbox.tool("set-extra-minutes", namespace="103", new_total=9, dry_run=True).json()["success"] is True
    assert sandbox.gitlab("/namespaces/103").json()["extra_shared_runners_minutes_limit"] == 55
    assert sandbox.control("writes")["count"] == 0
    assert sandbox.adapter("/audit-events").json() == []


def test_clear_drops_a_paid_plan_and_keeps_what_was_bought_besides(sandbox: Any) -> None:
    """Free, quota 400, no seats; additional minutes, storage and use stay."""
    before = sandbox.gitlab("/namespaces/101").json()
    answer = sandbox.tool("clear-subscription", subscription_name="A-S00020002")
    assert answer.json()["success"] is True
    after = sandbox.gitlab("/namespaces/101").json()
    assert (after["plan"], after["shared_runners_minutes_limit"], after["end_date"]) == ("free", 400, None)
    assert sandbox.usage("101")["seats_in_subscription"] is None
    for kept in ("extra_shared_runners_minutes_limit", "additional_purchased_storage_size"):
        assert after[kept] == before[kept]
    assert after["ci_minutes_usage"]["total_minutes_used"] == 10500
    assert sandbox.adapter("/orders?gl_namespace_id=101").json() == []
    assert sandbox.tool("clear-subscription", subscription_name="A-S00020002").status_code == 422


def test_unlink_takes_the_user_expected_and_no_other(sandbox: Any) -> None:
    """409 if another user is linked by now; then user, provider and token are gone, and the portal works again."""
    check = "/customers/503/impersonation-check"
    broken = sandbox.adapter(check, "POST")
    assert (broken.status_code, broken.headers["content-type"][:9]) == (502, "text/html")
    assert sandbox.tool("unlink", customer_id=503, expected_uid="2").status_code == 409
    assert sandbox.adapter("/customers/503").json()["uid"] == "1"
    assert sandbox.tool("unlink", customer_id=503, expected_uid="1").json()["success"] is True
    customer = sandbox.adapter("/customers/503").json()
    assert (customer["uid"], customer["provider"]) == (None, None)
    assert sandbox.adapter("/customers/503/token-info").status_code == 404
    assert sandbox.adapter(check, "POST").json() == {"groups": 0}
    (event,) = sandbox.adapter("/audit-events?action=unlink").json()
    assert event["request_link"] == "https://gitlab.zendesk.com/agent/tickets/1001"


@pytest.mark.parametrize(("total", "status"), [(0, 200), (250, 200), (-1, 422), ("many", 422), (True, 422), (1.5, 422)])
def test_extra_minutes_are_set_to_an_absolute_total(sandbox: Any, total: Any, status: int) -> None:
    """55 becomes 250, not 305; what is no count of minutes is refused."""
    assert sandbox.tool("set-extra-minutes", namespace="free-garden", new_total=total).status_code == status
    now = sandbox.gitlab("/namespaces/103").json()["extra_shared_runners_minutes_limit"]
    assert now == (total if status == 200 else 55)


def test_a_portal_change_reaches_the_group_through_a_linked_owner(sandbox: Any) -> None:
    """With an Owner linked, the seats arrive; without one this world loses the change."""
    sandbox.associate("free-garden", "A-S00020001")
    linked = {"subscription_name": "A-S00020001", "seats": 60}
    assert sandbox.control("portal-change", "POST", json=linked)["outcome"] == "applied"
    assert sandbox.usage("103")["seats_in_subscription"] == 60
    sandbox.associate("was-premium", "A-S00020008")
    unlinked = {"subscription_name": "A-S00020008", "seats": 60}
    assert sandbox.control("portal-change", "POST", json=unlinked)["outcome"] == "ignored"
    assert sandbox.usage("was-premium")["seats_in_subscription"] == 10


def test_several_accounts_may_share_one_user(sandbox: Any) -> None:
    """`uid` is not unique across CustomersDot accounts, and no answer holds a token."""
    rows = sandbox.adapter("/customers?uid=2").json()
    assert [row["id"] for row in rows] == [501, 504]
    assert {row["uid"] for row in rows} == {"2"}
    assert not any("token" in name for row in rows for name in row)
    assert [row["id"] for row in sandbox.adapter("/customers?email=OLIVE@example.com").json()] == [501]
    assert [row["id"] for row in sandbox.adapter("/customers?namespace_id=101").json()] == [501]
    assert sandbox.adapter("/customers").status_code == 400


def test_what_a_world_does_not_tell_is_left_out(sandbox: Any) -> None:
    """A missing key is no null: `community_program` null is an answer, its absence is silence."""
    told = sandbox.adapter("/subscriptions/A-S00020009").json()
    assert set(told) == {"name", "plan_code"}
    assert sandbox.adapter("/subscriptions/A-S00020001").json()["community_program"] is None
    assert "force_associate" not in sandbox.adapter("/subscriptions/A-S00020005").json()
    (order,) = sandbox.adapter("/orders?subscription_name=A-S00020009").json()
    assert "kind" not in order


@pytest.mark.parametrize(
    ("caller", "status", "quota"), [("admin", 200, 77), ("owner", 200, 400), ("maintainer", 404, 400)]
)
def test_an_owner_who_sets_limits_is_ignored_without_a_word(sandbox: Any, caller: str, status: int, quota: int) -> None:
    """`PUT /groups/:id` with limits answers an Owner 200 and keeps the old ones: read back after every write."""
    answer = sandbox.gitlab("/groups/103", caller, "PUT", json={"shared_runners_minutes_limit": 77})
    assert answer.status_code == status
    assert sandbox.gitlab("/namespaces/103").json()["shared_runners_minutes_limit"] == quota


@pytest.mark.parametrize(
    ("caller", "status"), [("admin", 200), ("admin_no_mode", 403), ("owner", 403), ("stranger", 403)]
)
def test_limits_of_a_namespace_are_set_by_administrators_only(sandbox: Any, caller: str, status: int) -> None:
    """Absolute values; usage stays."""
    body = {"extra_shared_runners_minutes_limit": 9, "additional_purchased_storage_size": 3}
    assert sandbox.gitlab("/namespaces/103", caller, "PUT", json=body).status_code == status
    seen = sandbox.gitlab("/namespaces/103").json()
    assert seen["extra_shared_runners_minutes_limit"] == (9 if status == 200 else 55)
    assert seen["ci_minutes_usage"]["total_minutes_used"] == 123


@pytest.mark.parametrize(
    ("change", "path", "field", "value"),
    [
        ({"add_members": {"group": "free-garden", "count": 3}}, "/namespaces/103", "billable_members_count", 43),
        ({"remove_members": {"group": "free-garden", "count": 9}}, "/namespaces/103", "billable_members_count", 31),
        ({"add_members": {"group": "free-garden", "user": "max"}}, "/namespaces/103", "billable_members_count", 41),
        ({"set_group": {"group": "free-garden", "minutes": {"used": 5}}}, "/groups/103", "id", 103),
        (
            {"set_group": {"group": "free-garden", "marked_for_deletion_on": "2026-11-23"}},
            "/groups/103",
            "marked_for_deletion_on",
            "2026-11-23",
        ),
        ({"set_user": {"id": 2, "state": "blocked"}}, "/users/2", "state", "blocked"),
    ],
)
def test_the_world_can_be_moved(sandbox: Any, change: dict[str, Any], path: str, field: str, value: Any) -> None:
    """What happens between a plan and its approval."""
    sandbox.control("change", "POST", json=change)
    assert sandbox.gitlab(path).json()[field] == value
    assert sandbox.gitlab("/namespaces/103").json()["extra_shared_runners_minutes_limit"] == 55
    assert sandbox.control("writes")["attempts"] == 0


@pytest.mark.parametrize(
    "change",
    [{}, {"explode": {}}, {"set_user": {"id": 2}, "set_ticket": {"id": 1001, "status": "open"}}, {"set_ticket": None}],
)
def test_a_change_that_is_none_is_refused(sandbox: Any, change: dict[str, Any]) -> None:
    """Exactly one known change at a time."""
    url = f"{sandbox.told['gitlab_url']}/__sandbox/change"
    assert sandbox.client.post(url, json=change).status_code == 400
    assert sandbox.client.post(url, json={"add_members": {"group": "nowhere"}}).status_code == 404
