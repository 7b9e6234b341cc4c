"""What a person waits for: the import, the help, and the round trips between Run All and the gate."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from bench.machine import sentence
from bench.page import markdown, put, show
from bench.service import control, environment, hold_back, served
from bench.tickets import RUNBOOK, rows

__all__ = ["app", "imported", "waves"]

_HEADS = ("what", "median, ms", "min–max, ms", "modules")
_BIN = Path(sys.executable).parent
_LATENCY = 0.5
_COUNT = "import sys; print(len(sys.modules))"

app = typer.Typer(add_completion=False)


@app.command()
def light(
    times: Annotated[int, typer.Option(min=1, help="So often each command is run.")] = 15,
    out: Annotated[Path | None, typer.Option(help="The page to bring up to date.")] = None,
) -> None:
    """Time the light commands, count the round trips to the gate."""
    lines = [_timed(words, command, times) for words, command in _commands()]
    show(f"Medians of {times}", _HEADS, lines)
    trips, reads = round_trips()
    told = (
        f"From Run All to the gate: **{trips} dependent round trips**, {reads} requests in all "
        f"(runbook `{RUNBOOK}`, each answer held back for {_LATENCY} s, counted in the service's own log)."
    )
    typer.echo(told)
    if out is not None:
        largest = ", ".join(f"`{name}` {milliseconds:.0f} ms" for name, milliseconds in imported("glhelpers.cli")[:5])
        put(
            out,
            "light",
            f"`python -m bench.light --times {times}`. {sentence()}.\n\n{markdown(_HEADS, lines)}\n\n"
            f"The largest of what `glhelpers --help` imports, each with all that it imports itself "
            f"(`python -X importtime`, which makes it slower): {largest}.\n\n{told}",
        )


def _commands() -> list[tuple[str, list[str]]]:
    return [
        ("`python -c pass`", [sys.executable, "-c", "pass"]),
        ("`import glhelpers`", [sys.executable, "-c", "import glhelpers"]),
        ("`glhelpers --help`", [str(_BIN / "glhelpers"), "--help"]),
        ("`import glhelpers.runbook` (a notebook's setup cell)", [sys.executable, "-c", "import glhelpers.runbook"]),
    ]


def _timed(words: str, command: Sequence[str], times: int) -> list[str]:
    took = []
    for _ in range(times + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        took.append((time.perf_counter() - began) * 1000)
    # The first one also fills the caches of the system.
    took = took[1:]
    return [words, f"{median(took):.0f}", f"{min(took):.0f}–{max(took):.0f}", _modules(command)]


def _modules(command: Sequence[str]) -> str:
    """How many modules are loaded in the end; of a command, what its program imports."""
    source = command[-1] if "-c" in command else "import glhelpers.cli"
    done = subprocess.run([sys.executable, "-c", f"{source}\n{_COUNT}"], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def imported(module: str) -> list[tuple[str, float]]:
    """What a module imports directly and how many milliseconds each takes with all below it, the longest first."""
    command = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = []
    for line in done.stderr.splitlines():
        figures, _, name = line.removeprefix("import time:").rpartition("|")
        total = figures.rpartition("|")[2].strip()
        # Two blanks for each level: one level below the module itself and its package.
        if total.isdecimal() and len(name) - len(name.lstrip()) == 3:
            found.append((name.strip(), int(total) / 1000))
    return sorted(found, key=lambda one: -one[1])


def round_trips() -> tuple[int, int]:
    """Dependent round trips and requests of one run of the runbook's notebook up to its gate and beyond, unapproved."""
    with TemporaryDirectory() as name, served(1) as sandbox:
        hold_back(sandbox, _LATENCY)
        words = [word for key, value in rows(1)[0].items() for word in ("-p", f"{key}={value}")]
        command = [str(_BIN / "glhelpers"), "run", RUNBOOK, *words]
        given = environment(sandbox, Path(name), forks=True)
        subprocess.run(command, env=given, cwd=name, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        told = control(sandbox, "requests")["requests"]
        return waves([datetime.fromisoformat(row["at"]).timestamp() for row in told], _LATENCY), len(told)


def waves(answered: Sequence[float], latency: float) -> int:
    """
    How many of these answers waited for one another: those within half a latency were asked for side by side.

    `answered` are seconds, in any order; each answer was held back for `latency` seconds.
    """
    count, last = 0, float("-inf")
    for at in sorted(answered):
        if at - last > latency / 2:
            count += 1
        last = at
    return count


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    app()
