"""Is it a subscription of a plan with seats, for GitLab.com, in its term?"""

from __future__ import annotations

from glhelpers.models.fact import FactState, FactUnknown
from glhelpers.models.facts import AssociationFacts
from glhelpers.models.finding import Verdict
from glhelpers.models.subscription import Subscription
from glhelpers.rules import handbook
from glhelpers.rules.rule import Judgement, passes, rule

__all__ = [
    "has_an_order",
    "is_a_plan_with_seats",
    "is_for_gitlab_com",
    "is_in_its_term",
    "is_not_a_trial",
    "subscription_exists",
]

STAGE = "subscription"


def _none_to_judge(facts: AssociationFacts) -> Judgement | None:
    if facts.subscription.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "There is no subscription to look at.")
    return None


def told(subscription: Subscription, field: str, what: str) -> None:
    """Raise `FactUnknown` if the service left the key out: silence is not an answer."""
    if not subscription.told(field):
        raise FactUnknown(f"CustomersDot does not say {what}")


@rule(
    "subscription-exists",
    "The subscription exists",
    stage=STAGE,
    anchor=handbook.FORCE,
    paragraph="The subscription to associate",
    rests_on=("force.when",),
    uses=("subscription",),
)
def subscription_exists(facts: AssociationFacts) -> Judgement:
    if facts.subscription.state is FactState.absent:
        return Judgement(
            Verdict.stop,
            f"CustomersDot knows no subscription {facts.parameters.subscription_name}.",
            "Check the A-S number on the customer's order confirmation.",
        )
    return passes(f"{facts.subscription.known().name} exists.")


@rule(
    "subscription-has-an-order",
    "CustomersDot holds an order for the subscription",
    stage=STAGE,
    anchor=handbook.SEES,
    paragraph="Root causes in Zuora or Salesforce data go to Billing Ops",
    rests_on=("sees.root-cause",),
    uses=("orders",),
)
def has_an_order(facts: AssociationFacts) -> Judgement:
    if (none := _none_to_judge(facts)) is not None:
        return none
    orders = facts.orders.known_or_absent() or ()
    if not orders:
        return Judgement(
            Verdict.handoff,
            "The subscription is in Zuora, but CustomersDot holds no order for it, so there is nothing to link.",
            "Hand over to Billing Ops with the drafted text; an order must be made from Zuora first.",
        )
    if len({order.customer_id for order in orders}) > 1:
        raise FactUnknown("the subscription's orders name more than one CustomersDot account")
    return passes(f"Order {orders[0].id} carries the subscription.")


@rule(
    "subscription-is-a-plan-with-seats",
    "The subscription is a plan with seats, not compute minutes or other consumption",
    stage=STAGE,
    anchor=handbook.SEES,
    paragraph="For compute minutes: stop and review, so that existing minutes are not overwritten and lost",
    rests_on=("sees.minutes-stop",),
    uses=("subscription",),
)
def is_a_plan_with_seats(facts: AssociationFacts) -> Judgement:
    if (none := _none_to_judge(facts)) is not None:
        return none
    subscription = facts.subscription.known()
    if subscription.kind is None:
        raise FactUnknown("CustomersDot does not say whether the subscription is a plan or consumption")
    if subscription.kind != "plan":
        kind = subscription.kind.replace("_", " ")
        return Judgement(
            Verdict.stop,
            f"{subscription.name} is for {kind}, not for a plan with seats; forcing it could overwrite what is there.",
            "An L&R expert reviews the namespace's purchases first; record its additional minutes.",
        )
    if subscription.seats is None or subscription.seats < 1 or not subscription.plan_code:
        raise FactUnknown("CustomersDot gives no plan code or no number of seats for the subscription")
    return passes(f"{subscription.plan_code} with {subscription.seats} seats.")


@rule(
    "subscription-is-not-a-trial",
    "The subscription is not a trial",
    stage=STAGE,
    anchor=handbook.FORCE,
    paragraph="Trials cannot be transferred; they are changed by a form of their own",
    rests_on=("force.when",),
    uses=("subscription",),
)
def is_not_a_trial(facts: AssociationFacts) -> Judgement:
    if (none := _none_to_judge(facts)) is not None:
        return none
    subscription = facts.subscription.known()
    told(subscription, "trial", "whether the subscription is a trial")
    if subscription.trial:
        return Judgement(
            Verdict.stop,
            f"{subscription.name} is a trial; a trial cannot be moved to a group.",
            "An Owner starts a trial on the group's billing page; an existing one is edited by its own form.",
        )
    return passes("It is not a trial.")


@rule(
    "subscription-is-for-gitlab-com",
    "The subscription is for GitLab.com, not for a self-managed instance",
    stage=STAGE,
    anchor=handbook.FORCE,
    paragraph="Provisioning requests for EDU and OSS customers; a wrong product type belongs to the programme team",
    rests_on=("force.programme",),
    uses=("subscription",),
)
def is_for_gitlab_com(facts: AssociationFacts) -> Judgement:
    if (none := _none_to_judge(facts)) is not None:
        return none
    subscription = facts.subscription.known()
    if subscription.deployment is None:
        raise FactUnknown("CustomersDot does not say whether the subscription is for GitLab.com or self-managed")
    if subscription.deployment == "self_managed":
        team = "the programme team" if subscription.community_program else "Billing Ops"
        return Judgement(
            Verdict.handoff,
            f"{subscription.name} was sold for a self-managed instance; it cannot be put on a group.",
            f"Hand over to {team} with the drafted text and put the ticket on hold.",
        )
    return passes("It was sold for GitLab.com.")


@rule(
    "subscription-is-in-its-term",
    "The subscription is in its term: begun, not ended, not cancelled",
    stage=STAGE,
    anchor=handbook.FORCE,
    paragraph="An expired subscription cannot be transferred; the last day is read in two ways (docs/decisions/006)",
    rests_on=("force.when",),
    uses=("subscription", "today"),
)
def is_in_its_term(facts: AssociationFacts) -> Judgement:
    if (none := _none_to_judge(facts)) is not None:
        return none
    subscription, today = facts.subscription.known(), facts.today.known()
    told(subscription, "status", "whether the subscription was cancelled")
    start, end = subscription.start_date, subscription.end_date
    if start is None or end is None:
        raise FactUnknown("CustomersDot gives no start or end date for the subscription")
    renew = "Check for a renewal: a yearly follow-up subscription has a name of its own."
    if subscription.status != "active":
        return Judgement(Verdict.stop, f"{subscription.name} was cancelled.", renew)
    if end < today:
        return Judgement(Verdict.stop, f"{subscription.name} ended on {end.isoformat()}.", renew)
    if end == today:
        return Judgement(Verdict.stop, f"{subscription.name} ends today, {end.isoformat()}.", renew)
    if start > today:
        return Judgement(
            Verdict.stop,
            f"{subscription.name} begins only on {start.isoformat()}.",
            "Wait for its first day, or ask which subscription covers the time until then.",
        )
    return passes(f"Its term is {start.isoformat()} to {end.isoformat()}.")
