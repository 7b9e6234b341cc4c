"""
What a person read in the admin pages of CustomersDot, as a sheet of look-ups.

CustomersDot has no API; where no gateway stands in, a person looks things up and tells them.  A
sheet says who read them and when, and every value in it has the shape of docs/adapter.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from pydantic import AwareDatetime, Field, JsonValue, field_validator

from glhelpers.models.base import OwnModel, WireModel
from glhelpers.models.namespace import TokenInfo
from glhelpers.models.subscription import AuditEvent, BillingAccount, Customer, Order, Subscription

__all__ = ["KINDS", "Kind", "PortalGroups", "PortalSheet", "PortalState", "parse_key", "sheet_key"]

_LONGEST_KEY = 300


class PortalGroups(WireModel):
    """How many groups the portal lists for an account."""

    groups: int


class PortalState(WireModel):
    """Whether the Customers Portal works for everybody else."""

    portal: Literal["up", "down"]


@dataclass(frozen=True)
class Kind:
    """
    One kind of look-up: the shape of its value, and what it is looked up by.

    `bare` kinds are looked up by one thing (`customer:5001`), the others by named ones
    (`orders:gl_namespace_id=100`). `many`: the value is a list.
    """

    name: str
    model: type[WireModel]
    by: tuple[str, ...] = ()
    bare: bool = True
    many: bool = False


KINDS = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind("subscription", Subscription, ("name",)),
            Kind("orders", Order, ("subscription_name", "gl_namespace_id"), bare=False, many=True),
            Kind("customer", Customer, ("id",)),
            Kind("customers", Customer, ("email", "uid", "namespace_id"), bare=False, many=True),
            Kind("token_info", TokenInfo, ("customer_id",)),
            Kind("impersonation_check", PortalGroups, ("customer_id",)),
            Kind("portal_status", PortalState),
            Kind("billing_account", BillingAccount, ("zuora_account_id",)),
            Kind("audit_events", AuditEvent, ("namespace_id", "action"), bare=False, many=True),
        )
    }
)
"""Everything that a sheet can hold, by the name its key begins with."""


def sheet_key(kind: str, by: dict[str, str | int | None]) -> str:
    """The key under which a sheet holds a look-up; what is None was not asked by. An address counts without case."""
    given = {name: _canonical(name, str(value)) for name in KINDS[kind].by if (value := by.get(name)) is not None}
    if not KINDS[kind].by:
        return kind
    if KINDS[kind].bare:
        return f"{kind}:{''.join(given.values())}"
    return f"{kind}:{','.join(f'{name}={value}' for name, value in given.items())}"


def parse_key(key: str) -> tuple[Kind, dict[str, str]]:
    """
    The kind of look-up that a key names, and what it is looked up by.

    Raises `ValueError`, which never repeats the key: it may hold an e-mail address.
    """
    name, _, rest = key.strip().partition(":")
    kind = KINDS.get(name)
    if kind is None or len(key) > _LONGEST_KEY or not key.isprintable():
        raise ValueError(f"is none of {', '.join(KINDS)}")
    if not kind.by:
        given: dict[str, str] = {}
        fits = not rest
    elif kind.bare:
        given = {kind.by[0]: rest.strip()}
        fits = bool(rest.strip())
    else:
        parts = [part.partition("=") for part in re.split(rf",(?=\s*(?:{'|'.join(kind.by)})=)", rest)]
        given = {part[0].strip(): _canonical(part[0].strip(), part[2].strip()) for part in parts}
        fits = len(given) == len(parts) and set(given) <= set(kind.by) and all(given.values())
    if not fits:
        raise ValueError(f"is not looked up by {' or '.join(kind.by) or 'anything'}")
    return kind, given


def _canonical(name: str, value: str) -> str:
    return value.casefold() if name == "email" else value


class PortalSheet(OwnModel):
    """
    Look-ups that `read_by` made by hand; those made first were made at `read_at`.

    A value is what the adapter would answer as JSON; null means that the page says there is none. A
    look-up that is not in `lookups` was not made: what it would tell is unknown.
    """

    format: Literal["glhelpers.portal-sheet/1"] = "glhelpers.portal-sheet/1"
    read_by: str = Field(min_length=1, max_length=1000)
    read_at: AwareDatetime
    lookups: dict[str, JsonValue] = Field(default_factory=dict, repr=False)

    @field_validator("read_by")
    @classmethod
    def _a_name(cls, value: str) -> str:
        if not value.strip() or not value.isprintable():
            raise ValueError("must be the name of a person")
        return value.strip()

    @field_validator("lookups")
    @classmethod
    def _known_keys(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        kept: dict[str, JsonValue] = {}
        for number, (key, told) in enumerate(value.items(), 1):
            try:
                kind, given = parse_key(key)
            except ValueError as problem:
                raise ValueError(f"look-up number {number} {problem}") from None
            canonical = sheet_key(kind.name, dict(given))
            if canonical in kept:
                raise ValueError(f"look-up number {number} stands there twice")
            kept[canonical] = told
        return kept
