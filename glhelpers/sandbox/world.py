"""A world: users, groups, subscriptions, tickets and the cases to run, as its file describes it (docs/worlds.md)."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from glhelpers.models.finding import Status
from glhelpers.sandbox.changes import Change
from glhelpers.sandbox.parts import (
    BillingAccountIn,
    CustomerIn,
    GroupIn,
    OrderIn,
    Part,
    ProjectIn,
    SubscriptionIn,
    Switches,
    TicketIn,
    TokenIn,
    UserIn,
)

__all__ = ["CaseIn", "World"]


class CaseIn(Part):
    """A ticket to work on, and how a runbook should end on it."""

    name: str
    ticket: int
    runbook: str = "force_associate"
    parameters: dict[str, str | int] = Field(default_factory=dict)
    approve: bool = False
    between: list[Change] = Field(default_factory=list)
    tour: bool = False
    expect: Status
    deciding: str | None = None
    note: str | None = None


class World(Part):
    """One world, frozen at `today`."""

    format: Literal["glhelpers.world/1"]
    name: str
    today: date
    switches: Switches = Switches()
    users: list[UserIn] = Field(default_factory=list)
    tokens: list[TokenIn] = Field(default_factory=list)
    groups: list[GroupIn] = Field(default_factory=list)
    subscriptions: list[SubscriptionIn] = Field(default_factory=list)
    orders: list[OrderIn] = Field(default_factory=list)
    customers: list[CustomerIn] = Field(default_factory=list)
    billing_accounts: list[BillingAccountIn] = Field(default_factory=list)
    projects: list[ProjectIn] = Field(default_factory=list)
    tickets: list[TicketIn] = Field(default_factory=list)
    cases: list[CaseIn] = Field(default_factory=list)
