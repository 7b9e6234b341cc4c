"""
The journal: an append-only, hash-chained memory of every write, durable before the request leaves.

It answers three questions across processes: was this approval spent, is a write to this target
open, and what became of it.  SQLite by default; any database that SQLAlchemy reaches by URL.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psutil
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from glhelpers.actions.database import append_only, durable_engine, has_tables
from glhelpers.errors import BadSettings, GateClosed, WriteInProgress, WrittenMeanwhile

__all__ = ["Entry", "Intent", "Journal", "me"]

_META = sa.MetaData()
_ENTRIES = sa.Table(
    "entries",
    _META,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("intent_id", sa.String(64), nullable=False),
    sa.Column("target", sa.String(400), nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
)
_OPEN = sa.Table(
    "open_intents",
    _META,
    sa.Column("target", sa.String(400), primary_key=True),
    sa.Column("intent_id", sa.String(64), nullable=False, unique=True),
)
_SPENT = sa.Table(
    "spent_approvals",
    _META,
    sa.Column("approval_id", sa.String(64), primary_key=True),
    sa.Column("intent_id", sa.String(64), nullable=False),
    sa.Column("at", sa.String(40), nullable=False),
)
_FIRST = "0" * 64
append_only(_ENTRIES)
append_only(_SPENT)


@dataclass(frozen=True)
class Intent:
    """A write that is about to be sent: what, to which target, who holds it, until when it may be in flight."""

    id: str
    target: str
    plan: dict[str, Any]
    run_id: str
    operator: str
    host: str
    pid: int
    process_started: float
    in_flight_until: str
    approved_by: str = ""
    approved_in: str = ""
    break_glass: str = ""

    def holder_is_alive(self) -> bool:
        """Whether the process that opened it still runs; on another host only its time limit can tell."""
        if self.host != socket.gethostname():
            return datetime.now(UTC) < datetime.fromisoformat(self.in_flight_until)
        try:
            holder = psutil.Process(self.pid)
            ended = holder.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)  # nobody has asked how it ended
            return not ended and abs(holder.create_time() - self.process_started) < 1
        except psutil.Error:
            return False

    def in_flight_for(self) -> float:
        """For how many seconds the request may still be on its way although nobody waits for the answer."""
        return max(0.0, (datetime.fromisoformat(self.in_flight_until) - datetime.now(UTC)).total_seconds())


@dataclass(frozen=True)
class Entry:
    """A row of the journal."""

    seq: int
    at: str
    kind: str
    intent_id: str
    target: str
    payload: dict[str, Any]
    previous: str
    hash: str


def me() -> tuple[str, int, float]:
    """Host, process id and start of this process."""
    return socket.gethostname(), os.getpid(), psutil.Process().create_time()


class Journal:
    """All writes of all runs that share this database."""

    def __init__(self, url: str) -> None:
        try:
            self._engine = durable_engine(url)
            with self._engine.begin() as connection:
                if not has_tables(connection, _META.tables):
                    _META.create_all(connection)
        except (SQLAlchemyError, ImportError) as error:
            raise BadSettings(
                f"The journal cannot be opened ({type(error).__name__}).",
                next_step="Check GLHELPERS_JOURNAL_URL, its driver, and that its folder can be written; "
                "no journal, no write.",
            ) from None

    def close(self) -> None:
        """Give the database's connections back."""
        self._engine.dispose()

    def latest_row_about(self, target: str) -> int:
        """The number of the last row about a target, 0 if there is none: another number later means that it was written to."""
        with self._transaction("be read") as connection:
            return self._latest(connection, target)

    def _latest(self, connection: Connection, target: str) -> int:
        query = sa.select(sa.func.coalesce(sa.func.max(_ENTRIES.c.seq), 0)).where(_ENTRIES.c.target == target)
        return int(connection.execute(query).scalar_one())

    def begin(self, intent: Intent, approval_id: str, seen: int | None = None) -> None:
        """
        Spend the approval, take the target and record the intent, all or nothing, durably.

        `seen` is what `latest_row_about` told before the facts were read on which the write rests.
        Raises `GateClosed` if the approval was spent before, `WriteInProgress` if the target is taken,
        `WrittenMeanwhile` if somebody has written to it since.
        """
        now = _now()
        try:
            with self._transaction("take the intent; nothing was sent") as connection:
                connection.execute(_SPENT.insert().values(approval_id=approval_id, intent_id=intent.id, at=now))
                moved = seen is not None and self._latest(connection, intent.target) != seen
                self._append(connection, "intent", intent.id, intent.target, vars(intent), now)
                connection.execute(_OPEN.insert().values(target=intent.target, intent_id=intent.id))
                if moved:
                    raise WrittenMeanwhile(
                        f"Another run has written to {intent.target} since the facts were read; nothing was sent.",
                        next_step="Run again: it reads the target as it is now.",
                    )
        except IntegrityError:
            self._explain(intent, approval_id)

    def _explain(self, intent: Intent, approval_id: str) -> None:
        if (spent := self.spent(approval_id)) is not None:
            raise GateClosed(
                f"This approval was spent at {spent}; an approval opens the gate once.",
                next_step="Make a new plan and have it approved.",
            ) from None
        held = self.open_intent(intent.target)
        by = f"{held.operator} (run {held.run_id}, process {held.pid} on {held.host})" if held else "another run"
        raise WriteInProgress(
            f"A write to {intent.target} is held by {by}.",
            next_step="Wait until that run has ended, then run again: it reads the state back first.",
        ) from None

    def answered(self, intent: Intent, answer: dict[str, Any]) -> None:
        """Record what the service answered, before anything else is done with it."""
        with self._transaction("take the answer to a change that may have been made") as connection:
            self._append(connection, "answer", intent.id, intent.target, answer, _now())

    def sending(self, intent: Intent, step: int, action: str, key: str) -> None:
        """Record, durably, that a request of a plan of several is about to leave."""
        with self._transaction("take the next request; it was not sent") as connection:
            what = {"step": step, "action": action, "key": key}
            self._append(connection, "sending", intent.id, intent.target, what, _now())

    def settle(
        self, intent: Intent, outcome: str, checks: list[dict[str, Any]], told: Mapping[str, str] | None = None
    ) -> bool:
        """
        Record the outcome that a read-back found, and free the target; the first to settle is the one that counts.

        `told` names the person (and the reason) whose word the outcome is, where no read-back could
        tell.  False if it was settled before.
        """
        with self._transaction(f"take the outcome {outcome}") as connection:
            first = bool(connection.execute(_OPEN.delete().where(_OPEN.c.intent_id == intent.id)).rowcount)
            if first:
                found = {"outcome": outcome, "checks": checks, **({"told": dict(told)} if told else {})}
                self._append(connection, "settled", intent.id, intent.target, found, _now())
        return first

    def left_open(self, intent: Intent, why: str) -> None:
        """Record that the outcome could not be told; the target stays taken until somebody settles it."""
        with self._transaction("take it that the outcome is not known") as connection:
            self._append(connection, "unsettled", intent.id, intent.target, {"why": why}, _now())

    def spent(self, approval_id: str) -> str | None:
        """When an approval was spent, or None."""
        with self._transaction("be read") as connection:
            query = sa.select(_SPENT.c.at).where(_SPENT.c.approval_id == approval_id)
            return connection.execute(query).scalar_one_or_none()

    def open_intent(self, target: str) -> Intent | None:
        """The write to this target whose outcome is not recorded yet, if there is one."""
        with self._transaction("be read") as connection:
            query = (
                sa.select(_ENTRIES.c.seq, _ENTRIES.c.payload)
                .join(_OPEN, _OPEN.c.intent_id == _ENTRIES.c.intent_id)
                .where(_OPEN.c.target == target, _ENTRIES.c.kind == "intent")
            )
            row = connection.execute(query).one_or_none()
        return Intent(**_payload(row._asdict())) if row is not None else None

    def answer_of(self, intent: Intent) -> dict[str, Any] | None:
        """What the service answered to this write, if the answer was recorded."""
        found = [entry for entry in self.entries(intent.id) if entry.kind == "answer"]
        return found[-1].payload if found else None

    def was_given_up(self, intent: Intent) -> bool:
        """Whether its holder has recorded that it cannot tell the outcome, and so left it to others to settle."""
        return any(entry.kind == "unsettled" for entry in self.entries(intent.id))

    def entries(self, intent_id: str | None = None) -> list[Entry]:
        """All rows, or those of one intent, oldest first."""
        return [Entry(**{**row, "payload": _payload(row)}) for row in self._rows(intent_id)]

    def entries_about(self, target: str) -> list[Entry]:
        """All rows about a target, oldest first."""
        return [Entry(**{**row, "payload": _payload(row)}) for row in self._rows(target=target)]

    def _rows(self, intent_id: str | None = None, target: str | None = None) -> list[dict[str, Any]]:
        query = sa.select(_ENTRIES).order_by(_ENTRIES.c.seq)
        if intent_id is not None:
            query = query.where(_ENTRIES.c.intent_id == intent_id)
        if target is not None:
            query = query.where(_ENTRIES.c.target == target)
        with self._transaction("be read") as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def kept_rows(self) -> list[dict[str, Any]]:
        """Every row with the very text that its hash is over, oldest first."""
        return self._rows()

    def unheard_of(self) -> list[str]:
        """Ids of intents that an approval was spent on or that hold a target, but that have no row (any more)."""
        known = sa.select(_ENTRIES.c.intent_id).where(_ENTRIES.c.kind == "intent")
        named = sa.union(sa.select(_SPENT.c.intent_id), sa.select(_OPEN.c.intent_id)).subquery()
        query = sa.select(named.c.intent_id).where(named.c.intent_id.not_in(known)).order_by(named.c.intent_id)
        with self._transaction("be read") as connection:
            return [str(id) for id in connection.execute(query).scalars()]

    def first_broken_row(self) -> int | None:
        """The number of the first row whose hash does not fit its content and its predecessor, or None."""
        previous = _FIRST
        for row in self._rows():
            if row["previous"] != previous or row["hash"] != _hash(row):
                return int(row["seq"])
            previous = row["hash"]
        return None

    def _append(
        self, connection: Connection, kind: str, intent_id: str, target: str, payload: dict[str, Any], at: str
    ) -> None:
        last = connection.execute(sa.select(_ENTRIES.c.seq, _ENTRIES.c.hash).order_by(_ENTRIES.c.seq.desc()).limit(1))
        seq, previous = last.one_or_none() or (0, _FIRST)
        row = {
            "seq": seq + 1,
            "at": at,
            "kind": kind,
            "intent_id": intent_id,
            "target": target,
            "payload": json.dumps(payload, sort_keys=True),
            "previous": previous,
        }
        connection.execute(_ENTRIES.insert().values(**row, hash=_hash(row)))

    @contextmanager
    def _transaction(self, purpose: str) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise BadSettings(
                f"The journal could not {purpose} ({type(error).__name__}).",
                next_step="Mend its database (is the disk full?), then run again: a change that was sent before is "
                "read back first and never sent twice.",
            ) from None


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _hash(row: Mapping[str, Any]) -> str:
    """Over every byte of a row as it is kept, its predecessor's hash among them."""
    content = [row[name] for name in ("seq", "at", "kind", "intent_id", "target", "payload", "previous")]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _payload(row: Mapping[str, Any]) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(row["payload"])
    except ValueError:
        raise BadSettings(
            f"Row {row['seq']} of the journal was changed after it was written and cannot be read.",
            next_step="Keep a copy of the journal, and look by hand at what the row was about.",
        ) from None
    return value
