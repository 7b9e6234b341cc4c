"""What is on the namespace now, and must it survive?"""

from __future__ import annotations

from glhelpers.models.fact import FactState, FactUnknown
from glhelpers.models.facts import AssociationFacts, Occupant
from glhelpers.models.finding import Verdict
from glhelpers.rules import handbook
from glhelpers.rules.rule import Judgement, passes, rule
from glhelpers.rules.thresholds import PAID_PLANS, SAME_PLAN

__all__ = [
    "is_not_associated_yet",
    "linked_to",
    "nothing_else_occupies_the_namespace",
    "same_plan",
    "shows_on_gitlab",
    "subscription_is_not_on_another_group",
]


def same_plan(code: str | None, other: str | None) -> bool:
    """Whether two plan codes name the same plan: `gold` is the old code of `ultimate`."""
    if code is None or other is None:
        return False
    return SAME_PLAN.get(code, code) == SAME_PLAN.get(other, other)


def linked_to(facts: AssociationFacts) -> str | None:
    """The id of the namespace that the subscription's orders name, or None; unknown where they name several."""
    orders = facts.orders.known_or_absent() or ()
    links = sorted({order.gl_namespace_id for order in orders if order.gl_namespace_id})
    if len(links) > 1:
        raise FactUnknown("the subscription's orders name more than one namespace")
    return links[0] if links else None


def _nothing_to_compare(facts: AssociationFacts) -> Judgement | None:
    if FactState.absent in (facts.namespace.state, facts.subscription.state):
        return Judgement(Verdict.not_applicable, "There is no namespace or no subscription to look at.")
    return None


def shows_on_gitlab(facts: AssociationFacts) -> bool:
    """Whether GitLab.com already shows exactly this subscription's plan, seats and term on the group."""
    ours, theirs = facts.subscription.known(), facts.gitlab_subscription.known()
    return (
        same_plan(theirs.plan.code, ours.plan_code)
        and theirs.usage.seats_in_subscription == ours.seats
        and theirs.billing.subscription_start_date == ours.start_date
        and theirs.billing.subscription_end_date == ours.end_date
        and not theirs.plan.trial
    )


@rule(
    "is-not-associated-yet",
    "The subscription is not on the group already",
    stage="already done",
    anchor=handbook.FORCE,
    paragraph="After success the namespace is verified and the issue closed",
    rests_on=("force.success",),
    uses=("orders", "namespace", "gitlab_subscription", "subscription"),
)
def is_not_associated_yet(facts: AssociationFacts) -> Judgement:
    if (none := _nothing_to_compare(facts)) is not None:
        return none
    namespace = facts.namespace.known()
    if linked_to(facts) != str(namespace.id):
        return passes("CustomersDot does not link the subscription to this group yet.")
    if shows_on_gitlab(facts):
        return Judgement(
            Verdict.no_change,
            f"{namespace.full_path} already has this subscription, with its plan, seats and dates.",
            "Nothing to do: tell the customer where the billing page shows it.",
        )
    return Judgement(
        Verdict.warn,
        "CustomersDot links the subscription to this group already, but GitLab.com does not show it.",
        "Associating again writes plan and seats anew.",
    )


@rule(
    "subscription-is-not-on-another-group",
    "The subscription is not linked to another group",
    stage="occupancy",
    anchor=handbook.CLEAR,
    paragraph="Clearing or moving a subscription takes the paid plan from the group that has it",
    rests_on=("clear.error",),
    uses=("orders", "namespace"),
)
def subscription_is_not_on_another_group(facts: AssociationFacts) -> Judgement:
    if (none := _nothing_to_compare(facts)) is not None:
        return none
    linked = linked_to(facts)
    if linked is not None and linked != str(facts.namespace.known().id):
        return Judgement(
            Verdict.stop,
            f"The subscription is linked to another namespace (id {linked}), which would fall to Free.",
            "Ask the customer which group is right; they can use Change linked group themselves.",
        )
    return passes("No other group has this subscription.")


@rule(
    "nothing-else-occupies-the-namespace",
    "No other subscription that must survive occupies the group",
    stage="occupancy",
    anchor=handbook.SEES,
    paragraph="A group is greyed out while a plan, a recently expired one, or consumption is on it",
    rests_on=("sees.occupied", "sees.greyed"),
    uses=("occupants", "gitlab_subscription", "namespace", "orders", "today"),
)
def nothing_else_occupies_the_namespace(facts: AssociationFacts) -> Judgement:
    if (none := _nothing_to_compare(facts)) is not None:
        return none
    occupants = facts.occupants.known_or_absent() or ()
    judged = [_judge_occupant(facts, occupant) for occupant in occupants]
    blocking = next((judgement for judgement in judged if judgement.verdict is Verdict.stop), None)
    if blocking is not None:
        return blocking
    return judged[0] if judged else _judge_unclaimed_plan(facts)


def _judge_occupant(facts: AssociationFacts, occupant: Occupant) -> Judgement:
    name = occupant.subscription_name or f"order {occupant.order_id}"
    if occupant.kind is None:
        raise FactUnknown(f"CustomersDot does not say what kind of purchase {name} on this group is")
    if occupant.kind != "plan":
        return Judgement(
            Verdict.stop,
            f"The group carries {name} for {occupant.kind.replace('_', ' ')}; an association could lose it.",
            "An L&R expert reviews the purchases, and notes additional minutes and storage first.",
        )
    if occupant.end_date is None:
        raise FactUnknown(f"CustomersDot gives no end date for {name} on this group")
    if occupant.end_date >= facts.today.known():
        return Judgement(
            Verdict.stop,
            f"The group carries {name}, a plan that runs until {occupant.end_date.isoformat()}.",
            "Clear it first with runbook clear_subscription, or ask why there are two plans.",
        )
    return Judgement(
        Verdict.warn,
        f"The group is greyed out in the portal by {name}, which ended on {occupant.end_date.isoformat()}.",
        "If the tool answers that the namespace is already associated, use runbook clear_subscription.",
    )


def _judge_unclaimed_plan(facts: AssociationFacts) -> Judgement:
    plan, namespace = facts.gitlab_subscription.known().plan, facts.namespace.known()
    # A group that never had a subscription answers null for the code; its namespace then says "free".
    code = plan.code or namespace.plan
    if code is None:
        raise FactUnknown("GitLab.com does not say which plan the group has")
    if code in ("free", "default") or plan.trial or linked_to(facts) == str(namespace.id):
        return passes("No other subscription is on the group.")
    if code in PAID_PLANS:
        return Judgement(
            Verdict.stop,
            f"The group has the paid plan {code}, but CustomersDot links no order to it.",
            "Find the order that pays for this plan before anything is changed.",
        )
    raise FactUnknown(f"plan code {code} is not known to these rules")
