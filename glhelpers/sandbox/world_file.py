"""Reads a world file and tells every mistake in it at once, each with its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml
from pydantic import ValidationError

from glhelpers.errors import BadWorld
from glhelpers.sandbox.world import World

__all__ = ["DEMO", "load_world"]

DEMO = Path(__file__).parent / "worlds" / "demo.yaml"
_LARGEST = 50_000_000
_SHOWN = 20


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
    except ValueError as error:
        # A date that the calendar does not have: the YAML reader passes on the calendar's own word.
        raise BadWorld(f"{path.name} holds a date that is none ({error}).", next_step="See docs/worlds.md.") from None
    try:
        world = World.model_validate(value)
    except ValidationError as error:
        problems = [f"{_place(item['loc'])}: {item['msg']}" for item in error.errors(include_input=False)]
    else:
        problems = list(_dangling(world))
        if not problems:
            return world
    more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    raise BadWorld(
        f"{path.name} is not a world: {'; '.join(problems[:_SHOWN])}{more}.", next_step="See docs/worlds.md."
    )


def _place(parts: Iterable[int | str]) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".") or "the file"


def _dangling(world: World) -> Iterator[str]:
    """References that lead nowhere, and names that stand twice."""
    yield from _twice(world)
    yield from _in_groups(world)
    yield from _in_the_portal(world)
    yield from _in_projects(world)
    yield from _in_cases(world)


def _twice(world: World) -> Iterator[str]:
    """Names and numbers that must be one record's own."""
    for kind, keys in (
        ("user names", [user.username.lower() for user in world.users]),
        ("user ids", [user.id for user in world.users]),
        ("group paths", [group.path.lower() for group in world.groups]),
        ("group ids", [group.id for group in world.groups]),
        ("subscriptions", [item.name for item in world.subscriptions]),
        ("orders", [item.id for item in world.orders]),
        ("customers", [item.id for item in world.customers]),
        ("projects", [item.id for item in world.projects]),
        ("tickets", [item.id for item in world.tickets]),
        ("billing accounts", [item.zuora_account_id for item in world.billing_accounts]),
        ("members of billing accounts", [id for item in world.billing_accounts for id in item.member_customer_ids]),
        ("token names", [item.name for item in world.tokens]),
    ):
        yield from (f"{kind}: {key} stands twice" for key, count in Counter(map(str, keys)).items() if count > 1)
    if len({token.value for token in world.tokens}) < len(world.tokens):
        yield "tokens: two have the same value"


def _in_groups(world: World) -> Iterator[str]:
    users, paths = {user.username for user in world.users}, {group.path for group in world.groups}
    for i, group in enumerate(world.groups):
        if group.parent is not None and group.parent not in paths:
            yield f"groups[{i}].parent: there is no group {group.parent}"
        if (group.parent or "") != group.path.rpartition("/")[0]:
            yield f"groups[{i}].path: the path of a group is its parent's path, a slash and its own name"
        for j, member in enumerate(group.members):
            if member.user not in users:
                yield f"groups[{i}].members[{j}].user: there is no user {member.user}"
    for i, token in enumerate(world.tokens):
        if token.system == "gitlab" and token.user not in users:
            yield f"tokens[{i}].user: there is no user {token.user}"


def _in_the_portal(world: World) -> Iterator[str]:
    names, customers = {item.name for item in world.subscriptions}, {item.id for item in world.customers}
    groups, users = {group.id for group in world.groups}, {user.id for user in world.users}
    for i, order in enumerate(world.orders):
        if order.subscription_name not in names:
            yield f"orders[{i}].subscription_name: there is no subscription {order.subscription_name}"
        if order.customer_id is not None and order.customer_id not in customers:
            yield f"orders[{i}].customer_id: there is no customer {order.customer_id}"
        if order.gl_namespace_id is not None and order.gl_namespace_id not in groups:
            yield f"orders[{i}].gl_namespace_id: there is no group {order.gl_namespace_id}"
    for i, customer in enumerate(world.customers):
        for field in ("uid", "token_uid"):
            uid = getattr(customer, field)
            if uid is not None and uid not in users:
                yield f"customers[{i}].{field}: there is no user {uid}"
    for i, account in enumerate(world.billing_accounts):
        for member in account.member_customer_ids:
            if member not in customers:
                yield f"billing_accounts[{i}].member_customer_ids: there is no customer {member}"


def _in_projects(world: World) -> Iterator[str]:
    for i, project in enumerate(world.projects):
        numbers = Counter(issue.iid for issue in project.issues)
        yield from (f"projects[{i}].issues: {iid} stands twice" for iid, count in numbers.items() if count > 1)
        for j, issue in enumerate(project.issues):
            for label in issue.labels:
                if label not in project.labels:
                    yield f"projects[{i}].issues[{j}].labels: the project has no label {label}"


def _in_cases(world: World) -> Iterator[str]:
    tickets = {item.id for item in world.tickets}
    known: dict[str, set[str] | set[int]] = {
        "group": {group.path for group in world.groups},
        "user": {user.username for user in world.users},
        "set_user.id": {user.id for user in world.users},
        "set_subscription.name": {item.name for item in world.subscriptions},
        "set_order.id": {item.id for item in world.orders},
        "set_customer.id": {item.id for item in world.customers},
        "set_ticket.id": tickets,
        "set_billing_account.zuora_account_id": {item.zuora_account_id for item in world.billing_accounts},
    }
    for i, case in enumerate(world.cases):
        if case.ticket not in tickets:
            yield f"cases[{i}].ticket: there is no ticket {case.ticket}"
        for j, change in enumerate(case.between):
            for field in ("group", "user", "id", "name", "zuora_account_id"):
                names, value = known.get(field, known.get(f"{change.name}.{field}")), getattr(change.what, field, None)
                if names is not None and value is not None and value not in names:
                    kind = field if field in known else change.name.removeprefix("set_")
                    yield f"cases[{i}].between[{j}].{change.name}.{field}: there is no {kind} {value}"
