"""The figures as a table in the terminal, and as the table of docs/reliability.md."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table

from .battery import Score

__all__ = ["page", "table"]

_HEADS = (
    "battery",
    "journal",
    "faults injected",
    "writes expected",
    "writes seen",
    "lost",
    "doubled",
    "seconds",
    "held",
)
_MARKS = ("<!-- figures: made by make torture -->", "<!-- end of figures -->")


def _row(score: Score) -> tuple[str, ...]:
    figures = (score.trials, score.expected, score.seen, score.lost, score.doubled, round(score.seconds))
    return (score.battery.name, score.database, *map(str, figures), "yes" if score.held else "NO")


def table(scores: Sequence[Score]) -> None:
    """Print the table."""
    shown = Table(*_HEADS)
    for score in scores:
        shown.add_row(*_row(score), style=None if score.held else "bold red")
    Console(width=None if os.isatty(1) else 140).print(shown)


def page(scores: Sequence[Score], text: str, now: datetime) -> str:
    """The same page with the rows of these batteries made anew; those of others stay."""
    kept = re.search(f"{re.escape(_MARKS[0])}(.*){re.escape(_MARKS[1])}", text, flags=re.DOTALL)
    old = [line for line in (kept.group(1) if kept else "").splitlines() if line.startswith("| ") and "`make" in line]
    rows = {tuple(cell.strip() for cell in line.split("|")[1:3]): line for line in old}
    for score in scores:
        rounds = f" ROUNDS={score.rounds}" if score.rounds != score.battery.long else ""
        command = f"`make torture BATTERIES={score.battery.name}{rounds}`"
        cells = (*_row(score), f"{now:%Y-%m-%d}, seed {score.seed}", command)
        rows[(score.battery.name, score.database)] = f"| {' | '.join(cells)} |"
    head = f"| {' | '.join((*_HEADS, 'measured', 'command'))} |"
    body = "\n".join([_MARKS[0], "", head, "|" + "---|" * (len(_HEADS) + 2), *rows.values(), "", _MARKS[1]])
    return re.sub(f"{re.escape(_MARKS[0])}.*{re.escape(_MARKS[1])}", lambda _: body, text, flags=re.DOTALL)
