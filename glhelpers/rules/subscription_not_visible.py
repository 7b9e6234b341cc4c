"""
The policy of runbook `subscription_not_visible`: who may see a subscription, and what keeps them from it.

Read it next to the handbook section *If the user does not see the subscription*, which leads to the
workflow for associating purchases.
"""

from __future__ import annotations

from glhelpers.models.fact import FactState
from glhelpers.models.finding import Verdict
from glhelpers.models.not_visible_facts import NotVisibleFacts
from glhelpers.rules import handbook, membership, request
from glhelpers.rules.ownership_proof import ProofGiven, domain_of, ownership_rules
from glhelpers.rules.rule import Judgement, Policy, passes, rule
from glhelpers.rules.subscription import told

__all__ = ["POLICY", "group_carries_it", "proof_given"]

_WORKFLOW = ("sees-not.workflow",)


def proof_given(facts: NotVisibleFacts) -> ProofGiven:
    """The proof is about the subscription that the requester wants to see."""
    account = facts.customer.value
    return ProofGiven(
        parameters=facts.parameters,
        today=facts.today,
        subscription=facts.subscription,
        billing_account=facts.billing_account,
        gitlab_subscription=facts.gitlab_subscription,
        requester=(account.email if account is not None else None) or facts.parameters.customer_email,
        on_group=group_carries_it(facts),
    )


def group_carries_it(facts: NotVisibleFacts) -> bool | None:
    """Whether the group is the one that the order is linked to; None where that is not known."""
    orders, namespace = facts.orders.value, facts.namespace.value
    if orders is None:
        return None
    linked = {order.gl_namespace_id for order in orders if order.gl_namespace_id}
    if not linked:
        return False
    return None if namespace is None else str(namespace.id) in linked


@rule(
    "account-is-the-one-meant",
    "Id and e-mail address name the same account",
    stage="request",
    anchor=handbook.SEES_NOT,
    paragraph="Associating purchases: access is given to the requester, to nobody else",
    rests_on=_WORKFLOW,
    uses=("customer", "customer_id", "customer_email"),
)
def account_is_the_one_meant(facts: NotVisibleFacts) -> Judgement:
    asked = facts.parameters
    if not (asked.customer_id and asked.customer_email):
        return Judgement(Verdict.not_applicable, "Only one of id and address was given.")
    if (account := facts.customer.known_or_absent()) is None:
        return Judgement(Verdict.not_applicable, membership.NO_ACCOUNT)
    if (account.email or "").casefold() != asked.customer_email.casefold():
        return Judgement(
            Verdict.stop,
            f"Account {account.id} has another e-mail address than the one given.",
            "Find out which account is the requester's; do not tell them whose the other one is.",
        )
    return passes(f"Account {account.id} has the address given.")


@rule(
    "named-group-exists",
    "The group that was named exists",
    stage="request",
    anchor=handbook.SEES_NOT,
    paragraph="Associating purchases: what the customer names is looked up first",
    rests_on=_WORKFLOW,
    uses=("namespace",),
)
def named_group_exists(facts: NotVisibleFacts) -> Judgement:
    name = facts.parameters.namespace
    if not name:
        return Judgement(Verdict.not_applicable, "No group was named.")
    if facts.namespace.state is FactState.absent:
        return Judgement(
            Verdict.stop, f"GitLab.com shows no group {name}.", "Check the path, or leave namespace empty."
        )
    return passes(f"{facts.namespace.known().full_path} exists.")


@rule(
    "subscription-exists",
    "The subscription exists",
    stage="subscription",
    anchor=handbook.SEES_NOT,
    paragraph="Associating purchases: the subscription that is not seen",
    rests_on=_WORKFLOW,
    uses=("subscription",),
)
def subscription_exists(facts: NotVisibleFacts) -> Judgement:
    if facts.subscription.state is FactState.absent:
        return Judgement(
            Verdict.stop,
            f"CustomersDot knows no subscription {facts.parameters.subscription_name}.",
            "Check the A-S number on the customer's order confirmation.",
        )
    return passes(f"{facts.subscription.known().name} exists.")


@rule(
    "billing-account-is-known",
    "The subscription has a billing account",
    stage="subscription",
    anchor=handbook.SEES_NOT,
    paragraph="Associating purchases: find the billing account by the Zuora account's id",
    rests_on=_WORKFLOW,
    uses=("subscription", "billing_account"),
)
def billing_account_is_known(facts: NotVisibleFacts) -> Judgement:
    if facts.subscription.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "There is no subscription to look at.")
    bought = facts.subscription.known()
    told(bought, "zuora_account_id", "which Zuora account the subscription belongs to")
    if not bought.zuora_account_id:
        reason = f"{bought.name} belongs to no Zuora account."
    elif facts.billing_account.state is FactState.absent:
        reason = f"CustomersDot has no billing account {bought.zuora_account_id}, to which {bought.name} belongs."
    else:
        return passes(f"{bought.name} belongs to billing account {facts.billing_account.known().zuora_account_id}.")
    return Judgement(Verdict.handoff, reason, "Hand it to Billing Ops: the data in Zuora or Salesforce is at fault.")


@rule(
    "order-names-the-same-billing-account",
    "Order and subscription name the same billing account",
    stage="subscription",
    anchor=handbook.SEES_NOT,
    paragraph="Associating purchases: after a change of the legal entity the order may still name the old account",
    rests_on=_WORKFLOW,
    uses=("orders", "subscription"),
)
def order_names_the_same_billing_account(facts: NotVisibleFacts) -> Judgement:
    if facts.subscription.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "There is no subscription to look at.")
    orders, account = facts.orders.known_or_absent() or (), facts.subscription.known().zuora_account_id
    named = sorted({order.zuora_account_id for order in orders if order.zuora_account_id})
    if not named or not account:
        return Judgement(Verdict.not_applicable, "No order names a billing account to compare with.")
    if named != [account]:
        return Judgement(
            Verdict.handoff,
            f"The subscription belongs to Zuora account {account}, its order to {', '.join(named)}.",
            "Hand it to Billing Ops: the data in Zuora or Salesforce is at fault.",
        )
    return passes("Order and subscription name the same Zuora account.")


@rule(
    "subscription-still-runs",
    "The subscription is not cancelled",
    stage="subscription",
    anchor=handbook.SEES_NOT,
    paragraph="Associating purchases: a cancelled subscription is not the one that the customer looks for",
    rests_on=_WORKFLOW,
    uses=("subscription",),
)
def subscription_still_runs(facts: NotVisibleFacts) -> Judgement:
    if facts.subscription.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "There is no subscription to look at.")
    bought = facts.subscription.known()
    if bought.status != "active":
        return Judgement(
            Verdict.warn,
            f"{bought.name} is {bought.status or 'of a status that is not told'}.",
            "Make sure that the customer means this one, not its successor.",
        )
    return passes(f"{bought.name} is active.")


@rule(
    "requester-has-an-account",
    "The requester has a CustomersDot account",
    stage="account",
    anchor=handbook.SEES_NOT,
    paragraph="Associating purchases: the customer record must exist before it can be given a membership",
    rests_on=_WORKFLOW,
    uses=("customer",),
)
def requester_has_an_account(facts: NotVisibleFacts) -> Judgement:
    account, asked = facts.customer.known_or_absent(), facts.parameters
    if account is not None:
        return passes(
            f"Account {account.id} exists, with an address at {domain_of(account.email or '') or 'no domain'}."
        )
    if asked.customer_id:
        return Judgement(
            Verdict.stop,
            f"CustomersDot has no account {asked.customer_id}.",
            "Check the id: it is the number in the address of the account's admin page.",
        )
    return Judgement(
        Verdict.ask,
        "CustomersDot has no account with the requester's address.",
        "Have them sign in to the portal once, which makes one; if it says that the e-mail has already been taken, "
        "invite them as billing account manager instead. Both texts are drafted.",
    )


POLICY: Policy[NotVisibleFacts] = Policy(
    runbook="subscription_not_visible",
    stages=("request", "subscription", "already", "identity", "account", "membership", "login", "saves"),
    rules=(
        request.ticket_link_is_well_formed,
        request.ticket_is_open,
        account_is_the_one_meant,
        named_group_exists,
        subscription_exists,
        billing_account_is_known,
        order_names_the_same_billing_account,
        subscription_still_runs,
        membership.account_does_not_see_it_yet,
        *ownership_rules(proof_given, stage="identity", anchor=handbook.SEES_NOT, rests_on=_WORKFLOW),
        requester_has_an_account,
        membership.account_belongs_to_no_other_billing_account,
        membership.login_is_activated,
        membership.sold_to_is_saved_last,
    ),
)
