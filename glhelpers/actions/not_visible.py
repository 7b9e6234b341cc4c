"""`subscription_not_visible`: look up account, membership and subscription; the membership as a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from glhelpers.actions.plan import basis_of
from glhelpers.actions.reading import Look, Reader
from glhelpers.clients.clients import Clients
from glhelpers.models.change import Change, ChangePlan, Receipt, Target
from glhelpers.models.fact import Fact, FactState, FactUnknown, Source
from glhelpers.models.finding import Decision, Finding, Status
from glhelpers.models.not_visible_facts import NotVisibleFacts
from glhelpers.models.proof import ComparedLeaf
from glhelpers.models.record import NextRunbook
from glhelpers.models.request import NotVisibleParameters, ticket_number
from glhelpers.models.subscription import Customer
from glhelpers.rules.pasted_subscription import compare

__all__ = ["collect_not_visible", "next_not_visible", "plan_not_visible", "target_not_visible"]

Facts = dict[str, Fact[Any]]


def collect_not_visible(clients: Clients, asked: NotVisibleParameters, reader: Reader) -> NotVisibleFacts:
    """
    The facts in two rounds: what the parameters name, then the billing account and the order's group.

    Raises `ServiceError` if a service cannot be reached or does not accept the token.
    """
    facts = reader.round(_by_parameters(clients, asked))
    if "ticket" not in facts:
        facts["ticket"] = reader.skipped("ticket", "Zendesk ticket", "there is no usable ticket link")
    if "accounts" in facts:
        facts["customer"] = _the_one(facts.pop("accounts"), reader)
    facts |= reader.round(_by_subscription_and_order(clients, facts, asked))
    missing = {
        "billing_account": ("Billing account", "the subscription names none"),
        "namespace": ("Group", "none was named, and no order is linked to one"),
        "gitlab_subscription": ("Plan and seats on GitLab.com", "the proof does not need them"),
    }
    for name, (label, why) in missing.items():
        facts.setdefault(name, reader.skipped(name, label, why, absent=_is_absent(name, facts, asked)))
    facts["compared"] = _compared(facts, asked, reader)
    return NotVisibleFacts(parameters=asked, **facts)


def _by_parameters(clients: Clients, asked: NotVisibleParameters) -> list[Look]:
    gitlab, portal, name, ref = clients.gitlab, clients.customersdot, asked.subscription_name, asked.namespace
    looks = [
        Look(
            "subscription",
            "Subscription",
            Source.customersdot,
            "GET /subscriptions/:name",
            lambda: portal.subscription(name),
        ),
        Look(
            "orders",
            "Orders of the subscription",
            Source.customersdot,
            "GET /orders?subscription_name=",
            lambda: portal.orders(subscription_name=name),
        ),
        _account_look(clients, asked),
        Look("today", "Today", Source.gitlab, "GET /user, its Date header", lambda: (gitlab.me(), gitlab.today())[1]),
    ]
    if (number := ticket_number(asked.ticket_url)) is not None:
        ticket = lambda: clients.zendesk.ticket(number)  # noqa: E731 (a name would say no more)
        looks.append(Look("ticket", "Zendesk ticket", Source.zendesk, "GET /tickets/:id", ticket))
    return looks + (_group_looks(clients, ref, asked) if ref else [])


def _account_look(clients: Clients, asked: NotVisibleParameters) -> Look:
    portal, id, email = clients.customersdot, asked.customer_id, asked.customer_email
    if id:
        return Look(
            "customer",
            "Requester's account",
            Source.customersdot,
            "GET /customers/:id",
            lambda: portal.customer(int(id)),
        )
    return Look(
        "accounts",
        "Requester's account",
        Source.customersdot,
        "GET /customers?email=",
        lambda: portal.customers(email=email),
    )


def _group_looks(clients: Clients, ref: str, asked: NotVisibleParameters) -> list[Look]:
    gitlab = clients.gitlab
    looks = [Look("namespace", "Group", Source.gitlab, "GET /namespaces/:id", lambda: gitlab.namespace(ref))]
    if asked.proof == "subscription_json":
        looks.append(
            Look(
                "gitlab_subscription",
                "Plan and seats on GitLab.com",
                Source.gitlab,
                "GET /namespaces/:id/gitlab_subscription",
                lambda: gitlab.gitlab_subscription(ref),
            )
        )
    return looks


def _the_one(accounts: Fact[tuple[Customer, ...]], reader: Reader) -> Fact[Any]:
    """The account with the address; none is knowledge, several are not."""
    found = accounts.value or ()
    if accounts.state is FactState.unknown:
        return reader.skipped("customer", accounts.label, accounts.why or "it could not be looked up")
    if len(found) == 1:
        return accounts.model_copy(update={"name": "customer", "value": found[0]})
    why = "no account has this address" if not found else f"{len(found)} accounts have this address; give customer_id"
    return reader.skipped("customer", accounts.label, why, absent=not found)


def _by_subscription_and_order(clients: Clients, facts: Facts, asked: NotVisibleParameters) -> list[Look]:
    portal, bought, looks = clients.customersdot, facts["subscription"].value, []
    if bought is not None and (account := bought.zuora_account_id):
        looks.append(
            Look(
                "billing_account",
                "Billing account",
                Source.customersdot,
                "GET /billing-accounts/:id",
                lambda: portal.billing_account(account),
            )
        )
    linked = _linked(facts)
    if len(linked) == 1 and not asked.namespace:
        looks += _group_looks(clients, linked.pop(), asked)
    return looks


def _linked(facts: Facts) -> set[str]:
    return {order.gl_namespace_id for order in facts["orders"].value or () if order.gl_namespace_id}


def _is_absent(name: str, facts: Facts, asked: NotVisibleParameters) -> bool:
    """Whether nothing to look up follows from what is known, so that its lack is knowledge."""
    match name:
        case "billing_account":
            bought = facts["subscription"].value
            return bought is not None and bought.told("zuora_account_id") and not bought.zuora_account_id
        case "namespace":
            return facts["orders"].state is not FactState.unknown and not _linked(facts)
        case _:
            return asked.proof != "subscription_json"


def _compared(facts: Facts, asked: NotVisibleParameters, reader: Reader) -> Fact[tuple[ComparedLeaf, ...]]:
    name, label = "compared", "Pasted JSON beside what GitLab.com shows"
    if asked.proof != "subscription_json" or not asked.pasted_subscription:
        return reader.skipped(name, label, "none was pasted as proof", absent=True)

    def both() -> tuple[ComparedLeaf, ...]:
        leaves = compare(asked.pasted_subscription, facts["gitlab_subscription"].known())
        if leaves is None:
            raise FactUnknown("what was pasted is not the JSON of a group's subscription")
        return leaves

    return reader.derive(name, label, "each value, pasted and seen", both)


def target_not_visible(facts: NotVisibleFacts) -> str | None:
    """What an earlier run may have left a write open on: the requester's account."""
    account = facts.customer.value
    return f"customer:{account.id}" if account is not None else None


def plan_not_visible(facts: NotVisibleFacts, findings: Sequence[Finding], profile: str) -> ChangePlan:
    """
    The plan to make the requester's account a member of the subscription's billing account.

    Pure: the same facts and findings give the same plan.
    """
    customer, account, asked = facts.customer.known(), facts.billing_account.known(), facts.parameters
    members, name = len(account.member_customer_ids), facts.subscription.known().name
    return ChangePlan(
        runbook="subscription_not_visible",
        action="add_membership",
        profile=profile,
        target=Target(
            kind="customer", id=str(customer.id), name=f"CustomersDot account {customer.id}", typed=str(customer.id)
        ),
        ticket_url=asked.ticket_url,
        issue=asked.issue or None,
        customer_confirmation=asked.customer_confirmation or None,
        arguments={
            "billing_account": account.zuora_account_id,
            "customer_id": customer.id,
            "zendesk_ticket_url": asked.ticket_url,
        },
        changes=(
            Change(field="member_of", label="Member of billing account", before=None, after=account.zuora_account_id),
            Change(field="members", label="Members of the billing account", before=members, after=members + 1),
        ),
        basis=basis_of(
            findings,
            (
                ("subscription.name", "Subscription", name),
                ("billing_account.id", "Billing account", account.zuora_account_id),
                ("billing_account.members", "Its members", members),
                ("customer.id", "CustomersDot account", customer.id),
                ("customer.login", "Its login is activated", customer.login_activated),
                ("proof", "Proof of ownership", asked.proof),
                ("proof.link", "Where the proof lies", asked.proof_link),
            ),
        ),
        consequences=_consequences(facts, customer),
        cannot_be_undone=("What the account's owner has seen by then.",),
    )


def _consequences(facts: NotVisibleFacts, customer: Customer) -> tuple[str, ...]:
    lines = [
        f"Account {customer.id} sees {facts.subscription.known().name} and every other subscription of the billing "
        "account, with its invoices and contacts.",
        "The membership leaves the Sold To and Bill To contacts as they are.",
    ]
    if not customer.login_activated:
        lines.append("Login activated must then be ticked by hand; until then the account cannot sign in.")
    return tuple(lines)


def next_not_visible(facts: NotVisibleFacts, decision: Decision, receipt: Receipt | None) -> tuple[NextRunbook, ...]:
    """Who sees the subscription can put it on the group: `self_serve`, where a group is known."""
    done = receipt is not None and receipt.verified
    sees = receipt is None and decision.status is Status.no_change_needed
    group, bought = facts.namespace.value, facts.subscription.value
    if not (done or sees) or group is None or bought is None or bought.deployment == "self_managed":
        return ()
    return (
        NextRunbook(
            runbook="self_serve",
            why=f"The customer sees {bought.name} now; whether they can put it on {group.full_path} themselves comes next.",
            parameters={
                "namespace": group.full_path,
                "subscription_name": bought.name,
                "ticket_url": facts.parameters.ticket_url,
            },
        ),
    )
