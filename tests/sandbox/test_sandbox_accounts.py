"""Accounts of the portal: billing accounts, what is told of a customer, a portal that fails, tokens that do not open."""

from __future__ import annotations

from typing import Any

import pytest

PAID = "/billing-accounts/2c92a0ff0000000000000000000000aa"
QUIET = "/billing-accounts/2c92a0ff0000000000000000000000bb"
CHECK = "/customers/501/impersonation-check"


def test_a_billing_account_takes_each_customer_once(sandbox: Any) -> None:
    """One membership per customer."""
    assert sandbox.adapter(PAID).json()["member_customer_ids"] == [501]
    joined = sandbox.adapter(f"{PAID}/memberships", "POST", json={"customer_id": 504})
    assert (joined.status_code, joined.json()["member_customer_ids"]) == (201, [501, 504])
    assert sandbox.adapter(f"{PAID}/memberships", "POST", json={"customer_id": 504}).status_code == 422
    assert sandbox.adapter(f"{QUIET}/memberships", "POST", json={"customer_id": 504}).status_code == 422
    assert sandbox.adapter(f"{PAID}/memberships", "POST", json={"customer_id": 999}).status_code == 422
    assert sandbox.adapter("/billing-accounts/none").status_code == 404


def test_a_member_leaves_and_joins_another_account(sandbox: Any) -> None:
    """Both sides tell it, and so does the list of a customer's accounts."""
    sandbox.adapter(f"{PAID}/memberships", "POST", json={"customer_id": 504})
    assert sandbox.adapter("/customers/504").json()["zuora_account_id"] == PAID.rpartition("/")[2]
    left = sandbox.adapter(f"{PAID}/memberships/504", "DELETE")
    assert (left.status_code, left.json()["member_customer_ids"]) == (200, [501])
    assert sandbox.adapter("/customers/504").json()["zuora_account_id"] is None
    assert sandbox.adapter("/billing-accounts?customer_id=504").json() == []
    assert sandbox.adapter(f"{PAID}/memberships/504", "DELETE").status_code == 404
    assert sandbox.adapter(f"{QUIET}/memberships", "POST", json={"customer_id": 504}).status_code == 201
    (found,) = sandbox.adapter("/billing-accounts?customer_id=504").json()
    assert found["zuora_account_id"] == QUIET.rpartition("/")[2]
    assert sandbox.control("writes")["count"] == 3


@pytest.mark.parametrize("query", ["", "?customer_id=", "?customer_id=x", "?customer_id=%C2%B2"])
def test_billing_accounts_are_not_listed_without_a_customer(sandbox: Any, query: str) -> None:
    """400 names what is needed."""
    answer = sandbox.adapter(f"/billing-accounts{query}")
    assert (answer.status_code, answer.json()) == (400, {"error": "customer_id is needed"})


@pytest.mark.parametrize(("method", "path", "body"), [("POST", "", {"customer_id": 504}), ("DELETE", "/501", None)])
def test_a_membership_has_one_effect_per_key(sandbox: Any, method: str, path: str, body: Any) -> None:
    """A repetition gets the first answer; the same key for anything else is refused."""
    headers = {"Idempotency-Key": "member-1"}
    first = sandbox.adapter(f"{PAID}/memberships{path}", method, json=body, headers=headers)
    again = sandbox.adapter(f"{PAID}/memberships{path}", method, json=body, headers=headers)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    other = sandbox.adapter(f"{QUIET}/memberships", "POST", json={"customer_id": 502}, headers=headers)
    assert other.status_code == 409
    told = sandbox.control("writes")
    assert (told["count"], told["attempts"]) == (1, 3)
    assert told["writes"][0]["idempotency_key"] == "member-1"


def test_of_the_contacts_only_domains_are_told(sandbox: Any) -> None:
    """Null: there is none; left out: not told."""
    told = sandbox.adapter(PAID).json()
    assert (told["sold_to_domain"], told["bill_to_domain"], told["sold_to_is_bill_to"]) == ("example.com", None, False)
    assert set(sandbox.adapter(QUIET).json()) == {"zuora_account_id", "name", "member_customer_ids"}


@pytest.mark.parametrize(
    ("change", "path", "field", "value"),
    [
        ({"bill_to_domain": "example.com"}, PAID, "bill_to_domain", "example.com"),
        ({"member_customer_ids": [504]}, PAID, "member_customer_ids", [504]),
        ({"member_customer_ids": [501, 504]}, "/customers/504", "zuora_account_id", PAID.rpartition("/")[2]),
        ({"member_customer_ids": []}, "/customers/501", "zuora_account_id", None),
    ],
)
def test_a_billing_account_can_be_moved(
    sandbox: Any, change: dict[str, Any], path: str, field: str, value: Any
) -> None:
    """Who joins or leaves is told so in the account of their own."""
    sandbox.control("change", "POST", json={"set_billing_account": {"zuora_account_id": PAID[-32:], **change}})
    assert sandbox.adapter(path).json()[field] == value


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"zuora_account_id": "none"}, 404),
        ({"zuora_account_id": QUIET[-32:], "member_customer_ids": [501]}, 404),
        ({"zuora_account_id": QUIET[-32:], "member_customer_ids": [999]}, 404),
        ({"zuora_account_id": QUIET[-32:], "sold_to_domain": "someone@example.com"}, 400),
    ],
)
def test_a_billing_account_is_not_moved_into_nonsense(sandbox: Any, change: dict[str, Any], status: int) -> None:
    """Unknown records, a second membership, and an address where a domain belongs are refused."""
    url = f"{sandbox.told['gitlab_url']}/__sandbox/change"
    assert sandbox.client.post(url, json={"set_billing_account": change}).status_code == status


@pytest.mark.parametrize(
    ("customer", "told"),
    [
        (501, {"login_activated": True}),
        (
            504,
            {"login_activated": False, "login_deactivated_on": "2026-09-30", "created_on": "2024-02-29"},
        ),
        (505, {"login_activated": True, "login_deactivated_on": None}),
    ],
)
def test_what_is_told_of_a_login(sandbox: Any, customer: int, told: dict[str, Any]) -> None:
    """Dates that the world leaves out are left out of the answer; null is told."""
    entity = sandbox.adapter(f"/customers/{customer}").json()
    fields = ("login_activated", "login_deactivated_on", "created_on")
    assert {name: entity[name] for name in fields if name in entity} == told


@pytest.mark.parametrize(("name", "told"), [("A-S00020010", False), ("A-S00020001", "left out")])
def test_whether_a_licence_was_activated(sandbox: Any, name: str, told: Any) -> None:
    """Left out where the world does not say."""
    assert sandbox.adapter(f"/subscriptions/{name}").json().get("license_activated", "left out") == told


@pytest.mark.parametrize(
    ("customer", "status", "field", "value"),
    [
        (501, 200, "resource_owner_id", 2),
        (502, 404, "error", "no token is stored"),
        (504, 422, "error", "invalid_token"),
        (505, 404, "error", "no token is stored"),
        (999, 404, "error", "customer not found"),
    ],
)
def test_whose_the_stored_token_is(sandbox: Any, customer: int, status: int, field: str, value: Any) -> None:
    """One that GitLab.com does not take any more is 422, none at all 404; never the token itself."""
    answer = sandbox.adapter(f"/customers/{customer}/token-info")
    assert (answer.status_code, answer.json()[field]) == (status, value)


@pytest.mark.parametrize(
    ("token", "says"),
    [
        ("oauth_expired", "The access token expired"),
        ("oauth_revoked", "The access token was revoked"),
        ("owner", "The access token is invalid"),
    ],
)
def test_gitlab_says_why_a_portal_token_does_not_open(sandbox: Any, token: str, says: str) -> None:
    """401 with the reason; a personal access token is no portal token."""
    headers = {"Authorization": f"Bearer {sandbox.told['tokens'][token]}"}
    answer = sandbox.client.get(f"{sandbox.told['gitlab_url']}/oauth/token/info", headers=headers)
    assert answer.status_code == 401
    assert (answer.json()["error"], answer.json()["error_description"]) == ("invalid_token", says)


def test_a_portal_that_is_down_is_down_for_everybody(sandbox: Any) -> None:
    """The status says so, each impersonation is the HTML 502, and both heal; none of it is a write."""
    assert sandbox.adapter("/status").json() == {"portal": "up"}
    assert sandbox.adapter(CHECK, "POST").json()["groups"] > 0
    sandbox.control("change", "POST", json={"set_switches": {"portal_down": True, "portal_fails_after": 0.01}})
    assert sandbox.adapter("/status").json() == {"portal": "down"}
    for customer in (501, 502):
        answer = sandbox.adapter(f"/customers/{customer}/impersonation-check", "POST")
        assert (answer.status_code, answer.headers["content-type"][:9]) == (502, "text/html")
    sandbox.control("change", "POST", json={"set_switches": {"portal_down": False}})
    assert sandbox.adapter(CHECK, "POST").status_code == 200
    told = sandbox.control("writes")
    assert (told["count"], told["attempts"]) == (0, 0)


@pytest.mark.parametrize("status", [502, 500])
def test_the_portal_may_fail_for_one_account_alone(sandbox: Any, status: int) -> None:
    """Its impersonation answers HTML, whoever is linked; others open, the status stays up, and no answer tells why."""
    sandbox.control("change", "POST", json={"set_customer": {"id": 501, "portal_answers": status}})
    failed = sandbox.adapter(CHECK, "POST")
    assert (failed.status_code, failed.headers["content-type"][:9]) == (status, "text/html")
    assert sandbox.adapter("/customers/502/impersonation-check", "POST").status_code == 200
    assert sandbox.adapter("/status").json() == {"portal": "up"}
    assert "portal_answers" not in sandbox.adapter("/customers/501").json()
    sandbox.control("change", "POST", json={"set_customer": {"id": 501, "portal_answers": None}})
    assert sandbox.adapter(CHECK, "POST").status_code == 200


def test_a_reset_puts_the_switches_back(sandbox: Any) -> None:
    """What a change has switched is part of the world."""
    sandbox.control("change", "POST", json={"set_switches": {"portal_down": True, "ci_minutes_usage": False}})
    assert "ci_minutes_usage" not in sandbox.gitlab("/namespaces/101").json()
    sandbox.control("reset", "POST")
    assert sandbox.adapter("/status").json() == {"portal": "up"}
    assert "ci_minutes_usage" in sandbox.gitlab("/namespaces/101").json()


def test_nobody_linked_sees_no_groups(sandbox: Any) -> None:
    """After Unlink the portal works again and lists nothing."""
    assert sandbox.tool("unlink", customer_id=501, expected_uid="2").json()["success"] is True
    assert sandbox.adapter(CHECK, "POST").json() == {"groups": 0}


@pytest.mark.parametrize("subscription", ["A-S00020001", "A-S00020004", "A-S00020009"])
def test_a_group_may_refuse_every_subscription(sandbox: Any, subscription: str) -> None:
    """With the text of the world, until a change heals it."""
    refused = sandbox.associate("refuses-all", subscription)
    says = "Namespace has a <b>pending</b> change"
    assert (refused.status_code, refused.json()) == (422, {"success": False, "error": says})
    healed = {"set_group": {"group": "refuses-all", "force_associate_refused": None}}
    sandbox.control("change", "POST", json=healed)
    sandbox.control("change", "POST", json={"set_subscription": {"name": subscription, "force_associate": None}})
    assert sandbox.associate("refuses-all", subscription).json()["success"] is True
