"""Gathers what a rehearsal is judged by: the sandbox's own counters, its world read over HTTP, and the run folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from glhelpers.clients.clients import Clients
from glhelpers.clients.sandbox_control import SandboxControl
from glhelpers.errors import BadPlanFile
from glhelpers.evidence.folder import is_unfinished, read_record
from glhelpers.evidence.verify import examine
from glhelpers.models.record import RunRecord
from glhelpers.rehearsal.case import Case, Value
from glhelpers.rehearsal.verdict import Evidence, Write

__all__ = ["gather", "was_heard"]

_ON_ISSUES = {"create_note", "update_note", "put_issue", "link_issues", "upload", "update_ticket", "tag_ticket"}
"""Writes that carry words and evidence, and change nothing that a customer has."""


def gather(case: Case, clients: Clients, control: SandboxControl, runs_dir: Path, since: datetime) -> Evidence:
    """
    The evidence of a case: runs begun after `since` whose requests this very sandbox has received.

    The sandbox's writes count only as far as they are about the case's own records.
    """
    asked = control.requests()["requests"]
    runs, set_aside = [], []
    for folder in sorted(_folders(case, runs_dir)):
        try:
            record = read_record(folder)
        except BadPlanFile:
            continue
        if record.started_at < since:
            continue
        if (why := _does_not_count(record, folder, asked)) is None:
            runs.append(record)
        else:
            set_aside.append(f"Run {record.run_id} of {record.runbook} does not count: {why}.")
    names = _names(case)
    writes = tuple(write for write in map(_write, _made(control.writes()["writes"])) if write.names & names)
    places = [*case.right.world, *(place for wrong in case.wrong for place in wrong.world)]
    runs.sort(key=lambda run: run.started_at)
    return Evidence(writes, tuple(runs), {place: _value(clients, place) for place in places}, tuple(set_aside))


def _folders(case: Case, runs_dir: Path) -> Iterator[Path]:
    for path in (runs_dir / str(case.ticket.id)).glob("*/*/record.json"):
        if not is_unfinished(path.parent):
            yield path.parent


def _does_not_count(record: RunRecord, folder: Path, asked: Sequence[dict[str, Any]]) -> str | None:
    if record.profile != "sandbox" or record.production:
        return f"it ran on profile {record.profile}"
    if not record.complete:
        return "it was not recorded to its end"
    if not was_heard(record, asked):
        return "it did not talk to the sandbox of this rehearsal"
    if not examine(folder).whole:
        return "its folder was changed after it was sealed"
    return None


def was_heard(record: RunRecord, asked: Sequence[dict[str, Any]]) -> bool:
    """Whether the sandbox received a request while the run was going on; its day is frozen, its time of day is not."""
    began, ended = record.started_at.timetz(), (record.ended_at or record.started_at).timetz()
    for request in asked:
        at = datetime.fromisoformat(request["at"]).timetz()
        if began <= at <= ended if began <= ended else (at >= began or at <= ended):
            return True
    return False


def _made(rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (row for row in rows if row["applied"] and row["system"] != "zendesk" and row["action"] not in _ON_ISSUES)


def _write(row: dict[str, Any]) -> Write:
    names = {str(name) for name in (row["target"], row["subscription_name"]) if name}
    return Write(str(row["action"] or row["path"]), frozenset(names))


def _names(case: Case) -> set[str]:
    world = case.world
    return {
        *(group.path for group in world.groups),
        *(subscription.name for subscription in world.subscriptions),
        *(f"customer {customer.id}" for customer in world.customers),
        *(f"billing account {account.zuora_account_id}" for account in world.billing_accounts),
    }


def _value(clients: Clients, place: str) -> Value:
    """What stands at a place of the world now, as the services tell it."""
    thing, _, field = place.partition(" ")
    kind, _, name = thing.partition(":")
    portal = clients.customersdot
    match kind, field:
        case "group", "plan":
            return clients.gitlab.namespace(name).plan
        case "group", "seats":
            return clients.gitlab.gitlab_subscription(name).usage.seats_in_subscription
        case "group", "additional_minutes":
            return clients.gitlab.namespace(name).extra_shared_runners_minutes_limit
        case "subscription", _:
            linked = [order.gl_namespace_id for order in portal.orders(subscription_name=name) if order.gl_namespace_id]
            return clients.gitlab.group(int(linked[0])).full_path if linked else None
        case "customer", _:
            return portal.customer(int(name)).uid
        case _:
            return ", ".join(str(id) for id in sorted(portal.billing_account(name).member_customer_ids))
