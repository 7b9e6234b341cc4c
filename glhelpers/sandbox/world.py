"""The world file: one YAML that describes users, groups, subscriptions, tickets and the cases to run (docs/worlds.md)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from glhelpers.errors import BadWorld

__all__ = ["DEMO", "World", "load_world"]

DEMO = Path(__file__).parent / "worlds" / "demo.yaml"
_LARGEST = 5_000_000

Level = Literal["minimal", "guest", "planner", "reporter", "developer", "maintainer", "owner"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Switches(_Part):
    """How the systems behave as a whole."""

    ci_minutes_usage: bool = True
    unlinked_portal_change: Literal["ignored", "free"] = "free"
    zendesk_refuses: list[str] = []
    requests_a_minute: int = 2000
    notes_a_minute: int = 60


class UserIn(_Part):
    id: int
    username: str
    name: str = ""
    email: str = ""
    state: Literal["active", "blocked", "deactivated", "banned"] = "active"
    admin: bool = False
    bot: bool = False


class TokenIn(_Part):
    name: str
    value: str
    user: str | None = None
    system: Literal["gitlab", "customersdot", "zendesk"] = "gitlab"
    kind: Literal["pat", "oauth"] = "pat"
    scopes: list[str] = []
    expires: date | None = None
    revoked: bool = False


class MemberIn(_Part):
    user: str
    level: Level
    state: str = "active"
    expires: date | None = None
    via: Literal["direct", "invited"] = "direct"


class SubscriptionRowIn(_Part):
    """What GitLab.com stores about the namespace's plan."""

    plan: str
    seats: int | None = None
    start: date | None = None
    end: date | None = None
    trial: bool = False
    trial_ends: date | None = None
    max_seats_used: int = 0
    seats_in_use: int = 0
    seats_owed: int = 0


class MinutesIn(_Part):
    quota: int | None = None
    additional: int | None = None
    used: int = 0


class GroupIn(_Part):
    id: int
    path: str
    parent: str | None = None
    name: str = ""
    kind: Literal["group", "user"] = "group"
    visibility: Literal["private", "public"] = "private"
    members: list[MemberIn] = []
    crowd: dict[Level, int] = {}
    subscription: SubscriptionRowIn | None = None
    minutes: MinutesIn = MinutesIn()
    storage: int = 0
    marked_for_deletion_on: date | None = None
    refuses_over_expired: bool = False
    answers: int | None = None


class SubscriptionIn(_Part):
    """A Zuora subscription. A key that is left out is left out of the answers too: "not told"."""

    name: str
    plan_code: str | None = None
    kind: Literal["plan", "compute_minutes", "storage", "duo"] | None = None
    seats: int | None = None
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
    zuora_account_id: str | None = None
    force_associate: Literal["refused", "ignored", "partly", "answer_lost"] | None = None
    refusal: str | None = None


class OrderIn(_Part):
    id: int
    customer_id: int | None = None
    subscription_name: str
    gl_namespace_id: int | None = None


class CustomerIn(_Part):
    id: int
    email: str = ""
    company: str = ""
    uid: int | None = None
    zuora_account_id: str | None = None
    login_activated: bool = True


class IssueIn(_Part):
    iid: int
    title: str
    labels: list[str] = []


class ProjectIn(_Part):
    id: int
    path: str
    labels: list[str] = []
    issues: list[IssueIn] = []


class TicketIn(_Part):
    id: int
    subject: str = ""
    status: Literal["new", "open", "pending", "hold", "solved", "closed"] = "open"
    tags: list[str] = []


class CaseIn(_Part):
    """A ticket to work on, and how a runbook should end on it."""

    name: str
    ticket: int
    runbook: str = "force_associate"
    parameters: dict[str, str | int] = {}
    approve: bool = False
    between: list[dict[str, Any]] = []
    tour: bool = False
    expect: str
    deciding: str | None = None


class World(_Part):
    """One world, frozen at `today`."""

    format: Literal["glhelpers.world/1"]
    name: str
    today: date
    switches: Switches = Switches()
    users: list[UserIn] = []
    tokens: list[TokenIn] = []
    groups: list[GroupIn] = []
    subscriptions: list[SubscriptionIn] = []
    orders: list[OrderIn] = []
    customers: list[CustomerIn] = []
    projects: list[ProjectIn] = []
    tickets: list[TicketIn] = []
    cases: list[CaseIn] = Field(default=[])


def load_world(path: Path) -> World:
    """
    The world in a file.

    Raises `BadWorld` that lists every problem with its place: what the format does not know, what is
    missing, and names that nothing in the file stands for.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadWorld(
            f"The world file {path.name} cannot be read ({error.strerror}).", next_step="Check its path."
        ) from None
    if len(content) > _LARGEST:
        raise BadWorld(
            f"{path.name} is larger than {_LARGEST // 1_000_000} MB.", next_step="Use `crowd` for many members."
        )
    try:
        value = yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (both are safe)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise BadWorld(f"{path.name} is not YAML{where}.", next_step="Mend the file; see docs/worlds.md.") from None
    try:
        world = World.model_validate(value)
    except ValidationError as error:
        problems = [f"{_place(item['loc'])}: {item['msg']}" for item in error.errors(include_input=False)]
    else:
        problems = list(_dangling(world))
        if not problems:
            return world
    raise BadWorld(f"{path.name} is not a world: {'; '.join(problems[:20])}.", next_step="See docs/worlds.md.")


def _place(parts: Iterable[int | str]) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".") or "the file"


def _dangling(world: World) -> Iterable[str]:
    """References that lead nowhere, and names that stand twice."""
    users, paths = {user.username for user in world.users}, {group.path for group in world.groups}
    subscriptions, customers = {item.name for item in world.subscriptions}, {item.id for item in world.customers}
    tickets, groups = {item.id for item in world.tickets}, {group.id for group in world.groups}
    user_ids = {user.id for user in world.users}
    for kind, keys in (
        ("users", [user.username for user in world.users]),
        ("groups", [group.path for group in world.groups]),
        ("group ids", [group.id for group in world.groups]),
        ("subscriptions", [item.name for item in world.subscriptions]),
        ("orders", [item.id for item in world.orders]),
        ("customers", [item.id for item in world.customers]),
        ("tokens", [item.value for item in world.tokens]),
    ):
        twice = {key for key in keys if keys.count(key) > 1}  # type: ignore[arg-type]
        yield from (f"{kind}: {key} stands twice" for key in sorted(map(str, twice)) if kind != "tokens")
        if kind == "tokens" and twice:
            yield "tokens: two have the same value"
    for i, group in enumerate(world.groups):
        if group.parent is not None and group.parent not in paths:
            yield f"groups[{i}].parent: there is no group {group.parent}"
        yield from (
            f"groups[{i}].members[{j}].user: there is no user {member.user}"
            for j, member in enumerate(group.members)
            if member.user not in users
        )
    for i, order in enumerate(world.orders):
        if order.subscription_name not in subscriptions:
            yield f"orders[{i}].subscription_name: there is no subscription {order.subscription_name}"
        if order.customer_id is not None and order.customer_id not in customers:
            yield f"orders[{i}].customer_id: there is no customer {order.customer_id}"
        if order.gl_namespace_id is not None and order.gl_namespace_id not in groups:
            yield f"orders[{i}].gl_namespace_id: there is no group {order.gl_namespace_id}"
    for i, customer in enumerate(world.customers):
        if customer.uid is not None and customer.uid not in user_ids:
            yield f"customers[{i}].uid: there is no user {customer.uid}"
    for i, token in enumerate(world.tokens):
        if token.system == "gitlab" and token.user not in users:
            yield f"tokens[{i}].user: there is no user {token.user}"
    for i, case in enumerate(world.cases):
        if case.ticket not in tickets:
            yield f"cases[{i}].ticket: there is no ticket {case.ticket}"
