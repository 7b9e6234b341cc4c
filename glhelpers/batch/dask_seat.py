"""
The same batch on several machines: runs go to the workers of a dask.distributed cluster.

A worker has credentials, journal and services from its own environment; nothing of the kind is sent
to it.  The batch's folder is one that all of them see.  A worker that dies is replaced by another:
the run is made again, reads the state back first, and the journal, which they share, lets one write
through.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glhelpers.batch.crew import RUN_SECONDS, Halt
from glhelpers.batch.ledger import Ended, Ledger
from glhelpers.batch.work import Job, executed, looked_at, lost
from glhelpers.errors import BadParameter, BadSettings, GlhelpersError
from glhelpers.evidence.folder import read_record
from glhelpers.settings import Settings, load_settings, require_tokens

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Cluster", "Common", "DaskSeat", "joined", "run_there"]

_LOOK_SECONDS = 0.05
_FETCH_SECONDS = 30
_REACH_SECONDS = 20
_SEEN = ".seen-by-all"
_DIED = "The workers that were to make the run died."


@dataclass(frozen=True)
class Common:
    """What the one who asks and every worker must agree on; no secret is in it."""

    profile: str
    services: tuple[str, ...]
    journal: str
    operator: str
    out: str
    read_only: bool
    pace: int | None

    @classmethod
    def of(cls, settings: Settings) -> Common:
        """That of these settings."""
        from sqlalchemy import make_url

        endpoints = (settings.gitlab, settings.customersdot, settings.zendesk)
        return cls(
            profile=settings.profile,
            services=tuple(endpoint.base_url for endpoint in endpoints),
            journal=make_url(settings.journal_url).render_as_string(hide_password=True),
            operator=settings.operator,
            out=str(settings.runs_dir),
            read_only=settings.read_only,
            pace=settings.pace,
        )

    def settings_here(self) -> Settings:
        """This process's own settings for the batch; raises `BadSettings` if they would lead it somewhere else."""
        own = replace(
            load_settings(self.profile),
            operator=self.operator,
            runs_dir=Path(self.out),
            read_only=self.read_only,
            pace=self.pace,
        )
        require_tokens(own)
        there = Common.of(own)
        for name in ("services", "journal"):
            if getattr(there, name) != getattr(self, name):
                raise BadSettings(
                    f"A worker of the cluster has other {name} than the one who asked.",
                    next_step="Give all workers the same profile and the same GLHELPERS_JOURNAL_URL.",
                )
        return own


@dataclass(frozen=True)
class Cluster:
    """A cluster that was found fit: its client and how many runs it carries at once."""

    client: Client
    slots: int


@contextmanager
def joined(address: str, settings: Settings) -> Iterator[Cluster]:
    """
    A cluster at this address, looked at before anything is run.

    Raises `BadParameter` or `BadSettings` where it cannot be reached, has no workers, runs several tasks
    in one process, or where the journal is not one that several machines share.
    """
    if not settings.journal_url.startswith("postgresql"):
        raise BadSettings(
            "The journal is a file of this machine, which keeps no other machine from a second write.",
            next_step="Set GLHELPERS_JOURNAL_URL to a PostgreSQL database, here and on the workers.",
        )
    client = _client(address)
    try:
        threads: dict[str, int] = client.nthreads()
        if not threads:
            raise BadParameter(
                f"The cluster at {address} has no workers.", next_step="Start some: dask worker ADDRESS."
            )
        if max(threads.values()) > 1:
            raise BadParameter(
                "A worker of the cluster runs several tasks in one process, which would share what must be masked.",
                next_step="Start the workers with --nthreads 1, as many as the cores carry.",
            )
        _all_see(client, settings.runs_dir)
        yield Cluster(client, len(threads))
    finally:
        client.close()


def _client(address: str) -> Client:
    try:
        from distributed import Client
    except ImportError:
        raise BadParameter(
            "--dask needs dask.distributed, which is not installed.", next_step="Run: pip install 'glhelpers[dask]'."
        ) from None
    try:
        return Client(address, timeout=_REACH_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError):
        raise BadParameter(
            f"No dask scheduler answers at {address}.", next_step="Name it as tcp://HOST:PORT, as it says at its start."
        ) from None


def _all_see(client: Client, out: Path) -> None:
    """Whether every worker sees this very folder: a word that is written here is read there."""
    word = uuid.uuid4().hex
    (out / _SEEN).write_text(word, encoding="ascii")
    try:
        told: dict[str, str | None] = client.run(_seen, str(out / _SEEN))
    finally:
        (out / _SEEN).unlink(missing_ok=True)
    blind = sum(1 for answer in told.values() if answer != word)
    if blind:
        raise BadParameter(
            f"{blind} of {len(told)} workers do not see the batch's folder.",
            next_step="Name a folder with --out that all machines share.",
        )


def _seen(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="ascii")
    except OSError:
        return None


class DaskSeat:
    """A place for one run at a time on whichever worker is free."""

    def __init__(self, cluster: Cluster, settings: Settings, ledger: Ledger, halt: Halt) -> None:
        self._client, self._settings, self._ledger, self._halt = cluster.client, settings, ledger, halt
        self._common = Common.of(settings)

    def run(self, job: Job) -> Ended:
        """How the run ended; the cluster gives it to another worker if one dies."""
        from distributed import CancelledError, KilledWorker

        future = self._client.submit(run_there, job, self._common, pure=False, key=f"run-{job.number}-{uuid.uuid4()}")
        try:
            told = self._wait_for(future)
        except (KilledWorker, CancelledError, OSError):
            return lost(job, _DIED)
        if isinstance(told, Ended):
            return told
        folder = self._settings.runs_dir / told
        try:
            record = read_record(folder)
        except GlhelpersError as error:
            return lost(job, f"The run's folder cannot be read here: {error.message}")
        return looked_at(
            folder, record, job, self._settings, lambda ticket: self._ledger.has_ticket(ticket, but=job.number)
        )

    def close(self) -> None:
        """Nothing is held."""

    def _wait_for(self, future: Any) -> Any:
        """
        The answer, asked for only when there is one.

        Of several who fetch at once, distributed makes one request; whoever gives up waiting cancels it for all, who
        then get an `UnboundLocalError` (dask/distributed#8514). So nobody waits in there, and who gets that asks again.
        """
        end = time.monotonic() + RUN_SECONDS
        while True:
            if future.done():
                try:
                    return future.result(timeout=_FETCH_SECONDS)
                except TimeoutError:
                    pass
                except UnboundLocalError:
                    if future.status == "error":
                        raise
            if self._halt.cut.is_set() or time.monotonic() > end:
                future.cancel()
                raise OSError from None
            time.sleep(_LOOK_SECONDS)


def run_there(job: Job, common: Common) -> str | Ended:
    """
    On a worker: execute the row; the run's folder inside the batch's, or how it ended if it has none.

    The folder is looked at by the one who asked, who knows the other rows.
    """
    made = executed(job, common.settings_here)
    return made if isinstance(made, Ended) else str(made.folder.relative_to(common.out))
