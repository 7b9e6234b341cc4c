"""A batch from its list of tickets to its summary: validated as a whole, run side by side, gone on with after a crash."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from glhelpers.batch.crew import Crew, Feed, Halt, Place
from glhelpers.batch.dask_seat import DaskSeat, joined
from glhelpers.batch.feeds import ApplyFeed, PlanFeed, approval_of, is_to_do, was_cut_off
from glhelpers.batch.ledger import FILE, Ended, Entry, Ledger, Pass
from glhelpers.batch.rows import Problem, read_rows
from glhelpers.batch.summary import Totals, write_summary
from glhelpers.batch.work import Job, looked_at
from glhelpers.clients.pace import PER_SECOND
from glhelpers.errors import BadParameter, GlhelpersError, OperatorError
from glhelpers.evidence.folder import read_record, run_id_of
from glhelpers.evidence.secrets import register_tokens
from glhelpers.kernels.owner import lent_to_children
from glhelpers.settings import Settings, require_tokens

__all__ = ["MOST_WRITES", "Asked", "Watcher", "run_batch"]

MOST_WRITES = 25
"""So many changes a batch sends at most, unless told otherwise."""

_MOST_SHOWN = 1000


@dataclass(frozen=True)
class Asked:
    """
    What a batch is asked to do.

    `jobs` 0: as many runs at once as the cores carry.  `seconds` None: no deadline.  `shard` is
    (number, of), the part of the rows that is this batch's.  `rate` 0: the ordinary one.  `dask`: the
    address of a cluster's scheduler, if the runs are to be made there.
    """

    tickets: Path
    out: Path
    turn: Pass = Pass.plan
    runbook: str = ""
    jobs: int = 0
    resume: bool = False
    most_writes: int = MOST_WRITES
    seconds: float | None = None
    shard: tuple[int, int] = (1, 1)
    rate: int = 0
    dask: str = ""


class Watcher:
    """Hears what happens; a face of the batch overrides what it shows. Called from several threads."""

    def opens(self, rows: int, to_do: int) -> None:
        """The list is valid: so many rows, so many of them to be run in this pass."""

    def began(self, job: Job) -> None:
        """A run begins."""

    def ended(self, job: Job, ended: Ended) -> None:
        """A run has ended."""

    def says(self, sentence: str) -> None:
        """Something to be read now."""


def run_batch(asked: Asked, settings: Settings, watcher: Watcher) -> Totals:
    """
    Run the batch and leave its summary.

    Raises `BadParameter`, before anything is run, with all that is wrong with the list of tickets.
    """
    out = asked.out.expanduser().absolute()
    settings = _settings_for(asked, settings, out)
    require_tokens(settings)
    _make(out, asked.turn)
    with closing(Ledger(out)) as ledger:
        ledger.hold()
        _fresh_or_known(asked, ledger)
        _fill(asked, ledger, settings)
        _adopt_what_ended(ledger, settings)
        register_tokens(settings)
        feed: ApplyFeed | PlanFeed = (
            ApplyFeed(ledger, asked.most_writes) if asked.turn is Pass.apply else PlanFeed(ledger)
        )
        halt = Halt(watcher.says)
        watcher.opens(ledger.size(), sum(_is_due(entry, asked.turn, out) for entry in ledger.entries()))
        try:
            with _places(asked, settings, ledger, halt) as (jobs, place), halt.by_signals(), lent_to_children():
                _crew(asked, settings, ledger, feed, halt, watcher, jobs, place).run(seconds=asked.seconds)
        finally:
            totals = write_summary(ledger, asked.turn, halt.why, getattr(feed, "stopped", ""))
        return totals


def _is_due(entry: Entry, turn: Pass, out: Path) -> bool:
    if turn is Pass.apply:
        return was_cut_off(entry) or approval_of(entry, out) is not None
    return is_to_do(entry)


@contextmanager
def _places(
    asked: Asked, settings: Settings, ledger: Ledger, halt: Halt
) -> Iterator[tuple[int, Callable[[], Place] | None]]:
    """How many runs at once, and where: in processes of this machine unless a cluster is named."""
    if not asked.dask:
        yield asked.jobs or 2 * (os.cpu_count() or 1), None
        return
    with joined(asked.dask, settings) as cluster:
        yield asked.jobs or cluster.slots, lambda: DaskSeat(cluster, settings, ledger, halt)


def _crew(
    asked: Asked,
    settings: Settings,
    ledger: Ledger,
    feed: Feed,
    halt: Halt,
    watcher: Watcher,
    jobs: int,
    place: Callable[[], Place] | None,
) -> Crew:
    return Crew(
        settings,
        ledger,
        feed,
        halt,
        turn=asked.turn,
        jobs=min(jobs, max(1, ledger.size())),
        began=watcher.began,
        ended=watcher.ended,
        place=place,
    )


def _settings_for(asked: Asked, settings: Settings, out: Path) -> Settings:
    pace = asked.rate or (None if settings.on_loopback else int(PER_SECOND))
    return replace(settings, runs_dir=out, read_only=asked.turn is Pass.audit, pace=pace)


def _make(out: Path, turn: Pass) -> None:
    if turn is Pass.apply and not (out / FILE).is_file():
        raise BadParameter(
            f"{out} holds no batch whose plans could be applied.",
            next_step="Run the batch without --apply first; then approve its plans with `glhelpers approve`.",
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(
            f"{out} cannot be made ({error.strerror}).", next_step="Choose another folder with --out."
        ) from None


def _fresh_or_known(asked: Asked, ledger: Ledger) -> None:
    if asked.turn is not Pass.apply and ledger.fact("rows") is not None and not asked.resume:
        raise BadParameter(
            f"{ledger.folder} holds a batch already.",
            next_step="Go on with it by --resume, or name another folder with --out.",
        )


def _fill(asked: Asked, ledger: Ledger, settings: Settings) -> None:
    """Take the rows into a new ledger, or see that they are those that the batch was begun with."""
    problems: list[str] = []
    number, count, digest, begun_with = 0, 0, hashlib.sha256(), ledger.fact("rows")
    with ledger.filling() as filling:
        for found in read_rows(asked.tickets, asked.runbook):
            problem = found if isinstance(found, Problem) else None
            if not isinstance(found, Problem):
                number += 1
                if found.is_of_shard(*asked.shard):
                    digest.update(found.key.encode())
                    problem = filling.add(number, found) if begun_with is None else None
            if problem is not None:
                count += 1
                problems += [problem.sentence] if count <= _MOST_SHOWN else []
        kind = Pass.audit if asked.turn is Pass.audit else Pass.plan
        facts = {
            "rows": digest.hexdigest(),
            "kind": kind.value,
            "profile": settings.profile,
            "shard": "/".join(map(str, asked.shard)),
        }
        if problems or number == 0:
            filling.undo()
        elif begun_with is None:
            filling.keep_facts({**facts, "tickets": asked.tickets.name})
    if problems or number == 0:
        _forget(ledger, begun_with)
        raise _all_of(problems, count, asked.tickets)
    if begun_with is not None:
        _is_the_same(ledger, facts)


def _forget(ledger: Ledger, begun_with: str | None) -> None:
    """A list that was refused leaves no batch behind."""
    if begun_with is None:
        ledger.close()
        for name in (FILE, f"{FILE}-wal", f"{FILE}-shm"):
            (ledger.folder / name).unlink(missing_ok=True)


def _all_of(problems: list[str], count: int, tickets: Path) -> BadParameter:
    if not count:
        return BadParameter(f"{tickets.name} holds no tickets.", next_step="Write one row for each.")
    more = [f"and {count - len(problems)} more"] if count > len(problems) else []
    lines = "\n".join(f"  {sentence}" for sentence in problems + more)
    return BadParameter(
        f"{tickets.name} has {count} problem{'s' if count > 1 else ''}; nothing was run:\n{lines}",
        next_step="Mend them and run the batch again; docs/batch.md says what a row holds.",
    )


_OTHERWISE = {
    "rows": "The list of tickets is not the one that the batch was begun with.",
    "kind": "The batch was begun with --audit, or without it, and goes on the same way only.",
    "profile": "The batch was begun with another profile.",
    "shard": "The batch was begun with another --shard.",
}


def _is_the_same(ledger: Ledger, facts: dict[str, str]) -> None:
    for name, value in facts.items():
        if ledger.fact(name) != value:
            raise BadParameter(_OTHERWISE[name], next_step="Run it as it was begun, or name a new folder with --out.")


def _adopt_what_ended(ledger: Ledger, settings: Settings) -> None:
    """A run may have come to its end although the process that would have noted it was killed."""
    for entry in ledger.entries():
        if entry.run and entry.ended is None and (ended := _found(entry, ledger, settings)) is not None:
            ledger.end_run(entry.run, ended)


def _found(entry: Entry, ledger: Ledger, settings: Settings) -> Ended | None:
    row = entry.row
    parent = settings.runs_dir / (str(row.ticket) if row.ticket else "no-ticket") / row.runbook
    began = run_id_of(datetime.fromisoformat(entry.began_at))
    job = Job(entry.number, row, entry.approval)
    for folder in sorted(parent.glob("[0-9]*")):
        if folder.name < began:
            continue
        try:
            record = read_record(folder)
        except GlhelpersError:
            continue
        ended = looked_at(folder, record, job, settings, lambda ticket: ledger.has_ticket(ticket, but=entry.number))
        if not ended.why.startswith("MIXED UP"):  # it is the folder of a neighbour without a ticket
            return ended
    return None
