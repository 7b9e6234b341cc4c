"""The parts of a world file, one class a kind of record."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "CROWD_FROM",
    "BillingAccountIn",
    "CustomerIn",
    "Domain",
    "GroupIn",
    "IssueIn",
    "Level",
    "MemberIn",
    "MinutesIn",
    "OrderIn",
    "Part",
    "ProjectIn",
    "SubscriptionIn",
    "SubscriptionRowIn",
    "Switches",
    "TicketIn",
    "TokenIn",
    "UserIn",
]

CROWD_FROM = 1_000_000
"""Ids from here on belong to members who need no names of their own."""

Id = Annotated[int, Field(ge=1, lt=10**15)]
Count = Annotated[int, Field(ge=0, lt=10**12)]
Domain = Annotated[str, Field(pattern=r"^[^@\s]+$")]
"""A mail domain; an address is refused, since none is ever told."""
Level = Literal["minimal", "guest", "planner", "reporter", "developer", "maintainer", "owner"]


class Part(BaseModel):
    """A part of a world file: a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid")


class Switches(Part):
    """How the systems behave as a whole."""

    ci_minutes_usage: bool = True
    unlinked_portal_change: Literal["ignored", "free"] = "free"
    zendesk_refuses: list[str] = []
    requests_a_minute: Count = 2000
    notes_a_minute: Count = 60
    users_in_ten_minutes: Count = 300
    namespaces_of_the_instance: Count = 0
    portal_down: bool = False
    portal_fails_after: float = Field(default=0.3, ge=0, le=60)


class UserIn(Part):
    """A GitLab.com user."""

    id: int = Field(ge=1, lt=CROWD_FROM)
    username: str
    name: str = ""
    email: str = ""
    state: Literal["active", "blocked", "deactivated", "banned"] = "active"
    admin: bool = False
    bot: bool = False


class TokenIn(Part):
    """A token that the sandbox accepts; its value is made up and opens nothing real."""

    name: str
    value: str
    user: str | None = None
    system: Literal["gitlab", "customersdot", "zendesk"] = "gitlab"
    kind: Literal["pat", "oauth"] = "pat"
    scopes: list[str] = []
    expires: date | None = None
    revoked: bool = False


class MemberIn(Part):
    """One user's direct or invited membership of a group."""

    user: str
    level: Level
    state: str = "active"
    expires: date | None = None
    via: Literal["direct", "invited"] = "direct"


class SubscriptionRowIn(Part):
    """What GitLab.com stores about the namespace's plan."""

    plan: str
    seats: Count | None = None
    start: date | None = None
    end: date | None = None
    trial: bool = False
    trial_ends: date | None = None
    max_seats_used: Count = 0
    seats_in_use: Count = 0
    seats_owed: Count = 0
    max_seats_used_changed_at: datetime | None = None


class MinutesIn(Part):
    """Compute minutes: the quota (null: what the plan gives), additional units, used this month."""

    quota: Count | None = None
    additional: Count | None = None
    used: Count = 0


class GroupIn(Part):
    """A group or a personal namespace, with what GitLab.com stores of its plan."""

    id: Id
    path: str
    parent: str | None = None
    name: str = ""
    kind: Literal["group", "user"] = "group"
    visibility: Literal["private", "public"] = "private"
    members: list[MemberIn] = []
    crowd: dict[Level, Count] = {}
    subscription: SubscriptionRowIn | None = None
    minutes: MinutesIn = MinutesIn()
    storage: Count = 0
    marked_for_deletion_on: date | None = None
    refuses_over_expired: bool = False
    force_associate_refused: str | None = None
    answers: int | None = Field(default=None, ge=400, le=599)


class SubscriptionIn(Part):
    """A Zuora subscription. A key that is left out is left out of the answers too: "not told"."""

    name: str
    plan_code: str | None = None
    kind: Literal["plan", "compute_minutes", "storage", "duo"] | None = None
    seats: Count | None = None
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


class OrderIn(Part):
    """CustomersDot's tie between a subscription, an account and, once linked, a group."""

    id: Id
    customer_id: int | None = None
    subscription_name: str
    gl_namespace_id: int | None = None


class CustomerIn(Part):
    """A CustomersDot account; `token_uid` is whose the stored token is, where not the linked user's."""

    id: Id
    email: str = ""
    company: str = ""
    uid: int | None = None
    portal_login: Literal["valid", "expired", "none"] = "valid"
    token_uid: int | None = None
    portal_answers: int | None = Field(default=None, ge=500, le=599)
    zuora_account_id: str | None = None
    login_activated: bool = True
    login_deactivated_on: date | None = None
    created_on: date | None = None


class BillingAccountIn(Part):
    """A Zuora billing account and the CustomersDot accounts that belong to it; a domain that is left out is not told."""

    zuora_account_id: str
    name: str = ""
    sold_to_domain: Domain | None = None
    bill_to_domain: Domain | None = None
    sold_to_is_bill_to: bool | None = None
    member_customer_ids: list[int] = []


class IssueIn(Part):
    """An issue that evidence may be attached to."""

    iid: Id
    title: str
    labels: list[str] = []


class ProjectIn(Part):
    """A project with its labels and issues."""

    id: Id
    path: str
    labels: list[str] = []
    issues: list[IssueIn] = []


class TicketIn(Part):
    """A Zendesk ticket; `comments` are what the customer wrote, the oldest first."""

    id: Id
    subject: str = ""
    status: Literal["new", "open", "pending", "hold", "solved", "closed"] = "open"
    tags: list[str] = []
    comments: list[str] = []
