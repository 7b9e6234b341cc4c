"""The documents that a world begins with, as its file describes it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Any

from glhelpers.sandbox.parts import CROWD_FROM, GroupIn, Part, ProjectIn
from glhelpers.sandbox.world import World

__all__ = ["Doc", "Thing", "things_of"]

Doc = dict[str, Any]
Thing = tuple[str, object, Doc]
"""Kind, key, document."""


def things_of(world: World) -> Iterator[Thing]:
    """Everything in a world, in the order of its file."""
    ids = {user.username: user.id for user in world.users}
    for user in world.users:
        yield "user", user.id, user.model_dump(mode="json")
    for token in world.tokens:
        yield "token", token.value, {**token.model_dump(mode="json"), "user_id": ids.get(token.user or "")}
    yield from _groups(world, ids)
    for subscription in world.subscriptions:
        # What the file leaves out stays out: CustomersDot does not tell it.
        yield "subscription", subscription.name, subscription.model_dump(mode="json", exclude_unset=True)
    for order in world.orders:
        yield "order", order.id, order.model_dump(mode="json")
    for customer in world.customers:
        yield "customer", customer.id, _told(customer, {"login_deactivated_on", "created_on"})
    for account in world.billing_accounts:
        told = _told(account, {"sold_to_domain", "bill_to_domain", "sold_to_is_bill_to"})
        yield "billing_account", account.zuora_account_id, told
    updated = datetime.combine(world.today, time(8, tzinfo=UTC)).isoformat()
    for ticket in world.tickets:
        yield "ticket", ticket.id, {**ticket.model_dump(mode="json", exclude={"comments"}), "updated_at": updated}
    comments = [(ticket.id, body) for ticket in world.tickets for body in ticket.comments]
    for id, (number, body) in enumerate(comments, 1):
        yield "comment", id, {"id": id, "body": body, "public": True, "attachments": [], "ticket": number}
    for project in world.projects:
        yield from _project(project)


def _told(part: Part, left_out: set[str]) -> Doc:
    """The part's values; of `left_out` only those that the file gives."""
    return part.model_dump(mode="json", exclude=left_out - part.model_fields_set)


def _groups(world: World, user_ids: dict[str, int]) -> Iterator[Thing]:
    group_ids, crowd_id = {group.path: group.id for group in world.groups}, CROWD_FROM
    for group in world.groups:
        members = [{**member.model_dump(mode="json"), "user_id": user_ids[member.user]} for member in group.members]
        crowd = list(_crowd(group, crowd_id))
        crowd_id += len(crowd)
        yield (
            "group",
            group.id,
            {
                **group.model_dump(mode="json", exclude={"members", "crowd", "parent"}),
                "full_path": group.path,
                "root": group.path.split("/", 1)[0],
                "parent_id": group_ids.get(group.parent or ""),
                "name": group.name or group.path.rsplit("/", 1)[-1],
                "members": members + crowd,
            },
        )


def _crowd(group: GroupIn, first_id: int) -> Iterator[Doc]:
    """Many members who need no names of their own."""
    levels = [level for level, count in group.crowd.items() for _ in range(count)]
    for id, level in enumerate(levels, first_id):
        known = {"user": f"user-{id}", "user_id": id, "level": level}
        yield {**known, "state": "active", "expires": None, "via": "direct"}


def _project(project: ProjectIn) -> Iterator[Thing]:
    yield "project", project.id, {"id": project.id, "path": project.path}
    for number, name in enumerate(project.labels, 1):
        label = {"id": project.id * 100 + number, "project": project.id, "name": name}
        yield "label", f"{project.id}/{name}", label
    for issue in project.issues:
        known = {"id": project.id * 1000 + issue.iid, "project": project.id, "state": "opened"}
        yield "issue", f"{project.id}/{issue.iid}", {**issue.model_dump(mode="json"), **known}
