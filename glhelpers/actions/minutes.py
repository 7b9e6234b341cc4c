"""Compute minutes after an association: the plan to grant or to reset, and its texts."""

from __future__ import annotations

from collections.abc import Sequence

from glhelpers.actions.drafts import CUSTOMER, ENGINEERS, association_words, drafts_for, render
from glhelpers.actions.plan import basis_of, plan_association
from glhelpers.models.change import Change, ChangePlan, Receipt, Target
from glhelpers.models.facts import AssociationFacts
from glhelpers.models.finding import Decision, Finding, Status
from glhelpers.models.record import Draft, NextRunbook
from glhelpers.models.request import ForceAssociateParameters
from glhelpers.rules import force_associate
from glhelpers.rules.minutes import quota_now
from glhelpers.rules.minutes_follow_up import POLICY, grant_for, wanted
from glhelpers.rules.rule import Policy

__all__ = ["POLICY", "drafts_of", "next_of", "plan_of", "policy_of", "ways_to_make_up"]


def policy_of(facts: AssociationFacts) -> Policy[AssociationFacts]:
    """The rules of the association, or those of the minutes where they are what is asked for."""
    return POLICY if wanted(facts) else force_associate.POLICY


def plan_of(facts: AssociationFacts, findings: Sequence[Finding], profile: str) -> ChangePlan:
    """The plan of the association, of a grant, or of a reset: whatever is asked for."""
    match wanted(facts):
        case "grant":
            return _plan_grant(facts, findings, profile)
        case "reset":
            return _plan_reset(facts, findings, profile)
        case _:
            return plan_association(facts, findings, profile)


def drafts_of(
    facts: AssociationFacts,
    findings: Sequence[Finding],
    decision: Decision,
    plan: ChangePlan | None,
    receipt: Receipt | None,
) -> tuple[Draft, ...]:
    """The texts of the association, or of the minutes."""
    action = plan.action if plan is not None else None
    if action not in ("set_extra_minutes", "reset_usage"):
        return drafts_for(facts, findings, decision, plan, receipt)
    words = association_words(facts, receipt) | {"grant": _granted(plan), "reset": action == "reset_usage"}
    note = ("admin_note", "the group's admin note", "Line for the admin note")
    if receipt is None:
        return (render(note, words),) if action == "reset_usage" else ()
    if not receipt.verified:
        return (render(("escalation", ENGINEERS, "The change did not succeed"), words),)
    done = ("minutes_done", CUSTOMER, "The whole quota is there")
    return (render(done, words), *((render(note, words),) if action == "reset_usage" else ()))


def next_of(facts: AssociationFacts, decision: Decision, receipt: Receipt | None) -> tuple[NextRunbook, ...]:
    """After an association with minutes used this month: to grant as many, or to reset; leaving it needs no run."""
    done = receipt is not None and receipt.verified and receipt.action == "force_associate"
    in_place = receipt is None and decision.status is Status.no_change_needed and not wanted(facts)
    return ways_to_make_up(facts) if done or in_place else ()


def ways_to_make_up(facts: AssociationFacts) -> tuple[NextRunbook, ...]:
    """What can be done about minutes that were used before the association; nothing where none were, or none are told."""
    usage = facts.namespace.value.ci_minutes_usage if facts.namespace.value is not None else None
    if usage is None or usage.total_minutes_used == 0:
        return ()
    taken = {*ForceAssociateParameters.model_fields} - {"approval", "portal_facts"}
    given = {
        name: str(value) for name, value in facts.parameters.recorded().items() if value is not None and name in taken
    }
    ways = {
        "grant": f"{usage.total_minutes_used} minutes used this month still count. Leave it, or grant as many, so that "
        "the whole quota is there.",
        "reset": "Or reset the usage by hand: clears the use of the quota and of additional units "
        f"({usage.purchased_minutes_used}).",
    }
    return tuple(
        NextRunbook(runbook="force_associate", why=why, parameters={**given, "compute_minutes": way})
        for way, why in ways.items()
    )


def _granted(plan: ChangePlan | None) -> int:
    changes = {change.field: change for change in plan.changes} if plan is not None else {}
    change = changes.get("additional_minutes")
    return int(change.after or 0) - int(change.before or 0) if change is not None else 0


def _target(facts: AssociationFacts) -> Target:
    namespace = facts.namespace.known()
    return Target(kind="namespace", id=str(namespace.id), name=namespace.full_path, typed=namespace.full_path)


def _plan_grant(facts: AssociationFacts, findings: Sequence[Finding], profile: str) -> ChangePlan:
    namespace = facts.namespace.known()
    now, grant, quota = namespace.extra_shared_runners_minutes_limit or 0, grant_for(facts), quota_now(namespace)
    used = namespace.ci_minutes_usage
    return ChangePlan(
        runbook="force_associate",
        action="set_extra_minutes",
        profile=profile,
        target=_target(facts),
        ticket_url=facts.parameters.ticket_url,
        issue=facts.parameters.issue or None,
        arguments={
            "namespace": str(namespace.id),
            "new_total": now + grant,
            "zendesk_ticket_url": facts.parameters.ticket_url,
        },
        changes=(
            Change(
                field="additional_minutes",
                label="Additional minutes",
                before=now,
                after=now + grant,
                note=f"an absolute total: {now} there now + {grant} granted",
            ),
            Change(field="quota", label="Compute minutes a month", before=quota, after=quota, note="must stay"),
        ),
        basis=basis_of(
            findings,
            (
                ("namespace.id", "Namespace id", namespace.id),
                ("namespace.full_path", "Namespace path", namespace.full_path),
                ("minutes.additional", "Additional minutes now", now),
                ("minutes.used", "Minutes used this month", used.total_minutes_used if used else None),
            ),
        ),
        consequences=(
            f"{namespace.full_path} gets {grant} additional minutes, as many as were used of this month's quota, "
            f"so that {quota} are left as bought.",
            "Additional minutes stay until they are used; minutes used stay used.",
        ),
        cannot_be_undone=("Minutes that jobs use from the grant are used.",),
    )


def _plan_reset(facts: AssociationFacts, findings: Sequence[Finding], profile: str) -> ChangePlan:
    namespace = facts.namespace.known()
    extra, quota, usage = (
        namespace.extra_shared_runners_minutes_limit or 0,
        quota_now(namespace),
        namespace.ci_minutes_usage,
    )
    used, of_additional = (usage.total_minutes_used, usage.purchased_minutes_used) if usage else (None, None)
    return ChangePlan(
        runbook="force_associate",
        action="reset_usage",
        profile=profile,
        target=_target(facts),
        ticket_url=facts.parameters.ticket_url,
        issue=facts.parameters.issue or None,
        arguments={"namespace": namespace.full_path, "zendesk_ticket_url": facts.parameters.ticket_url},
        changes=(
            Change(field="used", label="Minutes used this month", before=used, after=0),
            Change(field="used_of_additional", label="Of these, additional units", before=of_additional, after=0),
            Change(field="quota", label="Compute minutes a month", before=quota, after=quota, note="must stay"),
            Change(field="additional_minutes", label="Additional minutes", before=extra, after=extra, note="must stay"),
        ),
        basis=basis_of(
            findings,
            (
                ("namespace.id", "Namespace id", namespace.id),
                ("namespace.full_path", "Namespace path", namespace.full_path),
            ),
        ),
        consequences=(
            "A person presses the button in the admin area; there is no other way to reset usage.",
            f"The use of the quota and of the additional units is cleared: {used} minutes in all, {of_additional} of "
            "them additional units.",
            "The admin note of the group gets the drafted line.",
        ),
        cannot_be_undone=("What was used this month cannot be put back.",),
    )
