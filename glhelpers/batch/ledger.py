"""
The ledger of a batch: which runs are asked for, which began, how each ended; on disk before the next step is taken.

An SQLite file in the batch's folder, so that nothing of it is kept in memory and a batch that was
killed goes on from it.  It is no journal of writes: what was sent is for the journal alone to say.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from glhelpers.actions.database import durable_engine
from glhelpers.batch.rows import Problem, Row
from glhelpers.errors import BadSettings, OperatorError, WriteInProgress

__all__ = ["FILE", "Ended", "Entry", "Ledger", "Pass"]

FILE = "batch.db"
"""Its name in the batch's folder."""

_WORKERS_END = 30.0
"""Seconds within which the workers of a batch that was killed have ended."""

_META = sa.MetaData()
_FACTS = sa.Table("facts", _META, sa.Column("name", sa.String, primary_key=True), sa.Column("value", sa.String))
_ROWS = sa.Table(
    "tickets",
    _META,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("runbook", sa.String, nullable=False),
    sa.Column("given", sa.String, nullable=False),
    sa.Column("key", sa.String, nullable=False, unique=True),
    sa.Column("ticket", sa.Integer, index=True),
    sa.Column("subject", sa.String, nullable=False),
)
_RUNS = sa.Table(
    "runs",
    _META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("number", sa.Integer, sa.ForeignKey("tickets.number"), nullable=False, index=True),
    sa.Column("turn", sa.String, nullable=False),
    sa.Column("began_at", sa.String, nullable=False),
    sa.Column("approval", sa.String, nullable=False),
    sa.Column("target", sa.String, nullable=False),
    sa.Column("ended_at", sa.String),
    sa.Column("status", sa.String),
    sa.Column("sent", sa.Boolean),
    sa.Column("told", sa.String),
)


class Pass(StrEnum):
    """What a batch does with its rows: plan each, apply what was approved, or only look."""

    plan = "plan"
    apply = "apply"
    audit = "audit"


@dataclass(frozen=True)
class Ended:
    """
    How a run ended, as the batch keeps it.

    `rule` and `label` name the rule that decided; `folder` is relative to the batch's folder;
    `sent` says whether a change may have been sent; `cut_off` that the run did not come to its own end.
    """

    status: str
    why: str
    next_step: str = ""
    rule: str = ""
    label: str = ""
    folder: str = ""
    digest: str = ""
    target: str = ""
    run_id: str = ""
    sent: bool = False
    cut_off: bool = False


@dataclass(frozen=True)
class Entry:
    """
    A row with its latest run: `run` 0 where there is none, `ended` None where it did not come to an end.

    `approval` is the file that the run was given, from the batch's folder; `target` what it was to change.
    """

    number: int
    row: Row
    run: int = 0
    turn: str = ""
    began_at: str = ""
    ended_at: str = ""
    approval: str = ""
    target: str = ""
    ended: Ended | None = None


class Ledger:
    """The rows of one batch and their runs; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held: IO[str] | None = None
        try:
            self._engine = durable_engine(f"sqlite:///{folder / FILE}")
            with self._engine.begin() as connection:
                _META.create_all(connection)
        except SQLAlchemyError as error:
            raise BadSettings(
                f"The ledger {folder / FILE} cannot be opened ({type(error).__name__}).",
                next_step="Check that its folder can be written, or choose another one with --out.",
            ) from None

    def close(self) -> None:
        """Give database and lock back."""
        self._engine.dispose()
        if self._held is not None:
            self._held.close()

    def hold(self) -> None:
        """
        Make this process the only one that runs the batch.

        Raises `WriteInProgress` if another one does; waits for the workers of one that was killed.
        """
        self._held = (self.folder / ".batch.lock").open("a")
        if not _locked(self._held, seconds=0):
            raise WriteInProgress(
                f"Another process is running the batch in {self.folder}.", next_step="Wait for it, or stop it."
            )
        with (self.folder / ".workers.lock").open("a") as left_over:
            if not _locked(left_over, seconds=_WORKERS_END):
                raise WriteInProgress(
                    f"Workers of an earlier process are still at the batch in {self.folder}.",
                    next_step="Wait until they have ended, then run the command again.",
                )

    def fact(self, name: str) -> str | None:
        """What is kept of the batch as a whole under this name."""
        with self._open() as connection:
            return connection.execute(sa.select(_FACTS.c.value).where(_FACTS.c.name == name)).scalar_one_or_none()

    @contextmanager
    def filling(self) -> Iterator[Filling]:
        """Rows are added in the block; none is kept if it ends with an exception or with `Filling.undo`."""
        with self._engine.connect() as connection, connection.begin() as transaction:
            yield Filling(connection, transaction)

    def add_run(self, number: int, turn: Pass, approval: str = "", target: str = "") -> int:
        """Note, durably, that a run of this row begins now; gives the run's number."""
        values = {"number": number, "turn": turn.value, "began_at": _now(), "approval": approval, "target": target}
        with self._open() as connection:
            return int(connection.execute(_RUNS.insert().values(**values).returning(_RUNS.c.id)).scalar_one())

    def end_run(self, run: int, ended: Ended) -> None:
        """Note, durably, how a run ended."""
        told = json.dumps({name: value for name, value in vars(ended).items() if name not in ("status", "sent")})
        with self._open() as connection:
            connection.execute(
                _RUNS.update()
                .where(_RUNS.c.id == run)
                .values(ended_at=_now(), status=ended.status, sent=ended.sent, told=told)
            )

    def entries(self, after: int = 0, *, most: int = 200) -> Iterator[Entry]:
        """All rows with their latest runs, in the order of the file, from the one after `after`; read page by page."""
        later = _RUNS.alias()
        latest = (
            sa.select(sa.func.max(later.c.id))
            .where(later.c.number == _ROWS.c.number)
            .correlate(_ROWS)
            .scalar_subquery()
        )
        query = (
            sa.select(_ROWS, _RUNS.c.id, *(c for c in _RUNS.c if c.name not in ("id", "number")))
            .select_from(_ROWS.outerjoin(_RUNS, _RUNS.c.id == latest))
            .order_by(_ROWS.c.number)
            .limit(most)
        )
        while True:
            with self._open() as connection:
                found = [dict(row) for row in connection.execute(query.where(_ROWS.c.number > after)).mappings()]
            yield from map(_entry, found)
            if len(found) < most:
                return
            after = found[-1]["number"]

    def size(self) -> int:
        """How many rows the batch has."""
        with self._open() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(_ROWS)).scalar_one())

    def writes(self, *, but: Collection[int] = ()) -> int:
        """In how many rows, those in `but` left out, a change was, or may have been, sent by an approved run."""
        query = sa.select(sa.func.count(sa.distinct(_RUNS.c.number))).where(
            _RUNS.c.turn == Pass.apply.value,
            sa.or_(_RUNS.c.sent, _RUNS.c.ended_at.is_(None)),
            _RUNS.c.number.not_in(list(but)),
        )
        with self._open() as connection:
            return int(connection.execute(query).scalar_one())

    def has_ticket(self, ticket: int, *, but: int) -> bool:
        """Whether a row other than `but` has this ticket and row `but` has not."""
        query = sa.select(_ROWS.c.number, _ROWS.c.ticket).where(sa.or_(_ROWS.c.ticket == ticket, _ROWS.c.number == but))
        with self._open() as connection:
            found = {int(number): own for number, own in connection.execute(query)}
        return found.get(but) != ticket and any(own == ticket for number, own in found.items() if number != but)

    @contextmanager
    def _open(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise OperatorError(
                f"The ledger {self.folder / FILE} cannot be read or written ({type(error).__name__}).",
                next_step="Mend its disk (is it full?), then go on with --resume: nothing that is done is repeated.",
            ) from None


class Filling:
    """Rows on their way into a ledger, all of them or none."""

    def __init__(self, connection: sa.Connection, transaction: sa.RootTransaction) -> None:
        self._connection, self._transaction = connection, transaction

    def add(self, number: int, row: Row) -> Problem | None:
        """Add a row, `number` from 1 in the order of the file, or say which earlier one asks for the same run."""
        values = {
            "number": number,
            "line": row.line,
            "runbook": row.runbook,
            "given": json.dumps(row.given),
            "key": row.key,
            "ticket": row.ticket,
            "subject": row.subject,
        }
        try:
            with self._connection.begin_nested():
                self._connection.execute(_ROWS.insert().values(**values))
        except IntegrityError:
            query = sa.select(_ROWS.c.line).where(_ROWS.c.key == values["key"])
            first = self._connection.execute(query).scalar_one()
            return Problem(row.line, "", f"this is the same run as in line {first}; leave one of them out")
        return None

    def keep_facts(self, facts: dict[str, str]) -> None:
        """Keep, with the rows, what is true of the batch as a whole."""
        for name, value in facts.items():
            self._connection.execute(_FACTS.insert().values(name=name, value=value))

    def undo(self) -> None:
        """Forget all rows that were added."""
        self._transaction.rollback()


def _entry(found: dict[str, Any]) -> Entry:
    row = Row(line=found["line"], runbook=found["runbook"], given=json.loads(found["given"]))
    ended = None
    if found["ended_at"] is not None:
        ended = Ended(status=found["status"], sent=bool(found["sent"]), **json.loads(found["told"]))
    return Entry(
        number=found["number"],
        row=row,
        run=found["id"] or 0,
        turn=found["turn"] or "",
        began_at=found["began_at"] or "",
        ended_at=found["ended_at"] or "",
        approval=found["approval"] or "",
        target=found["target"] or "",
        ended=ended,
    )


def _locked(file: IO[str], *, seconds: float) -> bool:
    """Whether nobody else has the file; asked for so long."""
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.1)


def _now() -> str:
    return datetime.now(UTC).isoformat()
