"""How the sandbox starts and ends, and what it says to a world file that is not one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

WORLD = Path(__file__).parent / "world.yaml"


def test_ready_line_holds_what_a_client_needs(sandbox: Any) -> None:
    """One JSON line: three addresses, tokens by name, instance, pid, world, today."""
    told = sandbox.told
    assert {"gitlab_url", "customersdot_url", "zendesk_url", "tokens", "instance", "pid", "world", "today"} == set(told)
    assert (told["world"], told["today"]) == ("contract", "2026-11-23")
    health = sandbox.control("health")
    assert health == {"instance": told["instance"], "world": "contract", "today": "2026-11-23", "pid": told["pid"]}


@pytest.mark.parametrize("system", ["gitlab", "customersdot", "zendesk"])
def test_controls_answer_on_every_port(sandbox: Any, system: str) -> None:
    """`/__sandbox` is the same on all three."""
    answer = sandbox.client.get(f"{sandbox.told[f'{system}_url']}/__sandbox/health")
    assert answer.json()["instance"] == sandbox.told["instance"]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, "stdin"])
def test_a_state_file_lives_as_long_as_the_sandbox(start_sandbox: Any, tmp_path: Path, end: Any) -> None:
    """The state file is for its owner only, and is gone after a clean end, whatever ended it."""
    state = tmp_path / "sandbox.json"
    options = ["--until-stdin-closes"] if end == "stdin" else []
    process, told = start_sandbox("--world", str(WORLD), "--state-file", str(state), *options)
    assert json.loads(state.read_text()) == told
    assert state.stat().st_mode & 0o777 == 0o600
    began = time.monotonic()
    if end == "stdin":
        process.stdin.close()
    else:
        process.send_signal(end)
    assert process.wait(timeout=5) == 0
    assert time.monotonic() - began < 2
    assert not state.exists()
    process.stdout.close()
    if not process.stdin.closed:
        process.stdin.close()


def test_a_standard_input_that_is_closed_from_the_start_ends_it(tmp_path: Path) -> None:
    """Nobody is there to serve."""
    command = [sys.executable, "-m", "glhelpers.sandbox", "--json", "--until-stdin-closes", "--world", str(WORLD)]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["world"] == "contract"


def test_ports_follow_each_other(start_sandbox: Any) -> None:
    """`--port N`: GitLab on N, CustomersDot on N+1, Zendesk on N+2."""
    port = 20_000 + os.getpid() % 20_000
    process, told = start_sandbox("--world", str(WORLD), "--port", str(port), "--until-stdin-closes")
    process.stdin.close()
    process.stdout.close()
    process.wait(timeout=5)
    urls = [told[f"{system}_url"] for system in ("gitlab", "customersdot", "zendesk")]
    assert urls == [f"http://127.0.0.1:{port + number}" for number in range(3)]


def test_a_taken_port_is_said_in_one_sentence(serving: Any) -> None:
    """Exit code 2, no traceback."""
    port = serving.told["gitlab_url"].rsplit(":", 1)[1]
    command = [sys.executable, "-m", "glhelpers.sandbox", "--world", str(WORLD), "--port", port]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=10)
    assert ended.returncode == 2
    assert "cannot listen" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_sandbox_is_ready_within_a_second(start_sandbox: Any) -> None:
    """With its own world of three dozen cases."""
    began = time.monotonic()
    process, _ = start_sandbox("--until-stdin-closes")
    took = time.monotonic() - began
    process.stdin.close()
    process.stdout.close()
    process.wait(timeout=5)
    assert took < 3  # about 0.4 s on an idle machine; the bound leaves room for a busy one


HEAD = "{format: glhelpers.world/1, name: x, today: 2026-11-23, "


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("just a sentence", ["not a world"]),
        ("a: [1, 2", ["not YAML at line"]),
        ("{format: glhelpers.world/2, name: x, today: 2026-11-23}", ["format"]),
        (HEAD + "colour: red}", ["colour"]),
        (HEAD + "groups: [{id: 1, path: a, member: []}]}", ["groups[0].member"]),
        (HEAD + "groups: [{id: 1, path: a, crowd: {boss: 3}}]}", ["groups[0].crowd.boss"]),
        (HEAD + "groups: [{id: 1, path: a}, {id: 1, path: b}]}", ["group ids: 1 stands twice"]),
        (
            HEAD + "groups: [{id: 1, path: a/b, parent: a, members: [{user: nobody, level: owner}]}]}",
            ["groups[0].parent: there is no group a", "groups[0].members[0].user: there is no user nobody"],
        ),
        (
            HEAD + "orders: [{id: 1, customer_id: 5, subscription_name: A-S1, gl_namespace_id: 7}]}",
            ["orders[0].customer_id", "orders[0].subscription_name", "orders[0].gl_namespace_id"],
        ),
        (HEAD + "customers: [{id: 1, uid: 5}]}", ["customers[0].uid: there is no user 5"]),
        (HEAD + "tokens: [{name: t, value: v, user: ghost}]}", ["tokens[0].user: there is no user ghost"]),
        (HEAD + "cases: [{name: c, ticket: 9, expect: completed}]}", ["cases[0].ticket: there is no ticket 9"]),
        (
            HEAD + "tickets: [{id: 9}], cases: [{name: c, ticket: 9, expect: happy}]}",
            ["cases[0].expect"],
        ),
        (
            HEAD + "tickets: [{id: 9}], cases: [{name: c, ticket: 9, expect: stopped, between: [{explode: {}}]}]}",
            ["cases[0].between[0]"],
        ),
    ],
)
def test_a_bad_world_is_told_all_its_mistakes_at_once(tmp_path: Path, text: str, places: list[str]) -> None:
    """Exit code 2 and one message that names every mistake with its place in the file."""
    path = tmp_path / "world.yaml"
    path.write_text(text)
    command = [sys.executable, "-m", "glhelpers.sandbox", "--world", str(path), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=10)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert all(place in ended.stderr for place in places), ended.stderr
    assert "Traceback" not in ended.stderr
    assert str(tmp_path) not in ended.stderr


def test_a_missing_world_is_named(tmp_path: Path) -> None:
    """A path that leads nowhere."""
    command = [sys.executable, "-m", "glhelpers.sandbox", "--world", str(tmp_path / "nowhere.yaml")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=10)
    assert (ended.returncode, "nowhere.yaml cannot be read" in ended.stderr) == (2, True)
