"""Rules of subscription_not_visible on facts that no sandbox can be told, and the plan as a pure function."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from not_visible_facts import facts_with

from glhelpers.actions.not_visible import plan_not_visible
from glhelpers.errors import BadParameter
from glhelpers.models.change import ChangePlan
from glhelpers.models.request import NotVisibleParameters, parse_parameters
from glhelpers.rules.ownership_proof import fitting_proofs, year_before
from glhelpers.rules.rule import decide, evaluate
from glhelpers.rules.subscription_not_visible import POLICY, proof_given

TABLE: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[1] / "cases" / "subscription_not_visible.yaml").read_text(encoding="utf-8")
)["rows"]
MEMBER = {"billing_account.member_customer_ids": [6, 7], "customer.zuora_account_id": "Z1"}
VOUCHED = {
    "subscription.invoice_owner_type": "reseller",
    "subscription.license_activated": False,
    "parameters.proof": "reseller_vouches",
    "parameters.proof_from": "reseller",
}
OPEN_TO_ALL = "gmail.com"
HOST = "https://gitlab.zendesk.com/"
LICENSE = {"subscription.deployment": "self_managed", "parameters.proof": "license_file"}
JSON = {"parameters.proof": "subscription_json", "parameters.pasted_subscription": "{}"}

ROWS: list[tuple[str, dict[str, Any], str, str]] = [
    ("everything is in order", {}, "plan", ""),
    ("whether the account may log in is not told", {"customer.login_activated": None}, "stopped", "login-is-activated"),
    (
        "whether a member may log in is not told",
        {**MEMBER, "customer.login_activated": None},
        "stopped",
        "account-does-not-see-it-yet",
    ),
    (
        "whether the account belongs anywhere is not told",
        {"customer.zuora_account_id": "<gone>"},
        "stopped",
        "account-belongs-to-no-other-billing-account",
    ),
    (
        "the billing account lists it, its own record does not say so",
        {**MEMBER, "customer.zuora_account_id": None},
        "stopped",
        "account-does-not-see-it-yet",
    ),
    (
        "its own record says so, the billing account does not list it",
        {"customer.zuora_account_id": "Z1"},
        "stopped",
        "account-does-not-see-it-yet",
    ),
    (
        "the order belongs to another Zuora account",
        {"orders": [{"id": 5, "zuora_account_id": "Z2"}]},
        "handed_off",
        "order-names-the-same-billing-account",
    ),
    ("the orders are not known", {"orders": "<unknown>"}, "stopped", "order-names-the-same-billing-account"),
    ("the account is not known", {"customer": "<unknown>"}, "stopped", "account-does-not-see-it-yet"),
    ("the billing account is not known", {"billing_account": "<unknown>"}, "stopped", "billing-account-is-known"),
    ("the subscription is not known", {"subscription": "<unknown>"}, "stopped", "subscription-exists"),
    ("the ticket is not known", {"ticket": "<unknown>"}, "stopped", "ticket-is-open"),
    (
        "the day is not known, and the proof is an invoice",
        {"today": "<unknown>", "parameters.proof": "invoice", "parameters.proof_date": "2026-10-01"},
        "stopped",
        "ownership-is-proven",
    ),
    ("the day is not known, and nothing needs it", {"today": "<unknown>"}, "plan", ""),
    (
        "the named group is not known",
        {"parameters.namespace": "plover", "namespace": "<unknown>"},
        "stopped",
        "named-group-exists",
    ),
    (
        "the order's group is not known, and the proof is its JSON",
        {**JSON, "namespace": "<unknown>"},
        "stopped",
        "ownership-is-proven",
    ),
    (
        "what GitLab.com shows is not known",
        {**JSON, "gitlab_subscription": "<unknown>"},
        "stopped",
        "ownership-is-proven",
    ),
    (
        "the link to the proof is no address",
        {"parameters.proof_link": "https://[gitlab.zendesk.com"},
        "needs_customer",
        "ownership-is-proven",
    ),
    *(
        (f"a licence at {link}", {**LICENSE, "parameters.proof_link": f"{HOST}{link}"}, ends, by)
        for link, ends, by in (
            ("agent/tickets/1", "plan", ""),
            ("attachments/token/a/?name=licence.txt", "plan", ""),
            ("attachments/token/a/?name=licence.png", "needs_customer", "ownership-is-proven"),
            ("attachments/token/a/licence%2EJPG", "needs_customer", "ownership-is-proven"),
            ("attachments/token/a/?name=Screenshot.heic&size=1", "needs_customer", "ownership-is-proven"),
        )
    ),
    ("the reseller vouches for an address of the company", VOUCHED, "plan", ""),
    (
        "the reseller vouches for an address that anybody can have",
        {**VOUCHED, "customer.email": f"who@{OPEN_TO_ALL}", "billing_account.sold_to_domain": OPEN_TO_ALL},
        "needs_customer",
        "ownership-is-proven",
    ),
    (
        "the reseller vouches for an address below the company's domain",
        {**VOUCHED, "customer.email": "new@mail.plover.example.com"},
        "needs_customer",
        "ownership-is-proven",
    ),
    (
        "the reseller vouches for an address that is not known",
        {**VOUCHED, "customer.email": None},
        "needs_customer",
        "ownership-is-proven",
    ),
]


@pytest.mark.parametrize(("says", "changes", "ends", "by"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row_ends_as_it_says(says: str, changes: dict[str, Any], ends: str, by: str) -> None:
    """The status, the rule that decided, and a next step wherever the run may not go on."""
    findings = evaluate(POLICY, facts_with(changes))
    decision = decide(POLICY, findings)
    assert (str(decision.status or "plan"), by in decision.deciding or not by) == (ends, True), decision.why
    assert all(finding.next_step for finding in findings if not finding.verdict.lets_pass)


def test_every_rule_decides_some_row_or_is_a_note() -> None:
    """A rule that decides nothing in either table has no test."""
    notes = {"subscription-still-runs", "sold-to-is-not-copied", "sold-to-is-saved-last"}
    decided = {row["deciding"] for row in TABLE if "deciding" in row} | {row[3] for row in ROWS}
    assert {rule.id for rule in POLICY.rules} - decided == notes


def plan_with(changes: dict[str, Any]) -> ChangePlan:
    """The plan on the base with these changes."""
    facts = facts_with(changes)
    return plan_not_visible(facts, evaluate(POLICY, facts), "sandbox")


def test_the_plan_adds_one_membership_and_nothing_else() -> None:
    """Exactly these arguments are sent; the typed text is the account's CustomersDot id."""
    plan = plan_with({})
    assert plan.arguments == {
        "billing_account": "Z1",
        "customer_id": 7,
        "zendesk_ticket_url": facts_with({}).parameters.ticket_url,
    }
    assert [(change.field, change.before, change.after) for change in plan.changes] == [
        ("member_of", None, "Z1"),
        ("members", 1, 2),
    ]
    assert (plan.target.key, plan.target.typed, plan.second_person) == ("customer:7", "7", ())
    assert plan.digest == plan_with({}).digest


@pytest.mark.parametrize(
    "changes",
    [
        {"billing_account.member_customer_ids": [6, 8]},
        {"customer.login_activated": False},
        {"parameters.proof_link": "https://gitlab.zendesk.com/agent/tickets/1#other"},
        {"customer.email": "new@petrel.example.com"},
        {"subscription.status": "cancelled"},
    ],
    ids=["another member", "login", "where the proof lies", "mail domain", "cancelled"],
)
def test_whatever_a_rule_saw_is_part_of_the_plan(changes: dict[str, Any]) -> None:
    """Drift between plan and approval makes another digest."""
    assert plan_with(changes).digest != plan_with({}).digest


@pytest.mark.parametrize(
    ("day", "before"),
    [
        ("2026-11-23", "2025-11-23"),
        ("2028-02-29", "2027-02-28"),
        ("2028-03-01", "2027-03-01"),
        ("2029-02-28", "2028-02-28"),
    ],
)
def test_twelve_months_before_a_day(day: str, before: str) -> None:
    """The same day a year ago, in leap years too."""
    assert year_before(date.fromisoformat(day)).isoformat() == before


@pytest.mark.parametrize(
    ("says", "changes", "out"),
    [
        ("bought directly for GitLab.com", {}, {"license_file", "reseller_vouches"}),
        (
            "not on any group yet",
            {"orders": [{"id": 5, "gl_namespace_id": None}]},
            {"license_file", "reseller_vouches", "subscription_json"},
        ),
        (
            "bought directly, self-managed",
            {"subscription.deployment": "self_managed"},
            {"subscription_json", "reseller_vouches"},
        ),
        (
            "from a reseller, not active yet",
            {"subscription.invoice_owner_type": "reseller", "subscription.license_activated": False},
            {"license_file", "invoice"},
        ),
        (
            "from a reseller, active",
            {"subscription.invoice_owner_type": "reseller"},
            {"license_file", "reseller_vouches"},
        ),
        (
            "from a marketplace",
            {"subscription.invoice_owner_type": "marketplace"},
            {"license_file", "invoice", "reseller_vouches"},
        ),
        ("nothing is known of the purchase", {"subscription": "<unknown>"}, set()),
    ],
)
def test_the_proofs_asked_for_fit_the_customer(says: str, changes: dict[str, Any], out: set[str]) -> None:
    """What is known not to count is not asked for."""
    proofs = set(fitting_proofs(proof_given(facts_with(changes))))
    everything = set(fitting_proofs(proof_given(facts_with({"subscription": "<unknown>"}))))
    assert everything - proofs == out, says
    assert len(everything) == 6


def test_an_account_must_be_named() -> None:
    """Neither id nor address: refused before anything is read, in words that say what is missing."""
    given = {"subscription_name": "A-S00000001", "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1"}
    with pytest.raises(BadParameter, match="customer_email or customer_id is needed"):
        parse_parameters(NotVisibleParameters, given, "subscription_not_visible")
    for account in ({"customer_id": "7"}, {"customer_email": "new@plover.example.com"}):
        assert parse_parameters(NotVisibleParameters, given | account, "subscription_not_visible")
