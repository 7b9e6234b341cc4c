"""What is known at one moment, as the rules read it."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import ConfigDict

from glhelpers.models.base import OwnModel
from glhelpers.models.fact import Fact
from glhelpers.models.namespace import GitlabSubscription, Group, Member, Namespace, User
from glhelpers.models.request import AssociationParameters, RunbookParameters
from glhelpers.models.subscription import AuditEvent, Customer, Order, ProductKind, Subscription
from glhelpers.models.ticket import Ticket

__all__ = ["AssociationFacts", "Occupant", "RunbookFacts", "SeatsNeeded"]


class Occupant(OwnModel):
    """An order of another subscription that is linked to the namespace."""

    order_id: int
    subscription_name: str | None
    kind: ProductKind | None
    plan_code: str | None
    end_date: date | None


class SeatsNeeded(OwnModel):
    """
    Seats that the group would use under the new plan.

    `low` and `high` differ where some members' roles cannot be told apart; `counts_guests` says
    whether the new plan bills Guests; `max_used` is the stored high-water mark of the term.
    """

    low: int
    high: int
    counts_guests: bool
    live: int
    stored: int | None
    max_used: int | None


class RunbookFacts(OwnModel):
    """What every runbook knows; each fact has its source and time."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    parameters: RunbookParameters
    today: Fact[date]
    ticket: Fact[Ticket]

    def all(self) -> tuple[Fact[Any], ...]:
        """The facts in the order in which an expert looks at them."""
        return tuple(value for name in type(self).model_fields if isinstance(value := getattr(self, name), Fact))


class AssociationFacts(RunbookFacts):
    """
    Everything that the rules of an association look at.

    `grants` are the audit events of additional minutes set on this namespace, looked up only where
    minutes are to be granted.
    """

    parameters: AssociationParameters
    namespace: Fact[Namespace]
    group: Fact[Group]
    gitlab_subscription: Fact[GitlabSubscription]
    subscription: Fact[Subscription]
    orders: Fact[tuple[Order, ...]]
    occupants: Fact[tuple[Occupant, ...]]
    customer: Fact[Customer]
    linked_user: Fact[User]
    linked_member: Fact[Member]
    seats_needed: Fact[SeatsNeeded]
    grants: Fact[tuple[AuditEvent, ...]] | None = None
