"""`clear_subscription`: what occupies the group, the plan to clear it or to replace it at once, and the texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from glhelpers.actions.collect import Facts, association_facts
from glhelpers.actions.drafts import CUSTOMER, ENGINEERS, Wording, association_words, render, texts_for
from glhelpers.actions.minutes import ways_to_make_up
from glhelpers.actions.plan import association_changes, basis_of, day_text
from glhelpers.actions.reading import Look, Reader
from glhelpers.clients.clients import Clients
from glhelpers.models.change import Change, ChangePlan, PlannedStep, Receipt, Scalar, Target
from glhelpers.models.clear_facts import ClearFacts
from glhelpers.models.fact import Source
from glhelpers.models.finding import Decision, Finding, Status
from glhelpers.models.record import Draft, NextRunbook
from glhelpers.models.request import ClearParameters
from glhelpers.models.subscription import Order
from glhelpers.rules.clear_subscription import is_paid, new_is_named, new_is_there, occupant_of
from glhelpers.rules.minutes import quota_now
from glhelpers.rules.seats import community_program, forecast
from glhelpers.rules.thresholds import FREE_QUOTA

__all__ = ["collect_clear", "drafts_clear", "next_clear", "plan_clear"]

_BY_RULE: dict[str, Wording] = {
    "loss-of-the-plan-is-confirmed": ("clear_confirm", CUSTOMER, "What clearing the subscription would mean"),
    "ownership-is-proven": ("proof_wanted", CUSTOMER, "Proof that you may decide about the subscription"),
    "account-has-a-linked-user": ("link_account", CUSTOMER, "Link a GitLab.com account"),
    "linked-user-owns-the-group": ("link_account", CUSTOMER, "Link an Owner's GitLab.com account"),
    "seats-cover-seats-in-use": ("seats_differ", CUSTOMER, "Seats bought and seats in use differ"),
}


def collect_clear(clients: Clients, asked: ClearParameters, reader: Reader) -> ClearFacts:
    """The facts of an association, the subscription that is on the group now, and its billing account."""
    facts = association_facts(clients, asked, reader, lambda facts: _of_the_occupant(clients, asked, facts))
    for name, label in (("occupying", "Subscription on the group"), ("billing_account", "Its billing account")):
        facts.setdefault(name, reader.skipped(name, label, "the group's orders do not name exactly one plan"))
    return ClearFacts(parameters=asked, **facts)


def _of_the_occupant(clients: Clients, asked: ClearParameters, facts: Facts) -> list[Look]:
    orders: tuple[Order, ...] = facts["namespace_orders"].value or () if "namespace_orders" in facts else ()
    plans = [order for order in orders if order.kind == "plan" and order.subscription_name != asked.subscription_name]
    if len(plans) != 1 or plans[0].subscription_name is None:
        return []
    portal, name, account = clients.customersdot, plans[0].subscription_name, plans[0].zuora_account_id
    looks = [
        Look(
            "occupying",
            "Subscription on the group",
            Source.customersdot,
            "GET /subscriptions/:name",
            lambda: portal.subscription(name),
        )
    ]
    if account is not None:
        looks.append(
            Look(
                "billing_account",
                "Its billing account",
                Source.customersdot,
                "GET /billing-accounts/:id",
                lambda: portal.billing_account(account),
            )
        )
    return looks


def plan_clear(facts: ClearFacts, findings: Sequence[Finding], profile: str) -> ChangePlan:
    """
    Clear the old subscription and put the new one on at once, as one plan; or clear alone.

    Pure: the same facts and findings give the same plan.
    """
    return _replace(facts, findings, profile) if new_is_named(facts) else _clear(facts, findings, profile)


def _common(facts: ClearFacts, findings: Sequence[Finding], profile: str) -> dict[str, Any]:
    namespace, old = facts.namespace.known(), facts.occupying.known()
    figures: tuple[tuple[str, str, Scalar], ...] = (
        ("namespace.id", "Namespace id", namespace.id),
        ("namespace.full_path", "Namespace path", namespace.full_path),
        ("occupying.name", "Subscription on the group", old.name),
        ("occupying.end", "It runs until", day_text(old.end_date)),
        ("proof", "Proof of ownership", facts.parameters.proof or None),
    )
    plan = facts.gitlab_subscription.known().plan.code or namespace.plan
    return {
        "runbook": "clear_subscription",
        "profile": profile,
        "target": Target(kind="namespace", id=str(namespace.id), name=namespace.full_path, typed=namespace.full_path),
        "ticket_url": facts.parameters.ticket_url,
        "issue": facts.parameters.issue or None,
        "customer_confirmation": facts.parameters.customer_confirmation or None,
        "basis": basis_of(findings, figures),
        "second_person": (f"the paid plan {plan} would fall to Free",) if is_paid(facts) else (),
    }


def _clear(facts: ClearFacts, findings: Sequence[Finding], profile: str) -> ChangePlan:
    namespace, old, now = facts.namespace.known(), facts.occupying.known(), facts.gitlab_subscription.known()
    extra, storage = namespace.extra_shared_runners_minutes_limit or 0, namespace.additional_purchased_storage_size or 0
    stays = "must stay as it is"
    return ChangePlan(
        **_common(facts, findings, profile),
        action="clear_subscription",
        arguments={"subscription_name": old.name, "zendesk_ticket_url": facts.parameters.ticket_url},
        changes=(
            Change(field="plan", label="Plan", before=now.plan.code or namespace.plan, after="free"),
            Change(
                field="seats_in_subscription",
                label="Seats in subscription",
                before=now.usage.seats_in_subscription,
                after=None,
            ),
            Change(
                field="linked_namespace",
                label="Order linked to namespace id",
                before=str(namespace.id),
                after=None,
            ),
            Change(field="quota", label="Compute minutes a month", before=quota_now(namespace), after=FREE_QUOTA),
            Change(field="additional_minutes", label="Additional minutes", before=extra, after=extra, note=stays),
            Change(
                field="additional_storage", label="Additional storage (MiB)", before=storage, after=storage, note=stays
            ),
        ),
        consequences=(
            f"{namespace.full_path} loses {old.plan_code} of {old.name} at once and is on Free until another "
            "subscription is put on it.",
            "Members, projects, additional minutes and storage stay; features of the plan stop.",
        ),
        cannot_be_undone=("Mails that GitLab.com or CustomersDot sends because of the change stay sent.",),
    )


def _replace(facts: ClearFacts, findings: Sequence[Finding], profile: str) -> ChangePlan:
    namespace, old, new = facts.namespace.known(), facts.occupying.known(), facts.subscription.known()
    owed, ticket, id = forecast(new, facts.seats_needed.known()), facts.parameters.ticket_url, str(namespace.id)
    linked = Change(field="old_linked_namespace", label=f"Order of {old.name} linked to", before=id, after=None)
    extra_owed = owed.if_carried_over if community_program(new) is None else 0
    common = _common(facts, findings, profile)
    if extra_owed:
        common["second_person"] = (*common["second_person"], f"up to {extra_owed} seats owed would arise")

    def associate(name: str, says: str) -> PlannedStep:
        given: dict[str, str | int] = {"namespace": id, "subscription_name": name, "zendesk_ticket_url": ticket}
        return PlannedStep(action="force_associate", arguments=given, says=says)

    return ChangePlan(
        **common,
        action="replace_subscription",
        arguments={
            "namespace": id,
            "old_subscription_name": old.name,
            "subscription_name": new.name,
            "zendesk_ticket_url": ticket,
        },
        steps=(
            PlannedStep(
                action="clear_subscription",
                arguments={"subscription_name": old.name, "zendesk_ticket_url": ticket},
                says=f"Clear {old.name} from {namespace.full_path}",
            ),
            associate(new.name, f"Force associate {new.name} with {namespace.full_path}"),
        ),
        way_back=associate(old.name, f"Put {old.name} back on {namespace.full_path}"),
        changes=(*association_changes(facts, new, owed), linked),
        consequences=(
            f"{namespace.full_path} loses {old.plan_code} of {old.name} and gets {new.plan_code} with {new.seats} seats "
            f"from {new.name}, until {day_text(new.end_date)}.",
            "Between the two requests, for seconds, the group is on Free; if the second fails, the old subscription is "
            "put back.",
            *((f"The customer will owe up to {extra_owed} seats; Owners are mailed about it.",) if extra_owed else ()),
            "Compute minutes used this month stay used; additional minutes and storage stay.",
        ),
        cannot_be_undone=("Mails that GitLab.com or CustomersDot sends because of the change stay sent.",),
    )


def drafts_clear(
    facts: ClearFacts,
    findings: Sequence[Finding],
    decision: Decision,
    plan: ChangePlan | None,
    receipt: Receipt | None,
) -> tuple[Draft, ...]:
    """The texts for the customer, or for the engineers where the change did not succeed."""
    old, namespace = facts.occupying.value, facts.namespace.value
    words = association_words(facts, receipt) | {
        "old": old.name if old is not None else None,
        "old_plan": old.plan_code if old is not None else None,
        "old_end": day_text(old.end_date) if old is not None else None,
        "storage": namespace.additional_purchased_storage_size or 0 if namespace is not None else 0,
        "self_managed": False,
        "reseller": old is not None and old.invoice_owner_type in ("reseller", "marketplace"),
    }
    if receipt is not None and not receipt.verified:
        return (render(("escalation", ENGINEERS, "The change did not succeed"), words),)
    if receipt is not None and receipt.action == "replace_subscription":
        return (render(("done", CUSTOMER, "The subscription is on the group"), words),)
    if receipt is not None:
        return (render(("clear_done", CUSTOMER, "The old subscription is off the group"), words),)
    return texts_for(_BY_RULE, words, decision, findings)


def next_clear(facts: ClearFacts, decision: Decision, receipt: Receipt | None) -> tuple[NextRunbook, ...]:
    """
    After clearing alone, or where nothing is on the group: the association, so that nobody is left on Free.

    Where the new subscription is in its place, by this run or before it: what can be done about minutes used.
    """
    if receipt is not None and receipt.verified and receipt.action == "replace_subscription":
        return ways_to_make_up(facts)
    cleared = receipt is not None and receipt.verified and receipt.action == "clear_subscription"
    free_place = receipt is None and decision.status is Status.no_change_needed and occupant_of(facts) is None
    if free_place and new_is_there(facts):
        return ways_to_make_up(facts)
    if not (cleared or free_place):
        return ()
    given = {
        name: str(value)
        for name, value in facts.parameters.recorded().items()
        if value is not None
        and name in ("namespace", "subscription_name", "ticket_url", "issue", "customer_confirmation")
    }
    why = "The group is on Free now: put the new subscription on it." if cleared else "Nothing is on the group."
    return (NextRunbook(runbook="force_associate", why=why, parameters=given),)
