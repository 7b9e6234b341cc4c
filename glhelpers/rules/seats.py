"""Seats in the subscription against seats in use, and whether there is a reason to force at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from glhelpers.models.fact import FactState, FactUnknown
from glhelpers.models.facts import AssociationFacts, SeatsNeeded
from glhelpers.models.finding import Verdict
from glhelpers.models.namespace import BillableMember, BillableMembership, Member, Namespace
from glhelpers.models.subscription import Subscription
from glhelpers.rules import handbook
from glhelpers.rules.occupancy import linked_to, shows_on_gitlab
from glhelpers.rules.rule import Judgement, passes, rule
from glhelpers.rules.thresholds import (
    GUEST,
    GUESTS_ARE_BILLED,
    GUESTS_ARE_FREE,
    SUBSTANTIAL_SEATS,
    SUBSTANTIAL_SHARE,
)

__all__ = [
    "Forecast",
    "bills_guests",
    "forecast",
    "is_substantial",
    "purchase_channel_is_known",
    "seats_cover_seats_in_use",
    "seats_needed",
    "seats_owed_are_foreseen",
    "there_is_a_reason_to_force",
]


def bills_guests(plan_code: str | None) -> bool:
    """Whether Guests take a seat on this plan; raises `FactUnknown` for a plan that the list does not hold."""
    if plan_code in GUESTS_ARE_BILLED:
        return True
    if plan_code in GUESTS_ARE_FREE:
        return False
    raise FactUnknown(f"whether plan {plan_code} bills Guests is not known")


def seats_needed(
    namespace: Namespace,
    new_plan: str | None,
    members: Sequence[Member],
    billable: Sequence[BillableMember],
    memberships: Mapping[int, Sequence[BillableMembership]],
) -> SeatsNeeded:
    """
    Seats that the group takes once the new plan counts them.

    The live count follows the plan that the group has now.  If the new plan bills Guests and the
    old one does not, the group's Guests come on top; the other way round, those whose every
    membership is Guest fall out.  Members whose role cannot be seen widen the range.
    """
    live = namespace.billable_members_count
    if live is None:
        raise FactUnknown("GitLab.com does not tell this token the group's billable members")
    counted, counts = bills_guests(namespace.plan), bills_guests(new_plan)
    in_use = max(live, namespace.seats_in_use or 0)
    low = high = in_use
    guests = {member.id for member in members if member.access_level == GUEST and member.state == "active"}
    billed = {member.id for member in billable}
    if counts and not counted:
        low = in_use + len(guests - billed)
        total = namespace.members_count_with_descendants
        if total is None:
            raise FactUnknown("GitLab.com does not tell how many members the group has below its top level")
        unseen = max(0, total - len(billed | {member.id for member in members}))
        high = low + unseen
    elif counted and not counts:
        only_guests = [user for user in guests & billed if user in memberships and _only_guest(memberships[user])]
        unclear = [user for user in guests & billed if user not in memberships]
        high = in_use - len(only_guests)
        low = high - len(unclear)
    return SeatsNeeded(
        low=low,
        high=high,
        counts_guests=counts,
        live=live,
        stored=namespace.seats_in_use,
        max_used=namespace.max_seats_used,
    )


def _only_guest(memberships: Sequence[BillableMembership]) -> bool:
    return bool(memberships) and all(row.access_level.integer_value <= GUEST for row in memberships)


@dataclass(frozen=True)
class Forecast:
    """Seats owed after the next refresh, for both fates of the stored maximum."""

    if_carried_over: int
    if_reset: int


def forecast(subscription: Subscription, needed: SeatsNeeded) -> Forecast:
    """
    Seats owed = max(0, max seats used - seats in subscription), on paid plans that are no trial.

    The maximum is carried over unless the association begins a new term; then it starts again at
    the seats in use.
    """
    seats = subscription.seats or 0
    carried = max(needed.max_used or 0, needed.high)
    return Forecast(if_carried_over=max(0, carried - seats), if_reset=max(0, needed.high - seats))


def is_substantial(difference: int, seats: int) -> bool:
    """Whether a difference calls for a review of what the quarterly reconciliation would bill."""
    return abs(difference) > max(SUBSTANTIAL_SEATS, SUBSTANTIAL_SHARE * seats)


def _nothing_to_compare(facts: AssociationFacts) -> Judgement | None:
    if FactState.absent in (facts.namespace.state, facts.subscription.state):
        return Judgement(Verdict.not_applicable, "There is no namespace or no subscription to look at.")
    if facts.subscription.state is FactState.known and facts.subscription.known().kind not in (None, "plan"):
        return Judgement(Verdict.not_applicable, "The purchase carries no seats.")
    return None


def community_program(subscription: Subscription) -> str | None:
    """The programme (`edu`, `oss`, `startups`) or None; raises `FactUnknown` if CustomersDot left it out."""
    if not subscription.told("community_program"):
        raise FactUnknown("CustomersDot does not say whether it is an EDU, OSS or Startups subscription")
    return subscription.community_program


def _seats_of(facts: AssociationFacts) -> tuple[int, SeatsNeeded]:
    seats = facts.subscription.known().seats
    if seats is None:
        raise FactUnknown("CustomersDot gives no number of seats")
    return seats, facts.seats_needed.known()


def _in_words(needed: SeatsNeeded) -> str:
    count = str(needed.low) if needed.low == needed.high else f"{needed.low} to {needed.high}"
    return f"{count} in use" + (", Guests counted" if needed.counts_guests else "")


@rule(
    "purchase-channel-is-known",
    "It is known who sold the subscription",
    stage="seats",
    anchor=handbook.RESELLER,
    paragraph="Purchases through partners, AWS or GCP are read-only in the portal",
    rests_on=("reseller.read-only",),
    uses=("subscription",),
)
def purchase_channel_is_known(facts: AssociationFacts) -> Judgement:
    if (none := _nothing_to_compare(facts)) is not None:
        return none
    channel = facts.subscription.known().invoice_owner_type
    if channel is None:
        return Judgement(
            Verdict.warn,
            "CustomersDot does not say whether GitLab or a partner sold this; do not take it for a direct sale.",
            "Look at the Invoice Owner in Zuora before writing about prices or seats.",
        )
    if channel in ("reseller", "marketplace"):
        return passes(f"Sold by a partner ({channel}): read-only in the portal; seats are bought from the partner.")
    return passes("Sold by GitLab." if channel == "customer" else "Sold with an alliance partner, not a reseller.")


@rule(
    "seats-cover-seats-in-use",
    "The seats bought match the seats in use, or the customer has confirmed the difference",
    stage="seats",
    anchor=handbook.SEES,
    paragraph="The seat count should be the same; if not, review the reconciliation and confirm with the customer",
    rests_on=("sees.seats-stop", "sees.force", "force.seats"),
    uses=("subscription", "seats_needed", "customer_confirmation"),
)
def seats_cover_seats_in_use(facts: AssociationFacts) -> Judgement:
    if (none := _nothing_to_compare(facts)) is not None:
        return none
    seats, needed = _seats_of(facts)
    program = community_program(facts.subscription.known())
    compared = f"{seats} seats bought, {_in_words(needed)}"
    if needed.low == needed.high == seats:
        return passes(f"{compared}: the same.")
    if needed.high <= seats:
        return Judgement(Verdict.warn, f"{compared}: fewer users than seats, nothing is owed.")
    over = needed.high - seats
    if program is not None:
        return Judgement(
            Verdict.warn, f"{compared}: {over} over; {program.upper()} subscriptions owe nothing during the term."
        )
    if facts.parameters.customer_confirmation:
        return Judgement(
            Verdict.warn, f"{compared}: the customer has confirmed that {over} more become seats owed, not bought now."
        )
    if needed.low <= seats:
        raise FactUnknown(f"{compared}: whether the seats suffice depends on members whose role cannot be seen")
    return _ask(facts, compared, over, seats)


def _ask(facts: AssociationFacts, compared: str, over: int, seats: int) -> Judgement:
    size = "a substantial difference" if is_substantial(over, seats) else "a small difference"
    partner = facts.subscription.known().invoice_owner_type in ("reseller", "marketplace")
    way = "remove users, buy seats from their partner," if partner else "remove users, buy seats now,"
    return Judgement(
        Verdict.ask,
        f"{compared}: {over} too few, {size}.",
        f"Send the drafted reply: the customer may {way} or confirm that the extra seats become seats owed. "
        "Then run again with the link to their answer as customer_confirmation.",
    )


@rule(
    "seats-owed-are-foreseen",
    "What will be owed after the association is known beforehand",
    stage="seats",
    anchor=handbook.SEES,
    paragraph="Review to ensure that no unexpected quarterly reconciliation arises",
    rests_on=("sees.seats-stop", "force.seats"),
    uses=("subscription", "seats_needed"),
)
def seats_owed_are_foreseen(facts: AssociationFacts) -> Judgement:
    if (none := _nothing_to_compare(facts)) is not None:
        return none
    _, needed = _seats_of(facts)
    owed = forecast(facts.subscription.known(), needed)
    if owed.if_carried_over == 0 and owed.if_reset == 0:
        return passes("No seats owed are to be expected.")
    if community_program(facts.subscription.known()) is not None:
        return Judgement(
            Verdict.warn, "GitLab.com will show seats owed; programme subscriptions are not billed for them."
        )
    return Judgement(
        Verdict.warn,
        f"GitLab.com will show {owed.if_carried_over} seats owed if the highest use so far is carried over, "
        f"{owed.if_reset} if a new term begins.",
    )


@rule(
    "there-is-a-reason-to-force",
    "The customer cannot do it in the portal",
    stage="reason",
    anchor=handbook.FORCE,
    paragraph="Forcing is for more users than seats without a purchase now, and for EDU/OSS without the button",
    rests_on=("force.when", "force.seats", "force.programme"),
    uses=("subscription", "seats_needed", "customer_confirmation", "occupants", "orders", "gitlab_subscription"),
)
def there_is_a_reason_to_force(facts: AssociationFacts) -> Judgement:
    if (none := _nothing_to_compare(facts)) is not None:
        return none
    seats, needed = _seats_of(facts)
    program = community_program(facts.subscription.known())
    if program in ("edu", "oss"):
        return passes(f"{program.upper()} subscriptions have no Change linked namespace button.")
    if facts.occupants.known_or_absent():
        return passes("The portal greys the group out because of the subscription that is still linked.")
    if needed.high > seats and (facts.parameters.customer_confirmation or program is not None):
        return passes("The portal would ask for payment of seats that the customer does not want to buy now.")
    if linked_to(facts) == str(facts.namespace.known().id) and not shows_on_gitlab(facts):
        return passes("The portal has it linked already; only associating again makes GitLab.com show it.")
    if needed.high > seats:
        return Judgement(Verdict.not_applicable, "First the customer has to confirm the difference in seats.")
    return Judgement(
        Verdict.self_serve,
        "Nothing keeps the customer from linking the group in the portal: the seats suffice and the group is free.",
        "Send the drafted reply with the steps.",
    )
