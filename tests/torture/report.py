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
    """The same page with the table between its marks made anew."""
    rows = [
        "| " + " | ".join((*_row(score), f"`make torture BATTERIES={score.battery.name}`")) + " |" for score in scores
    ]
    head = "| " + " | ".join((*_HEADS, "command")) + " |"
    promises = [
        f"- **{score.battery.name}**: {score.battery.promise}." for score in dict.fromkeys(scores_by_name(scores))
    ]
    body = "\n".join(
        [
            _MARKS[0],
            "",
            f"Measured on {now:%Y-%m-%d} with {os.cpu_count()} cores, seed {scores[0].seed}.",
            "",
            head,
            "|" + "---|" * (len(_HEADS) + 1),
            *rows,
            "",
            *promises,
            "",
            _MARKS[1],
        ]
    )
    return re.sub(f"{re.escape(_MARKS[0])}.*{re.escape(_MARKS[1])}", lambda _: body, text, flags=re.DOTALL)


def scores_by_name(scores: Sequence[Score]) -> list[Score]:
    """One score of each battery."""
    return list({score.battery.name: score for score in scores}.values())
