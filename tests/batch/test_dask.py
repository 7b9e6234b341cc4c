"""A batch on a real cluster of several processes, workers killed while it plans and while it writes."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from desk import Desk, desk_on, served
from distributed import Client
from postgres import the_server
from sandboxes import environment_on

from bench.tickets import RUNBOOK, rows, world
from glhelpers.batch.crew import Halt
from glhelpers.batch.dask_seat import Cluster, DaskSeat
from glhelpers.sandbox_process import Running

pytestmark = pytest.mark.notebook

TICKETS = 5
SUPPORT = Path(__file__).parents[1] / "support"


@dataclass(frozen=True)
class Place:
    """A world of so many tickets, a folder, and a journal in a PostgreSQL database of its own."""

    sandbox: Running
    folder: Path
    journal: str

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead there."""
        return {**environment_on(self.sandbox, self.folder), "GLHELPERS_JOURNAL_URL": self.journal}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The place where cluster and commands work."""
    folder = tmp_path_factory.mktemp("dask")
    with served(world=str(world(TICKETS, folder / "world.yaml"))) as sandbox:
        yield Place(sandbox, folder, the_server().fresh())


@pytest.fixture
def desk(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk there."""
    monkeypatch.setenv("GLHELPERS_JOURNAL_URL", place.journal)
    with desk_on(place.sandbox, place.folder) as own:
        yield own


@pytest.fixture(scope="module")
def cluster(place: Place) -> Iterator[tuple[str, psutil.Process]]:
    """A cluster of two worker processes that have the desk's environment; its address and its process."""
    process = subprocess.Popen(
        [sys.executable, str(SUPPORT / "dask_cluster.py"), "2"],
        env={**os.environ, **place.environment, "PYTHONWARNINGS": "ignore"},
        cwd=place.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    address = process.stdout.readline().strip()
    assert address.startswith("tcp://")
    yield address, psutil.Process(process.pid)
    process.stdin.close()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        process.wait()
    process.stdout.close()


def busy_workers(cluster: psutil.Process) -> list[psutil.Process]:
    """The workers that have a kernel under them."""
    found = []
    for child in cluster.children(recursive=True):
        with suppress(psutil.Error):  # kernels end all the time
            if child.name() == "glh-kernel" and (server := child.parent()) is not None:
                found.append(server.parent())
    return [worker for worker in found if worker is not None]


def test_workers_that_are_killed_lose_nothing_and_double_nothing(
    desk: Any, cluster: tuple[str, psutil.Process]
) -> None:
    """
    One is killed while it plans, one while the changes are made: each ticket is changed once.

    Whose run is killed after its change was read back is told, the second time, that nothing is left to do.
    """
    address, process = cluster
    tickets, out = desk.folder / "tickets.csv", desk.folder / "batch"
    _write(tickets, rows(TICKETS))
    words = ["batch", str(tickets), "--out", str(out), "--runbook", RUNBOOK, "--dask", address]

    planning = desk.begin(*words)
    until(lambda: busy_workers(process))[0].kill()
    _, said = planning.communicate(timeout=180)
    assert planning.returncode == 0, said
    assert Counter(_statuses(out)) == {"awaiting_approval": TICKETS}
    assert desk.attempts() == 0

    assert desk.command("approve", str(out), "--list")[0] == 0
    with (out / "plans.csv").open(newline="") as file:
        plans = [{**plan, "approve": plan["target"]} for plan in csv.DictReader(file)]
    _write(desk.folder / "reviewed.csv", plans)
    code, said = desk.command(
        "approve", str(out), "--reviewed", str(desk.folder / "reviewed.csv"), GLHELPERS_OPERATOR="colleague"
    )
    assert code == 0, said

    applying = desk.begin(*words, "--apply")
    until(lambda: desk.writes() >= 2)
    until(lambda: busy_workers(process))[0].kill()
    _, said = applying.communicate(timeout=180)
    assert applying.returncode == 0, said
    ended = Counter(_statuses(out))
    assert ended["completed"] + ended["no_change_needed"] == TICKETS
    assert ended["no_change_needed"] <= 1
    changed = Counter(one["target"] for one in desk.ask("writes")["writes"] if one["support_tool"])
    assert changed == {f"customer-{number}": 1 for number in range(1, TICKETS + 1)}


def test_an_answer_that_another_has_cancelled_is_fetched_again(
    desk: Any, cluster: tuple[str, psutil.Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    """distributed makes one request for all who fetch; where that is cancelled, nobody's run is lost (its issue 8514)."""
    with Client(cluster[0], set_as_default=False) as client:
        seat = DaskSeat(Cluster(client, 2), desk.settings, None, Halt(str))  # type: ignore[arg-type]
        future, fetched = client.submit(str.upper, "there", pure=False), client._gather

        async def cancelled(*_: Any, **__: Any) -> None:
            monkeypatch.setattr(client, "_gather", fetched)
            raise asyncio.CancelledError

        monkeypatch.setattr(client, "_gather", cancelled)
        assert seat._wait_for(future) == "THERE"


def test_what_a_cluster_lacks_is_told_before_anything_runs(
    desk: Any, cluster: tuple[str, psutil.Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal that no other machine sees; an address where nobody answers."""
    tickets = desk.folder / "tickets.csv"
    _write(tickets, rows(1))
    words = ["batch", str(tickets), "--out", str(desk.folder / "other"), "--runbook", RUNBOOK, "--dask"]
    code, said = desk.command(*words, "tcp://127.0.0.1:9")
    assert code == 2
    assert "No dask scheduler answers at tcp://127.0.0.1:9." in said
    monkeypatch.delenv("GLHELPERS_JOURNAL_URL")
    code, said = desk.command(*words, cluster[0], "--resume")
    assert code == 2
    assert "The journal is a file of this machine" in said


def until(holds: Callable[[], Any]) -> Any:
    """What `holds` gives once it is true; two workers import all they need before their first run."""
    end = time.monotonic() + 90
    while not (found := holds()):
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)
    return found


def _write(path: Path, given: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(given[0]))
        table.writeheader()
        table.writerows(given)


def _statuses(out: Path) -> list[str]:
    return [row["status"] for row in json.loads((out / "summary.json").read_text())["rows"]]
