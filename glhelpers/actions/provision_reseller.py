"""`provision_reseller`: the reply to a partner's customer, a note on who may sell seats, and where it goes on."""

from __future__ import annotations

from collections.abc import Sequence

from glhelpers.actions.drafts import BILLING_OPS, CUSTOMER, Wording, render
from glhelpers.actions.portal_way import hand_on, portal_drafts, portal_next, portal_words
from glhelpers.models.change import ChangePlan, Receipt
from glhelpers.models.facts import AssociationFacts
from glhelpers.models.finding import Decision, Finding, Status
from glhelpers.models.record import Draft, NextRunbook
from glhelpers.models.request import AssociationParameters
from glhelpers.rules.provision_reseller import marks_in_words

__all__ = ["drafts_reseller", "next_reseller"]

_BY_RULE: dict[str, Wording] = {
    "customer-can-link-it-alone": ("reseller_steps", CUSTOMER, "Read-only access, and how to link the group"),
    "seats-cover-seats-in-use": ("reseller_seats", CUSTOMER, "Seats bought and seats in use differ"),
}
_SELLER: Wording = ("reseller_seller", "colleagues, as an internal note on the ticket", "Who may sell seats")
_MARKS: Wording = ("reseller_marks", BILLING_OPS, "Who sold the subscription")


def drafts_reseller(
    facts: AssociationFacts,
    findings: Sequence[Finding],
    decision: Decision,
    plan: ChangePlan | None,
    receipt: Receipt | None,
) -> tuple[Draft, ...]:
    """The reply to the customer; where seats are short, also who may sell them; where the seller is unknown, who is asked."""
    bought = facts.subscription.value
    words = portal_words(facts, decision, findings)
    if "a-partner-sold-it" in decision.deciding and decision.status is Status.stopped:
        return (render(_MARKS, words | {"marks": marks_in_words(facts)}),) if bought is not None else ()
    drafts = portal_drafts(facts, findings, decision, _BY_RULE)
    if bought is None or "seats-cover-seats-in-use" not in decision.deciding or not drafts:
        return drafts
    return (*drafts, render(_SELLER, words | {"invoice_owner": bought.invoice_owner}))


def next_reseller(facts: AssociationFacts, decision: Decision, receipt: Receipt | None) -> tuple[NextRunbook, ...]:
    """A direct purchase goes on in `self_serve`; a partner's where Support has to act."""
    if decision.status is Status.handed_off and "a-partner-sold-it" in decision.deciding:
        return (hand_on(facts, "self_serve", decision.why, takes=AssociationParameters),)
    return portal_next(facts, decision)
