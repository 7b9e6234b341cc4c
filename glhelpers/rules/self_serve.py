"""
The policy of runbook `self_serve`: can the customer put a subscription that they see on their group?

Read it next to the handbook section *If the user sees the subscription in CustomersDot*.  It never
writes; what Support has to do goes on in another runbook, what the data lacks goes to Billing Ops.
"""

from __future__ import annotations

from glhelpers.models.fact import FactState, FactUnknown
from glhelpers.models.facts import AssociationFacts
from glhelpers.models.finding import Verdict
from glhelpers.rules import handbook, namespace, occupancy, request, seats, subscription
from glhelpers.rules.channel import channel_of, marks_contradict
from glhelpers.rules.portal_link import OCCUPANCY, OWNERSHIP, WAY
from glhelpers.rules.rule import Judgement, Policy, Rule, only_if, passes, rule

__all__ = ["NAMESPACE", "POLICY", "RECORDS", "REQUEST", "SUBSCRIPTION", "VISIBILITY"]

_BILLING_OPS = "Hand over to Billing Ops with the drafted text."


def _accounts(facts: AssociationFacts) -> list[int]:
    orders = facts.orders.known_or_absent() or ()
    return sorted({order.customer_id for order in orders if order.customer_id is not None})


def _no_order(facts: AssociationFacts) -> Judgement | None:
    if facts.subscription.state is FactState.absent or not facts.orders.known_or_absent():
        return Judgement(Verdict.not_applicable, "There is no order to look at.")
    return None


@rule(
    "orders-name-one-account",
    "The subscription's orders name one CustomersDot account",
    stage="records",
    anchor=handbook.SEES,
    paragraph="Where accounts in Zuora or Salesforce are the cause, Billing Ops is asked",
    rests_on=("sees.root-cause",),
    uses=("orders",),
)
def orders_name_one_account(facts: AssociationFacts) -> Judgement:
    if (none := _no_order(facts)) is not None:
        return none
    accounts = _accounts(facts)
    if len(accounts) > 1:
        named = ", ".join(map(str, accounts))
        return Judgement(
            Verdict.handoff, f"The subscription's orders name several CustomersDot accounts: {named}.", _BILLING_OPS
        )
    return passes("Its orders do not contradict each other on the account.")


@rule(
    "records-name-one-billing-account",
    "Order, account and subscription name the same Zuora account",
    stage="records",
    anchor=handbook.SEES,
    paragraph="Where accounts in Zuora or Salesforce are the cause, Billing Ops is asked",
    rests_on=("sees.root-cause",),
    uses=("orders", "customer", "subscription"),
)
def records_name_one_billing_account(facts: AssociationFacts) -> Judgement:
    if (none := _no_order(facts)) is not None:
        return none
    ours, customer = facts.subscription.known().zuora_account_id, facts.customer.value
    theirs = {order.zuora_account_id for order in facts.orders.known()}
    theirs |= {customer.zuora_account_id} if customer is not None else set()
    strange = sorted(id for id in theirs if id is not None and id != ours)
    if ours is None or theirs == {None}:
        return Judgement(Verdict.not_applicable, "The records do not name the Zuora accounts to compare.")
    if strange:
        return Judgement(
            Verdict.handoff,
            f"The subscription is on Zuora account {ours}, its order or CustomersDot account on {', '.join(strange)}.",
            _BILLING_OPS,
        )
    return passes(f"All of them name Zuora account {ours}.")


@rule(
    "seller-is-known",
    "It is known who sold the subscription, and the marks agree",
    stage="records",
    anchor=handbook.RESELLER,
    paragraph="Purchases through partners, AWS or GCP are read-only in the portal; linking the group is allowed",
    rests_on=("reseller.read-only", "reseller.self-serve", "sees.root-cause"),
    uses=("subscription",),
)
def seller_is_known(facts: AssociationFacts) -> Judgement:
    if facts.subscription.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "There is no subscription to look at.")
    bought = facts.subscription.known()
    if (contradiction := marks_contradict(bought)) is not None:
        return Judgement(
            Verdict.handoff, f"The type of account it was sold to cannot be right: {contradiction}.", _BILLING_OPS
        )
    channel = channel_of(bought)
    if channel.partner:
        return passes(
            f"Sold by a partner ({channel}): the portal is read-only otherwise, but linking the group is allowed; seats "
            "are bought from the partner."
        )
    return passes("Sold by GitLab." if channel == "customer" else "Sold with an alliance partner, not a reseller.")


@rule(
    "account-sees-the-subscription",
    "The account given is the one that sees the subscription",
    stage="visibility",
    anchor=handbook.SEES_NOT,
    paragraph="Who does not see the subscription is given access first",
    rests_on=("sees-not.workflow", "sees.when"),
    uses=("customer", "orders", "customer_id", "customer_email"),
)
def account_sees_the_subscription(facts: AssociationFacts) -> Judgement:
    asked = facts.parameters
    if not asked.customer_id and not asked.customer_email:
        return Judgement(Verdict.not_applicable, "No account was given; the order names the one that sees it.")
    if (none := _no_order(facts)) is not None:
        return none
    customer = facts.customer.known()
    if asked.customer_email and customer.email is None:
        raise FactUnknown("CustomersDot does not tell the account's e-mail address")
    other_id = bool(asked.customer_id) and int(asked.customer_id) != customer.id
    other_mail = bool(asked.customer_email) and (customer.email or "").casefold() != asked.customer_email.casefold()
    if other_id or other_mail:
        return Judgement(
            Verdict.handoff,
            f"The subscription belongs to CustomersDot account {customer.id}, which is not the one given; whether that "
            "one sees it has to be found out first.",
            "Go on with runbook subscription_not_visible. Do not tell the customer whose account it is.",
        )
    return passes(f"CustomersDot account {customer.id} holds the subscription, as given.")


def _ticket_given(facts: AssociationFacts) -> bool:
    return bool(facts.parameters.ticket_url)


_NO_TICKET = "No ticket was named; none is needed where nothing is written."

REQUEST: tuple[Rule[AssociationFacts], ...] = (
    only_if(_ticket_given, _NO_TICKET, request.ticket_link_is_well_formed),
    only_if(_ticket_given, _NO_TICKET, request.ticket_is_open),
)
NAMESPACE: tuple[Rule[AssociationFacts], ...] = (
    namespace.namespace_exists,
    namespace.namespace_is_a_top_level_group,
    namespace.namespace_is_not_pending_deletion,
)
SUBSCRIPTION: tuple[Rule[AssociationFacts], ...] = (
    subscription.subscription_exists,
    subscription.is_a_plan_with_seats,
    subscription.is_not_a_trial,
    subscription.is_for_gitlab_com,
    subscription.is_in_its_term,
)
RECORDS: tuple[Rule[AssociationFacts], ...] = (
    orders_name_one_account,
    only_if(
        lambda facts: len(_accounts(facts)) < 2,
        "The orders name several accounts.",
        subscription.has_an_order,
        stage="records",
    ),
    records_name_one_billing_account,
)
VISIBILITY: tuple[Rule[AssociationFacts], ...] = (account_sees_the_subscription,)

POLICY: Policy[AssociationFacts] = Policy(
    runbook="self_serve",
    stages=(
        "request",
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
        *NAMESPACE,
        *SUBSCRIPTION,
        *RECORDS,
        seller_is_known,
        *VISIBILITY,
        occupancy.is_not_associated_yet,
        *OCCUPANCY,
        *OWNERSHIP,
        seats.seats_cover_seats_in_use,
        seats.seats_owed_are_foreseen,
        *WAY,
    ),
)
