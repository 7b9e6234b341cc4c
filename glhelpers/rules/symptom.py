"""A known symptom: how it is worded, which facts decide, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from glhelpers.rules.symptom_match import Pattern, Phrase

__all__ = ["FORCE_FITS", "Case", "Symptom", "blockers", "case", "fits", "force"]

Value = str | bool
Facts = Mapping[str, tuple[Value, ...]]


@dataclass(frozen=True)
class Case:
    """
    What a symptom means where these facts are known: every field of `facts` has one of its values.

    `still` names fields that should be looked up all the same before acting; `paragraph` is told
    where it is not that of the symptom.
    """

    cause: str
    next_step: str
    runbook: str | None = None
    escalate: bool = False
    paragraph: str | None = None
    still: tuple[str, ...] = ()
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True)
class Symptom:
    """
    One known symptom.

    `cases` are asked in order, the first that fits answers, `usual` answers where none does;
    `denied_by` lists facts that the symptom cannot be true with.  A case that ends in
    force_associate comes first: then nothing that is learnt less can lead to it.  `absorbs` names
    symptoms that are only part of this one; a `generic` symptom gives way to every other.
    """

    id: str
    label: str
    paragraph: str
    wordings: tuple[Phrase | Pattern, ...]
    decided_by: tuple[str, ...]
    usual: Case
    cases: tuple[Case, ...] = ()
    denied_by: tuple[Mapping[str, Value | tuple[Value, ...]], ...] = ()
    absorbs: frozenset[str] = frozenset()
    generic: bool = False


def _choices(facts: Mapping[str, Value | tuple[Value, ...]]) -> Facts:
    return {name: value if isinstance(value, tuple) else (value,) for name, value in facts.items()}


def fits(facts: Mapping[str, Value | tuple[Value, ...]], known: Mapping[str, Value]) -> bool:
    """Whether every one of these facts is known and has a value that is meant."""
    return all(name in known and known[name] in values for name, values in _choices(facts).items())


def case(
    cause: str,
    next_step: str,
    *,
    runbook: str | None = None,
    escalate: bool = False,
    paragraph: str | None = None,
    still: tuple[str, ...] = (),
    **facts: Value | tuple[Value, ...],
) -> Case:
    """A case; keywords that are fields of `Evidence` say which facts it needs."""
    return Case(cause, next_step, runbook, escalate, paragraph, still, _choices(facts))


FORCE_FITS: dict[str, Value | tuple[Value, ...]] = {
    "linked_user": True,
    "linked_user_is_admin": False,
    "owner_of_group": True,
    "occupied_by": ("nothing", "expired_plan"),
    "new_kind": "plan",
    "namespace_kind": "group",
    "order_linked_here": False,
}
"""What must be known, and how, before a symptom may lead to force_associate; each symptom adds its own."""


def force(cause: str, next_step: str, paragraph: str, **facts: Value | tuple[Value, ...]) -> Case:
    """The only way to a case that leads to force_associate: all of `FORCE_FITS`, and these facts besides."""
    return Case(cause, next_step, "force_associate", False, paragraph, (), _choices(FORCE_FITS | facts))


def blockers() -> tuple[Case, ...]:
    """What stands against an association whatever the symptom; each needs one fact only."""
    return (
        case(
            "The new subscription has no seats; putting it on the group may overwrite minutes or storage already bought.",
            "Stop. An L&R expert reviews the purchases first; note the additional minutes and storage of the group.",
            escalate=True,
            paragraph="sees.minutes-stop",
            new_kind=("compute_minutes", "storage", "duo"),
        ),
        case(
            "A plan that still runs is on the group; one group carries one subscription.",
            "Stop. Find out with the customer and an L&R expert which of the two shall stay; nothing is written before.",
            escalate=True,
            paragraph="sees.occupied",
            occupied_by="active_plan",
        ),
        case(
            "Minutes or storage bought earlier occupy the group; another subscription could make them vanish.",
            "Stop. Note the additional minutes and storage, and have an L&R expert review the purchases.",
            escalate=True,
            paragraph="sees.minutes-stop",
            occupied_by=("compute_minutes", "storage"),
        ),
        case(
            "Only a top-level group carries a subscription, and the target is none.",
            "Ask for the top-level group and start again with its path.",
            runbook="start_here",
            namespace_kind=("subgroup", "user"),
        ),
        case(
            "The subscription's order names this group already, so there is nothing left to associate.",
            "Compare the plan, seats and dates that GitLab.com shows with the subscription before doing anything.",
            runbook="start_here",
            order_linked_here=True,
        ),
        case(
            "The account is linked to a GitLab.com administrator, most likely by mistake.",
            "Have the administrator unlinked and the customer link their own account; only then go on.",
            runbook="portal_502",
            paragraph="502.unlink",
            still=("token_owner_matches_uid",),
            linked_user_is_admin=True,
        ),
        case(
            "Nobody is linked to the CustomersDot account, so the portal cannot show any group of theirs.",
            "Have an Owner of the group sign in to the portal and link their GitLab.com account.",
            runbook="self_serve",
            paragraph="force.linked-owner",
            linked_user=False,
        ),
        case(
            "The linked user is not an Owner of the group; the portal offers only groups whose billing they may manage.",
            "Have the user made an Owner, or have an Owner link their account; then try in the portal again.",
            runbook="self_serve",
            paragraph="force.linked-owner",
            owner_of_group=False,
        ),
    )
