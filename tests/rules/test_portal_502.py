"""Rules of portal_502 on facts that no sandbox can be told; the plan, the texts and the way on as pure functions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from portal_502_facts import BASE, facts_with

from glhelpers.actions.drafts import CUSTOMER
from glhelpers.actions.portal_502 import plan_unlink, target_account
from glhelpers.actions.portal_502_drafts import drafts_portal_502, next_portal_502
from glhelpers.errors import BadParameter
from glhelpers.models.change import ChangePlan, Outcome, Receipt
from glhelpers.models.finding import Verdict
from glhelpers.models.portal_502_facts import linked_id
from glhelpers.models.record import Draft
from glhelpers.models.request import Portal502Parameters, parse_parameters
from glhelpers.models.subscription import Customer
from glhelpers.rules.portal_502 import POLICY
from glhelpers.rules.rule import decide, evaluate

TABLE: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[1] / "cases" / "portal_502.yaml").read_text(encoding="utf-8")
)["rows"]
SHARED = [{"id": 7, "uid": "29"}, {"id": 8, "uid": "29", "email": "other@example.com"}, {"id": 9, "uid": "29"}]
OTHERS = {"token.resource_owner_id": 30}
NOBODY = {
    "customer.uid": None,
    "linked_user": "<absent>",
    "same_uid": "<absent>",
    "token": {**BASE["token"], "state": "none", "resource_owner_id": None},
}

ROWS: list[tuple[str, dict[str, Any], str, str]] = [
    ("an administrator is linked, and everything is known", {}, "plan", ""),
    ("the ticket is not known", {"ticket": "<unknown>"}, "stopped", "ticket-is-open"),
    ("the account is not known", {"customer": "<unknown>"}, "stopped", "account-exists"),
    (
        "the account's address is not told, and one was given",
        {"customer.email": "<gone>", "parameters.customer_email": "kiosk@example.com"},
        "stopped",
        "account-is-the-one-meant",
    ),
    (
        "the address was given in capitals",
        {"parameters.customer_email": "Kiosk@Example.com"},
        "plan",
        "",
    ),
    ("the status of the portal is not known", {"portal_works": "<unknown>"}, "stopped", "portal-works-for-others"),
    ("nobody tells the status of the portal", {"portal_works": "<absent>"}, "stopped", "portal-works-for-others"),
    ("what the portal answers is not known", {"answer": "<unknown>"}, "stopped", "portal-answers-502"),
    (
        "the portal opens, how many groups is not told",
        {"answer": {"opens": True}},
        "no_change_needed",
        "portal-answers-502",
    ),
    ("who is linked is not told", {"customer.uid": "<gone>"}, "stopped", "somebody-is-linked"),
    ("the uid is empty", {"customer.uid": ""}, "stopped", "somebody-is-linked"),
    ("the uid is a word", {"customer.uid": "boss"}, "stopped", "somebody-is-linked"),
    ("the uid is in digits of another script", {"customer.uid": "٢٩"}, "stopped", "somebody-is-linked"),
    ("the uid has a leading zero", {"customer.uid": "029"}, "stopped", "somebody-is-linked"),
    ("the uid is zero", {"customer.uid": "0"}, "stopped", "somebody-is-linked"),
    ("the uid is longer than any id", {"customer.uid": "1" * 16}, "stopped", "somebody-is-linked"),
    ("the linked user does not exist", {"linked_user": "<absent>"}, "stopped", "linked-user-exists"),
    ("the linked user is not known", {"linked_user": "<unknown>"}, "stopped", "linked-user-exists"),
    ("whose the token is, is not known", {"token": "<unknown>"}, "stopped", "token-is-the-linked-users"),
    ("nobody tells whose the token is", {"token": "<absent>"}, "stopped", "token-is-the-linked-users"),
    ("a valid token without an owner", {"token.resource_owner_id": None}, "stopped", "token-is-the-linked-users"),
    (
        "the token is somebody else's, of whom nothing is known",
        {**OTHERS, "token_user": "<unknown>"},
        "stopped",
        "token-is-the-linked-users",
    ),
    (
        "the token is somebody else's, and the linked user no administrator",
        {**OTHERS, "linked_user.is_admin": False},
        "stopped",
        "token-is-the-linked-users",
    ),
    ("the token was refused, an administrator is linked", {"token.state": "refused"}, "plan", ""),
    (
        "the token was refused, whether an administrator is linked cannot be told",
        {"token.state": "refused", "linked_user.is_admin": None},
        "stopped",
        "linked-user-is-an-administrator",
    ),
    ("no administrator is linked", {"linked_user.is_admin": False}, "stopped", "linked-user-is-an-administrator"),
    (
        "it cannot be told whether an administrator is linked",
        {"linked_user.is_admin": "<gone>"},
        "stopped",
        "linked-user-is-an-administrator",
    ),
    ("which accounts share the user is not known", {"same_uid": "<unknown>"}, "stopped", "other-accounts-are-known"),
    ("other accounts share the user", {"same_uid": SHARED}, "plan", ""),
    ("the day is not known, and nothing needs it", {"today": "<unknown>"}, "plan", ""),
]


@pytest.mark.parametrize(("says", "changes", "ends", "by"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row_ends_as_it_says(says: str, changes: dict[str, Any], ends: str, by: str) -> None:
    """The status, the rule that decided, and a next step wherever the run may not go on."""
    findings = evaluate(POLICY, facts_with(changes))
    decision = decide(POLICY, findings)
    assert (str(decision.status or "plan"), by in decision.deciding or not by) == (ends, True), decision.why
    assert all(finding.next_step for finding in findings if not finding.verdict.lets_pass)
    assert "None" not in decision.why


def test_every_rule_decides_some_row() -> None:
    """A rule that decides nothing in either table has no test."""
    decided = {row["deciding"] for row in TABLE if "deciding" in row} | {row[3] for row in ROWS}
    assert {rule.id for rule in POLICY.rules} <= decided


@pytest.mark.parametrize(
    ("uid", "number"),
    [
        ("29", 29),
        ("1", 1),
        ("9" * 15, 10**15 - 1),
        ("9" * 16, None),
        ("0", None),
        ("029", None),
        ("", None),
        (None, None),
    ]
    + [(odd, None) for odd in (" 29", "29\n", "+29", "-29", "2.9", "٢٩", "²", "boss")],
)
def test_the_uid_is_text_that_names_a_number(uid: str | None, number: int | None) -> None:
    """Text on one side, a number on the other: they are compared as what they mean."""
    assert linked_id(Customer(id=7, uid=uid)) == number


LOST = st.lists(st.sampled_from(sorted(set(BASE) - {"parameters", "today", "token_user"})), min_size=1, unique=True)


@given(lost=LOST, state=st.sampled_from(["<unknown>", "<absent>"]))
@settings(max_examples=150, deadline=None)
def test_nothing_is_planned_on_what_is_not_known(lost: list[str], state: str) -> None:
    """Whichever facts are missing: no plan, save where nobody else is known to share the user."""
    decision = decide(POLICY, evaluate(POLICY, facts_with(dict.fromkeys(lost, state))))
    assert decision.status is not None or (lost, state) == (["same_uid"], "<absent>")


@given(
    uid=st.one_of(st.none(), st.text(max_size=8), st.integers(0, 10**6).map(str)),
    owner=st.one_of(st.none(), st.integers(0, 10**6)),
    token=st.sampled_from(["valid", "refused", "none"]),
    admin=st.sampled_from([True, False, None]),
    opens=st.booleans(),
    works=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_only_a_certain_administrator_is_unlinked(
    uid: str | None, owner: int | None, token: str, admin: bool | None, opens: bool, works: bool
) -> None:
    """A plan means: 502 for this account alone, an administrator for certain, and no valid token of somebody else."""
    facts = facts_with(
        {
            "customer.uid": uid,
            "token": {"state": token, "resource_owner_id": owner if token == "valid" else None, "seen_by": "adapter"},
            "linked_user.is_admin": admin,
            "answer.opens": opens,
            "portal_works": works,
        }
    )
    if decide(POLICY, evaluate(POLICY, facts)).status is None:
        assert (works, opens, admin) == (True, False, True)
        assert linked_id(facts.customer.known()) is not None
        assert token != "valid" or str(owner) == uid


def plan_with(changes: dict[str, Any]) -> ChangePlan:
    """The plan on the base with these changes."""
    facts = facts_with(changes)
    return plan_unlink(facts, evaluate(POLICY, facts), "sandbox")


def test_the_plan_unlinks_one_account_by_its_own_id() -> None:
    """Exactly these arguments are sent; the typed text is the CustomersDot id, not the user's."""
    plan = plan_with({})
    assert (plan.action, plan.arguments) == (
        "unlink",
        {
            "customer_id": 7,
            "expected_uid": "29",
            "zendesk_ticket_url": "https://gitlab.zendesk.com/agent/tickets/1",
        },
    )
    assert [(change.field, change.before, change.after) for change in plan.changes] == [
        ("uid", "29", None),
        ("portal", "502", "answers"),
    ]
    assert (plan.target.key, plan.target.typed, plan.second_person) == ("customer:7", "7", ())
    assert target_account(facts_with({})) == plan.target.key
    assert any("boss" in line and "29" in line for line in plan.consequences)
    assert plan.cannot_be_undone
    assert plan.digest == plan_with({}).digest


@pytest.mark.parametrize(
    "changes",
    [
        {"customer.uid": "31", "token.resource_owner_id": 31},
        {"linked_user.username": "chief"},
        {"token.state": "refused"},
        {"same_uid": SHARED},
        {"parameters.ticket_url": "https://gitlab.zendesk.com/agent/tickets/2"},
    ],
    ids=["another user", "renamed", "token", "more accounts", "ticket"],
)
def test_whatever_a_rule_saw_is_part_of_the_plan(changes: dict[str, Any]) -> None:
    """Drift between plan and approval makes another digest."""
    assert plan_with(changes).digest != plan_with({}).digest


def ended(changes: dict[str, Any], outcome: Outcome | None = None) -> tuple[list[Draft], list[str]]:
    """The texts, and the accounts to go on with, of a run on the base with these changes."""
    facts = facts_with(changes)
    findings = evaluate(POLICY, facts)
    decision, receipt = decide(POLICY, findings), None
    if outcome is not None:
        at = datetime(2026, 11, 23, 9, tzinfo=UTC)
        receipt = Receipt(action="unlink", outcome=outcome, answered="success", sent_at=at, answered_at=at)
    following = next_portal_502(facts, decision, receipt)
    assert {step.runbook for step in following} <= {"portal_502"}
    drafts = drafts_portal_502(facts, findings, decision, None, receipt)
    return list(drafts), [str(step.parameters["customer_id"]) for step in following]


@pytest.mark.parametrize(
    ("says", "changes", "outcome", "kinds", "accounts"),
    [
        ("a plan waits", {"same_uid": SHARED}, None, [], []),
        ("unlinked", {}, Outcome.applied, ["portal_relink"], []),
        ("unlinked, others share the user", {"same_uid": SHARED}, Outcome.applied, ["portal_relink"], ["8", "9"]),
        ("not unlinked", {"same_uid": SHARED}, Outcome.not_applied, ["escalation"], []),
        ("unlinked, and still 502", {}, Outcome.partial, ["escalation"], []),
        ("the portal is down", {"portal_works": False}, None, ["portal_outage"], []),
        ("the portal is down, and nobody is linked", {**NOBODY, "portal_works": False}, None, ["portal_outage"], []),
        ("the portal opens", {"answer": {"opens": True, "groups": 3}}, None, [], []),
        ("nobody is linked", {**NOBODY, "answer": {"opens": True, "groups": 0}}, None, ["portal_relink"], []),
        ("nobody is linked, and still 502", NOBODY, None, ["portal_other_cause", "portal_relink"], []),
        ("the linked user is gone", {"linked_user": "<absent>"}, None, ["portal_other_cause"], []),
        ("the ids differ", OTHERS, None, ["portal_ids_differ"], []),
        ("no administrator", {"linked_user.is_admin": False}, None, ["portal_other_cause"], []),
        ("no fact, no text", {"linked_user.is_admin": None}, None, [], []),
        ("who is linked is not told", {"customer.uid": "<gone>"}, None, [], []),
        ("there is no account", {"customer": "<absent>"}, None, [], []),
    ],
)
def test_the_texts_that_an_outcome_calls_for(
    says: str, changes: dict[str, Any], outcome: Outcome | None, kinds: list[str], accounts: list[str]
) -> None:
    """Whoever must act next has a text; none holds an address, and the customer reads nobody's name."""
    drafts, following = ended(changes, outcome)
    assert ([draft.kind for draft in drafts], following) == (kinds, accounts), says
    for draft in drafts:
        assert "None" not in draft.body
        assert "@" not in draft.body
        assert "boss" not in draft.body or draft.audience != CUSTOMER


def test_the_text_on_differing_ids_says_who_is_an_administrator() -> None:
    """Both ids, and of each what is known."""
    (draft,), _ = ended(
        {**OTHERS, "linked_user.is_admin": False, "token_user": {"id": 30, "username": "x", "is_admin": True}}
    )
    assert "(uid): 29; an administrator: no" in draft.body
    assert "(resource_owner_id): 30; an administrator: yes" in draft.body
    (draft,), _ = ended({**OTHERS, "token_user": "<unknown>"})
    assert "(resource_owner_id): 30; an administrator: not told" in draft.body


@pytest.mark.parametrize(("groups", "says"), [(None, "account:"), (0, "0 groups:"), (1, "1 group:"), (2, "2 groups:")])
def test_the_portal_opens_in_proper_words(groups: int | None, says: str) -> None:
    """No number is made up where none was told."""
    finding = {
        found.rule: found for found in evaluate(POLICY, facts_with({"answer": {"opens": True, "groups": groups}}))
    }
    assert finding["portal-answers-502"].verdict is Verdict.no_change
    assert says in finding["portal-answers-502"].reason


def test_an_account_must_be_named() -> None:
    """Neither id nor address: refused before anything is read, in words that say what is missing."""
    for given_ in ({}, {"customer_id": "", "customer_email": ""}, {"ticket_url": "x"}):
        with pytest.raises(BadParameter, match="customer_email or customer_id is needed"):
            parse_parameters(Portal502Parameters, dict(given_), "portal_502")
    for account in ({"customer_id": "7"}, {"customer_email": "kiosk@example.com"}):
        assert parse_parameters(Portal502Parameters, dict(account), "portal_502")
