"""
The policy of runbook `provision_reseller`: what a purchase through a partner, AWS or GCP changes, and what it does not.

The purchase is told by its marks; a direct one goes on in `self_serve`.  Linking the group is the
customer's own step here too, judged by the same rules; seats are the seller's matter.
"""

from __future__ import annotations

from glhelpers.models.fact import FactState, FactUnknown
from glhelpers.models.facts import AssociationFacts
from glhelpers.models.finding import Verdict
from glhelpers.rules import handbook, occupancy, seats
from glhelpers.rules.channel import Channel, channel_of
from glhelpers.rules.portal_link import OCCUPANCY, OWNERSHIP, WAY
from glhelpers.rules.rule import Judgement, Policy, passes, rule
from glhelpers.rules.self_serve import NAMESPACE, RECORDS, REQUEST, SUBSCRIPTION, VISIBILITY

__all__ = ["POLICY", "marks_in_words"]


def _not_for_us(facts: AssociationFacts) -> Judgement | None:
    """The answer of rules about partner purchases where there is none to look at."""
    if facts.subscription.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "There is no subscription to look at.")
    bought = facts.subscription.known()
    try:
        partner = channel_of(bought).partner
    except FactUnknown:
        # a_partner_sold_it tells why, and ends the run; one unknown needs to be told once.
        return Judgement(Verdict.not_applicable, "Who sold it is not known.")
    return None if partner else Judgement(Verdict.not_applicable, "No partner sold it.")


def marks_in_words(facts: AssociationFacts) -> str:
    """Both marks as the record has them, for whoever looks them up in Zuora."""
    bought = facts.subscription.value
    owner = bought.invoice_owner_type if bought is not None else None
    read_only = {True: "read-only", False: "not read-only", None: "not told whether read-only"}
    access = read_only[bought.read_only if bought is not None else None]
    return f"Invoice Owner {f'of type {owner}' if owner else 'not told'}, portal {access}"


def _seller(channel: Channel) -> str:
    return "the AWS or GCP Marketplace listing" if channel is Channel.marketplace else "the partner who sold it"


@rule(
    "a-partner-sold-it",
    "A partner, a reseller, AWS or GCP sold the subscription",
    stage="purchase",
    anchor=handbook.RESELLER,
    paragraph="Customers of partners, resellers, AWS and GCP have read-only access; other purchases are no matter of it",
    rests_on=("reseller.read-only",),
    uses=("subscription",),
)
def a_partner_sold_it(facts: AssociationFacts) -> Judgement:
    if facts.subscription.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "There is no subscription to look at.")
    channel = channel_of(facts.subscription.known())
    if channel is Channel.alliance:
        return Judgement(
            Verdict.handoff,
            "It was sold with an alliance partner; alliance partners are no resellers, so it counts as bought directly.",
            "Go on with runbook self_serve; its parameters are ready.",
        )
    if not channel.partner:
        return Judgement(
            Verdict.handoff,
            "Both marks say that GitLab sold it directly: the Invoice Owner is the customer, the portal is not read-only.",
            "Go on with runbook self_serve; its parameters are ready.",
        )
    who = "a cloud marketplace (AWS or GCP)" if channel is Channel.marketplace else "a reseller"
    return passes(f"Sold through {who}: {marks_in_words(facts)}.")


@rule(
    "read-only-access-is-expected",
    "Read-only access in the portal is expected, and no fault",
    stage="purchase",
    anchor=handbook.RESELLER,
    paragraph="They can look at the subscription, put it on a group and manage contacts, and nothing else",
    rests_on=("reseller.read-only",),
    uses=("subscription",),
)
def read_only_access_is_expected(facts: AssociationFacts) -> Judgement:
    if (none := _not_for_us(facts)) is not None:
        return none
    allowed = "view, link to a group and manage contacts; no purchases, seats or invoices"
    if facts.subscription.known().read_only is None:
        return Judgement(
            Verdict.warn, f"To be expected is: {allowed}. CustomersDot does not tell whether the portal shows it so."
        )
    return passes(f"The portal is read-only, as it should be: {allowed}.")


@rule(
    "who-may-sell-seats-is-known",
    "It is known who may sell seats",
    stage="seats",
    anchor=handbook.RESELLER,
    paragraph="Read-only access: the customer cannot buy in the portal, the seller sells seats and writes invoices",
    rests_on=("reseller.read-only",),
    uses=("subscription",),
)
def who_may_sell_seats_is_known(facts: AssociationFacts) -> Judgement:
    if (none := _not_for_us(facts)) is not None:
        return none
    bought = facts.subscription.known()
    channel = channel_of(bought)
    if bought.invoice_owner is None:
        return Judgement(
            Verdict.warn,
            f"Seats are sold by {_seller(channel)}, whose name is not told.",
            "Look at the Invoice Owner in Zuora before writing about seats. Send the seller no licence and no access.",
        )
    return passes(
        f"Seats are sold by {_seller(channel)} ({bought.invoice_owner}), not by GitLab. Send them no licence and no "
        "access to the portal."
    )


@rule(
    "seats-over-are-settled-with-the-seller",
    "What seats over mean for a partner purchase is told beforehand",
    stage="seats",
    anchor=handbook.SEES,
    paragraph="No unexpected reconciliation may arise; partner purchases are outside the quarterly one",
    rests_on=("sees.seats-stop", "reseller.read-only"),
    uses=("subscription", "seats_needed"),
)
def seats_over_are_settled_with_the_seller(facts: AssociationFacts) -> Judgement:
    if (none := _not_for_us(facts)) is not None:
        return none
    if facts.namespace.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "There is no namespace to look at.")
    bought = facts.subscription.known()
    if bought.kind not in (None, "plan"):
        return Judgement(Verdict.not_applicable, "The purchase carries no seats.")
    needed = facts.seats_needed.known()
    if bought.seats is None:
        raise FactUnknown("CustomersDot gives no number of seats")
    over = needed.high - bought.seats
    if over <= 0:
        return passes("No seats are over; quarterly reconciliation does not apply to partner purchases anyway.")
    return Judgement(
        Verdict.warn,
        f"{over} seats over would show as seats owed, yet quarterly reconciliation does not apply to partner purchases: "
        f"nothing is invoiced during the term; {_seller(channel_of(bought))} settles them at its end, for a full year.",
    )


POLICY: Policy[AssociationFacts] = Policy(
    runbook="provision_reseller",
    stages=(
        "request",
        "purchase",
        "namespace",
        "subscription",
        "records",
        "visibility",
        "already done",
        "occupancy",
        "ownership",
        "seats",
        "way",
    ),
    rules=(
        *REQUEST,
        a_partner_sold_it,
        read_only_access_is_expected,
        *NAMESPACE,
        *SUBSCRIPTION,
        *RECORDS,
        *VISIBILITY,
        occupancy.is_not_associated_yet,
        *OCCUPANCY,
        *OWNERSHIP,
        seats.seats_cover_seats_in_use,
        seats.seats_owed_are_foreseen,
        who_may_sell_seats_is_known,
        seats_over_are_settled_with_the_seller,
        *WAY,
    ),
)
