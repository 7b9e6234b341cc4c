"""`self_serve`: the steps for the customer, why they cannot take them, and with which runbook Support goes on."""

from __future__ import annotations

from collections.abc import Sequence

from glhelpers.actions.drafts import CUSTOMER, Wording
from glhelpers.actions.portal_way import portal_drafts, portal_next
from glhelpers.models.change import ChangePlan, Receipt
from glhelpers.models.facts import AssociationFacts
from glhelpers.models.finding import Decision, Finding
from glhelpers.models.record import Draft, NextRunbook

__all__ = ["drafts_self_serve", "next_self_serve"]

_OF_A_PARTNER: dict[str, Wording] = {
    "seats-cover-seats-in-use": ("reseller_seats", CUSTOMER, "Seats bought and seats in use differ"),
}


def drafts_self_serve(
    facts: AssociationFacts,
    findings: Sequence[Finding],
    decision: Decision,
    plan: ChangePlan | None,
    receipt: Receipt | None,
) -> tuple[Draft, ...]:
    """The reply to the customer, or the text for whoever has to look at the records first."""
    bought = facts.subscription.value
    partner = bought is not None and bought.invoice_owner_type in ("reseller", "marketplace")
    return portal_drafts(facts, findings, decision, _OF_A_PARTNER if partner else {})


def next_self_serve(facts: AssociationFacts, decision: Decision, receipt: Receipt | None) -> tuple[NextRunbook, ...]:
    """Where Support has to act: `force_associate`, `clear_subscription`, `portal_502` or `subscription_not_visible`."""
    return portal_next(facts, decision)
