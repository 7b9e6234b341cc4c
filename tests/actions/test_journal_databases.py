"""The journal in both databases for real: one winner, whole chain, rows that the database itself keeps as they are."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import claimants
import pytest
import sqlalchemy as sa
from claimants import PROCESSES, ROUNDS, intent
from postgres import Postgres, the_server

from glhelpers.actions.database import durable_engine
from glhelpers.actions.journal import Journal
from glhelpers.actions.journal_story import flaws, stories, story_of
from glhelpers.errors import BadParameter, BadSettings, GateClosed, WriteInProgress
from glhelpers.models.change import Outcome
from tests.actions.conftest import Desk

Fresh = Callable[[], str]


@pytest.fixture(scope="module")
def postgres() -> Postgres:
    """The PostgreSQL server of this process."""
    return the_server()


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres) -> Fresh:
    """Gives the address of an empty journal in one of the databases."""
    numbers = iter(range(99))
    if request.param == "postgresql":
        return postgres.fresh
    return lambda: f"sqlite:///{tmp_path / f'{next(numbers)}.db'}"


@pytest.fixture
def journal(fresh: Fresh) -> Iterator[Journal]:
    """A journal of the test's own."""
    with closing(Journal(fresh())) as opened:
        yield opened


def test_one_open_write_a_target_and_one_use_an_approval(journal: Journal) -> None:
    """The database refuses the second of either; the loser's approval stays unspent, and the chain whole."""
    journal.begin(intent("a"), "approval-1")
    with pytest.raises(WriteInProgress, match=r"held by ada \(run run, process \d+ on "):
        journal.begin(intent("b"), "approval-2")
    assert journal.spent("approval-2") is None
    assert journal.settle(intent("a"), "APPLIED", [])
    assert not journal.settle(intent("a"), "NOT_APPLIED", [])
    with pytest.raises(GateClosed, match="spent"):
        journal.begin(intent("b"), "approval-1")
    journal.begin(intent("b"), "approval-2")
    assert [story.state for story in stories(journal)] == ["open", "APPLIED"]
    assert flaws(journal) == []


@pytest.mark.parametrize("statement", ["UPDATE {} SET at = 'never'", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["entries", "spent_approvals"])
def test_the_database_itself_refuses_to_change_a_row(fresh: Fresh, table: str, statement: str) -> None:
    """Append-only is not left to good will: an UPDATE or DELETE fails, and nothing is changed."""
    url = fresh()
    with closing(Journal(url)) as journal:
        journal.begin(intent("a"), "approval-1")
        engine = durable_engine(url)
        with pytest.raises(sa.exc.DBAPIError, match="never changed"), engine.begin() as connection:
            connection.exec_driver_sql(statement.format(table))
        engine.dispose()
        assert flaws(journal) == []
        assert [entry.kind for entry in journal.entries()] == ["intent"]


def test_rows_taken_away_at_the_end_are_missed(fresh: Fresh) -> None:
    """A chain cut short fits in itself; the spent approval tells that a write is gone."""
    url = fresh()
    with closing(Journal(url)) as journal:
        journal.begin(intent("a", "one"), "approval-1")
        journal.begin(intent("b", "two"), "approval-2")
        engine = durable_engine(url)
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("DROP TRIGGER entries_DELETE")
            else:
                connection.exec_driver_sql("DROP TRIGGER entries_stay ON entries")
            connection.exec_driver_sql("DELETE FROM entries WHERE seq = 2")
        engine.dispose()
        assert journal.first_broken_row() is None
        (flaw,) = flaws(journal)
        assert flaw.startswith("Rows of 1 writes are gone (b)")


@pytest.mark.parametrize(
    ("want", "each_round"),
    [
        ("approval", ["GateClosed"] * (PROCESSES - 1) + ["won"]),
        ("target", ["WriteInProgress"] * (PROCESSES - 1) + ["won"]),
        ("appends", ["won"] * PROCESSES),
    ],
)
def test_sixteen_processes_at_once(fresh: Fresh, want: str, each_round: list[str]) -> None:
    """All open a new journal at the same moment; in each round one gets what only one may have."""
    url = fresh()
    command = [sys.executable, claimants.__file__, want, url]
    told = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
    assert [json.loads(line) for line in told.stdout.splitlines()] == [each_round] * ROUNDS
    with closing(Journal(url)) as journal:
        assert flaws(journal) == []
        assert len(journal.entries()) == ROUNDS * (3 * PROCESSES if want == "appends" else 1)


@pytest.mark.parametrize(
    ("point", "writes", "outcome"),
    [
        ("before intent", 0, None),
        ("after intent", 0, Outcome.not_applied),
        ("request sent", 1, Outcome.applied),
        ("answer received", 1, Outcome.applied),
        ("before verify", 1, Outcome.applied),
        ("before settling", 1, Outcome.applied),
        ("after settling", 1, None),
    ],
)
def test_a_killed_write_is_settled_from_postgresql_too(
    desk: Desk, postgres: Postgres, point: str, writes: int, outcome: Outcome | None
) -> None:
    """What a run on one machine left open, a run on another brings to an end, and nothing is sent twice."""
    url = postgres.fresh()
    plan, approval = desk.plan(1002)
    desk.journal_url = url
    if point == "request sent":
        desk.faults({"method": "POST", "path": "*/support-tools/*", "do": "latency", "seconds": 1.5})
    assert desk.child(point, plan, approval).wait(timeout=60) == -9
    desk.faults()
    with closing(Journal(url)) as journal:
        writer = desk.writer()
        writer.journal = journal
        settled = writer.settle_open(plan.target.key)
        assert (settled[1].outcome if settled is not None else None) is outcome
        assert (desk.tool_writes(), desk.tool_requests()) == (writes, writes)
        assert flaws(journal) == []


def test_a_holder_on_another_machine_is_believed_until_its_request_cannot_be_on_its_way(journal: Journal) -> None:
    """Its process cannot be looked up from here, so its time limit decides."""
    from dataclasses import replace
    from datetime import UTC, datetime

    soon = (datetime.now(UTC) + timedelta(seconds=0.3)).isoformat()
    journal.begin(replace(intent("a"), host="another-machine", in_flight_until=soon), "approval-1")
    held = journal.open_intent("here|namespace:7")
    assert held is not None
    assert held.holder_is_alive()
    time.sleep(0.35)
    assert not held.holder_is_alive()


def test_a_write_is_named_by_the_beginning_of_its_id(journal: Journal) -> None:
    """One that fits is taken; none, several or nothing is one sentence."""
    for id in ("abc1", "abc2", "def3"):
        journal.begin(intent(id, id), f"approval-{id}")
    told = stories(journal)
    assert story_of(told, "d").intent.id == "def3"
    for wrong, says in (("abc", "several"), ("x", "no write"), ("", "no write")):
        with pytest.raises(BadParameter, match=says):
            story_of(told, wrong)


@pytest.mark.parametrize("url", ["mysql://root@127.0.0.1/journal", "oracle://x", "mssql://x"])
def test_other_databases_are_refused(url: str) -> None:
    """A database whose locks nobody has tried is not taken for a journal."""
    with pytest.raises(BadSettings, match="journal cannot be"):
        Journal(url)


def test_an_answer_is_on_disk_whatever_the_server_is_set_to(postgres: Postgres) -> None:
    """A role that answers before a transaction is on disk does not apply to the journal's own connections."""
    url = postgres.fresh()
    engine = durable_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER ROLE postgres SET synchronous_commit TO off")
    engine.dispose()
    again = durable_engine(url)
    with again.begin() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
        assert connection.exec_driver_sql("SHOW fsync").scalar() == "on"
        connection.exec_driver_sql("ALTER ROLE postgres RESET synchronous_commit")
    again.dispose()
