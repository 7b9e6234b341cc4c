"""`glhelpers evidence`: what can be done with the folder of a run afterwards."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

__all__ = ["evidence_app"]

evidence_app = typer.Typer(no_args_is_help=True, help="The folder of a run, afterwards.")
_OTHERWISE = 4


@evidence_app.callback()
def evidence() -> None:
    """What can be done with the folder of a run."""


@evidence_app.command()
def replay(run_dir: Annotated[Path, typer.Argument(help="The folder of a run.")]) -> None:
    """
    Go through a run again, offline: the answers of then, the rules of today; nothing is written.

    Exit codes: 0 the same findings, plan and status; 4 something comes out otherwise; 2 no record or no answers.
    """
    from glhelpers.batch.replay import replay as replay_run

    out = Console(emoji=False, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 150)
    with Console(stderr=True).status("Going through the run again ..."):
        told = replay_run(run_dir)
    then = told.record
    if not told.differences:
        plan = f", the same plan {then.plan_digest[:12]}" if then.plan_digest else ""
        out.print(
            f"[green]✔[/] The same: {told.findings} findings, {then.status}{plan}. Nothing was asked of any service, "
            "and nothing was written."
        )
        return
    table = Table("what", Column("then", overflow="fold"), Column("by the rules of today", overflow="fold"))
    for row in told.differences:
        table.add_row(escape(row.what), escape(row.then), escape(row.now))
    out.print(table)
    versions = then.versions.get("glhelpers", "an unknown version")
    out.print(
        f"[bold yellow]![/] {len(told.differences)} things come out otherwise; the run was made by glhelpers {versions}."
    )
    raise typer.Exit(_OTHERWISE)
