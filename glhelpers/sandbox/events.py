"""Lets a change happen to the world while it is being served."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from glhelpers.sandbox.changes import AddMembers, AddNote, Change, RemoveMembers, SetBillingAccount, SetGroup
from glhelpers.sandbox.gitlab_issues import note_of
from glhelpers.sandbox.parts import Switches
from glhelpers.sandbox.store import Doc, Store

__all__ = ["Impossible", "apply_change"]

_NEWCOMERS_FROM = 10_000_000


class Impossible(Exception):
    """The change names something that the world does not have."""


def apply_change(store: Store, change: Change) -> None:
    """Let it happen; raises `Impossible` if the world has no such group, user or record."""
    by_name: dict[str, Callable[[Store, Any], None]] = {
        "add_members": _add_members,
        "remove_members": _remove_members,
        "set_group": _set_group,
        "set_billing_account": _set_billing_account,
        "set_switches": _set_switches,
        "add_note": _add_note,
    }
    if change.name in by_name:
        by_name[change.name](store, change.what)
        return
    kind = change.name.removeprefix("set_")
    fields = change.what.model_dump(mode="json", exclude_unset=True)
    key = fields.pop("name" if kind == "subscription" else "id")
    doc = store.get(kind, key)
    if doc is None:
        raise Impossible(f"there is no {kind} {key}")
    store.put(kind, key, {**doc, **fields})


def _group(store: Store, ref: str) -> Doc:
    group = store.group(ref)
    if group is None:
        raise Impossible(f"there is no group {ref}")
    return group


def _set_group(store: Store, what: SetGroup) -> None:
    group = _group(store, what.group)
    fields = what.model_dump(mode="json", exclude_unset=True, exclude={"group"})
    if "minutes" in fields:
        fields["minutes"] = {**group["minutes"], **fields["minutes"]}
    if what.subscription is not None:
        fields["subscription"] = what.subscription.model_dump(mode="json")
    store.put("group", group["id"], {**group, **fields})


def _add_note(store: Store, what: AddNote) -> None:
    path, _, iid = what.issue.rpartition("#")
    project = next(iter(store.find("project", "path", path)), None)
    issue = store.get("issue", f"{project['id']}/{iid}") if project is not None else None
    user = next(iter(store.find("user", "username", what.author)), None)
    if project is None or issue is None or user is None:
        raise Impossible(f"there is no issue {what.issue}, or no user {what.author}")
    written = store.now() - timedelta(minutes=what.minutes_ago)
    edited = written if what.edited_minutes_ago is None else store.now() - timedelta(minutes=what.edited_minutes_ago)
    note = note_of(project, issue, user, what.body, written.isoformat(), internal=what.internal)
    store.put(
        "note", id := store.next_id("note"), {**note, "id": id, "updated_at": edited.isoformat(), "system": what.system}
    )


def _set_switches(store: Store, what: Switches) -> None:
    store.switches = store.switches.model_copy(update=what.model_dump(exclude_unset=True))


def _set_billing_account(store: Store, what: SetBillingAccount) -> None:
    id = what.zuora_account_id
    account = store.get("billing_account", id)
    if account is None:
        raise Impossible(f"there is no billing account {id}")
    changed = {**account, **what.model_dump(mode="json", exclude_unset=True)}
    others = store.all("billing_account", lambda doc: doc["zuora_account_id"] != id)
    taken = {member for doc in others for member in doc["member_customer_ids"]}
    before, after = set(account["member_customer_ids"]), set(changed["member_customer_ids"])
    if after & taken:
        raise Impossible(f"customer {min(after & taken)} belongs to another billing account")
    for customer_id in before ^ after:
        customer = store.get("customer", customer_id)
        if customer is None:
            raise Impossible(f"there is no customer {customer_id}")
        store.put("customer", customer_id, {**customer, "zuora_account_id": id if customer_id in after else None})
    store.put("billing_account", id, changed)


def _add_members(store: Store, what: AddMembers) -> None:
    group = _group(store, what.group)
    expires = what.expires.isoformat() if what.expires else None
    first = _NEWCOMERS_FROM + 100_000 * int(group["id"]) + len(group["members"])
    people = [(f"user-{id}", id) for id in range(first, first + what.count)]
    if what.user is not None:
        found = store.find("user", "username", what.user)
        if not found:
            raise Impossible(f"there is no user {what.user}")
        people = [(found[0]["username"], found[0]["id"])]
    new = [
        {"user": name, "user_id": id, "level": what.level, "state": "active", "expires": expires, "via": "direct"}
        for name, id in people
    ]
    gone = {id for _, id in people}
    kept = [row for row in group["members"] if row["user_id"] not in gone]
    store.put("group", group["id"], {**group, "members": [*kept, *new]})


def _remove_members(store: Store, what: RemoveMembers) -> None:
    group = _group(store, what.group)
    if what.user is not None:
        gone = [row for row in group["members"] if row["user"] == what.user]
    else:
        gone = [row for row in group["members"] if store.get("user", row["user_id"]) is None][: what.count]
    if not gone:
        raise Impossible(f"nobody of the kind is a member of {what.group}")
    kept = [row for row in group["members"] if row not in gone]
    store.put("group", group["id"], {**group, "members": kept})
