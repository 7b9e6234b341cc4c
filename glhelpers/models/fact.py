"""A fact: a value together with where it came from and when, or the reason why it is not known."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from pydantic import ConfigDict

from glhelpers.models.base import OwnModel

__all__ = ["Fact", "FactState", "FactUnknown", "Source"]

T = TypeVar("T")


class FactUnknown(Exception):
    """Raised when a rule asks for the value of a fact that nobody knows; it ends as verdict `unknown`."""


class FactState(StrEnum):
    """`absent` is knowledge (the service said that there is none); `unknown` is the lack of it."""

    known = "known"
    absent = "absent"
    unknown = "unknown"


class Source(StrEnum):
    """Which system a fact was read from; `operator` marks what a person looked up by hand."""

    gitlab = "gitlab"
    customersdot = "customersdot"
    zendesk = "zendesk"
    parameter = "parameter"
    operator = "operator"
    derived = "derived"
    journal = "journal"


class Fact(OwnModel, Generic[T]):
    """One thing looked up. `call` is the request in words, such as `GET /namespaces/:id`."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: str
    label: str
    state: FactState
    value: T | None = None
    why: str | None = None
    source: Source
    call: str
    read_at: datetime
    told_by: str | None = None

    def known(self) -> T:
        """The value; raises `FactUnknown` if it is absent or unknown."""
        if self.value is None:
            raise FactUnknown(self.why or f"{self.label} is not known")
        return self.value

    def known_or_absent(self) -> T | None:
        """The value, or None if the service said that there is none; raises `FactUnknown` otherwise."""
        if self.state is FactState.unknown:
            raise FactUnknown(self.why or f"{self.label} is not known")
        return self.value
