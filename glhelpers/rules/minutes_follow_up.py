"""
After an association: the quota has changed, the minutes used have not. May they be made up for, and how?

The page offers three ways: leave it; reset the usage; or grant additional minutes so that the
customer gets the whole quota.  A grant is a plan of its own, judged by the rules here.
"""

from __future__ import annotations

from glhelpers.models.fact import FactState, FactUnknown
from glhelpers.models.facts import AssociationFacts
from glhelpers.models.finding import Verdict
from glhelpers.models.namespace import CiMinutesUsage
from glhelpers.rules import handbook, namespace, request
from glhelpers.rules.minutes import expected_quota, quota_now
from glhelpers.rules.occupancy import linked_to, shows_on_gitlab
from glhelpers.rules.rule import Judgement, Policy, passes, rule

__all__ = ["POLICY", "grant_for", "wanted"]

STAGE = "usage"


def wanted(facts: AssociationFacts) -> str:
    """What is to be done about minutes used: `grant`, `reset`, or nothing."""
    asked = getattr(facts.parameters, "compute_minutes", "")
    return asked if asked in ("grant", "reset") else ""


def grant_for(facts: AssociationFacts) -> int:
    """
    Minutes to grant so that the customer has the whole quota: those used this month, up to the quota.

    After the association GitLab.com counts all use of the month against the new quota first.
    """
    quota = quota_now(facts.namespace.known())
    if quota is None:
        raise FactUnknown("GitLab.com does not tell the group's quota")
    return min(_usage(facts).total_minutes_used, quota)


def _usage(facts: AssociationFacts) -> CiMinutesUsage:
    usage = facts.namespace.known().ci_minutes_usage
    if usage is None:
        raise FactUnknown("GitLab.com does not tell how many minutes were used this month")
    return usage


@rule(
    "association-is-in-place",
    "The subscription is on the group, with its plan, seats, dates and quota",
    stage="association",
    anchor=handbook.FORCE,
    paragraph="Association changes the quota only; what is to be done about usage comes after it",
    rests_on=("force.minutes",),
    uses=("orders", "namespace", "gitlab_subscription", "subscription"),
)
def association_is_in_place(facts: AssociationFacts) -> Judgement:
    if FactState.absent in (facts.namespace.state, facts.subscription.state):
        return Judgement(Verdict.stop, "There is no namespace or no subscription to look at.", "Check both names.")
    name = facts.namespace.known().full_path
    if linked_to(facts) != str(facts.namespace.known().id) or not shows_on_gitlab(facts):
        return Judgement(
            Verdict.stop,
            f"{name} does not have this subscription yet; minutes come after the association.",
            "Run again without compute_minutes first.",
        )
    return passes(f"{name} has the subscription.")


@rule(
    "quota-is-as-bought",
    "The quota is that of the plan",
    stage="association",
    anchor=handbook.FORCE,
    paragraph="Force association changes the quota",
    rests_on=("force.minutes",),
    uses=("namespace", "subscription"),
)
def quota_is_as_bought(facts: AssociationFacts) -> Judgement:
    if FactState.absent in (facts.namespace.state, facts.subscription.state):
        return Judgement(Verdict.not_applicable, "There is no namespace or no subscription to look at.")
    now, bought = quota_now(facts.namespace.known()), expected_quota(facts.subscription.known())
    if now is None or bought is None:
        raise FactUnknown("the quota of the group or of its plan is not told")
    if now == 0:
        return Judgement(Verdict.no_change, "The group's compute minutes are not limited.", "Nothing to make up for.")
    if now != bought:
        return Judgement(
            Verdict.warn, f"The group's quota is {now}, the plan brings {bought}: somebody set it by hand."
        )
    return passes(f"The quota is {now} minutes a month.")


@rule(
    "usage-stands-in-the-way",
    "Minutes were used this month, so that the customer does not have the whole quota",
    stage=STAGE,
    anchor=handbook.FORCE,
    paragraph="Usage is not reset by an association",
    rests_on=("force.minutes",),
    uses=("namespace",),
)
def usage_stands_in_the_way(facts: AssociationFacts) -> Judgement:
    if facts.namespace.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "There is no group to look at.")
    used = _usage(facts).total_minutes_used
    if used == 0:
        return Judgement(Verdict.no_change, "No minutes were used this month: the customer has the whole quota.")
    return passes(f"{used} minutes were used this month.")


@rule(
    "minutes-were-not-granted-before",
    "No minutes were granted on this ticket before",
    stage=STAGE,
    anchor=handbook.FORCE,
    paragraph="Additional minutes are an absolute total: a second grant would add on top of the first",
    rests_on=("force.minutes",),
    uses=("grants",),
)
def minutes_were_not_granted_before(facts: AssociationFacts) -> Judgement:
    if wanted(facts) != "grant":
        return Judgement(Verdict.not_applicable, "No minutes are to be granted.")
    if facts.grants is None:
        raise FactUnknown("the audit events were not looked up")
    here = [row for row in facts.grants.known() if _ticket(row.request_link) == _ticket(facts.parameters.ticket_url)]
    if here:
        return Judgement(
            Verdict.no_change,
            f"Additional minutes were set on this ticket already (audit event {here[-1].id}).",
            "Look at the group's additional minutes; grant more only on a ticket of its own.",
        )
    return passes("The audit events hold no grant on this ticket.")


def _ticket(link: str | None) -> str:
    return (link or "").split("#", 1)[0]


@rule(
    "reset-spares-additional-units",
    "What a reset would clear besides the quota is known",
    stage=STAGE,
    anchor=handbook.FORCE,
    paragraph="A reset clears the use of the quota and of the additional units",
    rests_on=("force.minutes",),
    uses=("namespace",),
)
def reset_spares_additional_units(facts: AssociationFacts) -> Judgement:
    if wanted(facts) != "reset":
        return Judgement(Verdict.not_applicable, "Usage is not to be reset.")
    used = _usage(facts).purchased_minutes_used
    if used > 0:
        return Judgement(
            Verdict.warn,
            f"{used} additional units were used this month; a reset clears that too. Granting minutes is often better.",
        )
    return passes("No additional units were used this month; the reset clears the use of the quota only.")


POLICY: Policy[AssociationFacts] = Policy(
    runbook="force_associate",
    stages=("request", "namespace", "association", "usage"),
    rules=(
        request.ticket_link_is_well_formed,
        request.ticket_is_open,
        namespace.namespace_exists,
        namespace.namespace_is_a_top_level_group,
        association_is_in_place,
        quota_is_as_bought,
        usage_stands_in_the_way,
        minutes_were_not_granted_before,
        reset_spares_additional_units,
    ),
)
