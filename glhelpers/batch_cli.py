"""`glhelpers batch`, and `glhelpers approve` for a batch's folder: many tickets at once."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from glhelpers.batch.summary import Totals

__all__ = ["batch_command"]

_MOST_WRITES = 25
_DEADLINE_MINUTES = 480.0
"""A working day: a batch that runs longer is one that nobody watches."""


def batch_command(
    tickets: Annotated[Path, typer.Argument(metavar="TICKETS", help="A .csv or .jsonl file, one run a row.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The batch's folder: runs, ledger, summary.")],
    runbook: Annotated[str, typer.Option(metavar="ID", help="The runbook of rows that name none.")] = "",
    jobs: Annotated[int, typer.Option(min=0, max=256, help="Runs at once; 0 for what the cores carry.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the batch in DIR; nothing done is repeated.")] = (
        False
    ),
    audit: Annotated[bool, typer.Option("--audit", help="Only look: which rows are in which state.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Apply the plans of DIR that were approved.")] = False,
    max_writes: Annotated[
        int, typer.Option("--max-writes", min=0, help="So many changes in this batch at most, all passes together.")
    ] = _MOST_WRITES,
    deadline: Annotated[
        float, typer.Option("--deadline", metavar="MIN", min=0.01, help="No run begins after so many minutes.")
    ] = _DEADLINE_MINUTES,
    shard: Annotated[str, typer.Option(metavar="K/N", help="Only part K of N of the rows.")] = "1/1",
    dask: Annotated[
        str,
        typer.Option("--dask", metavar="ADDRESS", help="Run on the dask cluster whose scheduler is there (tcp://...)."),
    ] = "",
    rate: Annotated[
        int, typer.Option(min=0, max=1000, help="Requests a second to one host, all runs together; 0 for the usual.")
    ] = 0,
) -> None:
    """
    Run many tickets side by side: plan all, or with --apply carry out what was approved, or with --audit only look.

    Exit codes: 0 all ended as they should, 2 bad input, 3 a run failed or was not made, 4 a change does not show or a
    plan is stale.
    """
    _begin_forks(dask)
    from glhelpers.batch.ledger import Pass
    from glhelpers.batch.progress import Shown
    from glhelpers.batch.run_batch import Asked, run_batch
    from glhelpers.errors import BadParameter
    from glhelpers.settings import load_settings

    if audit and apply:
        raise BadParameter("--audit only looks, --apply changes; one of them.", next_step="Leave one out.")
    asked = Asked(
        tickets=tickets,
        out=out,
        turn=Pass.audit if audit else Pass.apply if apply else Pass.plan,
        runbook=runbook,
        jobs=jobs,
        resume=resume,
        most_writes=max_writes,
        seconds=deadline * 60,
        shard=_shard(shard),
        rate=rate,
        dask=dask,
    )
    with Shown(Console(stderr=True, emoji=False, soft_wrap=True)) as shown:
        totals = run_batch(asked, load_settings(), shown)
    _say(
        totals,
        f"{tickets} --out {out}" + (f" --runbook {runbook}" if runbook else "") + (f" --dask {dask}" if dask else ""),
    )
    raise typer.Exit(totals.exit_code)


def _begin_forks(dask: str) -> None:
    """What kernels and workers are forked from imports while this process does; a cluster has its own."""
    if not dask:
        from glhelpers.batch.forks import begin_forks

        begin_forks()


def _shard(text: str) -> tuple[int, int]:
    from glhelpers.errors import BadParameter

    match = re.fullmatch(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})", text)
    if match is None or int(match[1]) > int(match[2]):
        raise BadParameter("--shard is not of the form K/N.", next_step="Write 1/4 for the first of four parts.")
    return int(match[1]), int(match[2])


def _console() -> Console:
    return Console(emoji=False, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 150)


def _say(totals: Totals, words: str) -> None:
    """Counts, what keeps the batch from going on, and the command to go on with."""
    from glhelpers.batch.ledger import Pass
    from glhelpers.models.finding import Status

    out = _console()
    counts = ", ".join(f"{count} {status}" for status, count in sorted(totals.counts.items()))
    out.print(f"[bold {'red' if totals.exit_code else 'green'}]{totals.counts.total()} rows[/]: {counts}")
    for sentence in (totals.halted, totals.stopped):
        if sentence:
            out.print(f"  [bold yellow]![/] {escape(sentence)}")
    out.print(f"  Report: {escape(str(totals.folder / 'report.html'))}")
    if totals.left or totals.halted:
        same = {Pass.apply: " --apply", Pass.audit: " --audit --resume"}.get(totals.turn, " --resume")
        out.print(f"  To go on: glhelpers batch {escape(words)}{same}")
    elif totals.counts[Status.stale_plan.value]:
        out.print(f"  To plan anew what is stale: glhelpers batch {escape(words)} --resume")
    elif totals.counts[Status.failed.value] and totals.turn is not Pass.apply:
        out.print(f"  To run what failed again: glhelpers batch {escape(words)} --resume")
    if totals.turn is Pass.plan and totals.counts[Status.awaiting_approval.value]:
        out.print(f"  To approve: glhelpers approve {escape(str(totals.folder))}")
        out.print(f"  To apply what was approved: glhelpers batch {escape(words)} --apply")
