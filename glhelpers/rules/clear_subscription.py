"""
The policy of runbook `clear_subscription`: only for an association error, only the right one, and never without proof.

Read it next to the handbook section *Clear Subscription*.
"""

from __future__ import annotations

from glhelpers.models.clear_facts import ClearFacts
from glhelpers.models.fact import FactState, FactUnknown
from glhelpers.models.facts import AssociationFacts, Occupant
from glhelpers.models.finding import Verdict
from glhelpers.rules import handbook, namespace, occupancy, ownership, request, seats, subscription
from glhelpers.rules.ownership_proof import ProofGiven, fitting_proofs, ownership_rules
from glhelpers.rules.rule import Judgement, Policy, only_if, passes, rule
from glhelpers.rules.thresholds import PAID_PLANS

__all__ = ["POLICY", "is_paid", "new_is_named", "new_is_there", "occupant_of", "proof_given", "proofs_to_ask_for"]


def new_is_named(facts: AssociationFacts) -> bool:
    """Whether a subscription was named that shall take the place."""
    return bool(facts.parameters.subscription_name)


def is_paid(facts: ClearFacts) -> bool:
    """Whether the group has a paid plan now; raises `FactUnknown` if GitLab.com does not say."""
    now = facts.gitlab_subscription.known().plan
    code = now.code or facts.namespace.known().plan
    if code is None:
        raise FactUnknown("GitLab.com does not say which plan the group has")
    if code not in PAID_PLANS and code not in ("free", "default"):
        raise FactUnknown(f"plan code {code} is not known to these rules")
    return code in PAID_PLANS and not now.trial


def new_is_there(facts: ClearFacts) -> bool:
    """Whether the subscription that shall take the place has it already, as both CustomersDot and GitLab.com tell."""
    if not is_paid(facts) or not new_is_named(facts):
        return False
    here = str(facts.namespace.known().id)
    return occupancy.linked_to(facts) == here and occupancy.shows_on_gitlab(facts)


def occupant_of(facts: ClearFacts) -> Occupant | None:
    """The one plan on the group, None if nothing is there; `FactUnknown` where that is not clear."""
    occupants = facts.occupants.known_or_absent() or ()
    return occupants[0] if len(occupants) == 1 else None


def _nothing(facts: ClearFacts) -> Judgement | None:
    if facts.namespace.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "There is no group to look at.")
    if not facts.occupants.known_or_absent():
        return Judgement(Verdict.not_applicable, "Nothing is on the group.")
    return None


@rule(
    "association-error-was-seen",
    "Associating failed because the group has a subscription already",
    stage="error",
    anchor=handbook.CLEAR,
    paragraph="Clearing is for an association error, such as that the namespace is already associated",
    rests_on=("clear.error",),
    uses=("error_text",),
)
def association_error_was_seen(facts: ClearFacts) -> Judgement:
    text = " ".join(facts.parameters.error_text.casefold().replace("’", "'").split())
    if not text:
        return Judgement(
            Verdict.stop,
            "No error text was given; a subscription is only cleared because associating failed with one.",
            "Try the association first, and give the exact text that it answered as error_text.",
        )
    if "already associated with a subscription" not in text or "not already associated" in text:
        return Judgement(
            Verdict.stop,
            "The error text does not say that the group is already associated with a subscription.",
            "Find out what it means with `glhelpers explain`; clearing would not help.",
        )
    return passes("The tool refused because the group is already associated with a subscription.")


@rule(
    "something-is-on-the-group",
    "A subscription is on the group",
    stage="occupant",
    anchor=handbook.CLEAR,
    paragraph="The subscription associated with that namespace is unlinked",
    rests_on=("clear.error", "clear.tool"),
    uses=("occupants", "gitlab_subscription", "namespace", "orders", "subscription"),
)
def something_is_on_the_group(facts: ClearFacts) -> Judgement:
    if facts.namespace.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "There is no group to look at.")
    occupants = facts.occupants.known_or_absent() or ()
    if occupants:
        return passes(f"{', '.join(_name(occupant) for occupant in occupants)} on the group.")
    if new_is_there(facts):
        return Judgement(Verdict.no_change, "The new subscription is on the group, and GitLab.com shows it.")
    if is_paid(facts):
        return Judgement(
            Verdict.stop,
            "The group has a paid plan, but no other subscription's order names it.",
            "Find the order that pays for this plan; the tool clears by subscription, not by group.",
        )
    return Judgement(
        Verdict.no_change,
        "No subscription is on the group: there is nothing to clear.",
        "Associate directly, with runbook force_associate.",
    )


def _name(occupant: Occupant) -> str:
    return occupant.subscription_name or f"order {occupant.order_id}"


@rule(
    "what-is-on-the-group-is-one-plan",
    "What is on the group is one plan, known by its name, and no consumption",
    stage="occupant",
    anchor=handbook.CLEAR,
    paragraph="The tool takes the subscription's name: the wrong one would downgrade another group",
    rests_on=("clear.tool", "sees.minutes-stop", "sees.occupied"),
    uses=("occupants",),
)
def what_is_on_the_group_is_one_plan(facts: ClearFacts) -> Judgement:
    if (none := _nothing(facts)) is not None:
        return none
    occupants = facts.occupants.known()
    for occupant in occupants:
        if occupant.kind is None:
            raise FactUnknown(f"CustomersDot does not say what kind of purchase {_name(occupant)} is")
        if occupant.kind != "plan":
            return Judgement(
                Verdict.stop,
                f"The group carries {_name(occupant)} for {occupant.kind.replace('_', ' ')}, which could be lost.",
                "An L&R expert reviews the purchases, and notes additional minutes and storage first.",
            )
    if len(occupants) > 1:
        return Judgement(
            Verdict.stop,
            f"{len(occupants)} plans are on the group: {', '.join(map(_name, occupants))}.",
            "Find out which of them stands in the way, by hand.",
        )
    if occupants[0].subscription_name is None:
        raise FactUnknown(f"order {occupants[0].order_id} names no subscription")
    return passes(f"It is {_name(occupants[0])}, a plan.")


@rule(
    "what-is-lost-is-known",
    "What the group loses and what it keeps is known",
    stage="loss",
    anchor=handbook.CLEAR,
    paragraph="A paid plan falls to Free at once; what was bought in addition stays",
    rests_on=("clear.tool",),
    uses=("occupying", "gitlab_subscription", "namespace", "today"),
)
def what_is_lost_is_known(facts: ClearFacts) -> Judgement:
    if (none := _nothing(facts)) is not None:
        return none
    old, today = facts.occupying.known(), facts.today.known()
    if old.end_date is None:
        raise FactUnknown(f"CustomersDot gives no end date for {old.name}")
    ended = "ended on" if old.end_date < today else "runs until"
    kept = "Members, projects, additional minutes and storage, and minutes used stay."
    if not is_paid(facts):
        return passes(f"{old.name} {ended} {old.end_date.isoformat()}; the group is on Free already. {kept}")
    seats_lost = facts.gitlab_subscription.known().usage.seats_in_subscription
    return Judgement(
        Verdict.warn,
        f"{old.name} {ended} {old.end_date.isoformat()}: its plan {old.plan_code} with {seats_lost} seats falls to Free "
        f"at once. {kept}",
    )


@rule(
    "loss-of-the-plan-is-confirmed",
    "The customer has confirmed that a plan which still runs may go",
    stage="loss",
    anchor=handbook.CLEAR,
    paragraph="An unlinked plan that still has value is lost to the group: destructive, so confirmed first",
    rests_on=("clear.error", "sees.occupied"),
    uses=("occupying", "today", "customer_confirmation"),
)
def loss_of_the_plan_is_confirmed(facts: ClearFacts) -> Judgement:
    if (none := _nothing(facts)) is not None:
        return none
    old, today = facts.occupying.known(), facts.today.known()
    if old.end_date is None or not old.told("status"):
        raise FactUnknown(f"CustomersDot does not say until when {old.name} runs, or whether it was cancelled")
    if old.end_date < today or old.status == "cancelled":
        return passes(f"{old.name} does not run any more.")
    if not facts.parameters.customer_confirmation:
        return Judgement(
            Verdict.ask,
            f"{old.name} still runs until {old.end_date.isoformat()}; clearing takes it from the group.",
            "Send the drafted question, then run again with the link to the answer as customer_confirmation.",
        )
    return Judgement(Verdict.warn, f"{old.name} still runs; the customer has confirmed that it may go.")


@rule(
    "minutes-and-storage-are-noted",
    "Additional minutes, minutes used and storage are noted before and after",
    stage="minutes",
    anchor=handbook.CLEAR,
    paragraph="Compute minutes that were bought must not be lost",
    rests_on=("clear.tool", "sees.minutes-stop"),
    uses=("namespace",),
)
def minutes_and_storage_are_noted(facts: ClearFacts) -> Judgement:
    if facts.namespace.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "There is no group to look at.")
    group = facts.namespace.known()
    for field in ("extra_shared_runners_minutes_limit", "additional_purchased_storage_size"):
        if not group.told(field):
            raise FactUnknown("GitLab.com tells additional minutes and storage to administrators only")
    used = group.ci_minutes_usage.total_minutes_used if group.ci_minutes_usage is not None else None
    return passes(
        f"Additional minutes: {group.extra_shared_runners_minutes_limit or 0}. Additional storage: "
        f"{group.additional_purchased_storage_size or 0} MiB. Minutes used: {'not told' if used is None else used}."
    )


@rule(
    "customer-is-not-left-on-free",
    "A subscription is named that takes the place at once",
    stage="follow-up",
    anchor=handbook.CLEAR,
    paragraph="Clearing comes while associating another subscription: that one follows at once",
    rests_on=("clear.error",),
    uses=("subscription_name", "gitlab_subscription", "namespace"),
)
def customer_is_not_left_on_free(facts: ClearFacts) -> Judgement:
    if new_is_named(facts):
        return passes(f"{facts.parameters.subscription_name} follows in the same plan.")
    if facts.namespace.state is FactState.absent or not is_paid(facts):
        return Judgement(Verdict.not_applicable, "The group has no paid plan to lose.")
    return Judgement(
        Verdict.warn, "No new subscription is named: the group stays on Free until one is associated by another run."
    )


def proof_given(facts: ClearFacts) -> ProofGiven:
    """The proof is about the subscription that is taken off the group."""
    return ProofGiven(
        parameters=facts.parameters,
        today=facts.today,
        subscription=facts.occupying,
        billing_account=facts.billing_account,
        gitlab_subscription=facts.gitlab_subscription,
        requester=facts.parameters.customer_email,
        on_group=True,
    )


def proofs_to_ask_for(facts: ClearFacts) -> tuple[str, ...]:
    """The proofs that this customer could give."""
    return fitting_proofs(proof_given(facts))


def _something_is_lost(facts: ClearFacts) -> bool:
    return facts.namespace.state is not FactState.absent and is_paid(facts)


OWNERSHIP = ownership_rules(proof_given, stage="identity", anchor=handbook.CLEAR, rests_on=("clear.tool",))
"""A downgrade to Free needs proof that the requester may ask for it."""

_NONE_NAMED = "No new subscription is named."


POLICY: Policy[ClearFacts] = Policy(
    runbook="clear_subscription",
    stages=(
        "request",
        "namespace",
        "error",
        "occupant",
        "loss",
        "identity",
        "new subscription",
        "ownership",
        "seats",
        "minutes",
        "follow-up",
    ),
    rules=(
        request.ticket_link_is_well_formed,
        request.ticket_is_open,
        namespace.namespace_exists,
        namespace.namespace_is_a_top_level_group,
        namespace.namespace_is_not_pending_deletion,
        association_error_was_seen,
        something_is_on_the_group,
        what_is_on_the_group_is_one_plan,
        what_is_lost_is_known,
        loss_of_the_plan_is_confirmed,
        *(only_if(_something_is_lost, "No paid plan is lost.", named) for named in OWNERSHIP),
        *(
            only_if(new_is_named, _NONE_NAMED, named, stage="new subscription")
            for named in (
                subscription.subscription_exists,
                subscription.has_an_order,
                subscription.is_a_plan_with_seats,
                subscription.is_not_a_trial,
                subscription.is_for_gitlab_com,
                subscription.is_in_its_term,
                occupancy.subscription_is_not_on_another_group,
            )
        ),
        *(
            only_if(new_is_named, _NONE_NAMED, named)
            for named in (
                ownership.account_has_a_linked_user,
                ownership.linked_user_is_active,
                ownership.linked_user_is_no_admin,
                ownership.linked_user_owns_the_group,
                seats.seats_cover_seats_in_use,
                seats.seats_owed_are_foreseen,
            )
        ),
        minutes_and_storage_are_noted,
        customer_is_not_left_on_free,
    ),
)
