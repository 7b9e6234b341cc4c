"""Faults that strike after the effect, and sentences that name where a file or an option is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from glhelpers.errors import BadWorld
from glhelpers.sandbox.faults import load_faults
from glhelpers.sandbox.world_file import load_world

NOTES = "/projects/11/issues/1/notes"
HEAD = "{format: glhelpers.world/1, name: x, today: 2026-11-23, "


@pytest.mark.parametrize("status", ["500", "502", "503", "504"])
@pytest.mark.parametrize("applied", [True, False])
def test_a_server_error_may_hide_a_write_that_was_made(sandbox: Any, status: str, applied: bool) -> None:
    """The client reads the same HTML; only the state and the audit events tell which of the two it was."""
    rule = {"system": "customersdot", "method": "POST", "do": status, "applied": applied}
    sandbox.control("faults", "PUT", json=[rule])
    answer = sandbox.associate("free-garden", "A-S00020001", key="hidden")
    assert (answer.status_code, answer.headers["content-type"][:9]) == (int(status), "text/html")
    assert sandbox.gitlab("/namespaces/103").json()["plan"] == ("premium" if applied else "free")
    keys = [row["idempotency_key"] for row in sandbox.adapter("/audit-events").json()]
    assert keys == (["hidden"] if applied else [])
    writes = sandbox.control("writes")
    assert (writes["attempts"], writes["count"]) == (1, int(applied))


@pytest.mark.parametrize(
    ("do", "made"),
    [
        ("403", False),
        ("429", False),
        ("502", False),
        ("cut", False),
        ("redirect", False),
        ("nan", False),
        ("huge", False),
        ("latency", True),
        ("html", True),
        ("wrong_type", True),
        ("truncated_json", True),
        ("slow_drip", True),
        ("lost_answer", True),
    ],
)
def test_which_faults_come_before_the_effect_and_which_after(sandbox: Any, do: str, made: bool) -> None:
    """One request each; what the world holds afterwards does not depend on what the client could read."""
    sandbox.control("faults", "PUT", json=[{"method": "POST", "path": "*/notes", "do": do, "seconds": 0, "times": 1}])
    url, token = f"{sandbox.told['gitlab_url']}/api/v4{NOTES}", {"PRIVATE-TOKEN": sandbox.told["tokens"]["owner"]}
    try:
        with sandbox.client.stream("POST", url, json={"body": "hello", "internal": True}, headers=token) as answer:
            next(answer.iter_raw(), b"")
    except httpx.TransportError:
        assert do in ("cut", "truncated_json", "lost_answer")
    assert len(sandbox.gitlab(NOTES).json()) == int(made)
    assert sandbox.control("writes")["count"] == int(made)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- {do: explode}", "[0].do: Input should be"),
        ("- {do: cut}\n- {do: cut, times: -1}", "[1].times: Input should be greater than or equal to 0"),
        ("- {do: cut, probability: 2}", "[0].probability"),
        ("- {do: cut, wen: 5}", "[0].wen: Extra inputs"),
        ("- {do: latency, seconds: soon}", "[0].seconds"),
        ("do: cut", "the list: Input should be a valid list"),
        ("- {do: [", "is not YAML at line"),
        ("- 2026-13-45", "is not YAML"),
        (None, "No such file"),
    ],
)
def test_mistakes_in_a_faults_file_are_named(tmp_path: Path, text: str | None, says: str) -> None:
    """The file, the rule's number and the key."""
    path = tmp_path / "rules.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadWorld) as caught:
        load_faults(path)
    assert says in str(caught.value)
    assert "rules.yaml" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{format: glhelpers.world/1, name: x, today: 2026-13-45}", "a date that is none (month must be in 1..12)"),
        (HEAD + "groups: [{id: 0, path: a}]}", "groups[0].id"),
        (HEAD + "groups: [{id: 1, path: a, crowd: {developer: -1}}]}", "groups[0].crowd.developer"),
        (HEAD + "groups: [{id: 1, path: a, minutes: {used: -1}}]}", "groups[0].minutes.used"),
        (HEAD + "groups: [{id: 1, path: a, answers: 200}]}", "groups[0].answers"),
        (HEAD + "switches: {requests_a_minute: -1}}", "switches.requests_a_minute"),
        (
            HEAD + "billing_accounts: [{zuora_account_id: a}, {zuora_account_id: a}]}",
            "billing accounts: a stands twice",
        ),
        (
            HEAD + "customers: [{id: 1}], billing_accounts: [{zuora_account_id: a, member_customer_ids: [1]}, "
            "{zuora_account_id: b, member_customer_ids: [1]}]}",
            "members of billing accounts: 1 stands twice",
        ),
    ],
)
def test_bounds_of_a_world(tmp_path: Path, text: str, says: str) -> None:
    """Figures that no system could show are refused with their place."""
    path = tmp_path / "world.yaml"
    path.write_text(text)
    with pytest.raises(BadWorld) as caught:
        load_world(path)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("set_group: {group: q}", "set_group.group: there is no group q"),
        ("add_members: {group: a, user: q}", "add_members.user: there is no user q"),
        ("remove_members: {group: a, user: q}", "remove_members.user: there is no user q"),
        ("set_user: {id: 9}", "set_user.id: there is no user 9"),
        ("set_subscription: {name: q}", "set_subscription.name: there is no subscription q"),
        ("set_order: {id: 9}", "set_order.id: there is no order 9"),
        ("set_customer: {id: 9}", "set_customer.id: there is no customer 9"),
        ("set_ticket: {id: 9, status: open}", "set_ticket.id: there is no ticket 9"),
    ],
)
def test_changes_between_plan_and_approval_lead_somewhere(tmp_path: Path, change: str, says: str) -> None:
    """A case whose change would fail in the middle of a run is refused before anything starts."""
    path = tmp_path / "world.yaml"
    path.write_text(
        HEAD + "groups: [{id: 1, path: a}], tickets: [{id: 1}], "
        "cases: [{name: c, ticket: 1, expect: stopped, between: [{" + change + "}]}]}"
    )
    with pytest.raises(BadWorld) as caught:
        load_world(path)
    assert f"cases[0].between[0].{says}." in str(caught.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--port", "70000"], "a port is a number up to 65533"),
        (["--port", "-1"], "a port is a number up to 65533"),
        (["--state-file", "nowhere/sandbox.json"], "cannot write its state file: No such file or directory"),
        (["--faults", "nowhere.yaml"], "nowhere.yaml cannot be read"),
    ],
)
def test_options_that_do_not_do(tmp_path: Path, options: list[str], says: str) -> None:
    """Exit code 2 and a sentence, no traceback, and nothing left behind."""
    world = tmp_path / "world.yaml"
    world.write_text(HEAD + "users: []}")
    command = [sys.executable, "-m", "glhelpers.sandbox", "--json", "--until-stdin-closes", "--world", str(world)]
    ended = subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=10, cwd=tmp_path, stdin=subprocess.DEVNULL
    )
    assert (ended.returncode, ended.stdout, says in ended.stderr) == (2, "", True), ended.stderr
    assert "Traceback" not in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["world.yaml"]
