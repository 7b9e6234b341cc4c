"""`python -m bench.memory`: the memory of a batch's whole tree as the batch grows; it is to stay where it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from bench.checked import complaint
from bench.machine import sentence
from bench.measured import measured
from bench.page import markdown, put, show
from bench.service import environment, served
from bench.tickets import rows
from bench.ways import chosen, prepare

__all__ = ["app", "grown"]

_HEADS = ("tickets", "jobs", "s", "ms a ticket", "median of the tree, MB", "last tenth, MB", "peak, MB", "outputs")

_AT_MOST = 6 * 3600.0

app = typer.Typer(add_completion=False)


@app.command()
def memory(
    tickets: Annotated[str, typer.Option(help="Sizes of batches, with commas between.")] = "100,1000,5000",
    out: Annotated[Path | None, typer.Option(help="The page to bring up to date.")] = None,
) -> None:
    """Run a batch of each size as `glhelpers batch` does by itself; exit code 1 if an output is not as it should be."""
    found = []
    for size in (int(word) for word in tickets.split(",")):
        found.append(grown(size))
        typer.echo(f"{size} tickets: {found[-1][-2]} MB at most, {found[-1][-1]}", err=True)
    show("Memory of the whole tree", _HEADS, found)
    if out is not None:
        told = f"`python -m bench.memory --tickets {tickets}`. {sentence()}."
        put(out, "memory", f"{told}\n\n{markdown(_HEADS, found)}")
    sys.exit(any(row[-1] != "all good" for row in found))


def grown(size: int) -> list[str]:
    """The line of one batch."""
    way, given = chosen("ours")[0], rows(size)
    with TemporaryDirectory(prefix="glhelpers-bench-", ignore_cleanup_errors=True) as name, served(size) as sandbox:
        folder = Path(name) / "way"
        prepare(folder, given)
        took = measured(
            way.command(folder, given), environment(sandbox, folder, forks=True), folder, seconds_at_most=_AT_MOST
        )
        wrong = complaint(way, folder, given) if took.code == 0 else f"It ended with exit code {took.code}."
    samples = took.samples or (0.0,)
    return [
        str(size),
        str(min(2 * (os.cpu_count() or 1), size)),
        f"{took.seconds:.1f}",
        f"{took.seconds / size * 1000:.0f}",
        f"{median(samples):.0f}",
        # Without the last seconds, in which the workers end one after another.
        f"{median(samples[-max(1, len(samples) // 10) - 4 : -4] or samples):.0f}",
        f"{took.peak:.0f}",
        wrong or "all good",
    ]


if __name__ == "__main__":
    app()
