"""`portal_502`: the texts for the customer and the engineers, and the runs that the same user calls for elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from glhelpers.actions.drafts import CUSTOMER, ENGINEERS, Wording, render, texts_for
from glhelpers.models.change import ChangePlan, Receipt
from glhelpers.models.finding import Decision, Finding, Status
from glhelpers.models.namespace import User
from glhelpers.models.portal_502_facts import Portal502Facts
from glhelpers.models.record import Draft, NextRunbook
from glhelpers.rules.portal_502 import other_accounts

__all__ = ["drafts_portal_502", "next_portal_502"]

_BY_RULE: Mapping[str, Wording] = {
    "portal-works-for-others": ("portal_outage", CUSTOMER, "The portal is down at the moment"),
    "somebody-is-linked": ("portal_other_cause", ENGINEERS, "502 in the portal, and nobody is linked"),
    "linked-user-exists": ("portal_other_cause", ENGINEERS, "502 in the portal, and the linked user is gone"),
    "token-is-the-linked-users": ("portal_ids_differ", ENGINEERS, "502 in the portal, and the ids differ"),
    "linked-user-is-an-administrator": ("portal_other_cause", ENGINEERS, "502 in the portal, but no administrator"),
}
_LINK: Wording = ("portal_relink", CUSTOMER, "Link your own GitLab.com account")
_TO_LINK = ("somebody-is-linked", "portal-answers-502")
"""Rules after which a customer to whom nobody is linked has to link somebody."""


def drafts_portal_502(
    facts: Portal502Facts,
    findings: Sequence[Finding],
    decision: Decision,
    plan: ChangePlan | None,
    receipt: Receipt | None,
) -> tuple[Draft, ...]:
    """How to link the right account; or who else has to look into it."""
    words = _words(facts, decision, receipt)
    if receipt is not None and not receipt.verified:
        return (render(("escalation", ENGINEERS, "Unlinking did not succeed"), words),)
    if receipt is not None:
        return (render(_LINK, words),)
    drafts = texts_for(_BY_RULE, words, decision, findings)
    return (*drafts, render(_LINK, words)) if _has_to_link(facts, decision) else drafts


def _words(facts: Portal502Facts, decision: Decision, receipt: Receipt | None) -> dict[str, Any]:
    customer, token = facts.customer.value, facts.token.value
    return {
        "customer_id": customer.id if customer is not None else None,
        "uid": customer.uid if customer is not None else None,
        "owner_id": token.resource_owner_id if token is not None else None,
        "token_state": token.state if token is not None else "not known",
        "is_admin": _administrator(facts.linked_user.value),
        "owner_is_admin": _administrator(facts.token_user.value),
        "unlinked": receipt is not None,
        "why": decision.why,
        "ticket": facts.parameters.ticket_url or "none given",
        "receipt": receipt,
        "what": f"Unlinking the GitLab.com user of CustomersDot account {customer.id if customer else ''}",
    }


def _administrator(user: User | None) -> str:
    told = user.is_admin if user is not None else None
    return "not told" if told is None else "yes" if told else "no"


def _has_to_link(facts: Portal502Facts, decision: Decision) -> bool:
    customer = facts.customer.value
    nobody = customer is not None and customer.told("uid") and not customer.uid
    ended = decision.status not in (None, Status.awaiting_approval)
    return nobody and ended and any(rule in _TO_LINK for rule in decision.deciding)


def next_portal_502(facts: Portal502Facts, decision: Decision, receipt: Receipt | None) -> tuple[NextRunbook, ...]:
    """Other accounts that the same user is linked to need the same, each in a run of its own."""
    if receipt is None or not receipt.verified or facts.same_uid.value is None:
        return ()
    shared = {
        name: value
        for name, value in (("ticket_url", facts.parameters.ticket_url), ("issue", facts.parameters.issue))
        if value
    }
    return tuple(
        NextRunbook(
            runbook="portal_502",
            why=f"CustomersDot account {account.id} is linked to the same GitLab.com user.",
            parameters={"customer_id": str(account.id), **shared},
        )
        for account in other_accounts(facts)
    )
