"""The database under the journal: SQLite or PostgreSQL, on disk when a transaction ends, one writer at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_random

from glhelpers.errors import BadSettings

__all__ = ["append_only", "durable_engine", "has_tables"]

_BUSY_SECONDS = 30
_LOCK = 7305911
"""Any number, but the same for all: the advisory lock that keeps the hash chain a chain."""


def durable_engine(url: str) -> Engine:
    """
    An engine whose transactions take the write lock at once and are on disk when they end.

    Raises `BadSettings` for any other database than SQLite and PostgreSQL.
    """
    kind = sa.make_url(url).get_backend_name()
    if kind == "postgresql":
        return _postgresql(url)
    if kind != "sqlite":
        raise BadSettings(
            f"A journal cannot be kept in {kind}: its locks were never tried there.",
            next_step="Set GLHELPERS_JOURNAL_URL to sqlite:///FILE or postgresql://USER@HOST/DATABASE.",
        )
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


def _postgresql(url: str) -> Engine:
    address = sa.make_url(url)
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    engine = sa.create_engine(address, pool_pre_ping=True, pool_size=2, connect_args={"connect_timeout": 10})

    @sa.event.listens_for(engine, "connect")
    def durable(connection: Any, record: Any) -> None:
        # A role or a server may be set to answer before a transaction is on disk, or to wait for a lock for ever.
        connection.autocommit = True
        connection.execute("SET synchronous_commit TO on")
        connection.execute(f"SET lock_timeout TO '{_BUSY_SECONDS}s'")
        connection.autocommit = False

    @sa.event.listens_for(engine, "begin")
    def one_at_a_time(connection: Connection) -> None:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")

    return engine


def has_tables(connection: Connection, names: Collection[str]) -> bool:
    """Whether all of these are there, as far as one quick look can tell; every run of a batch opens the journal anew."""
    if connection.dialect.name != "sqlite":
        return False
    found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars()
    return set(names) <= set(found)


_SQLITE_STAYS = """
CREATE TRIGGER IF NOT EXISTS {table}_{deed} BEFORE {deed} ON {table}
BEGIN SELECT RAISE(ABORT, 'rows of the journal are never changed'); END
"""
_POSTGRESQL_STAYS = """
CREATE OR REPLACE FUNCTION {table}_stay() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'rows of the journal are never changed'; END $$;
CREATE TRIGGER {table}_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION {table}_stay()
"""


def append_only(table: sa.Table) -> None:
    """Have the database itself refuse to change or remove rows of this table, once it is made."""

    @sa.event.listens_for(table, "after_create")
    def guard(table: sa.Table, connection: Connection, **_: Any) -> None:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(_POSTGRESQL_STAYS.format(table=table.name))
            return
        for deed in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(_SQLITE_STAYS.format(table=table.name, deed=deed))


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
