"""How fast one service is asked at most."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

import pytest
from pydantic import SecretStr

from glhelpers.clients.clients import open_clients
from glhelpers.clients.pace import Pace
from glhelpers.settings import Endpoint, load_settings
from tests.clients.conftest import FaultServer, Make, reply, told


@dataclass
class Clock:
    """A time that passes only by waiting."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.mark.parametrize(
    ("requests", "seconds"),
    [(1, 0.0), (20, 0.0), (21, 0.05), (40, 1.0), (220, 10.0)],
)
def test_twenty_at_once_and_then_twenty_a_second(requests: int, seconds: float) -> None:
    """A run of ten reads never waits; a long list does, as long as it has to."""
    clock = Clock()
    pace = Pace(20, clock=clock.time, sleep=clock.sleep)
    for _ in range(requests):
        pace.wait()
    assert clock.now == pytest.approx(seconds)


def test_a_pause_is_worth_no_more_than_a_second_of_requests() -> None:
    """Whoever was idle for an hour may not ask as much as in an hour."""
    clock = Clock()
    pace = Pace(20, clock=clock.time, sleep=clock.sleep)
    clock.now += 3600
    for _ in range(25):
        pace.wait()
    assert clock.waits == pytest.approx([0.05] * 5)


def test_threads_share_one_pace() -> None:
    """Eight threads together wait for what is beyond the twenty, each for its own turn."""
    waits: list[float] = []
    pace = Pace(20, clock=lambda: 0.0, sleep=waits.append)
    threads = [threading.Thread(target=lambda: [pace.wait() for _ in range(5)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == pytest.approx([turn / 20 for turn in range(1, 21)])


def test_repeated_reads_count_too(server: FaultServer, trying: Make) -> None:
    """Three attempts are three requests for whoever has to answer them."""
    clock = Clock()
    server.then(reply(503, ""), reply(503, ""), told({"id": 1, "username": "ada"}))
    here = trying(pace=Pace(1, clock=clock.time, sleep=clock.sleep))
    here.clients.gitlab.me()
    assert clock.waits == [1, 1]
    assert here.log.count() == 3


@pytest.mark.parametrize(("url", "paced"), [("http://127.0.0.1:9", False), ("https://gitlab.example.com", True)])
def test_the_sandbox_has_no_pace(url: str, paced: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A demonstration goes as fast as it can; a service elsewhere is spared."""
    for service in ("GITLAB", "CUSTOMERSDOT", "ZENDESK"):
        monkeypatch.setenv(f"GLHELPERS_{service}_URL", "http://127.0.0.1:9")
    settings = replace(load_settings("sandbox"), gitlab=Endpoint("gitlab", url, SecretStr("x")))
    with open_clients(settings) as clients:
        assert [transport.is_paced for transport in clients.transports] == [paced, False, False]
