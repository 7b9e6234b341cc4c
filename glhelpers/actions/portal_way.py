"""Where a run goes on that found that the customer cannot link the group alone, and the words for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from glhelpers.actions.drafts import (
    BILLING_OPS,
    CUSTOMER,
    Wording,
    association_words,
    render,
    texts_for,
)
from glhelpers.models.fact import FactUnknown
from glhelpers.models.facts import AssociationFacts
from glhelpers.models.finding import Decision, Finding, Status, Verdict
from glhelpers.models.namespace import Namespace
from glhelpers.models.record import Draft, NextRunbook
from glhelpers.models.request import (
    ClearParameters,
    ForceAssociateParameters,
    NotVisibleParameters,
    Portal502Parameters,
    RunbookParameters,
)
from glhelpers.rules.portal_link import is_linked_elsewhere

__all__ = ["hand_on", "portal_drafts", "portal_next", "portal_words"]

EXPERT = "the L&R expert who reviews purchases"

_LINK_FIRST: Wording = ("selfserve_link_first", CUSTOMER, "Link an Owner's GitLab.com account, then the group")
_BY_SUPPORT: Wording = ("selfserve_by_support", CUSTOMER, "We put the subscription on the group")
_ROOT_CAUSE: Wording = ("selfserve_root_cause", BILLING_OPS, "Records that do not fit together")
_REVIEW: Wording = ("selfserve_minutes", EXPERT, "Purchases to review first")

_BY_RULE: dict[str, Wording] = {
    "orders-name-one-account": _ROOT_CAUSE,
    "records-name-one-billing-account": _ROOT_CAUSE,
    "seller-is-known": _ROOT_CAUSE,
    "subscription-has-an-order": _ROOT_CAUSE,
    "paid-plan-has-an-order": _ROOT_CAUSE,
    "subscription-is-a-plan-with-seats": _REVIEW,
    "no-consumption-is-on-the-group": _REVIEW,
    "subscription-is-for-gitlab-com": (
        "wrong_product",
        "{team}",
        "Sold for self-managed, wanted on GitLab.com",
    ),
    "is-not-associated-yet": ("already_there", CUSTOMER, "The subscription is on the group"),
    "no-running-plan-is-on-the-group": ("selfserve_which_plan", CUSTOMER, "Which plan the group shall have"),
    "account-has-a-linked-user": _LINK_FIRST,
    "linked-user-is-active": _LINK_FIRST,
    "linked-user-owns-the-group": _LINK_FIRST,
    "seats-cover-seats-in-use": ("seats_differ", CUSTOMER, "Seats bought and seats in use differ"),
    "portal-has-the-button": _BY_SUPPORT,
    "group-can-be-picked": _BY_SUPPORT,
    "portal-asks-for-no-payment": _BY_SUPPORT,
    "what-is-linked-shows": _BY_SUPPORT,
    "customer-can-link-it-alone": ("selfserve_steps", CUSTOMER, "How to link the group in the Customers Portal"),
}
_WHICH_GROUP: Wording = ("selfserve_which_group", CUSTOMER, "Which group the subscription is for")

_TO_FORCE = ("portal-has-the-button", "group-can-be-picked", "portal-asks-for-no-payment", "what-is-linked-shows")
_GOES_ON: dict[str, str] = {
    **dict.fromkeys(_TO_FORCE, "force_associate"),
    "no-running-plan-is-on-the-group": "clear_subscription",
    "linked-user-is-no-admin": "portal_502",
    "account-sees-the-subscription": "subscription_not_visible",
}
"""The runbook that goes on, by the rule that handed over."""

_TAKES: dict[str, tuple[type[RunbookParameters], tuple[str, ...]]] = {
    "force_associate": (ForceAssociateParameters, ("ticket_url",)),
    "clear_subscription": (ClearParameters, ("ticket_url", "error_text", "proof")),
    "portal_502": (Portal502Parameters, ("ticket_url",)),
    "subscription_not_visible": (NotVisibleParameters, ("ticket_url", "proof")),
}
"""What each of them takes, and what it asks for first."""

_AFTER_LINKING = ("seats-cover-seats-in-use", *_TO_FORCE)


def portal_words(facts: AssociationFacts, decision: Decision, findings: Sequence[Finding]) -> dict[str, Any]:
    """What the texts about linking may speak of, over and above those about any association."""
    by_rule = {finding.rule: finding for finding in findings}
    deciding = [by_rule[rule] for rule in decision.deciding if rule in by_rule]
    return association_words(facts, None) | {
        "change": _changes(facts),
        "problem": _problem(decision),
        "goes_on": all(by_rule[rule].verdict.lets_pass for rule in _AFTER_LINKING if rule in by_rule),
        "reason": next((rule for rule in decision.deciding if rule in _TO_FORCE), None),
        "reasons": decision.deciding,
        "causes": tuple(finding.reason for finding in deciding),
        "kept": _kept(facts.namespace.value),
    }


def _kept(namespace: Namespace | None) -> dict[str, int | str]:
    """What an association could lose, "not told" where this token may not see it: silence is no zero."""
    told = {"minutes": "extra_shared_runners_minutes_limit", "storage": "additional_purchased_storage_size"}
    usage = namespace.ci_minutes_usage if namespace is not None else None
    known: dict[str, int | str] = {
        word: getattr(namespace, field) or 0 if namespace is not None and namespace.told(field) else "not told"
        for word, field in told.items()
    }
    return known | {"used": usage.total_minutes_used if usage is not None else "not told"}


def _changes(facts: AssociationFacts) -> bool:
    try:
        return is_linked_elsewhere(facts)
    except FactUnknown:
        return False


def _problem(decision: Decision) -> str:
    if "account-has-a-linked-user" in decision.deciding:
        return "nobody"
    return "inactive" if "linked-user-is-active" in decision.deciding else "not_owner"


def portal_drafts(
    facts: AssociationFacts, findings: Sequence[Finding], decision: Decision, other: Mapping[str, Wording]
) -> tuple[Draft, ...]:
    """The texts for the rules that decided; `other` are those that a runbook words in its own way."""
    words = portal_words(facts, decision, findings)
    if decision.status is Status.stopped and any(rule in _TO_FORCE for rule in decision.deciding):
        # Support would have to take it from another group: which one is meant has to be asked first.
        stopped = {finding.rule for finding in findings if finding.verdict is Verdict.stop}
        return (render(_WHICH_GROUP, words),) if stopped & set(decision.deciding) else ()
    return texts_for(_BY_RULE | dict(other), words, decision, findings)


def portal_next(facts: AssociationFacts, decision: Decision) -> tuple[NextRunbook, ...]:
    """The runbook to go on with, where Support has to; after a question about seats, once the answer is there."""
    if decision.status is Status.handed_off:
        runbooks = dict.fromkeys(_GOES_ON[rule] for rule in decision.deciding if rule in _GOES_ON)
        return tuple(hand_on(facts, runbook, decision.why) for runbook in list(runbooks)[:1])
    if decision.status is Status.needs_customer and "seats-cover-seats-in-use" in decision.deciding:
        why = "Only once the customer has confirmed that the seats over are not bought now."
        return (hand_on(facts, "force_associate", why, lacks=("customer_confirmation",)),)
    return ()


def hand_on(
    facts: AssociationFacts,
    runbook: str,
    why: str,
    *,
    takes: type[RunbookParameters] | None = None,
    lacks: tuple[str, ...] = (),
) -> NextRunbook:
    """That runbook with every parameter that is known and that it takes, and what is still to fill in."""
    model, needed = _TAKES[runbook] if takes is None else (takes, ())
    given = {name: str(value) for name, value in facts.parameters.recorded().items() if value not in (None, "")}
    if runbook == "portal_502" and facts.customer.value is not None:
        given["customer_id"] = str(facts.customer.value.id)
        given.pop("customer_email", None)
    ready = {name: value for name, value in given.items() if name in model.model_fields}
    lacking = [name for name in (*needed, *lacks) if name not in ready]
    return NextRunbook(
        runbook=runbook,
        why=why + (f" Still to fill in: {', '.join(lacking)}." if lacking else ""),
        parameters=ready,
    )
