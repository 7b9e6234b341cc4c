"""`glhelpers handbook`: whether the handbook page still says what the rules rest on."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

if TYPE_CHECKING:
    from glhelpers.batch.handbook import Report

__all__ = ["handbook_app"]

handbook_app = typer.Typer(no_args_is_help=True, help="The handbook page that the rules rest on.")
_DIFFERS = 4


@handbook_app.callback()
def handbook() -> None:
    """Keep `check` a command of its own, though it is the only one."""


@handbook_app.command()
def check(
    page: Annotated[Path, typer.Argument(metavar="PAGE.md", help="The Markdown source of a newer copy of the page.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
    fingerprints: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Other fingerprints than those of this version.")
    ] = None,
) -> None:
    """
    Tell which rules rest on text of the page that changed, moved or vanished, and which text is new.

    Exit codes: 0 nothing but looks has changed, 4 something has, 2 the page cannot be read.
    """
    from glhelpers.batch.handbook import check_page, read_base

    report = check_page(page, base=read_base(fingerprints) if fingerprints else None)
    if as_json:
        typer.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=1))
    else:
        _show(report)
    raise typer.Exit(_DIFFERS if report.differs else 0)


def _show(report: Report) -> None:
    # In a pipe or a CI log there is no width to ask for.
    out = Console(emoji=False, highlight=False, width=None if sys.stdout.isatty() else 150)
    found = report.comparison
    if not report.differs:
        out.print(
            f"[green]✔[/] All {len(found.paragraphs)} paragraphs are as they were when the rules were written.",
            soft_wrap=True,
        )
        return
    if found.alarming or found.headings:
        out.print(_rules(report))
    if found.fresh:
        out.print(_fresh(report))
    out.print(
        "Read these passages, change the rules where they must change, then renew the fingerprints (docs/handbook.md).",
        soft_wrap=True,
    )


def _rules(report: Report) -> Table:
    from glhelpers.rules.paragraphs import PARAGRAPHS

    found = report.comparison
    steady = len(found.paragraphs) - len(found.alarming)
    table = Table(
        "what",
        Column("paragraph, in our words", ratio=2),
        Column("where", ratio=1, overflow="fold"),
        Column("rules that rest on it", ratio=2),
        title=f"Not as it was ({steady} of {len(found.paragraphs)} paragraphs are)",
        expand=True,
        show_lines=True,
    )
    for heading in found.headings:
        now = f"now #{heading.now}" if heading.now else "no such heading any more"
        table.add_row(
            "heading", f"the section [bold]#{escape(heading.was)}[/]", escape(now), _named(heading.rules, report)
        )
    for traced in found.alarming:
        told = PARAGRAPHS[traced.id].summary if traced.id in PARAGRAPHS else ""
        table.add_row(
            traced.kind.value,
            f"[bold]{traced.id}[/]\n{escape(told)}",
            f"was in #{escape(traced.was)}" if traced.line is None else _place(traced.anchor, traced.line),
            _named(traced.rules, report),
        )
    return table


def _fresh(report: Report) -> Table:
    table = Table(
        Column("it begins", ratio=2),
        Column("where", ratio=2, overflow="fold"),
        title="New on the page: no rule rests on it",
        expand=True,
    )
    for fresh in report.comparison.fresh:
        table.add_row(escape(f"{fresh.opening} …"), _place(fresh.anchor, fresh.line))
    return table


def _place(anchor: str | None, line: int) -> str:
    return f"line {line}, #{escape(anchor)}" if anchor else f"line {line}, before the first heading"


def _named(rules: Sequence[str], report: Report) -> str:
    if not rules:
        return "[dim]no rule[/]"
    return "\n".join(f"{rule} [dim]({', '.join(report.runbooks.get(rule, ()))})[/]" for rule in rules)
