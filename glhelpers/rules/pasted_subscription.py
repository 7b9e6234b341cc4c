"""
Compare the JSON that a group Owner pasted with what an administrator's token sees, leaf by leaf.

Only an Owner can open `GET /namespaces/:id/gitlab_subscription`, so equal leaves show that the
requester is one.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from glhelpers.models.change import Scalar
from glhelpers.models.finding import Verdict
from glhelpers.models.namespace import GitlabSubscription
from glhelpers.models.proof import ComparedLeaf
from glhelpers.rules.rule import Judgement, passes

__all__ = ["DRIFTING", "IDENTITY", "LEAVES", "compare", "judge_pasted", "leaves_seen", "proves_nothing"]

IDENTITY = (
    "plan.code",
    "usage.seats_in_subscription",
    "billing.subscription_start_date",
    "billing.subscription_end_date",
    "billing.trial_ends_on",
)
"""Leaves that tell one subscription from another: nothing moves them between two looks."""

DRIFTING = ("usage.seats_in_use", "usage.max_seats_used", "usage.seats_owed")
"""Leaves that GitLab.com refreshes about once a day, so that an honest copy may be out of date."""

LEAVES = (
    "plan.code",
    "plan.name",
    "plan.trial",
    "plan.auto_renew",
    "plan.upgradable",
    "plan.exclude_guests",
    "usage.seats_in_subscription",
    *DRIFTING,
    "billing.subscription_start_date",
    "billing.subscription_end_date",
    "billing.trial_ends_on",
)
"""Every leaf of the answer, in its order."""

_PASTE_AGAIN = (
    "Ask for the whole text of the page once more, copied by a group Owner who is signed in, and for nothing else."
)
_DISPUTE = (
    "Do not go on with this proof. If two parties claim the subscription, it is for the legal team's process for "
    "changes of ownership."
)


def leaves_seen(seen: GitlabSubscription) -> dict[str, Scalar]:
    """What GitLab.com answered support, by leaf; a leaf that it did not send is left out."""
    found: dict[str, Scalar] = {}
    for leaf in LEAVES:
        part, _, name = leaf.partition(".")
        record = getattr(seen, part)
        if record.told(name):
            value = getattr(record, name)
            found[leaf] = value.isoformat() if isinstance(value, date) else value
    return found


def compare(pasted: str, seen: GitlabSubscription) -> tuple[ComparedLeaf, ...] | None:
    """
    Each leaf that GitLab.com shows support, beside the pasted one; None if the paste is no such JSON.

    A leaf that only the paste holds has nothing to be compared with and is passed over.
    """
    given = _read(pasted)
    if given is None:
        return None
    return tuple(_compared(leaf, given, value) for leaf, value in leaves_seen(seen).items())


def proves_nothing(seen: GitlabSubscription) -> bool:
    """Whether the group has no subscription to speak of: then every stranger could write down its JSON."""
    billing, usage = seen.billing, seen.usage
    return billing.subscription_start_date is None and not usage.seats_in_subscription


def judge_pasted(pasted: str, seen: GitlabSubscription) -> Judgement:
    """Whether the paste shows that whoever copied it is an Owner of the group."""
    if not pasted:
        return Judgement(
            Verdict.ask,
            "The JSON of the group's subscription was not pasted.",
            "Ask a group Owner to copy it; give it as pasted_subscription.",
        )
    leaves = compare(pasted, seen)
    if leaves is None:
        return Judgement(Verdict.ask, "What was pasted is not the JSON of a group's subscription.", _PASTE_AGAIN)
    if proves_nothing(seen) or not any(leaf.missing or leaf.pasted is not None for leaf in leaves):
        return Judgement(
            Verdict.stop,
            "The JSON holds no subscription, as for any Free group: it proves nothing.",
            "Ask for another of the proofs.",
        )
    return _judge_leaves(leaves)


def _judge_leaves(leaves: tuple[ComparedLeaf, ...]) -> Judgement:
    differing = [leaf for leaf in leaves if not leaf.same and not leaf.missing]
    if identity := [leaf for leaf in differing if leaf.leaf in IDENTITY]:
        return Judgement(Verdict.stop, f"The JSON is not this group's: {_told(identity)}.", _DISPUTE)
    if missing := [leaf.leaf for leaf in leaves if leaf.missing]:
        return Judgement(Verdict.ask, f"The JSON is not whole: {', '.join(missing)} missing.", _PASTE_AGAIN)
    if differing:
        return Judgement(
            Verdict.ask,
            f"{len(differing)} of {len(leaves)} values differ, which may have moved since: {_told(differing)}.",
            _PASTE_AGAIN,
        )
    return passes(f"All {len(leaves)} values of the pasted JSON are those that GitLab.com shows: {_values(leaves)}.")


def _told(leaves: list[ComparedLeaf]) -> str:
    return "; ".join(f"{leaf.leaf} pasted {_word(leaf.pasted)}, seen {_word(leaf.seen)}" for leaf in leaves)


def _values(leaves: tuple[ComparedLeaf, ...]) -> str:
    return ", ".join(f"{leaf.leaf} {_word(leaf.seen)}" for leaf in leaves if leaf.leaf in IDENTITY)


def _word(value: Scalar) -> str:
    return json.dumps(value)


def _compared(leaf: str, given: dict[str, Any], seen: Scalar) -> ComparedLeaf:
    part, _, name = leaf.partition(".")
    group = given.get(part)
    if not isinstance(group, dict) or name not in group:
        return ComparedLeaf(leaf=leaf, pasted=None, seen=seen, same=False, missing=True)
    value = group[name]
    # True == 1 in Python, and a text of digits is no number: only the same kind of value is the same.
    same = type(value) is type(seen) and value == seen
    return ComparedLeaf(leaf=leaf, pasted=_plain(value), seen=seen, same=same)


def _plain(value: Any) -> Scalar:
    """A value as a record can keep it: what no text or number field holds is told as JSON."""
    if value is None or isinstance(value, bool):
        return value
    fits = (isinstance(value, str) and value.isprintable()) or (isinstance(value, int) and abs(value) < 2**53)
    return value if fits else json.dumps(value)


def _read(pasted: str) -> dict[str, Any] | None:
    try:
        value = json.loads(pasted, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A key twice would let a paste show one value and hold another."""
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")
