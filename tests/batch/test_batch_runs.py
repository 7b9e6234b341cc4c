"""Whole batches on the sandbox: killed, stopped, gone on with; the sandbox counts what was changed."""

from __future__ import annotations

import csv
import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from glhelpers.batch.proof import mixed_up
from glhelpers.batch.rows import Row
from glhelpers.batch.work import Job, looked_at
from glhelpers.evidence.folder import read_record
from glhelpers.kernels.owner import ADDRESS
from glhelpers.models.request import ForceAssociateParameters
from glhelpers.settings import Settings

pytestmark = pytest.mark.notebook

Until = Callable[[Callable[[], Any]], Any]
SLOW_READS = {"system": "gitlab", "path": "/api/v4/namespaces/*", "do": "latency", "seconds": 30}
DRIPPING_ANSWER = {"method": "POST", "path": "*/support-tools/*", "do": "slow_drip", "seconds": 30}


def listed(folder: Path, given: list[dict[str, str]], name: str = "tickets.csv") -> Path:
    """A list of tickets."""
    path = folder / name
    columns = list(dict.fromkeys(name for row in given for name in row))
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        table.writerows(given)
    return path


def words(tickets: Path, *more: str) -> list[str]:
    """The command for these tickets, into the folder `batch` beside them."""
    out = str(tickets.with_name("batch"))
    return ["batch", str(tickets), "--out", out, "--runbook", "force_associate", "--jobs", "2", *more]


def statuses(tickets: Path) -> list[str]:
    """How each row stands, in the order of the list, as the summary tells."""
    return [row["status"] for row in summary_of(tickets)]


def summary_of(tickets: Path) -> list[dict[str, Any]]:
    """The rows of the summary."""
    told: list[dict[str, Any]] = json.loads((tickets.with_name("batch") / "summary.json").read_text())["rows"]
    return told


def approve_all(desk: Any, tickets: Path) -> None:
    """A colleague types each target into the list and approves it."""
    out = tickets.with_name("batch")
    assert desk.command("approve", str(out), "--list")[0] == 0
    plans = list(csv.DictReader((out / "plans.csv").open(newline="")))
    reviewed = listed(desk.folder, [{**plan, "approve": plan["target"]} for plan in plans], "reviewed.csv")
    code, said = desk.command("approve", str(out), "--reviewed", str(reviewed), GLHELPERS_OPERATOR="colleague")
    assert code == 0, said


def workers_of(process: Any) -> list[psutil.Process]:
    """The worker processes of a running batch."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        with suppress(psutil.Error):  # it has ended meanwhile
            if child.ppid() != process.pid and any("forkserver" in word for word in child.cmdline()):
                found.append(child)
    return found


DRIFTS, FITS, LIES = 1024, 1002, 1026
"""Cases: the change is made; it is made; the tool accepts it and does nothing."""


def test_a_batch_killed_while_it_writes_goes_on_and_stops_at_the_first_mismatch(desk: Any, until: Until) -> None:
    """Planned, approved by list, killed by -9 while the canary is sent: each change once, none after the mismatch."""
    cases = [desk.case(ticket) for ticket in (FITS, LIES, DRIFTS)]
    tickets = listed(desk.folder, cases)
    code, said = desk.command(*words(tickets))
    assert code == 0, said
    assert statuses(tickets) == ["awaiting_approval"] * 3
    approve_all(desk, tickets)
    assert desk.attempts() == 0

    desk.misbehave(DRIPPING_ANSWER)
    process = desk.begin(*words(tickets, "--apply"))
    until(lambda: desk.writes() == 1)
    workers = workers_of(process)
    process.kill()
    process.communicate(timeout=10)
    desk.misbehave()
    until(lambda: not any(worker.is_running() for worker in workers))

    code, said = desk.command(*words(tickets, "--apply", "--jobs", "1"))
    assert code == 4, said
    assert "No further change is sent." in said
    assert statuses(tickets) == ["completed", "verification_failed", "awaiting_approval"]
    changed = [one["target"] for one in desk.ask("writes")["writes"] if one["support_tool"]]
    assert changed == [case["namespace"] for case in cases[:2]]
    first = summary_of(tickets)[0]
    record = read_record(tickets.with_name("batch") / first["folder"])
    assert record.receipt is not None
    assert record.receipt.settled_from_journal
    assert_own_tickets_only(tickets, cases, desk.settings)


def assert_own_tickets_only(tickets: Path, cases: list[dict[str, str]], settings: Settings) -> None:
    """Each notebook is its own row's; one that holds anything of another is found out."""
    out = tickets.with_name("batch")
    folders = [out / row["folder"] for row in summary_of(tickets)]
    numbers = [int(case["ticket_url"].rpartition("/")[2]) for case in cases]

    def look(number: int) -> str | None:
        others = set(numbers) - {numbers[number]}
        asked = ForceAssociateParameters.model_validate(cases[number])
        record = read_record(folders[number])
        return mixed_up(folders[number], record, "force_associate", asked, others.__contains__)

    assert [look(number) for number in range(3)] == [None] * 3
    foreign, own = (nbformat.read(folders[number] / "notebook.ipynb", as_version=4) for number in (0, 2))
    mixed = nbformat.from_dict(json.loads(nbformat.writes(own)))
    mixed.cells[-1] = foreign.cells[-1]
    nbformat.write(mixed, folders[2] / "notebook.ipynb")
    assert look(2) == "The executed notebook is that of another run."
    job = Job(3, Row(4, "force_associate", cases[2]))
    told = looked_at(folders[2], read_record(folders[2]), job, settings, set().__contains__)
    assert told.status == "failed"
    assert told.why.startswith("MIXED UP: The executed notebook is that of another run. Its own record says: await")
    mixed.cells[-1] = own.cells[-1]
    mixed.cells.insert(3, nbformat.v4.new_markdown_cell(f"See {cases[1]['ticket_url']}."))
    nbformat.write(mixed, folders[2] / "notebook.ipynb")
    assert look(2) == f"The executed notebook names ticket {LIES}, which is another row's."
    mixed.metadata.glhelpers.parameters.namespace = "fox-university"
    nbformat.write(mixed, folders[2] / "notebook.ipynb")
    assert look(2) == "The executed notebook holds another namespace than was asked for."


def test_ctrl_c_and_a_dying_worker_lose_nothing(shared_desk: Any, until: Until) -> None:
    """Ctrl-C: the run under way ends, no other begins, the summary is written; then a worker dies and all is done."""
    tickets = listed(shared_desk.folder, [shared_desk.case(ticket) for ticket in (FITS, DRIFTS)])
    process = shared_desk.begin(*words(tickets, "--jobs", "1"))
    until(lambda: begun(tickets) == 1)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert "The batch was stopped by Ctrl-C." in out
    assert "To go on: glhelpers batch" in out
    assert "Traceback" not in out + err
    assert statuses(tickets) == ["awaiting_approval", "not_run"]

    code, said = shared_desk.command(*words(tickets))
    assert code == 2
    assert "holds a batch already" in said

    process = shared_desk.begin(*words(tickets, "--resume", "--jobs", "1"))
    until(lambda: begun(tickets) == 2 and workers_of(process))
    workers_of(process)[0].kill()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert statuses(tickets) == ["awaiting_approval"] * 2
    assert begun(tickets) == 2


def begun(tickets: Path) -> int:
    """How many runs the ledger says have begun."""
    path = tickets.with_name("batch") / "batch.db"
    if not path.is_file():
        return 0
    with closing(sqlite3.connect(path)) as database:
        try:
            return int(database.execute("SELECT count(*) FROM runs").fetchone()[0])
        except sqlite3.OperationalError:  # the table is not made yet
            return 0


def test_asked_twice_a_batch_cuts_off_what_is_under_way(
    shared_desk: Any, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second SIGTERM does not wait: the run's folder says that it was cut off, and no process is left."""
    monkeypatch.delenv(ADDRESS, raising=False)  # the kernels are the batch's own, and so is their end
    tickets = listed(shared_desk.folder, [shared_desk.case(ticket) for ticket in (FITS, DRIFTS)])
    shared_desk.misbehave(SLOW_READS)
    process = shared_desk.begin(*words(tickets, "--jobs", "1"))
    until(lambda: list(tickets.with_name("batch").glob("*/*/.*.incomplete/record.json")))
    family = psutil.Process(process.pid).children(recursive=True)
    for _ in range(2):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
    _, err = process.communicate(timeout=60)
    shared_desk.misbehave()
    assert process.returncode == 3, err
    assert statuses(tickets) == ["failed", "not_run"]
    record = read_record(tickets.with_name("batch") / summary_of(tickets)[0]["folder"])
    assert record.why == "The run was ended by SIGTERM. Nothing was written."
    until(lambda: not any(one.is_running() for one in family))


def test_an_audit_tells_who_is_in_which_state_and_writes_nothing(shared_desk: Any) -> None:
    """One that could be changed, one that has it already, one that is stopped: grouped by the rule that decided."""
    tickets = listed(shared_desk.folder, [shared_desk.case(ticket) for ticket in (1002, 1017)])
    before = shared_desk.ask("writes")["attempts"]
    code, said = shared_desk.command(*words(tickets, "--audit"))
    assert code == 0, said
    told = json.loads((tickets.with_name("batch") / "summary.json").read_text())
    assert told["rows"][0]["rule_label"] == "nothing stands against the change"
    assert {row["status"] for row in told["rows"]} == {"stopped"}
    assert all(state["rows"] == 1 for state in told["by_state"])
    assert not list(tickets.with_name("batch").glob("*/*/*/plan.json"))
    assert shared_desk.ask("writes")["attempts"] == before
    assert "To approve" not in said
    code, said = shared_desk.command(*words(tickets, "--resume"))
    assert code == 2
    assert "The batch was begun with --audit, or without it" in said


def test_a_wrong_list_runs_nothing_and_leaves_nothing(shared_desk: Any) -> None:
    """All mistakes at once, exit code 2, no batch in the folder."""
    given = shared_desk.case(1002)
    tickets = listed(shared_desk.folder, [given, {**given, "namespace": "a b"}, given, {**given, "customer_id": "x"}])
    code, said = shared_desk.command(*words(tickets))
    assert code == 2
    assert "tickets.csv has 3 problems; nothing was run:" in said
    for beginning in ("line 3, namespace: is not a group path", "line 4: this is the same", "line 5, customer_id: is"):
        assert beginning in said
    assert not (tickets.with_name("batch") / "batch.db").exists()
    for extra, says in (
        (["--apply"], "holds no batch"),
        (["--shard", "3/2"], "K/N"),
        (["--audit", "--apply"], "one of"),
    ):
        code, said = shared_desk.command(*words(tickets, *extra))
        assert code == 2
        assert says in said


def test_a_service_that_asks_for_a_pause_gets_it_from_the_whole_batch(desk: Any) -> None:
    """One run is answered 429: no run of the batch asks that host until the time is over; no row is lost by it."""
    tickets = listed(desk.folder, [desk.case(ticket) for ticket in (FITS, LIES, DRIFTS)])
    desk.misbehave({"system": "gitlab", "path": "/api/v4/groups/*", "do": "429", "retry_after": "3", "times": 1})
    code, said = desk.command(*words(tickets, "--rate", "200"))
    assert code == 0, said
    assert statuses(tickets) == ["awaiting_approval"] * 3
    asked = [
        (datetime.fromisoformat(one["at"]), one["status"])
        for one in desk.ask("requests")["requests"]
        if one["system"] == "gitlab"
    ]
    (refused,) = [at for at, status in asked if status == 429]
    # What the other run had sent already is under way; a third of a second later nothing is.
    after = sorted((at - refused).total_seconds() for at, _ in asked if (at - refused).total_seconds() > 1 / 3)
    assert len(after) > 10
    assert after[0] > 2.8
