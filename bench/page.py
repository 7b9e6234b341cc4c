"""A page whose figures are made: each part stands between two marks and is replaced as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from glhelpers.errors import BadParameter

__all__ = ["markdown", "put", "show"]


def put(page: Path, part: str, body: str) -> None:
    """Replace a part of the page; raises `BadParameter` if the page has no such part."""
    begin, end = f"<!-- figures: {part} -->", f"<!-- end of {part} -->"
    text = page.read_text(encoding="utf-8")
    if begin not in text or end not in text:
        raise BadParameter(f"{page.name} has no part {part!r} to put figures into.", next_step=f"Write {begin} there.")
    made = f"{begin}\n\n{body.strip()}\n\n{end}"
    page.write_text(
        re.sub(f"{re.escape(begin)}.*{re.escape(end)}", lambda _: made, text, flags=re.DOTALL), encoding="utf-8"
    )


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown; all columns but the first are figures and stand to the right."""
    lines = [f"| {' | '.join(heads)} |", "|---|" + "---:|" * (len(heads) - 1)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def show(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """The same table for a terminal."""
    shown = Table(*heads, title=title)
    for row in rows:
        shown.add_row(*row)
    console = Console(emoji=False)
    (console if console.is_terminal else Console(width=170, emoji=False)).print(shown)
