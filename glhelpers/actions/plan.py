"""Turn facts that nothing stands against into a plan: a value that says exactly what will be written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from glhelpers.models.change import BasisItem, Change, ChangePlan, Scalar, Target
from glhelpers.models.facts import AssociationFacts, SeatsNeeded
from glhelpers.models.finding import Finding
from glhelpers.models.record import Minutes, Seats
from glhelpers.models.subscription import Subscription
from glhelpers.rules.minutes import expected_quota, quota_now
from glhelpers.rules.seats import Forecast, community_program, forecast

__all__ = [
    "association_changes",
    "basis_of",
    "day_text",
    "differences",
    "minutes_picture",
    "plan_association",
    "seats_picture",
]


def plan_association(facts: AssociationFacts, findings: Sequence[Finding], profile: str) -> ChangePlan:
    """
    The plan to force-associate the subscription with the group.

    Pure: the same facts and findings give the same plan, whoever asks and whenever.
    """
    namespace, subscription = facts.namespace.known(), facts.subscription.known()
    needed = facts.seats_needed.known()
    owed = forecast(subscription, needed)
    return ChangePlan(
        runbook="force_associate",
        action="force_associate",
        profile=profile,
        target=Target(kind="namespace", id=str(namespace.id), name=namespace.full_path, typed=namespace.full_path),
        ticket_url=facts.parameters.ticket_url,
        issue=facts.parameters.issue or None,
        customer_confirmation=facts.parameters.customer_confirmation or None,
        arguments={
            "namespace": str(namespace.id),
            "subscription_name": subscription.name,
            "zendesk_ticket_url": facts.parameters.ticket_url,
        },
        changes=association_changes(facts, subscription, owed),
        basis=_basis(facts, findings),
        consequences=_consequences(facts, subscription, needed, owed),
        cannot_be_undone=(
            "Mails that GitLab.com or CustomersDot sends because of the change stay sent.",
            *(("Seats owed stay owed until they are bought or waived.",) if owed.if_carried_over else ()),
        ),
        second_person=_second_person(subscription, owed),
    )


def day_text(value: date | None) -> str | None:
    """A day as the services write it."""
    return value.isoformat() if value is not None else None


def association_changes(facts: AssociationFacts, new: Subscription, owed: Forecast) -> tuple[Change, ...]:
    """Every field that an association writes or must leave alone."""
    namespace, now = facts.namespace.known(), facts.gitlab_subscription.known()
    extra, storage = namespace.extra_shared_runners_minutes_limit or 0, namespace.additional_purchased_storage_size or 0
    linked = next((order.gl_namespace_id for order in facts.orders.known() if order.gl_namespace_id), None)
    stays = "must stay as it is"
    return (
        Change(field="plan", label="Plan", before=now.plan.code or namespace.plan, after=new.plan_code),
        Change(
            field="seats_in_subscription",
            label="Seats in subscription",
            before=now.usage.seats_in_subscription,
            after=new.seats,
        ),
        Change(
            field="start",
            label="Begins",
            before=day_text(now.billing.subscription_start_date),
            after=day_text(new.start_date),
        ),
        Change(
            field="end", label="Ends", before=day_text(now.billing.subscription_end_date), after=day_text(new.end_date)
        ),
        Change(field="linked_namespace", label="Order linked to namespace id", before=linked, after=str(namespace.id)),
        Change(
            field="quota",
            label="Compute minutes a month",
            before=quota_now(namespace),
            after=expected_quota(new),
            foreseen=expected_quota(new) is not None,
            note="the quota only; minutes used stay used",
        ),
        Change(field="additional_minutes", label="Additional minutes", before=extra, after=extra, note=stays),
        Change(field="additional_storage", label="Additional storage (MiB)", before=storage, after=storage, note=stays),
        Change(
            field="seats_owed",
            label="Seats owed",
            before=now.usage.seats_owed,
            after=owed.if_carried_over,
            lags=True,
            note=f"forecast; {owed.if_reset} if a new term begins; refreshed about once a day",
        ),
    )


def _consequences(facts: AssociationFacts, new: Subscription, needed: SeatsNeeded, owed: Forecast) -> tuple[str, ...]:
    path = facts.namespace.known().full_path
    lines = [f"{path} gets {new.plan_code} with {new.seats} seats from {new.name}, until {day_text(new.end_date)}."]
    if owed.if_carried_over and community_program(new) is None:
        lines.append(
            f"The customer will owe up to {owed.if_carried_over} seats, billed by quarterly reconciliation or true-up; "
            "Owners are mailed about it."
        )
    elif owed.if_carried_over:
        lines.append(
            f"Up to {owed.if_carried_over} seats will show as owed; programme subscriptions are not billed for them."
        )
    for occupant in facts.occupants.known_or_absent() or ():
        lines.append(f"{occupant.subscription_name} (ended {day_text(occupant.end_date)}) loses its link to the group.")
    if needed.high < (new.seats or 0):
        lines.append(f"{(new.seats or 0) - needed.high} seats stay unused.")
    lines.append("Compute minutes used this month stay used; additional minutes and storage stay.")
    return tuple(lines)


def _second_person(new: Subscription, owed: Forecast) -> tuple[str, ...]:
    if owed.if_carried_over and community_program(new) is None:
        return (f"up to {owed.if_carried_over} seats owed would arise",)
    return ()


def _basis(facts: AssociationFacts, findings: Sequence[Finding]) -> tuple[BasisItem, ...]:
    namespace, customer = facts.namespace.known(), facts.customer.known()
    needed, order = facts.seats_needed.known(), facts.orders.known()[0]
    return basis_of(
        findings,
        (
            ("namespace.id", "Namespace id", namespace.id),
            ("namespace.full_path", "Namespace path", namespace.full_path),
            ("order.id", "Order", order.id),
            ("order.customer_id", "CustomersDot account", order.customer_id),
            ("customer.uid", "Linked GitLab.com user id", customer.uid),
            ("seats_needed.low", "Seats needed, at least", needed.low),
            ("seats_needed.high", "Seats needed, at most", needed.high),
            ("seats.max_used", "Max seats used", needed.max_used),
            ("subscription.seats", "Seats bought", facts.subscription.known().seats),
        ),
    )


def basis_of(findings: Sequence[Finding], figures: Sequence[tuple[str, str, Scalar]]) -> tuple[BasisItem, ...]:
    """
    What a plan rests on: every rule's verdict and reason, and the figures behind them.

    Reasons hold the values that a rule used, so that any drift which a rule would see changes the
    digest; the figures (name, label, value) make the difference readable.
    """
    items = [BasisItem(name=name, label=label, value=value) for name, label, value in figures]
    items += [
        BasisItem(name=f"rule.{finding.rule}", label=finding.label, value=f"{finding.verdict}: {finding.reason}")
        for finding in findings
    ]
    return tuple(items)


def differences(then: ChangePlan, now: ChangePlan) -> tuple[tuple[str, str, str], ...]:
    """Where two plans for the same thing differ: (what, at planning, now), in an expert's words."""
    pairs = _by_name(
        {item.name: (item.label, str(item.value)) for item in then.basis},
        {item.name: (item.label, str(item.value)) for item in now.basis},
    )
    pairs += _by_name(
        {change.field: (change.label, f"{change.before} -> {change.after}") for change in then.changes},
        {change.field: (change.label, f"{change.before} -> {change.after}") for change in now.changes},
    )
    pairs += [
        ("What is sent", str(sorted(then.arguments.items())), str(sorted(now.arguments.items()))),
        ("Ticket", then.ticket_url, now.ticket_url),
        ("Profile", then.profile, now.profile),
        ("Target", f"{then.target.name} ({then.target.id})", f"{now.target.name} ({now.target.id})"),
        ("Customer's confirmation", str(then.customer_confirmation), str(now.customer_confirmation)),
        ("Issue", str(then.issue), str(now.issue)),
        ("Consequences", " ".join(then.consequences), " ".join(now.consequences)),
        ("Second person", "; ".join(then.second_person), "; ".join(now.second_person)),
    ]
    return tuple(dict.fromkeys(pair for pair in pairs if pair[1] != pair[2]))


def _by_name(then: dict[str, tuple[str, str]], now: dict[str, tuple[str, str]]) -> list[tuple[str, str, str]]:
    gone = ("", "not there")
    names = list(dict.fromkeys([*then, *now]))
    return [(then.get(name, now.get(name, gone))[0], then.get(name, gone)[1], now.get(name, gone)[1]) for name in names]


def seats_picture(facts: AssociationFacts) -> Seats | None:
    """The figures of the seats picture, as far as they are known."""
    needed, subscription, now = facts.seats_needed.value, facts.subscription.value, facts.gitlab_subscription.value
    if now is None:
        return None
    owed = forecast(subscription, needed) if needed is not None and subscription is not None else None
    code = now.plan.code or (facts.namespace.value.plan if facts.namespace.value is not None else None)
    # A group on Free has no subscription: GitLab.com's null is a nought there, not a figure that nobody told.
    none = 0 if code in ("free", "default") else None
    usage = now.usage
    return Seats(
        seats_in_subscription=none if usage.seats_in_subscription is None else usage.seats_in_subscription,
        seats_in_use=needed.live if needed is not None else usage.seats_in_use,
        max_seats_used=none if usage.max_seats_used is None else usage.max_seats_used,
        seats_owed=none if usage.seats_owed is None else usage.seats_owed,
        new_seats=subscription.seats if subscription is not None else None,
        needed_low=needed.low if needed is not None else None,
        needed_high=needed.high if needed is not None else None,
        owed_if_carried_over=owed.if_carried_over if owed is not None else None,
        owed_if_reset=owed.if_reset if owed is not None else None,
    )


def minutes_picture(facts: AssociationFacts) -> Minutes | None:
    """The figures of the compute-minutes picture before the change, with the quota expected after it."""
    namespace, subscription = facts.namespace.value, facts.subscription.value
    if namespace is None or not namespace.told("extra_shared_runners_minutes_limit"):
        return None
    usage, extra = namespace.ci_minutes_usage, namespace.extra_shared_runners_minutes_limit or 0
    return Minutes(
        quota_before=quota_now(namespace),
        quota_after=expected_quota(subscription) if subscription is not None else None,
        used=usage.total_minutes_used if usage is not None else None,
        used_of_additional=usage.purchased_minutes_used if usage is not None else None,
        additional=extra,
        additional_after=extra,
    )
