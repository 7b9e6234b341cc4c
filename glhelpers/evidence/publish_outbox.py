"""
The outbox: what is about to be attached where, durable before it is sent, so that a crash never doubles it.

It lies in the journal's database, where one claim holds for every process and, with PostgreSQL, for
every machine of a team.  What the service itself shows always counts for more.
"""

from __future__ import annotations

import hashlib
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any

import psutil
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from glhelpers.actions.database import durable_engine
from glhelpers.actions.journal import me
from glhelpers.errors import BadSettings, WriteInProgress

__all__ = ["A_MINUTE", "Memory", "Message", "Outbox", "Place"]

A_MINUTE = 60
"""Notes that GitLab.com takes from one user in a minute."""

_WINDOW = 61.0  # a second more than the minute, since a note is counted when it arrives
_HELD = 180.0  # no single step takes longer: two requests of 20 s, two waits of a minute

_META = sa.MetaData()
_MESSAGES = sa.Table(
    "outbox",
    _META,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("origin", sa.String(300), nullable=False),
    sa.Column("place", sa.String(400), nullable=False),
    sa.Column("run", sa.String(200), nullable=False),
    sa.Column("content", sa.String(64), nullable=False),
    sa.Column("stage", sa.String(10), nullable=False),
    sa.Column("message_id", sa.BigInteger),
    sa.Column("uploads", sa.Text, nullable=False),
    sa.Column("in_flight_until", sa.Float, nullable=False),
    sa.Column("operator", sa.String(200), nullable=False),
    sa.Column("host", sa.String(200), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("process_started", sa.Float, nullable=False),
    sa.Column("held_until", sa.Float, nullable=False),
)
_NOTES = sa.Table(
    "outbox_notes",
    _META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("origin", sa.String(300), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)


@dataclass(frozen=True)
class Place:
    """One run at one destination: `name` is the destination in words, `id` what never changes about it."""

    name: str
    id: str
    run: str


class Memory:
    """What the outbox knows of a place: the note or comment that was last seen there, and files uploaded for it."""

    def __init__(self, row: Mapping[str, Any] | None) -> None:
        self.message_id: int | None = row["message_id"] if row else None
        self._uploads: dict[str, dict[str, str]] = json.loads(row["uploads"]) if row else {}

    def uploaded(self, name: str, digest: str) -> str | None:
        """The link of this very file, if it was uploaded for this place before."""
        known = self._uploads.get(name, {})
        return known.get("link") if known.get("sha256") == digest else None


class Message(Memory):
    """A claimed row: what is being attached, and how far that has come."""

    def __init__(self, outbox: Outbox, key: str, row: Mapping[str, Any]) -> None:
        super().__init__(row)
        self._outbox, self._key, self._on_its_way = outbox, key, False

    def keep(self, name: str, digest: str, link: str) -> None:
        """A file has been uploaded."""
        self._uploads[name] = {"sha256": digest, "link": link}
        self._outbox.update(self._key, uploads=json.dumps(self._uploads))

    def sending(self) -> None:
        """Write down that the text leaves now; until it is settled it may have arrived."""
        self._on_its_way = True
        self._outbox.update(self._key, stage="sending", in_flight_until=self._outbox.in_flight_end())

    def not_sent(self) -> None:
        """The service has certainly not taken it."""
        self._on_its_way = False
        self._outbox.update(self._key, stage="open", in_flight_until=0.0)

    def settle(self, message_id: int | None) -> None:
        """It is there, and was seen."""
        self.message_id, self._on_its_way = message_id, False
        self._outbox.update(self._key, stage="done", message_id=message_id, in_flight_until=0.0)

    def pause(self, seconds: float) -> None:
        """Wait as a service asks; what is sent after it is on its way anew."""
        self._outbox.sleep(seconds)
        if self._on_its_way:
            self.sending()
        else:
            self._outbox.update(self._key)


class Outbox:
    """All that is attached to one service, by everybody who shares the database."""

    def __init__(
        self,
        url: str,
        origin: str,
        *,
        operator: str = "",
        in_flight: timedelta = timedelta(seconds=25),
        a_minute: int = A_MINUTE,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.origin, self._operator, self._in_flight = origin, operator, in_flight.total_seconds()
        self._a_minute, self._clock, self.sleep = a_minute, clock, sleep
        with _said():
            self._engine = durable_engine(url)
            with self._engine.begin() as connection:
                _META.create_all(connection)

    def __enter__(self) -> Outbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.dispose()

    @contextmanager
    def claim(self, place: Place, content: str) -> Iterator[Message]:
        """
        Hold this place alone while the block lasts, with `content` (a digest) as the durable intent.

        If an earlier holder died while its text was on the way, this waits until it cannot arrive any
        more, so that what is read in the block is the last word.  Raises `WriteInProgress` if another
        living process is at it.
        """
        key = self._key(place)
        with self._locked() as connection:
            row = self._row(connection, key)
            if row and self._is_held(row):
                raise WriteInProgress(
                    f"This run is being attached to {place.name} right now, by {row['operator'] or 'somebody'} "
                    f"(process {row['pid']} on {row['host']}).",
                    next_step="Let that end; then attach again if it did not succeed.",
                )
            row = self._opened(row, place, content)
            connection.execute(_MESSAGES.delete().where(_MESSAGES.c.key == key))
            connection.execute(_MESSAGES.insert().values(key=key, **row))
        try:
            self.sleep(max(0.0, min(row["in_flight_until"] - self._clock(), self._in_flight)))
            yield Message(self, key, row)
        finally:
            self.update(key, held_until=0.0)

    def look(self, place: Place) -> Memory:
        """What is known of a place, whoever attached there; claims nothing."""
        with self._locked() as connection:
            return Memory(self._row(connection, self._key(place)))

    def turn(self) -> None:
        """Return when one more note may go, and count it: no more in any minute than the service takes."""
        while (wait := self._take_turn()) > 0:
            self.sleep(wait)

    def update(self, key: str, **values: Any) -> None:
        """Write down, on disk when this returns, what has changed about a held row."""
        values.setdefault("held_until", self._clock() + _HELD)
        with self._locked() as connection:
            connection.execute(_MESSAGES.update().where(_MESSAGES.c.key == key).values(**values))

    def in_flight_end(self) -> float:
        """From when on a text that leaves now cannot arrive any more."""
        return self._clock() + self._in_flight

    def _row(self, connection: Connection, key: str) -> dict[str, Any]:
        found = connection.execute(sa.select(_MESSAGES).where(_MESSAGES.c.key == key)).mappings().one_or_none()
        return dict(found) if found is not None else {}

    def _opened(self, row: dict[str, Any], place: Place, content: str) -> dict[str, Any]:
        """The row as this process claims it; what an earlier holder left unsettled stays so."""
        host, pid, started = me()
        return {
            "message_id": row.get("message_id"),
            "uploads": row.get("uploads", "{}"),
            "in_flight_until": row.get("in_flight_until", 0.0),
            "stage": "sending" if row.get("stage") == "sending" else "open",
            "origin": self.origin,
            "place": place.name,
            "run": place.run,
            "content": content,
            "operator": self._operator,
            "host": host,
            "pid": pid,
            "process_started": started,
            "held_until": self._clock() + _HELD,
        }

    def _is_held(self, row: dict[str, Any]) -> bool:
        """Whether its holder may still be at work; of another machine only the time limit can tell."""
        if row["held_until"] <= self._clock():
            return False
        if row["host"] != socket.gethostname():
            return True
        try:
            holder = psutil.Process(row["pid"])
            ended = holder.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
            return not ended and abs(holder.create_time() - row["process_started"]) < 1
        except psutil.Error:
            return False

    def _take_turn(self) -> float:
        now = self._clock()
        mine = _NOTES.c.origin == self.origin
        with self._locked() as connection:
            connection.execute(_NOTES.delete().where(mine, _NOTES.c.at <= now - _WINDOW))
            sent = connection.execute(sa.select(_NOTES.c.at).where(mine).order_by(_NOTES.c.at)).scalars().all()
            if len(sent) < self._a_minute:
                connection.execute(_NOTES.insert().values(origin=self.origin, at=now))
                return 0.0
        room_from: float = sent[len(sent) - self._a_minute] + _WINDOW
        return max(room_from - now, 0.01)

    def _key(self, place: Place) -> str:
        return hashlib.sha256("\0".join((self.origin, place.id, place.run)).encode()).hexdigest()

    @contextmanager
    def _locked(self) -> Iterator[Connection]:
        with _said(), self._engine.begin() as connection:
            yield connection


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise BadSettings(
            f"The outbox in the journal's database cannot be used ({type(error).__name__}).",
            next_step="Check GLHELPERS_JOURNAL_URL, its folder and the disk; without an outbox nothing is attached.",
        ) from None
