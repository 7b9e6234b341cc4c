"""Things that happen to a world from outside: people join, a record is corrected, a ticket is closed."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field, model_serializer, model_validator

from glhelpers.sandbox.parts import Domain, Level, MinutesIn, Part, SubscriptionRowIn, Switches

__all__ = ["AddMembers", "AddNote", "Change", "RemoveMembers", "SetBillingAccount", "SetGroup"]


class AddMembers(Part):
    """So many new people join a group, or one user that the world knows."""

    group: str
    count: int = Field(default=1, ge=1, le=100_000)
    level: Level = "developer"
    user: str | None = None
    expires: date | None = None


class RemoveMembers(Part):
    """So many of the nameless members leave a group, or one user that the world knows."""

    group: str
    count: int = Field(default=1, ge=1)
    user: str | None = None


class SetGroup(Part):
    """New values for a group; what is left out stays."""

    group: str
    visibility: Literal["private", "public"] = "private"
    minutes: MinutesIn = MinutesIn()
    subscription: SubscriptionRowIn | None = None
    storage: int = Field(default=0, ge=0)
    marked_for_deletion_on: date | None = None
    refuses_over_expired: bool = False
    force_associate_refused: str | None = None
    answers: int | None = Field(default=None, ge=400, le=599)


class SetSubscription(Part):
    """New values for a subscription in CustomersDot."""

    name: str
    seats: int | None = None
    plan_code: str | None = None
    kind: Literal["plan", "compute_minutes", "storage", "duo"] | None = None
    start_date: date | None = None
    end_date: date | None = None
    status: Literal["active", "cancelled"] | None = None
    deployment: Literal["saas", "self_managed"] | None = None
    trial: bool | None = None
    invoice_owner: str | None = None
    invoice_owner_type: Literal["customer", "reseller", "marketplace", "alliance"] | None = None
    read_only: bool | None = None
    community_program: Literal["edu", "oss", "startups"] | None = None
    quarterly_coterms: bool | None = None
    license_activated: bool | None = None
    zuora_account_id: str | None = None
    force_associate: Literal["refused", "ignored", "partly", "answer_lost"] | None = None
    refusal: str | None = None


class SetOrder(Part):
    """Another link or owner for an order."""

    id: int
    gl_namespace_id: int | None = None
    customer_id: int | None = None


class SetCustomer(Part):
    """New values for a CustomersDot account; what is left out stays."""

    id: int
    uid: int | None = None
    email: str = ""
    company: str = ""
    portal_login: Literal["valid", "expired", "none"] = "valid"
    token_uid: int | None = None
    portal_answers: int | None = Field(default=None, ge=500, le=599)
    zuora_account_id: str | None = None
    login_activated: bool = True
    login_deactivated_on: date | None = None
    created_on: date | None = None


class SetBillingAccount(Part):
    """New values for a billing account; who joins or leaves it is told so in the account of their own."""

    zuora_account_id: str
    name: str = ""
    sold_to_domain: Domain | None = None
    bill_to_domain: Domain | None = None
    sold_to_is_bill_to: bool | None = None
    member_customer_ids: list[int] = Field(default_factory=list)


class SetUser(Part):
    """Another state for a GitLab.com user."""

    id: int
    state: Literal["active", "blocked", "deactivated", "banned"] = "active"
    admin: bool = False
    bot: bool = False


class SetTicket(Part):
    """Another status for a ticket."""

    id: int
    status: Literal["new", "open", "pending", "hold", "solved", "closed"]


class AddNote(Part):
    """
    A note on an issue (`group/project#iid`) by a user, written so many minutes ago.

    `edited_minutes_ago` gives it a later change; `system` makes it one that GitLab wrote itself.
    """

    issue: str
    author: str
    body: str
    minutes_ago: float = 0
    edited_minutes_ago: float | None = None
    system: bool = False
    internal: bool = True


class Change(Part):
    """Exactly one of these."""

    add_members: AddMembers | None = None
    remove_members: RemoveMembers | None = None
    set_group: SetGroup | None = None
    set_subscription: SetSubscription | None = None
    set_order: SetOrder | None = None
    set_customer: SetCustomer | None = None
    set_user: SetUser | None = None
    set_ticket: SetTicket | None = None
    set_billing_account: SetBillingAccount | None = None
    set_switches: Switches | None = None
    add_note: AddNote | None = None

    @model_validator(mode="after")
    def _one(self) -> Change:
        if len(self.model_fields_set) != 1 or self.what is None:
            raise ValueError(f"give exactly one of {', '.join(type(self).model_fields)}")
        return self

    @model_serializer
    def _as_written(self) -> dict[str, Any]:
        return {self.name: self.what.model_dump(mode="json", exclude_unset=True)}

    @property
    def name(self) -> str:
        """Which change it is."""
        return next(iter(self.model_fields_set))

    @property
    def what(self) -> Any:
        """What belongs to it."""
        return getattr(self, self.name)
