"""`glhelpers sandbox cases`, `rehearse`, `judge`: training cases, and whether the right thing was done."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

__all__ = ["add_rehearsal"]

_NOT_RIGHT = 4
_SIGNS = {"right": "[bold green]✔ right[/]", "not yet": "[bold yellow]… not yet[/]", "wrong": "[bold red]✘ wrong[/]"}


def add_rehearsal(app: typer.Typer) -> None:
    """Give the command group of the sandbox its commands for training."""
    app.command(name="cases")(_cases)
    app.command(name="rehearse")(_rehearse)
    app.command(name="judge")(_judge)


def _cases() -> None:
    """List the training cases: what each teaches, its level, and about how long it takes."""
    from glhelpers.rehearsal.case import cases

    table = Table(Column("case", no_wrap=True), "title", Column("teaches", ratio=1), "level", "minutes")
    for case in cases():
        table.add_row(case.id, escape(case.title), escape(case.teaches), case.level, str(case.minutes))
    out = _console()
    out.print(table)
    out.print("To begin one: glhelpers sandbox rehearse CASE")


def _rehearse(
    case: Annotated[str, typer.Argument(help="Id of a training case; glhelpers sandbox cases lists them.")],
    hint: Annotated[bool, typer.Option("--hint", help="Print a hint; starts nothing.")] = False,
    solution: Annotated[bool, typer.Option("--solution", help="Print the solution; starts nothing.")] = False,
    port: Annotated[int, typer.Option(help="GitLab.com's port; the next two are taken as well. 0: any.")] = 0,
) -> None:
    """Serve a case's world until Ctrl-C, with the ticket, the goal, and what to type next; a new start each time."""
    from glhelpers.rehearsal.case import case_named
    from glhelpers.rehearsal.words import next_lines, solution_lines, ticket_lines

    found = case_named(case)
    if hint or solution:
        if hint:
            typer.echo(found.hint)
        if solution:
            _say(solution_lines(found))
        return
    from glhelpers.batch.lab import serve_sandbox
    from glhelpers.rehearsal.session import begin, need_plain_sandbox

    need_plain_sandbox()
    out = _console()
    out.print(f"[bold]{escape(found.title)}[/]  ({found.level}, about {found.minutes} minutes)")
    typer.echo("")
    _say(ticket_lines(found))
    typer.echo("")
    out.print(f"[bold]Goal[/]: {escape(found.goal)}")
    typer.echo("")
    _say(next_lines(found))
    typer.echo("")
    sys.stdout.flush()  # this process becomes the sandbox, and what is not printed by then never is
    raise typer.Exit(serve_sandbox(port, begin(found), None, as_json=False))


def _judge(
    case: Annotated[str, typer.Argument(help="Id of the case; without it, the one that goes on.")] = "",
    runs: Annotated[Path | None, typer.Option(metavar="DIR", help="Where your run folders are.")] = None,
) -> None:
    """
    Tell whether the right thing was done: right, not yet, or wrong, with the reasons.

    It goes by what the sandbox received, how its world stands, and the records of your runs; doing
    nothing is never right by itself.  Exit codes: 0 right, 4 not yet or wrong.
    """
    from glhelpers.rehearsal.session import judge_running

    found, judgement = judge_running(case, runs.absolute() if runs is not None else None)
    out = _console()
    out.print(f"{_SIGNS[judgement.verdict]}  {escape(found.title)}")
    for reason in judgement.reasons:
        out.print(f"  • {escape(reason)}")
    if judgement.verdict == "right":
        out.print(f"  Why: {escape(found.solution.says)}\n  Handbook: {found.section}")
        return
    again = "start again with" if judgement.verdict == "wrong" else "a hint:"
    option = "" if judgement.verdict == "wrong" else " --hint"
    out.print(f"  {again.capitalize()} glhelpers sandbox rehearse {found.id}{option}")
    raise typer.Exit(_NOT_RIGHT)


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)


def _console() -> Console:
    # In a pipe or a CI log there is no width to ask for.
    return Console(emoji=False, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 150)
