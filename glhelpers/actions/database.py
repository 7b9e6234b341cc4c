"""The database under the journal: SQLite that is on disk when a transaction ends, or any other by its URL."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_random

from glhelpers.errors import BadSettings

__all__ = ["durable_engine"]

_BUSY_SECONDS = 30


def durable_engine(url: str) -> Engine:
    """An engine whose transactions take the write lock at once and are on disk when they end."""
    if not url.startswith("sqlite"):
        return sa.create_engine(url, pool_pre_ping=True)
    path = sa.make_url(url).database
    if path:
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            raise BadSettings(
                "The folder of the journal cannot be made.",
                next_step="Set GLHELPERS_STATE_DIR to a folder that you can write.",
            ) from None
    engine = sa.create_engine(url, connect_args={"timeout": _BUSY_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def durable(connection: Any, record: Any) -> None:
        # The driver would begin transactions late and on its own; the claim must hold from the start.
        connection.isolation_level = None
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous=FULL")

    @sa.event.listens_for(engine, "begin")
    def immediate(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


@retry(
    retry=retry_if_exception_type(sqlite3.OperationalError),
    stop=stop_after_delay(_BUSY_SECONDS / 3),
    wait=wait_random(0.01, 0.1),
    reraise=True,
)
def _write_ahead(connection: sqlite3.Connection) -> None:
    """Of several that open a new database at once, SQLite lets one switch and turns the others away without waiting."""
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise sqlite3.DatabaseError(str(error)) from None
        raise
