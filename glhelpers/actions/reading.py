"""Look-ups as facts: what was read, from where, when, or why it is not known; many side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from glhelpers.clock import now
from glhelpers.errors import (
    NotAllowed,
    NotAuthenticated,
    NotFound,
    RequestRejected,
    UnexpectedAnswer,
)
from glhelpers.models.fact import Fact, FactState, FactUnknown, Source

__all__ = ["Look", "Reader", "derived", "not_looked_up"]

T = TypeVar("T")

_AT_ONCE = 8


@dataclass(frozen=True)
class Look:
    """One look-up to make: the fact's name and label, the system, the call in words, and the call itself."""

    name: str
    label: str
    source: Source
    call: str
    fetch: Callable[[], Any]


@dataclass
class Reader:
    """
    Makes look-ups in rounds: those of one round go out side by side.

    `rounds` keeps the names asked in each round: its length is the number of dependent round trips.
    `progress` is told each fact as it comes in.  `told` is who looked CustomersDot up by hand, and
    when, where no program can.
    """

    clock: Callable[[], datetime] = now
    progress: Callable[[str], None] = lambda label: None
    rounds: list[tuple[str, ...]] = field(default_factory=list)
    told: tuple[str, datetime] | None = None

    def round(self, looks: list[Look]) -> dict[str, Fact[Any]]:
        """
        The facts by name.

        A 404 is an absent fact; a refusal or a malformed answer is an unknown one.  A service that
        cannot be reached, or a token that is not accepted, raises: the run cannot be finished then.
        """
        if not looks:
            return {}
        self.rounds.append(tuple(look.name for look in looks))
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            return {fact.name: fact for fact in pool.map(self._look_up, looks)}

    def _look_up(self, look: Look) -> Fact[Any]:
        state, value, why = FactState.known, None, None
        try:
            value = look.fetch()
            if value is None:
                state, why = FactState.absent, "there is none"
        except NotFound:
            state, why = FactState.absent, "the service answers that there is none, or hides it from this token"
        except NotAuthenticated:
            raise
        except (NotAllowed, UnexpectedAnswer, RequestRejected) as refusal:
            state, why = FactState.unknown, refusal.message.rstrip(".")
        self.progress(look.label)
        told = self.told if look.source is Source.customersdot and state is not FactState.unknown else None
        return Fact(
            name=look.name,
            label=look.label,
            state=state,
            value=value,
            why=why,
            source=look.source if told is None else Source.operator,
            call=look.call,
            read_at=self.clock() if told is None else told[1],
            told_by=None if told is None else told[0],
        )

    def derive(self, name: str, label: str, call: str, compute: Callable[[], T]) -> Fact[T]:
        """A fact worked out from others; unknown if one of them is."""
        return derived(name, label, call, compute, self.clock())

    def skipped(self, name: str, label: str, why: str, *, absent: bool = False) -> Fact[Any]:
        """A fact that there was no way to look up, since another one is missing."""
        return not_looked_up(name, label, why, self.clock(), absent=absent)


def derived(name: str, label: str, call: str, compute: Callable[[], T], now: datetime) -> Fact[T]:
    """A fact worked out from others at `now`; unknown if `compute` raises `FactUnknown`."""
    try:
        value: T | None = compute()
        state, why = (
            (FactState.known, None) if value is not None else (FactState.unknown, "nothing to work it out from")
        )
    except FactUnknown as unknown:
        value, state, why = None, FactState.unknown, str(unknown)
    return Fact(
        name=name, label=label, state=state, value=value, why=why, source=Source.derived, call=call, read_at=now
    )


def not_looked_up(name: str, label: str, why: str, now: datetime, *, absent: bool = False) -> Fact[Any]:
    """A fact without a look-up: absent if that follows from another fact, else unknown."""
    state = FactState.absent if absent else FactState.unknown
    return Fact(name=name, label=label, state=state, why=why, source=Source.derived, call="not looked up", read_at=now)
