"""The journal: durable, chained, and one winner whoever comes at once."""

from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from glhelpers.actions.journal import Intent, Journal, me
from glhelpers.errors import BadSettings, GateClosed, WriteInProgress


def intent(id: str, target: str = "here|namespace:7") -> Intent:
    """A write about to be sent by this process."""
    host, pid, started = me()
    return Intent(
        id=id,
        target=target,
        plan={"action": "force_associate"},
        run_id="run",
        operator="ada",
        host=host,
        pid=pid,
        process_started=started,
        in_flight_until="2026-11-23T09:00:00+00:00",
    )


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A journal of the test's own."""
    return f"sqlite:///{tmp_path / 'deep' / 'journal.db'}"


def test_an_intent_is_on_disk_before_begin_returns(url: str, tmp_path: Path) -> None:
    """Another connection sees it at once; the file is in WAL mode with full synchronisation."""
    journal = Journal(url)
    journal.begin(intent("a"), "approval-1")
    with sqlite3.connect(tmp_path / "deep" / "journal.db") as other:
        assert other.execute("SELECT kind, intent_id FROM entries").fetchall() == [("intent", "a")]
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()
    with journal._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_a_target_is_held_by_one_write_and_freed_by_its_end(url: str) -> None:
    """Another write to it is told who holds it; after settling it may go."""
    journal = Journal(url)
    journal.begin(intent("a"), "approval-1")
    with pytest.raises(WriteInProgress, match="ada"):
        journal.begin(intent("b"), "approval-2")
    assert journal.spent("approval-2") is None
    journal.begin(intent("c", "here|namespace:8"), "approval-3")
    journal.settle(intent("a"), "APPLIED", [])
    journal.begin(intent("b"), "approval-2")


def test_an_approval_is_spent_for_good(url: str) -> None:
    """Also by another journal object, after the write was settled."""
    journal = Journal(url)
    journal.begin(intent("a"), "approval-1")
    journal.settle(intent("a"), "NOT_APPLIED", [])
    with pytest.raises(GateClosed, match="spent"):
        Journal(url).begin(intent("b"), "approval-1")


def test_any_changed_row_breaks_the_chain(url: str, tmp_path: Path) -> None:
    """A payload, a kind, a time, a removed row: the first row that no longer fits is named."""
    journal = Journal(url)
    for number in range(3):
        journal.begin(intent(f"i{number}", f"t{number}"), f"approval-{number}")
    assert journal.first_broken_row() is None
    for change, broken in (
        ("UPDATE entries SET payload = replace(payload, 'ada', 'eve') WHERE seq = 2", 2),
        ("UPDATE entries SET kind = 'settled' WHERE seq = 1", 1),
        ("DELETE FROM entries WHERE seq = 1", 2),
    ):
        other = sqlite3.connect(tmp_path / "deep" / "journal.db")
        before = other.execute("SELECT * FROM entries").fetchall()
        other.execute(change)
        other.commit()
        assert journal.first_broken_row() == broken, change
        other.execute("DELETE FROM entries")
        other.executemany("INSERT INTO entries VALUES (?,?,?,?,?,?,?,?)", before)
        other.commit()
        other.close()
    assert journal.first_broken_row() is None


def _claim(url: str, number: int, same: str, barrier: Any, results: Any) -> None:
    journal = Journal(url)
    barrier.wait()
    try:
        if same == "approval":
            journal.begin(intent(f"i{number}", f"t{number}"), "the-approval")
        else:
            journal.begin(intent(f"i{number}"), f"approval-{number}")
    except (GateClosed, WriteInProgress) as refused:
        results.put(type(refused).__name__)
    else:
        results.put("won")


@pytest.mark.parametrize(("same", "loses"), [("approval", "GateClosed"), ("target", "WriteInProgress")])
def test_of_many_processes_one_wins(url: str, same: str, loses: str) -> None:
    """Eight processes come at once for one approval, or for one target: one gets it, and the chain stays whole."""
    Journal(url).close()
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(8), context.Queue()
    processes = [context.Process(target=_claim, args=(url, n, same, barrier, results)) for n in range(8)]
    for process in processes:
        process.start()
    seen = sorted(results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    assert seen == [loses] * 7 + ["won"]
    assert Journal(url).first_broken_row() is None


@pytest.mark.parametrize("bad", ["sqlite:////proc/none/journal.db", "sqlite:////dev/null/journal.db"])
def test_without_a_journal_nothing_is_written(bad: str) -> None:
    """A journal that cannot be opened is one sentence, before any write."""
    with pytest.raises(BadSettings) as caught:
        Journal(bad)
    assert "Traceback" not in str(caught.value)
