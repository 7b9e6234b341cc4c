"""Compute minutes and storage: noted before and after, and never reset by an association."""

from __future__ import annotations

from glhelpers.models.fact import FactState, FactUnknown
from glhelpers.models.facts import AssociationFacts
from glhelpers.models.finding import Verdict
from glhelpers.models.namespace import Namespace
from glhelpers.models.subscription import Subscription
from glhelpers.rules import handbook
from glhelpers.rules.rule import Judgement, passes, rule
from glhelpers.rules.thresholds import COMMUNITY_QUOTA, QUOTA

__all__ = [
    "additional_minutes_and_storage_are_noted",
    "expected_quota",
    "quota_now",
    "support_admin_tools_are_used",
    "usage_is_not_reset",
]

STAGE = "minutes"


def quota_now(namespace: Namespace) -> int | None:
    """Compute minutes a month: the namespace's own limit, else what its plan gives; None if not told."""
    if namespace.shared_runners_minutes_limit is not None:
        return namespace.shared_runners_minutes_limit
    if not namespace.told("shared_runners_minutes_limit"):
        return None
    return QUOTA.get(namespace.plan or "")


def expected_quota(subscription: Subscription) -> int | None:
    """Compute minutes a month that the subscription brings; None for a plan that the list does not hold."""
    if subscription.told("community_program") and subscription.community_program is not None:
        return COMMUNITY_QUOTA
    return QUOTA.get(subscription.plan_code or "")


def _no_namespace(facts: AssociationFacts) -> Judgement | None:
    if FactState.absent in (facts.namespace.state, facts.subscription.state):
        return Judgement(Verdict.not_applicable, "There is no namespace or no subscription to look at.")
    return None


@rule(
    "additional-minutes-and-storage-are-noted",
    "Additional minutes and storage are noted before anything is written",
    stage=STAGE,
    anchor=handbook.FORCE,
    paragraph="Compute minutes that were bought must not be lost; note them before and after",
    rests_on=("force.minutes", "sees.minutes-stop"),
    uses=("namespace",),
)
def additional_minutes_and_storage_are_noted(facts: AssociationFacts) -> Judgement:
    if (none := _no_namespace(facts)) is not None:
        return none
    namespace = facts.namespace.known()
    for field in ("extra_shared_runners_minutes_limit", "additional_purchased_storage_size"):
        if not namespace.told(field):
            raise FactUnknown("GitLab.com tells additional minutes and storage to administrators only")
    minutes = namespace.extra_shared_runners_minutes_limit or 0
    storage = namespace.additional_purchased_storage_size or 0
    return passes(f"Additional minutes: {minutes}. Additional storage: {storage} MiB.")


@rule(
    "usage-is-not-reset",
    "Compute minutes used so far stay used",
    stage=STAGE,
    anchor=handbook.FORCE,
    paragraph="Only the quota changes; a reset would clear additional units as well, granting is often better",
    rests_on=("force.minutes",),
    uses=("namespace", "subscription"),
)
def usage_is_not_reset(facts: AssociationFacts) -> Judgement:
    if (none := _no_namespace(facts)) is not None:
        return none
    namespace = facts.namespace.known()
    quota = expected_quota(facts.subscription.known())
    if quota is None:
        return Judgement(Verdict.warn, "The quota of this plan is not in the list; read it back by hand afterwards.")
    if namespace.ci_minutes_usage is None:
        return Judgement(
            Verdict.warn,
            f"The quota becomes {quota}; GitLab.com does not tell how many minutes were used this month.",
            "Look at the group's usage quotas before and after.",
        )
    if namespace.ci_minutes_usage.purchased_minutes_used > 0:
        return Judgement(
            Verdict.warn,
            f"The quota becomes {quota}; minutes used so far stay used, and additional units were used this month.",
            "Prefer granting minutes over a reset: a reset would clear the use of additional units as well.",
        )
    if namespace.ci_minutes_usage.total_minutes_used > 0:
        return passes(
            f"The quota becomes {quota}; the minutes used this month stay used, which the customer should know."
        )
    return passes(f"The quota becomes {quota}; no minutes were used this month.")


@rule(
    "support-admin-tools-are-used",
    "The Support Admin Tools form is used, not the deprecated Zendesk app",
    stage=STAGE,
    anchor=handbook.FORCE,
    paragraph="The Zendesk app is deprecated; the form of the Support Admin Tools replaces it (docs/decisions/008)",
    rests_on=("force.deprecated-app",),
    uses=(),
)
def support_admin_tools_are_used(facts: AssociationFacts) -> Judgement:
    return passes("The change goes through Force Associate of the CustomersDot Support Admin Tools.")
