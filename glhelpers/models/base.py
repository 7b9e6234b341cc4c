"""The two kinds of model: what a service answered (tolerant of extra keys) and what we wrote (exact)."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

__all__ = ["Address", "Day", "Moment", "OwnModel", "PersonName", "Personal", "Texts", "WireModel"]


def _text_only(value: object) -> object:
    """Dates travel as text; a bare number would silently become a day in 1970."""
    if isinstance(value, (int, float)):
        raise ValueError("a date must be text such as 2026-11-23")
    return value


Day = Annotated[date, Field(strict=False), BeforeValidator(_text_only)]
Moment = Annotated[datetime, Field(strict=False), BeforeValidator(_text_only)]


# JSON has lists only; a frozen record holds a tuple.
Texts = Annotated[tuple[str, ...], Field(strict=False)]


class Personal(StrEnum):
    """What a field tells of a person; whoever writes it down asks the policy of the place."""

    address = "address"
    name = "name"


# Neither shows in the `repr` of a model, so that a traceback or a cell that shows one tells nobody's.
Address = Annotated[str | None, Field(repr=False), Personal.address]
PersonName = Annotated[str | None, Field(repr=False), Personal.name]


class WireModel(BaseModel):
    """
    A frozen record as a service answered it.

    Unknown keys are ignored, since services grow; types are strict, since `"12"` where a number
    was promised means that something is wrong; and a validation error never repeats the value.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, hide_input_in_errors=True)

    def told(self, field: str) -> bool:
        """Whether the service sent this key at all: `null` is an answer, a missing key is not."""
        return field in self.model_fields_set


class OwnModel(BaseModel):
    """A frozen record that we write and read back ourselves: an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
