"""One row in a worker process: executed, looked at once more, and told in a few words that fit through a pipe."""

from __future__ import annotations

import fcntl
import gc
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING

from glhelpers.actions.catalogue import CATALOGUE
from glhelpers.batch.forks import HANDLED
from glhelpers.batch.ledger import Ended, Ledger
from glhelpers.batch.proof import mixed_up
from glhelpers.batch.rows import Row
from glhelpers.errors import GlhelpersError
from glhelpers.models.change import Outcome
from glhelpers.models.finding import Status
from glhelpers.models.record import RunRecord
from glhelpers.models.request import parse_parameters
from glhelpers.settings import Settings

if TYPE_CHECKING:
    from io import TextIOWrapper

    from glhelpers.batch.execute import Result

__all__ = ["Job", "begin_worker", "ended_of", "executed", "lost", "own_pid", "work"]

_TO_FINISH = 20.0
"""Seconds that a worker has for finishing its folder when the process that it works for is gone."""

_settings: Settings
_ledger: Ledger
_lock: TextIOWrapper
_busy = threading.Event()


@dataclass(frozen=True)
class Job:
    """A row to be run: its number in the file, and the approval (a path from the batch's folder) of its change, if any."""

    number: int
    row: Row
    approval: str = ""
    target: str = ""


def begin_worker(settings: Settings, environment: dict[str, str]) -> None:
    """
    Make this process a worker of the batch in `settings.runs_dir`.

    Ctrl-C is for the process in the terminal alone to answer.  A worker whose owner is gone finishes
    the folder of its run as one that was cut off, and ends.
    """
    global _settings, _ledger, _lock
    os.environ.clear()
    os.environ.update(environment)  # the process that workers are forked from may have begun under another
    _settings, _ledger = settings, Ledger(settings.runs_dir)
    _lock = (settings.runs_dir / ".workers.lock").open("a")
    fcntl.flock(_lock, fcntl.LOCK_SH)
    # Handlers rather than "ignore", which the kernels would inherit.
    for number in HANDLED:
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
    threading.Thread(target=_end_with_owner, daemon=True).start()
    # What was imported stays for good; looking it through again and again costs a tenth of a run.
    gc.freeze()


def own_pid() -> int:
    """The id of this process."""
    return os.getpid()


def work(job: Job) -> Ended:
    """Run one row; whatever happens, the answer says how it ended."""
    _busy.set()
    try:
        return run_row(job, _settings, _ledger)
    finally:
        _busy.clear()


def run_row(job: Job, settings: Settings, ledger: Ledger) -> Ended:
    """Execute the row's notebook and prove that the file holds its own ticket only."""
    made = executed(job, lambda: settings)
    if isinstance(made, Ended):
        return made
    return looked_at(made.folder, made.record, job, settings, lambda ticket: ledger.has_ticket(ticket, but=job.number))


def executed(job: Job, settings_of: Callable[[], Settings]) -> Result | Ended:
    """The run of a row; how it ended where it left no folder: one row's surprise must not end the others."""
    from glhelpers.batch.execute import execute

    try:
        settings = settings_of()
        approval = {"approval": str(settings.runs_dir / job.approval)} if job.approval else {}
        return execute(job.row.runbook, {**job.row.given, **approval}, settings)
    except GlhelpersError as error:
        return Ended(Status.failed.value, error.message, next_step=error.next_step or "", sent=bool(job.approval))
    except Exception as error:  # noqa: BLE001 (whatever it is, it is told)
        return Ended(
            Status.failed.value, f"An unforeseen {type(error).__name__} ended the run.", sent=bool(job.approval)
        )


def looked_at(
    folder: Path, record: RunRecord, job: Job, settings: Settings, is_anothers: Callable[[int], bool]
) -> Ended:
    """How a run ended; `failed`, whatever its record says, if its folder holds anything of another run."""
    ended = ended_of(folder, record, settings.runs_dir)
    asked = parse_parameters(CATALOGUE[job.row.runbook].parameters, dict(job.row.given), job.row.runbook)
    wrong = mixed_up(folder, record, job.row.runbook, asked, is_anothers)
    if wrong is None:
        return ended
    return replace(
        ended,
        status=Status.failed.value,
        why=f"MIXED UP: {wrong} Its own record says: {ended.status}.",
        next_step="Do not attach this folder. Keep it, report it, and run the row again.",
    )


def lost(job: Job, why: str) -> Ended:
    """How a run ended of which nobody can tell more than that it was cut off."""
    return Ended(
        Status.failed.value,
        why + (" A change may have been sent: run again, it reads the state back first." if job.approval else ""),
        next_step="Run the batch again with --resume.",
        sent=bool(job.approval),
        cut_off=True,
    )


def ended_of(folder: Path, record: RunRecord, root: Path) -> Ended:
    """What the batch keeps of a run's record."""
    deciding = record.decision.deciding[:1] if record.decision is not None else ()
    label = next((finding.label for finding in record.findings if finding.rule in deciding), "")
    receipt = record.receipt
    failed_at_work = record.status is Status.failed and record.approval is not None
    return Ended(
        status=record.status.value,
        why=record.why,
        next_step=record.next_step or "",
        rule=deciding[0] if deciding else "",
        label=label,
        folder=str(folder.relative_to(root)) if folder.is_relative_to(root) else str(folder),
        digest=record.plan_digest or "",
        target=record.plan.target.key if record.plan is not None else "",
        run_id=record.run_id,
        sent=failed_at_work or (receipt is not None and receipt.outcome is not Outcome.noop),
        cut_off=not record.complete,
    )


def _end_with_owner() -> None:
    owner = parent_process()
    if owner is None:
        return
    wait([owner.sentinel])
    end = time.monotonic() + _TO_FINISH
    while _busy.is_set() and time.monotonic() < end:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.5)
    os._exit(3)
