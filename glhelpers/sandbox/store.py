"""The state of a world in SQLite: documents by kind and key; one transaction a request."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection
from sqlalchemy.pool import StaticPool

from glhelpers.sandbox.beginning import Doc, things_of
from glhelpers.sandbox.world import World

__all__ = ["LEVELS", "Doc", "Store"]

LEVELS = {"minimal": 5, "guest": 10, "planner": 15, "reporter": 20, "developer": 30, "maintainer": 40, "owner": 50}

_META = sa.MetaData()
_THINGS = sa.Table(
    "things",
    _META,
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("one", sa.String),
    sa.Column("other", sa.String),
    sa.Column("doc", sa.Text, nullable=False),
    sa.UniqueConstraint("kind", "key"),
    sa.Index("by_one", "kind", "one"),
    sa.Index("by_other", "kind", "other"),
)
_FOUND_BY = {
    "group": ("full_path", "root"),
    "order": ("subscription_name", "gl_namespace_id"),
    "customer": ("email", "uid"),
    "user": ("username", ""),
    "project": ("path", ""),
    "note": ("noteable_id", ""),
    "label": ("project", ""),
    "comment": ("ticket", ""),
    "audit": ("namespace_id", ""),
}
"""Up to two fields of each kind that documents are looked up by, besides their key."""


class Store:
    """All that the three systems know; what one writes, the others see."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.switches = world.switches.model_copy()
        self.instance = uuid.uuid4().hex
        self._engine = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        self._connection: Connection | None = None
        self._beginning = [_row(*thing) for thing in things_of(world)]
        self.reset()

    @property
    def today(self) -> date:
        """The world's frozen day."""
        return self.world.today

    def now(self) -> datetime:
        """The world's day at this machine's time of day."""
        return datetime.combine(self.today, datetime.now(UTC).timetz())

    def noon(self) -> datetime:
        """When the daily job has refreshed stored figures."""
        return datetime.combine(self.today, time(12, 0, 2, tzinfo=UTC))

    def reset(self) -> None:
        """Put the world back to how its file describes it."""
        self.switches = self.world.switches.model_copy()
        _META.drop_all(self._engine)
        _META.create_all(self._engine)
        with self.transaction():
            if self._beginning:
                self._in().execute(_THINGS.insert(), self._beginning)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside are kept together, or not at all if an exception leaves the block."""
        with self._engine.begin() as connection:
            self._connection = connection
            try:
                yield
            finally:
                self._connection = None

    def _in(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("the store is used outside a transaction")
        return self._connection

    def get(self, kind: str, key: object) -> Doc | None:
        """One document, or None."""
        query = sa.select(_THINGS.c.doc).where(_THINGS.c.kind == kind, _THINGS.c.key == str(key))
        text = self._in().execute(query).scalar_one_or_none()
        return json.loads(text) if text is not None else None

    def all(self, kind: str, where: Callable[[Doc], bool] = lambda doc: True) -> list[Doc]:
        """All documents of a kind, in the order in which they came."""
        query = sa.select(_THINGS.c.doc).where(_THINGS.c.kind == kind).order_by(_THINGS.c.place)
        docs = [json.loads(text) for text in self._in().execute(query).scalars()]
        return [doc for doc in docs if where(doc)]

    def find(self, kind: str, field: str, value: object) -> list[Doc]:
        """The documents whose field (one of those in `_FOUND_BY`) has this value, whatever its case."""
        column = _THINGS.c.one if _FOUND_BY[kind][0] == field else _THINGS.c.other
        where = (_THINGS.c.kind == kind, column == str(value).lower())
        query = sa.select(_THINGS.c.doc).where(*where).order_by(_THINGS.c.place)
        return [json.loads(text) for text in self._in().execute(query).scalars()]

    def put(self, kind: str, key: object, doc: Doc) -> Doc:
        """Store a document under its key, new or changed."""
        row = _row(kind, key, doc)
        new = insert(_THINGS).values(**row)
        changed = {name: new.excluded[name] for name in ("one", "other", "doc")}
        self._in().execute(new.on_conflict_do_update(index_elements=["kind", "key"], set_=changed))
        return doc

    def remove(self, kind: str, key: object) -> None:
        """Forget a document."""
        self._in().execute(_THINGS.delete().where(_THINGS.c.kind == kind, _THINGS.c.key == str(key)))

    def next_id(self, kind: str) -> int:
        """The next free number of a kind."""
        query = sa.select(sa.func.max(sa.cast(_THINGS.c.key, sa.Integer))).where(_THINGS.c.kind == kind)
        return int(self._in().execute(query).scalar_one() or 0) + 1

    def group(self, ref: str) -> Doc | None:
        """A group by id or full path, whatever its case."""
        if ref.isascii() and ref.isdigit():
            return self.get("group", ref)
        found = self.find("group", "full_path", ref)
        return found[0] if found else None


def _row(kind: str, key: object, doc: Doc) -> Doc:
    one, other = (doc.get(name) for name in _FOUND_BY.get(kind, ("", "")))
    return {
        "kind": kind,
        "key": str(key),
        "one": str(one).lower() if one is not None else None,
        "other": str(other).lower() if other is not None else None,
        "doc": json.dumps(doc, default=str),
    }
