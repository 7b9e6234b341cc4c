"""
Decision tables that run through whole notebooks: rows of facts in, a sandbox's world out, runs and their records back.

A table (tests/cases/RUNBOOK.yaml) has two parts.

`base` is the case that everything else is a change of:
    records:     name -> record of a world, with `is:` naming its kind (user, group, subscription, order, customer,
                 billing_account, ticket, token). Ids, paths, names and addresses are made up for each row; give one
                 yourself where it matters. `$name.field` anywhere stands for another record's field: id, path, name,
                 username, email, url (of a ticket).
    parameters:  what the runbook is given; `$name.field` works here too.

`rows` is a list; a row has
    case:      a sentence
    with:      changes: `record.field: value` (deeper with more dots; <gone> leaves the key out),
               `record: {is: ..., ...}` adds one, `record: <none>` takes it away, `parameters.name: value`
    world:     switches of the whole world, such as {portal_down: true}
    token:     name of the GitLab token to run with (admin unless told: stranger, admin_no_mode)
    portal_token: name of a `token` record that is lent to the run as the customer's portal token
    approve:   whether a colleague approves the plan, if there is one
    between:   what happens between plan and approval (docs/worlds.md)
    expect:    the status that the run ends with
    deciding:  the rule, or the rules, that decided
    findings:  rule -> verdict, for rules that must have found it
    drafts:    kinds of texts that must have been drafted
    next:      the runbooks to go on with
    changed:   field -> value read back in the receipt
    sent:      how many requests the support tools have received for it (0 unless told; 1 where it completed)
"""

from __future__ import annotations

import copy
import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml
from kernels import Player
from pydantic import SecretStr
from sandboxes import environment_on

from glhelpers.batch.tour import approved
from glhelpers.clients.sandbox_control import SandboxControl
from glhelpers.models.finding import Status
from glhelpers.models.record import RunRecord
from glhelpers.sandbox_process import Running, start_sandbox
from glhelpers.settings import Endpoint, Settings, environment_of, load_settings

__all__ = ["Ran", "read_table", "run_table", "verify_row"]

FOLDER = Path(__file__).parents[1] / "cases"
KINDS = {
    "user": "users",
    "group": "groups",
    "subscription": "subscriptions",
    "order": "orders",
    "customer": "customers",
    "billing_account": "billing_accounts",
    "ticket": "tickets",
    "token": "tokens",
}
ADMIN = {"id": 1, "username": "support-admin", "name": "Support Admin", "admin": True}
STRANGER = {"id": 2, "username": "stranger"}
TOKENS = [
    {"name": "admin", "value": "sandbox-admin", "user": "support-admin", "scopes": ["api", "admin_mode"]},
    {"name": "admin_no_mode", "value": "sandbox-admin-no-mode", "user": "support-admin", "scopes": ["api"]},
    {"name": "stranger", "value": "sandbox-stranger", "user": "stranger", "scopes": ["api"]},
    {"name": "customersdot", "value": "sandbox-customersdot", "system": "customersdot"},
    {"name": "zendesk", "value": "sandbox-zendesk", "system": "zendesk"},
]
ISSUE = "gitlab-com/support/internal-requests#1"
SWITCHES = {"requests_a_minute": 100_000, "users_in_ten_minutes": 100_000, "notes_a_minute": 1_000}


@dataclass(frozen=True)
class Ran:
    """A row with how its run ended: the record (None where the run did not start) and what the tools received."""

    row: dict[str, Any]
    status: str
    why: str
    record: RunRecord | None
    sent: int


def read_table(id: str) -> dict[str, Any]:
    """The table of a runbook."""
    table: dict[str, Any] = yaml.safe_load((FOLDER / f"{id}.yaml").read_text(encoding="utf-8"))
    return table


def run_table(id: str, folder: Path) -> dict[str, Ran]:
    """Run every row through the runbook's whole notebook, headless, in real kernels; by the row's sentence."""
    table, ran = read_table(id), {}
    groups: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for number, row in enumerate(table["rows"]):
        groups.setdefault(json.dumps(row.get("world", {}), sort_keys=True), []).append((number, row))
    for switches, rows in groups.items():
        built = {row["case"]: _built(table["base"], number, row) for number, row in rows}
        with _served(list(built.values()), json.loads(switches), folder) as sandbox:
            ran |= _run(id, rows, built, sandbox, folder)
    return ran


def verify_row(ran: Ran) -> None:
    """Everything that the row says of its run holds."""
    row, record = ran.row, ran.record
    assert ran.status == row["expect"], ran.why
    if record is None:
        return
    decided = set(record.decision.deciding) if record.decision is not None else set()
    assert set(_listed(row.get("deciding"))) <= decided, (decided, ran.why)
    verdicts = {finding.rule: finding.verdict.value for finding in record.findings}
    wanted = row.get("findings", {})
    assert {rule: verdicts.get(rule) for rule in wanted} == wanted
    assert set(_listed(row.get("drafts"))) <= {draft.kind for draft in record.drafts}
    if "next" in row:
        assert [step.runbook for step in record.next_runbooks] == _listed(row["next"])
    checks = {check.field: check.found for check in record.receipt.checks} if record.receipt else {}
    assert {field: checks.get(field) for field in row.get("changed", {})} == row.get("changed", {})
    assert ran.sent == row.get("sent", 1 if row["expect"] == "completed" else 0)
    for draft in record.drafts:
        assert "None" not in draft.body


def _listed(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _run(
    id: str,
    rows: list[tuple[int, dict[str, Any]]],
    built: dict[str, Any],
    sandbox: Running,
    folder: Path,
) -> dict[str, Ran]:
    settings = {token: _settings(sandbox, token, folder) for token in {row.get("token", "admin") for _, row in rows}}
    control = SandboxControl(next(iter(settings.values())))

    def run(numbered: tuple[int, dict[str, Any]]) -> tuple[str | None, RunRecord | None]:
        number, row = numbered
        own = settings[row.get("token", "admin")]
        lent = f"sandbox-{row['portal_token']}-{number}" if "portal_token" in row else ""
        environment = {**os.environ, **environment_of(own), "GLHELPERS_IN_FLIGHT_SECONDS": "2"}
        player = Player({**environment, "GLHELPERS_PORTAL_TOKEN": lent})
        runs = folder / sandbox.instance / "rows" / str(number)
        return _one(player, id, row, built[row["case"]], own, control, runs)

    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(run, rows))
    control.close()
    with urlopen(f"{sandbox.urls['gitlab']}/__sandbox/writes") as told:
        writes = json.load(told)["writes"]
    by_case: dict[str, Ran] = {}
    for (_, row), (said, record) in zip(rows, ended, strict=True):
        names = _identities(built[row["case"]]["records"])
        sent = sum(_is_tool(write) and _concerns(write, names) for write in writes)
        status, why = (record.status.value, record.why) if record is not None else ("failed", said or "")
        by_case[row["case"]] = Ran(row, status, why, record, sent)
    return by_case


def _one(
    player: Player,
    id: str,
    row: dict[str, Any],
    built: dict[str, Any],
    settings: Settings,
    control: SandboxControl,
    runs: Path,
) -> tuple[str | None, RunRecord | None]:
    """One row: plan, let happen what happens in between, have it approved, apply."""
    said, record, folder = player.play(id, built["parameters"], runs)
    if not row.get("approve") or record is None or folder is None or record.status is not Status.awaiting_approval:
        return said, record
    for change in _resolved(row.get("between", []), built["records"]):
        control.change(change)
    given = {**built["parameters"], "approval": str(approved(folder, settings))}
    said, record, _ = player.play(id, given, runs)
    return said, record


def _is_tool(write: dict[str, Any]) -> bool:
    return "/support-tools/" in write["path"] or "/memberships" in write["path"] or "/admin/" in write["path"]


def _identities(records: dict[str, dict[str, Any]]) -> set[str]:
    known = set()
    for record in records.values():
        kind = record["is"]
        if kind == "group":
            known.add(record["path"])
        elif kind == "subscription":
            known.add(record["name"])
        elif kind == "customer":
            known.add(f"customer {record['id']}")
        elif kind == "billing_account":
            known.add(f"billing account {record['zuora_account_id']}")
    return known


def _concerns(write: dict[str, Any], names: set[str]) -> bool:
    return write.get("target") in names or write.get("subscription_name") in names


@contextmanager
def _served(built: list[dict[str, Any]], switches: dict[str, Any], folder: Path) -> Iterator[Running]:
    world: dict[str, Any] = {
        "format": "glhelpers.world/1",
        "name": "table",
        "today": "2026-11-23",
        "switches": {**SWITCHES, **switches},
        "users": [ADMIN, STRANGER],
        "tokens": [*TOKENS],
        "projects": [
            {
                "id": 900,
                "path": "gitlab-com/support/internal-requests",
                "labels": ["Console Escalation - customers"],
                "issues": [{"iid": 1, "title": "One for all"}],
            }
        ],
    }
    for case in built:
        for record in case["records"].values():
            kind = KINDS[record["is"]]
            world.setdefault(kind, []).append({name: value for name, value in record.items() if name != "is"})
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", dir=folder, delete=False) as file:
        yaml.safe_dump(world, file, allow_unicode=True)
    sandbox = start_sandbox(world=file.name)
    try:
        yield sandbox
    finally:
        assert sandbox.process is not None
        assert sandbox.process.stdin is not None
        sandbox.process.stdin.close()
        sandbox.process.wait(timeout=10)
        for stream in (sandbox.process.stdout, sandbox.process.stderr):
            if stream is not None:
                stream.close()


def _settings(sandbox: Running, token: str, folder: Path) -> Settings:
    """Settings as from a user's environment; each world has folders of its own."""
    named = environment_on(sandbox, folder / sandbox.instance)
    named["GLHELPERS_CONFIG"] = str(folder / "config.toml")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GLHELPERS_")]:
            patch.delenv(name)
        for name, value in named.items():
            patch.setenv(name, value)
        settings = load_settings()
    own = Endpoint("gitlab", settings.gitlab.base_url, SecretStr(sandbox.tokens[token]))
    return replace(settings, gitlab=own)


def _built(base: dict[str, Any], number: int, row: dict[str, Any]) -> dict[str, Any]:
    """The row's own records, with ids and names of their own, and its parameters."""
    records, parameters = copy.deepcopy(base["records"]), dict(base["parameters"])
    for place, value in (row.get("with") or {}).items():
        name, _, field = place.partition(".")
        if name == "parameters":
            parameters[field] = value
        elif not field:
            _put(records, name, value)
        else:
            _set(records[name], field, value)
    for order, (name, record) in enumerate(records.items()):
        _identify(name, record, number, order)
    world = {name: _resolved(record, records) for name, record in records.items()}
    given = {name: value for name, value in _resolved(parameters, records).items() if value not in (None, "")}
    return {"records": world, "parameters": given}


def _put(records: dict[str, Any], name: str, value: Any) -> None:
    if value == "<none>":
        records.pop(name, None)
    else:
        records[name] = copy.deepcopy(value)


def _set(record: dict[str, Any], field: str, value: Any) -> None:
    *path, last = field.split(".")
    for part in path:
        record = record[int(part)] if isinstance(record, list) else record.setdefault(part, {})
    if value == "<gone>":
        record.pop(last, None)
    elif isinstance(record, list):
        record[int(last)] = value
    else:
        record[last] = value


def _identify(name: str, record: dict[str, Any], number: int, order: int) -> None:
    """Ids and names that no other row has."""
    id = 100_000 + number * 50 + order
    match record["is"]:
        case "user":
            record.setdefault("id", id)
            record.setdefault("username", f"{name}-{number}")
        case "group":
            record.setdefault("id", id)
            record.setdefault("path", f"{name.replace('_', '-')}-{number}")
        case "subscription":
            record.setdefault("name", f"A-S{90_000_000 + number * 50 + order}")
        case "customer":
            record.setdefault("id", id)
            record.setdefault("email", f"{name.replace('_', '.')}.{number}@example.com")
        case "billing_account":
            record.setdefault("zuora_account_id", f"2c92a0{id:026x}")
        case "ticket" | "order":
            record.setdefault("id", id)
        case "token":
            record.setdefault("name", f"{name}-{number}")
            record.setdefault("value", f"sandbox-{name}-{number}")


def _resolved(value: Any, records: dict[str, dict[str, Any]]) -> Any:
    if isinstance(value, dict):
        return {key: _resolved(item, records) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, records) for item in value]
    if isinstance(value, str) and value.startswith("$"):
        name, _, field = value[1:].partition(".")
        record = records[name]
        if field == "url":
            return f"https://gitlab.zendesk.com/agent/tickets/{record['id']}"
        return _resolved(record[field], records)
    return value
