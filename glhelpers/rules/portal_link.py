"""
Can the customer link the group in the portal alone, and if not, why is it greyed out or absent there?

Shared by `self_serve` and `provision_reseller`: whoever sold the subscription, linking it is the
customer's own step as long as nothing here stands against it.
"""

from __future__ import annotations

from dataclasses import replace

from glhelpers.models.fact import FactState, FactUnknown
from glhelpers.models.facts import AssociationFacts, Occupant
from glhelpers.models.finding import Verdict
from glhelpers.rules import handbook, occupancy, ownership
from glhelpers.rules.occupancy import linked_to, shows_on_gitlab
from glhelpers.rules.rule import Judgement, Rule, only_if, passes, rule
from glhelpers.rules.seats import community_program, seats_cover_seats_in_use

__all__ = ["OCCUPANCY", "OWNERSHIP", "WAY", "is_linked_elsewhere"]

_BY_SUPPORT = "Go on with runbook force_associate; its parameters are ready."


def _nothing_to_judge(facts: AssociationFacts) -> Judgement | None:
    if FactState.absent in (facts.namespace.state, facts.subscription.state):
        return Judgement(Verdict.not_applicable, "There is no namespace or no subscription to look at.")
    return None


def is_linked_elsewhere(facts: AssociationFacts) -> bool:
    """Whether the subscription's orders name another namespace than the one asked for."""
    linked = linked_to(facts)
    return linked is not None and linked != str(facts.namespace.known().id)


def _turned(rule: Rule[AssociationFacts], verdict: Verdict, next_step: str | None = None) -> Rule[AssociationFacts]:
    """The same rule, whose stop is another outcome here, since nothing is to be forced."""

    def judge(facts: AssociationFacts) -> Judgement:
        judgement = rule.judge(facts)
        if judgement.verdict is not Verdict.stop:
            return judgement
        return replace(judgement, verdict=verdict, next_step=next_step or judgement.next_step)

    return replace(rule, judge=judge)


def _name(occupant: Occupant) -> str:
    return occupant.subscription_name or f"order {occupant.order_id}"


def _plans(facts: AssociationFacts) -> list[Occupant]:
    return [occupant for occupant in facts.occupants.known_or_absent() or () if occupant.kind == "plan"]


def _runs(facts: AssociationFacts, occupant: Occupant) -> bool:
    if occupant.end_date is None:
        raise FactUnknown(f"CustomersDot gives no end date for {_name(occupant)} on this group")
    return occupant.end_date >= facts.today.known()


@rule(
    "no-consumption-is-on-the-group",
    "No compute minutes, storage or other consumption is on the group",
    stage="occupancy",
    anchor=handbook.SEES,
    paragraph="A consumption subscription greys the group out too, and what it holds must not be lost",
    rests_on=("sees.occupied", "sees.minutes-stop"),
    uses=("occupants",),
)
def no_consumption_is_on_the_group(facts: AssociationFacts) -> Judgement:
    if (none := _nothing_to_judge(facts)) is not None:
        return none
    for occupant in facts.occupants.known_or_absent() or ():
        if occupant.kind is None:
            raise FactUnknown(f"CustomersDot does not say what kind of purchase {_name(occupant)} on this group is")
        if occupant.kind != "plan":
            return Judgement(
                Verdict.stop,
                f"The portal greys the group out: it carries {_name(occupant)} for "
                f"{occupant.kind.replace('_', ' ')}, which an association could lose.",
                "An L&R expert reviews the purchases, and notes additional minutes and storage first.",
            )
    return passes("No consumption is on the group.")


@rule(
    "no-running-plan-is-on-the-group",
    "No other plan that still runs is on the group",
    stage="occupancy",
    anchor=handbook.SEES,
    paragraph="A group that has a subscription is greyed out in the list; it takes one only",
    rests_on=("sees.greyed", "sees.occupied"),
    uses=("occupants", "today"),
)
def no_running_plan_is_on_the_group(facts: AssociationFacts) -> Judgement:
    if (none := _nothing_to_judge(facts)) is not None:
        return none
    running = [occupant for occupant in _plans(facts) if _runs(facts, occupant)]
    if running:
        until = running[0].end_date
        return Judgement(
            Verdict.handoff,
            f"The portal greys the group out: {_name(running[0])} is on it, a plan that runs until {until}.",
            "Ask which of the two plans is to stay. If the old one may go, runbook clear_subscription replaces it.",
        )
    return passes("No other plan that still runs is on the group.")


paid_plan_has_an_order = replace(
    _turned(
        only_if(
            lambda facts: not facts.occupants.known_or_absent(),
            "Other orders are on the group and are judged by themselves.",
            occupancy.nothing_else_occupies_the_namespace,
        ),
        Verdict.handoff,
        "Hand over to Billing Ops with the drafted text.",
    ),
    id="paid-plan-has-an-order",
    label="A paid plan on the group has an order that pays for it",
    paragraph="Experts look for the cause, if need be with Billing Ops, where data of Zuora or Salesforce is at fault",
    rests_on=("sees.root-cause", "sees.occupied"),
)


def _admin(facts: AssociationFacts) -> Judgement:
    judgement = ownership.linked_user_is_no_admin.judge(facts)
    match judgement.verdict:
        case Verdict.stop:
            return Judgement(Verdict.handoff, judgement.reason, "Go on with runbook portal_502.")
        case Verdict.warn:
            # Elsewhere a note; here the answer would be steps that end in a 502 for an administrator.
            raise FactUnknown("this token cannot tell whether the linked user is an administrator")
        case _:
            return judgement


linked_user_is_no_admin = replace(ownership.linked_user_is_no_admin, judge=_admin)

_LINK_FIRST = "Send the drafted reply: the customer links the account of an Owner, which they can do alone."


@rule(
    "portal-has-the-button",
    "The portal offers to link or to change the group",
    stage="way",
    anchor=handbook.FORCE,
    paragraph="Education and open source subscriptions lack the button, so Support associates them",
    rests_on=("force.programme",),
    uses=("subscription", "orders", "namespace"),
)
def portal_has_the_button(facts: AssociationFacts) -> Judgement:
    if (none := _nothing_to_judge(facts)) is not None:
        return none
    program = community_program(facts.subscription.known())
    if program in ("edu", "oss"):
        return _by_support(facts, f"{program.upper()} subscriptions have no button for it in the portal.")
    return passes("It is no EDU or OSS subscription; the portal has the button.")


@rule(
    "group-can-be-picked",
    "The group can be picked from the drop-down list",
    stage="way",
    anchor=handbook.SEES,
    paragraph="A recently expired subscription still greys the group out, and Support has to associate",
    rests_on=("sees.greyed", "sees.occupied", "sees.force"),
    uses=("occupants", "today", "orders", "namespace"),
)
def group_can_be_picked(facts: AssociationFacts) -> Judgement:
    if (none := _nothing_to_judge(facts)) is not None:
        return none
    ended = [occupant for occupant in _plans(facts) if not _runs(facts, occupant)]
    if ended:
        return _by_support(
            facts, f"The portal greys the group out because of {_name(ended[0])}, which ended on {ended[0].end_date}."
        )
    return passes("No other subscription greys the group out.")


@rule(
    "portal-asks-for-no-payment",
    "The portal asks for no payment of further seats",
    stage="way",
    anchor=handbook.FORCE,
    paragraph="With more users than seats the portal leads to a payment page; without a purchase Support associates",
    rests_on=("force.seats",),
    uses=("subscription", "seats_needed", "customer_confirmation", "orders", "namespace"),
)
def portal_asks_for_no_payment(facts: AssociationFacts) -> Judgement:
    if (none := _nothing_to_judge(facts)) is not None:
        return none
    subscription = facts.subscription.known()
    if subscription.kind not in (None, "plan"):
        return Judgement(Verdict.not_applicable, "The purchase carries no seats.")
    needed = facts.seats_needed.known()
    if subscription.seats is None:
        raise FactUnknown("CustomersDot gives no number of seats")
    over = needed.high - subscription.seats
    if over <= 0:
        return passes("There is nothing to pay for: the seats suffice.")
    if community_program(subscription) is not None:
        return _by_support(facts, f"The portal would ask for payment of {over} seats that this programme does not owe.")
    if facts.parameters.customer_confirmation:
        return _by_support(
            facts, f"The portal would ask for payment of {over} seats, which the customer has said not to buy now."
        )
    return Judgement(Verdict.not_applicable, "First the customer has to confirm the difference in seats.")


@rule(
    "what-is-linked-shows",
    "What CustomersDot has linked shows on GitLab.com",
    stage="way",
    anchor=handbook.SEES,
    paragraph="The subscription is seen in the portal, but the billing page of the group does not show the paid plan",
    rests_on=("sees.when",),
    uses=("orders", "namespace", "gitlab_subscription", "subscription"),
)
def what_is_linked_shows(facts: AssociationFacts) -> Judgement:
    if (none := _nothing_to_judge(facts)) is not None:
        return none
    if linked_to(facts) != str(facts.namespace.known().id):
        return passes("CustomersDot does not link the subscription to this group yet.")
    if shows_on_gitlab(facts):
        return passes("GitLab.com shows what CustomersDot has linked.")
    return _by_support(
        facts, "CustomersDot has linked the subscription to this group, but GitLab.com does not show its plan."
    )


def _by_support(facts: AssociationFacts, why: str) -> Judgement:
    if is_linked_elsewhere(facts):
        return Judgement(
            Verdict.stop,
            f"{why} Yet the subscription is linked to another namespace (id {linked_to(facts)}), which would fall to "
            "Free.",
            "Ask the customer which group is right; then an L&R expert decides how the subscription gets there.",
        )
    return Judgement(Verdict.handoff, why, _BY_SUPPORT)


@rule(
    "customer-can-link-it-alone",
    "The customer can link the group in the portal alone",
    stage="way",
    anchor=handbook.SEES,
    paragraph="The customer's own steps: sign in, open the purchases, link or change the group, pick it, confirm",
    rests_on=("sees.when", "sees.steps", "sees.choose", "sees.link", "sees.change", "sees.select", "sees.confirm"),
    uses=("orders", "namespace", "subscription"),
)
def customer_can_link_it_alone(facts: AssociationFacts) -> Judgement:
    if (none := _nothing_to_judge(facts)) is not None:
        return none
    hinder = [
        each.label for each in (*OCCUPANCY, *OWNERSHIP, seats_cover_seats_in_use, *_BEFORE) if _hinders(each, facts)
    ]
    if hinder:
        return Judgement(Verdict.not_applicable, f"Not yet, since this does not hold: {'; '.join(hinder)}.")
    if is_linked_elsewhere(facts):
        return Judgement(
            Verdict.self_serve,
            f"The subscription is linked to another namespace (id {linked_to(facts)}); the customer can change the linked "
            "group, and the other one then falls to Free.",
            "Send the drafted reply with the steps.",
        )
    return Judgement(
        Verdict.self_serve,
        "Nothing keeps the customer from linking the group in the portal: it is free, an Owner is linked, and the seats "
        "suffice.",
        "Send the drafted reply with the steps.",
    )


def _hinders(each: Rule[AssociationFacts], facts: AssociationFacts) -> bool:
    return not each(facts).verdict.lets_pass


OCCUPANCY = (no_consumption_is_on_the_group, no_running_plan_is_on_the_group, paid_plan_has_an_order)
"""What is on the group now; an ended plan is left to the way on."""

OWNERSHIP = (
    _turned(ownership.account_has_a_linked_user, Verdict.self_serve, _LINK_FIRST),
    _turned(ownership.linked_user_is_active, Verdict.self_serve, _LINK_FIRST),
    linked_user_is_no_admin,
    _turned(ownership.linked_user_owns_the_group, Verdict.self_serve, _LINK_FIRST),
)
"""Who sees no group, or not this one, in the list: they can mend that alone, unless it is an administrator."""

_BEFORE = (portal_has_the_button, group_can_be_picked, portal_asks_for_no_payment, what_is_linked_shows)

WAY = (*_BEFORE, customer_can_link_it_alone)
"""The last stage: it always decides."""
