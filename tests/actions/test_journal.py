"""The journal: durable, chained, and one winner whoever comes at once."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from claimants import intent

from glhelpers.actions.journal import Journal
from glhelpers.errors import BadSettings, GateClosed, WriteInProgress


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal of the test lies; nothing is there yet, not even the folder."""
    return tmp_path / "deep" / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    """A journal of the test's own."""
    with closing(Journal(f"sqlite:///{path}")) as opened:
        yield opened


@contextmanager
def disk_full_at(size: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes, as on a disk without room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def unguarded(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection past the triggers that keep rows as they are."""
    with closing(sqlite3.connect(path)) as other:
        triggers = [name for (name,) in other.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for name in triggers:
            other.execute(f"DROP TRIGGER {name}")
        yield other


def change(path: Path, statement: str, *values: Any) -> None:
    """Change the file behind the journal's back, as somebody would who knows how it is kept."""
    with unguarded(path) as other:
        other.execute(statement, values)
        other.commit()


def test_an_intent_is_on_disk_before_begin_returns(journal: Journal, path: Path) -> None:
    """Another connection sees it at once; the file is in WAL mode with full synchronisation."""
    journal.begin(intent("a"), "approval-1")
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT kind, intent_id FROM entries").fetchall() == [("intent", "a")]
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with journal._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_a_target_is_held_by_one_write_and_freed_by_its_end(journal: Journal) -> None:
    """Another write to it is told who holds it, and keeps its approval; after settling it may go."""
    journal.begin(intent("a"), "approval-1")
    with pytest.raises(WriteInProgress, match=r"held by ada \(run run, process \d+ on "):
        journal.begin(intent("b"), "approval-2")
    assert journal.spent("approval-2") is None
    journal.begin(intent("c", "here|namespace:8"), "approval-3")
    journal.left_open(intent("a"), "the read-back failed")
    with pytest.raises(WriteInProgress):
        journal.begin(intent("b"), "approval-2")
    journal.settle(intent("a"), "APPLIED", [])
    journal.begin(intent("b"), "approval-2")


def test_a_write_is_settled_once(journal: Journal) -> None:
    """Of two runs that read back the same write, the first one's word stands."""
    journal.begin(intent("a"), "approval-1")
    journal.settle(intent("a"), "APPLIED", [])
    journal.settle(intent("a"), "UNKNOWN", [])
    assert [entry.payload["outcome"] for entry in journal.entries("a") if entry.kind == "settled"] == ["APPLIED"]


def test_an_approval_is_spent_for_good(journal: Journal, path: Path) -> None:
    """Also for another process's journal, after the write was settled."""
    journal.begin(intent("a"), "approval-1")
    journal.settle(intent("a"), "NOT_APPLIED", [])
    with closing(Journal(f"sqlite:///{path}")) as another, pytest.raises(GateClosed, match="spent"):
        another.begin(intent("b"), "approval-1")


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE entries SET payload = replace(payload, 'ada', 'eve') WHERE seq = 2", 2),
        ("UPDATE entries SET payload = payload || ' ' WHERE seq = 3", 3),
        ("UPDATE entries SET payload = 'no JSON' WHERE seq = 3", 3),
        ("UPDATE entries SET kind = 'settled' WHERE seq = 1", 1),
        ("UPDATE entries SET seq = 9 WHERE seq = 3", 9),
        ("DELETE FROM entries WHERE seq = 1", 2),
        ("DELETE FROM entries WHERE seq = 2", 3),
    ],
)
def test_a_changed_or_missing_row_breaks_the_chain(journal: Journal, path: Path, statement: str, broken: int) -> None:
    """Whatever is changed, the first row that no longer fits is named."""
    for number in range(3):
        journal.begin(intent(f"i{number}", f"t{number}"), f"approval-{number}")
    assert journal.first_broken_row() is None
    change(path, statement)
    assert journal.first_broken_row() == broken


def test_any_changed_byte_of_a_row_breaks_the_chain(journal: Journal, path: Path) -> None:
    """Every byte of every text of a row, one after the other."""
    for number in range(3):
        journal.begin(intent(f"i{number}", f"t{number}"), f"approval-{number}")
    row = vars(journal.entries()[1])
    row["payload"] = json.dumps(row["payload"], sort_keys=True)
    tried = 0
    with unguarded(path) as other:
        for column in ("at", "kind", "intent_id", "target", "payload", "previous", "hash"):
            text = row[column]
            for place in range(len(text)):
                changed = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
                other.execute(f"UPDATE entries SET {column} = ? WHERE seq = 2", (changed,))
                other.commit()
                assert journal.first_broken_row() == 2, (column, place)
                tried += 1
            other.execute(f"UPDATE entries SET {column} = ? WHERE seq = 2", (text,))
            other.commit()
    assert tried > 300
    assert journal.first_broken_row() is None


def test_a_row_that_cannot_be_read_is_named(journal: Journal, path: Path) -> None:
    """Nobody gets a decoder's error; the target stays taken."""
    journal.begin(intent("a"), "approval-1")
    change(path, "UPDATE entries SET payload = 'no JSON'")
    with pytest.raises(BadSettings, match="Row 1 of the journal was changed"):
        journal.open_intent("here|namespace:7")
    with pytest.raises(BadSettings, match="Row 1 of the journal was changed"):
        journal.begin(intent("b"), "approval-2")


@pytest.mark.parametrize(
    "bad",
    [
        "sqlite:////proc/none/journal.db",
        "sqlite:////dev/null/journal.db",
        "sqlite:////proc",
        "no address",
        "nosuch://database",
        "postgresql://user:secret-word@127.0.0.1:1/journal",
    ],
)
def test_a_journal_that_cannot_be_opened_is_one_sentence(bad: str) -> None:
    """No traceback, no password, and what to do about it."""
    with pytest.raises(BadSettings) as caught:
        Journal(bad)
    assert "journal" in caught.value.message
    assert caught.value.message.count(".") == 1
    assert "secret-word" not in str(caught.value)
    assert "GLHELPERS_" in str(caught.value)


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    """A text file in the journal's place is left as it is."""
    path = tmp_path / "journal.db"
    path.write_text("a letter, not a database; " * 100)
    with pytest.raises(BadSettings, match="cannot be opened"):
        Journal(f"sqlite:///{path}")
    assert path.read_text().startswith("a letter")


def test_without_room_for_the_intent_nothing_is_begun(journal: Journal, path: Path) -> None:
    """A full disk refuses the intent with a sentence; with room again, the same approval still opens the gate."""
    with disk_full_at(path.stat().st_size), pytest.raises(BadSettings, match="nothing was sent"):
        journal.begin(intent("a"), "approval-1")
    assert journal.spent("approval-1") is None
    assert journal.entries() == []
    journal.begin(intent("a"), "approval-1")
    assert journal.first_broken_row() is None


def test_a_database_that_is_gone_does_not_lose_the_intent_silently(journal: Journal, path: Path) -> None:
    """An answer that cannot be kept is said, together with the fact that the change may have been made."""
    journal.begin(intent("a"), "approval-1")
    change(path, "ALTER TABLE entries RENAME TO elsewhere")
    with pytest.raises(BadSettings, match="a change that may have been made"):
        journal.answered(intent("a"), {"says": "success"})
    change(path, "ALTER TABLE elsewhere RENAME TO entries")
    held = journal.open_intent("here|namespace:7")
    assert held is not None
    assert held.id == "a"


def test_a_holder_that_ended_unnoticed_is_not_alive() -> None:
    """A process that nobody has asked how it ended still has its number, but holds nothing."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        holder = psutil.Process(process.pid)
        held = replace(intent("a"), pid=process.pid, process_started=holder.create_time())
        assert held.holder_is_alive()
        assert not replace(held, process_started=1.0).holder_is_alive(), "the number now belongs to another process"
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert holder.status() == psutil.STATUS_ZOMBIE
        assert not held.holder_is_alive()
    assert not held.holder_is_alive()
