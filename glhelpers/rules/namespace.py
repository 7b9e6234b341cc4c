"""Can this namespace carry a subscription at all?"""

from __future__ import annotations

from glhelpers.models.fact import FactState
from glhelpers.models.facts import AssociationFacts
from glhelpers.models.finding import Verdict
from glhelpers.rules import handbook
from glhelpers.rules.rule import Judgement, passes, rule

__all__ = ["namespace_exists", "namespace_is_a_top_level_group", "namespace_is_not_pending_deletion"]

STAGE = "namespace"


@rule(
    "namespace-exists",
    "The namespace exists on GitLab.com",
    stage=STAGE,
    anchor=handbook.FORCE,
    paragraph="The group that the subscription is associated with",
    rests_on=("force.when",),
    uses=("namespace",),
)
def namespace_exists(facts: AssociationFacts) -> Judgement:
    if facts.namespace.state is FactState.absent:
        return Judgement(
            Verdict.stop,
            f"GitLab.com knows no namespace {facts.parameters.namespace}, or hides it from this token.",
            "Ask the customer for the group's address; check that the token is an administrator's.",
        )
    namespace = facts.namespace.known()
    return passes(f"{namespace.full_path} exists (id {namespace.id}).")


@rule(
    "namespace-is-a-top-level-group",
    "The namespace is a top-level group",
    stage=STAGE,
    anchor=handbook.FORCE,
    paragraph="A subscription is associated with a group; only the root of a hierarchy carries one",
    rests_on=("force.when",),
    uses=("namespace",),
)
def namespace_is_a_top_level_group(facts: AssociationFacts) -> Judgement:
    if facts.namespace.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "There is no namespace to look at.")
    namespace = facts.namespace.known()
    if namespace.kind != "group":
        return Judgement(
            Verdict.stop,
            f"{namespace.full_path} is a {namespace.kind} namespace, not a group.",
            "Ask the customer which group the plan is for.",
        )
    if namespace.parent_id is not None:
        root = namespace.full_path.split("/", 1)[0]
        return Judgement(
            Verdict.stop,
            f"{namespace.full_path} is a subgroup; only its top-level group {root} can carry a subscription.",
            f"Confirm with the customer that {root} is meant, then run again with it.",
        )
    return passes(f"{namespace.full_path} is a top-level group.")


@rule(
    "namespace-is-not-pending-deletion",
    "The group is not about to be deleted",
    stage=STAGE,
    anchor=handbook.FORCE,
    paragraph="The group that the subscription is associated with must outlive the association",
    rests_on=("force.when",),
    uses=("group",),
)
def namespace_is_not_pending_deletion(facts: AssociationFacts) -> Judgement:
    if facts.namespace.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "There is no group to look at.")
    if facts.namespace.value is not None and facts.namespace.value.kind != "group":
        return Judgement(Verdict.not_applicable, "It is not a group.")
    group = facts.group.known()
    if group.marked_for_deletion_on is not None:
        return Judgement(
            Verdict.stop,
            f"{group.full_path} was marked for deletion on {group.marked_for_deletion_on.isoformat()}.",
            "Ask the customer to restore the group first, or for another group.",
        )
    return passes(f"{group.full_path} is not marked for deletion.")
