"""What a world chooses for its systems as a whole: an older GitLab, a portal that drops groups, narrow limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def older(serving_with: Any) -> Iterator[Any]:
    """Before GitLab 19.4; a portal that drops unlinked groups; three looks at users in ten minutes."""
    with serving_with(ci_minutes_usage=False, unlinked_portal_change="free", users_in_ten_minutes=3) as sandbox:
        yield sandbox


@pytest.fixture
def other(older: Any) -> Any:
    older.control("reset", "POST")
    return older


@pytest.mark.parametrize("caller", ["admin", "owner"])
def test_an_older_gitlab_does_not_tell_minutes_used(other: Any, caller: str) -> None:
    """`ci_minutes_usage` came with 19.4; before, the key is absent for everyone, and all else is as ever."""
    told = other.gitlab("/namespaces/paid-house", caller).json()
    assert "ci_minutes_usage" not in told
    assert told["plan"] == "premium"


def test_a_portal_change_without_a_linked_owner_may_drop_the_group_to_free(other: Any) -> None:
    """The customer asks for more seats and loses the plan; the order still names the group."""
    assert other.associate("free-garden", "A-S00020008").status_code == 200
    before = other.gitlab("/namespaces/103").json()
    asked = {"subscription_name": "A-S00020008", "seats": 60}
    assert other.control("portal-change", "POST", json=asked) == {"outcome": "free"}
    after = other.gitlab("/namespaces/103").json()
    assert (before["plan"], after["plan"], after["shared_runners_minutes_limit"]) == ("ultimate", "free", 400)
    assert after["extra_shared_runners_minutes_limit"] == before["extra_shared_runners_minutes_limit"]
    assert [row["subscription_name"] for row in other.adapter("/orders?gl_namespace_id=103").json()] == ["A-S00020008"]


def test_a_portal_change_by_a_linked_owner_arrives_in_every_world(other: Any) -> None:
    """The switch is about accounts that no Owner is linked to."""
    asked = {"subscription_name": "A-S00020002", "seats": 13}
    assert other.control("portal-change", "POST", json=asked) == {"outcome": "applied"}
    assert other.usage("101")["seats_in_subscription"] == 13


@pytest.mark.parametrize(
    "body", [{}, {"seats": 5}, {"subscription_name": "A-S00020001"}, {"subscription_name": "A-S00020001", "seats": []}]
)
def test_a_portal_change_to_nothing_is_refused(other: Any, body: dict[str, Any]) -> None:
    """422 with a sentence: what is missing, or that the subscription is on no group."""
    answer = other.client.post(f"{other.told['gitlab_url']}/__sandbox/portal-change", json=body)
    assert answer.status_code == 422
    assert len(answer.json()["error"]) > 20


def test_single_users_have_a_limit_of_their_own(other: Any) -> None:
    """The fourth look at a user is 429 in JSON; the list by name and one's own record are not counted."""
    statuses = [other.gitlab(f"/users/{number}", "owner").status_code for number in (1, 2, 3, 4)]
    assert statuses == [200, 200, 200, 429]
    refused = other.gitlab("/users/5", "owner")
    assert refused.headers["retry-after"].isdigit()
    assert int(refused.headers["ratelimit-remaining"]) > 100
    assert "too many times" in refused.json()["message"]["error"]
    assert other.gitlab("/users?username=olive", "owner").status_code == 200
    assert other.gitlab("/user", "owner").status_code == 200
    assert other.gitlab("/users/1", "stranger").status_code == 200


def test_a_reset_forgets_what_was_counted_against_the_limits(other: Any) -> None:
    """After a reset the world is as new, also for its limiters."""
    for _ in range(4):
        answer = other.gitlab("/users/1", "owner")
    assert answer.status_code == 429
    other.control("reset", "POST")
    assert other.gitlab("/users/1", "owner").status_code == 200
