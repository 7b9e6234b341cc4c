"""
Does the requester speak for the customer? Six ways to prove it, each with its exclusions; exactly one suffices.

Asked before an account is changed or a group falls to Free (handbook: associating purchases).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any, Protocol

from glhelpers.models.fact import Fact, FactUnknown
from glhelpers.models.finding import Verdict
from glhelpers.models.namespace import GitlabSubscription
from glhelpers.models.proof import Leaf
from glhelpers.models.request import OwnershipParameters
from glhelpers.models.subscription import BillingAccount, Subscription
from glhelpers.rules import handbook
from glhelpers.rules.rule import Judgement, Rule, passes, rule

__all__ = ["DRIFTING", "RULES", "Proving", "compare_leaves", "proved_subscription"]

STAGE = "identity"
_INVOICE_MONTHS = 12
DRIFTING = frozenset({"usage.seats_in_use", "usage.max_seats_used", "usage.seats_owed", "plan.upgradable"})
"""Leaves that may differ between two refreshes of the daily job, and so prove nothing against the requester."""

_PARTNERS = ("reseller", "marketplace")


class Proving(Protocol):
    """Facts that a proof is judged by; `subscription` is the one whose owner must agree."""

    @property
    def parameters(self) -> Any:
        """With the fields of `OwnershipParameters`."""

    @property
    def today(self) -> Fact[date]:
        """GitLab.com's day."""

    @property
    def subscription(self) -> Fact[Subscription]:
        """The subscription named."""

    @property
    def gitlab_subscription(self) -> Fact[GitlabSubscription]:
        """What an administrator sees of the group's plan."""

    @property
    def billing_account(self) -> Fact[BillingAccount]:
        """The billing account that the subscription belongs to."""


def proved_subscription(facts: Proving) -> Subscription:
    """The subscription whose owner must agree: the one on the group where there is one, else the one named."""
    occupying: Fact[Subscription] | None = getattr(facts, "occupying", None)
    return (occupying or facts.subscription).known()


def _asked(facts: Proving) -> OwnershipParameters:
    asked: OwnershipParameters = facts.parameters
    return asked


@rule(
    "requester-has-proved-ownership",
    "The requester has proved that they speak for the customer",
    stage=STAGE,
    anchor=handbook.SEES_NOT,
    paragraph="Associating purchases: one proof of six, before an account changes or a plan is lost",
    rests_on=("sees-not.workflow",),
    uses=("proof", "proof_from", "proof_date", "proof_link", "pasted_subscription", "subscription", "billing_account"),
)
def requester_has_proved_ownership(facts: Proving) -> Judgement:
    asked = _asked(facts)
    if not asked.proof:
        return Judgement(
            Verdict.ask,
            "No proof of ownership was given.",
            "Send the drafted reply; one of the proofs it lists is enough. Then give it as proof and proof_link.",
        )
    if asked.proof_from == "gitlab_employee":
        return Judgement(
            Verdict.stop,
            "A GitLab employee vouching is no proof, not even the account owner.",
            "Ask the customer for one of the six proofs.",
        )
    if not asked.proof_link:
        return Judgement(
            Verdict.ask,
            f"It is not told where the proof ({asked.proof}) lies on the ticket.",
            "Give the link to the comment or attachment as proof_link.",
        )
    return _JUDGES[asked.proof](facts)


def _contact_approval(facts: Proving) -> Judgement:
    """If Sold To and Bill To differ, only the Sold To's word counts; a Bill To supplies an invoice instead."""
    asked, account = _asked(facts), facts.billing_account.known()
    if asked.proof_from == "sold_to":
        return passes("The Sold To contact has approved it.")
    if asked.proof_from != "bill_to":
        return Judgement(
            Verdict.ask,
            "It is not told that the approval came from an existing contact of the billing account.",
            "Give proof_from as sold_to or bill_to; nobody else's approval counts.",
        )
    if account.sold_to_is_bill_to is None:
        raise FactUnknown("CustomersDot does not say whether Sold To and Bill To are the same contact")
    if account.sold_to_is_bill_to:
        return passes("The one contact of the billing account has approved it.")
    return Judgement(
        Verdict.ask,
        "The approval came from the Bill To contact, and the Sold To is another: only the Sold To's word counts.",
        "Ask the Bill To for an invoice of the last 12 months instead.",
    )


def _previous_agreement(facts: Proving) -> Judgement:
    return passes("The previous subscription agreement was supplied.")


def _invoice(facts: Proving) -> Judgement:
    """From the last 12 months; for purchases through a partner only from the partner, once the licence is active."""
    asked, today = _asked(facts), facts.today.known()
    subscription = proved_subscription(facts)
    channel = subscription.invoice_owner_type
    if channel is None:
        raise FactUnknown("CustomersDot does not say who was invoiced")
    if channel in _PARTNERS and asked.proof_from != "reseller":
        return Judgement(
            Verdict.ask,
            f"The purchase went through a partner ({channel}), so an invoice in the customer's hands proves nothing.",
            "Ask for another proof; an active licence's invoice may come from the reseller.",
        )
    if channel in _PARTNERS and not _activated(subscription):
        return Judgement(
            Verdict.ask,
            "The reseller may supply the invoice only once the licence is active, and it is not.",
            "Ask for another proof, such as the reseller vouching.",
        )
    try:
        day = date.fromisoformat(asked.proof_date)
    except ValueError:
        return Judgement(Verdict.ask, "The day of the invoice is not told.", "Give it as proof_date, YYYY-MM-DD.")
    if day > today:
        return Judgement(Verdict.stop, f"The invoice is of {day.isoformat()}, which is yet to come.", "Check the day.")
    if day < _months_before(today, _INVOICE_MONTHS):
        return Judgement(
            Verdict.ask,
            f"The invoice is of {day.isoformat()}, older than {_INVOICE_MONTHS} months.",
            "Ask for a newer invoice, or another proof.",
        )
    return passes(f"An invoice of {day.isoformat()} was supplied.")


def _license_file(facts: Proving) -> Judgement:
    """A text copy of the last loaded licence, which only self-managed instances have."""
    deployment = proved_subscription(facts).deployment
    if deployment is None:
        raise FactUnknown("CustomersDot does not say whether the subscription is for GitLab.com or self-managed")
    if deployment != "self_managed":
        return Judgement(
            Verdict.ask,
            "A licence file proves ownership of a self-managed subscription only; this one is for GitLab.com.",
            "Ask for another proof. Screenshots and activation mails never count.",
        )
    return passes("A text copy of the last loaded licence was supplied; screenshots and mails would not count.")


def _subscription_json(facts: Proving) -> Judgement:
    """The JSON that an Owner sees, compared leaf by leaf with what an administrator sees."""
    leaves = compare_leaves(_asked(facts).pasted_subscription, facts.gitlab_subscription.known())
    if not leaves:
        return Judgement(
            Verdict.ask,
            "What was pasted is not the JSON of the group's subscription.",
            "Ask the Owner to open /api/v4/namespaces/ID/gitlab_subscription while signed in, and to paste all of it.",
        )
    missing = [leaf.name for leaf in leaves if leaf.missing]
    if missing:
        return Judgement(
            Verdict.ask, f"The pasted JSON lacks {', '.join(missing)}.", "Ask the Owner to paste all of the answer."
        )
    if all(leaf.seen is None for leaf in leaves if leaf.name not in ("plan.code", "plan.name")):
        return Judgement(
            Verdict.stop,
            "The group has no subscription on GitLab.com, so its JSON proves nothing.",
            "Ask for another proof.",
        )
    differing = [leaf for leaf in leaves if not leaf.same]
    firm = [leaf.name for leaf in differing if leaf.name not in DRIFTING]
    if firm:
        return Judgement(
            Verdict.stop,
            f"The pasted JSON differs from what an administrator sees, in {', '.join(firm)}.",
            "Whoever sent it may not be an Owner of this group. Ask for another proof; tell them none of the values.",
        )
    if differing:
        return Judgement(
            Verdict.ask,
            f"The pasted JSON differs in {', '.join(leaf.name for leaf in differing)}, which the daily refresh changes.",
            "Ask the Owner to paste it again, and run again at once.",
        )
    return passes(f"All {len(leaves)} values of the pasted JSON are those that an administrator sees.")


def _reseller_vouches(facts: Proving) -> Judgement:
    """Only before the licence is activated, and from the mail domain of the invoice owner's Sold To."""
    asked = _asked(facts)
    if asked.proof_from != "reseller":
        return Judgement(
            Verdict.ask, "It is not told that the reseller vouched.", "Give proof_from as reseller, or another proof."
        )
    if _activated(proved_subscription(facts)):
        return Judgement(
            Verdict.ask,
            "The licence is active already; a reseller's word counts before that only.",
            "Ask for another proof; the reseller may supply the invoice.",
        )
    account = facts.billing_account.known()
    if not account.sold_to_domain:
        raise FactUnknown("CustomersDot does not tell the mail domain of the Sold To contact")
    domain = asked.customer_email.rpartition("@")[2].casefold()
    if not domain:
        return Judgement(
            Verdict.ask, "The requester's e-mail address is not told.", "Give it as customer_email: its domain counts."
        )
    if domain != account.sold_to_domain.casefold():
        return Judgement(
            Verdict.stop,
            "The requester's mail domain is not that of the invoice owner's Sold To contact.",
            "Ask for another proof; do not tell them the domain.",
        )
    return passes("The reseller has vouched, and the requester's mail domain is that of the Sold To contact.")


_JUDGES = {
    "contact_approval": _contact_approval,
    "previous_agreement": _previous_agreement,
    "invoice": _invoice,
    "license_file": _license_file,
    "subscription_json": _subscription_json,
    "reseller_vouches": _reseller_vouches,
}


def _activated(subscription: Subscription) -> bool:
    if subscription.license_activated is None:
        raise FactUnknown("CustomersDot does not say whether the licence was activated")
    return subscription.license_activated


def _months_before(day: date, months: int) -> date:
    """The same day so many months earlier; the last of February for the 29th."""
    years, month = divmod(day.month - 1 - months, 12)
    year = day.year + years
    while True:
        try:
            return date(year, month + 1, day.day)
        except ValueError:
            day = day.replace(day=day.day - 1)


def compare_leaves(pasted: str, seen: GitlabSubscription) -> tuple[Leaf, ...]:
    """Every value of the JSON next to what an administrator sees; empty if the text is no such JSON."""
    try:
        told = json.loads(pasted)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(told, dict) or not all(isinstance(told.get(part), dict) for part in ("plan", "usage", "billing")):
        return ()
    return tuple(_leaves(told, seen))


def _leaves(told: dict[str, Any], seen: GitlabSubscription) -> Iterator[Leaf]:
    for part in ("plan", "usage", "billing"):
        model = getattr(seen, part)
        for name in type(model).model_fields:
            value = getattr(model, name)
            here = value.isoformat() if isinstance(value, date) else value
            there = told[part].get(name)
            # True is 1 for Python; for a value that a person vouches with it is not.
            same = type(there) is type(here) and there == here
            yield Leaf(name=f"{part}.{name}", seen=here, same=same, missing=name not in told[part])


@rule(
    "sold-to-is-not-copied",
    "The existing Sold To contact is kept out of the requester's ticket",
    stage=STAGE,
    anchor=handbook.SEES_NOT,
    paragraph="Associating purchases: the Sold To contact's data must not reach the requester",
    rests_on=("sees-not.workflow",),
    uses=(),
)
def sold_to_is_not_copied(facts: Proving) -> Judgement:
    return passes("Never copy the Sold To contact on this ticket; a dispute about ownership goes to legal.")


RULES: tuple[Rule[Proving], ...] = (requester_has_proved_ownership, sold_to_is_not_copied)
"""The rules that every runbook with a proof asks."""
