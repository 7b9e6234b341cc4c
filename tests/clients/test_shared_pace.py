"""One budget for a host: shared by processes, kept by no one of them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pytest

from glhelpers.clients.clients import open_clients
from glhelpers.clients.shared_pace import SharedPace
from glhelpers.errors import GateClosed, RateLimited
from glhelpers.sandbox_process import Running
from glhelpers.settings import environment_of, load_settings
from tests.clients.conftest import FaultServer, Make, reply, told

TWENTY_TURNS = """
import sys
from pathlib import Path
from glhelpers.clients.shared_pace import SharedPace
pace = SharedPace(Path(sys.argv[1]), "https://gitlab.example.com", 20, clock=lambda: 100.0, sleep=print)
for _ in range(20):
    pace.wait()
"""


def test_processes_share_the_turns_of_a_host(tmp_path: Path) -> None:
    """Three processes with twenty requests each, in the same moment: twenty go at once, each other waits for its own turn."""
    command = [sys.executable, "-c", TWENTY_TURNS, str(tmp_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    waits = [float(line) for process in running for line in process.communicate(timeout=30)[0].split()]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert sorted(waits) == pytest.approx([turn / 20 for turn in range(1, 41)])


def test_a_host_has_a_budget_of_its_own_and_may_ask_for_a_pause(tmp_path: Path) -> None:
    """What one host was asked is not held against another; after a 429 nobody begins before the time is over."""
    waits: list[float] = []
    one, other = (
        SharedPace(tmp_path, url, 1, clock=lambda: 5.0, sleep=waits.append)
        for url in ("https://one.example.com", "https://other.example.com")
    )
    one.wait()
    one.hold(7)
    other.wait()
    assert waits == []
    one.wait()
    assert waits == pytest.approx([8.0])


def test_a_budget_of_before_the_machine_was_started_anew_is_none(tmp_path: Path) -> None:
    """The clock began again at zero: nobody waits for a time that belonged to the last one."""
    waits: list[float] = []
    then = SharedPace(tmp_path, "https://one.example.com", 1, clock=lambda: 900_000.0, sleep=waits.append)
    then.wait()
    now = SharedPace(tmp_path, "https://one.example.com", 1, clock=lambda: 3.0, sleep=waits.append)
    now.wait()
    assert waits == []


def test_a_429_to_one_run_holds_the_others_back(server: FaultServer, trying: Make, tmp_path: Path) -> None:
    """The next request of another process waits for as long as the service has asked."""
    clock: list[float] = []
    server.then(reply(429, "", Retry_After="7"), told({"id": 1, "username": "ada"}))
    mine, others = (
        SharedPace(tmp_path, "https://gitlab.example.com", 20, clock=lambda: 5.0, sleep=clock.append) for _ in range(2)
    )
    trying(pace=mine).clients.gitlab.me()
    clock.clear()
    others.wait()
    assert 7 <= clock[0] < 8


def test_a_429_to_a_write_holds_the_others_back_and_is_not_sent_again(
    server: FaultServer, trying: Make, tmp_path: Path
) -> None:
    """Whatever was refused, the service has had enough of this machine."""
    clock: list[float] = []
    server.then(reply(429, "", Retry_After="7"))
    mine, others = (
        SharedPace(tmp_path, "https://gitlab.example.com", 20, clock=lambda: 5.0, sleep=clock.append) for _ in range(2)
    )
    with pytest.raises(RateLimited):
        trying(pace=mine).clients.gitlab.create_note("gitlab-com/support/internal-requests", 2, "hello")
    clock.clear()
    others.wait()
    assert 7 <= clock[0] < 8
    assert len(server.requests) == 1


def test_settings_carry_the_budget_and_a_ban_on_changes_into_a_run(
    on_sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel that gets them takes its turns from the shared file, reads, asks, and can change nothing anywhere."""
    asked = replace(load_settings(), pace=1000, read_only=True)
    for name, value in environment_of(asked).items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert (settings.pace, settings.read_only) == (1000, True)
    with open_clients(settings) as clients:
        clients.gitlab.me()
        assert clients.portal_answers(5002) in (True, False)
        for change in (
            lambda: clients.gitlab.create_note("gitlab-com/support/internal-requests", 2, "hello"),
            lambda: clients.customersdot.force_associate("fox-university", "A-S00010002", "https://x.example", key="k"),
            lambda: clients.zendesk.add_private_comment(1002, "hello"),
        ):
            with pytest.raises(GateClosed, match=r"This run may only look, so P.* was not sent to"):
                change()
    assert len(list((settings.state_dir / "pace").iterdir())) == 2
    with urlopen(f"{on_sandbox.urls['gitlab']}/__sandbox/writes") as answer:
        assert json.load(answer)["writes"] == []
