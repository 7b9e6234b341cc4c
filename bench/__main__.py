"""`python -m bench`: all ways side by side on the same notebook and tickets, checked, as a table and a picture."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from bench.checked import complaint
from bench.machine import sentence
from bench.measured import measured
from bench.page import markdown, put, show
from bench.plot import svg
from bench.service import environment, hold_back, refused, served
from bench.table import HEADS, Taken, cells, lines
from bench.tickets import rows
from bench.ways import WAYS, Way, chosen, prepare
from glhelpers.sandbox_process import Running

__all__ = ["app"]

_AT_MOST, _AT_MOST_A_TICKET = 120.0, 30.0

app = typer.Typer(add_completion=False)


@app.command()
def compare(
    tickets: Annotated[int, typer.Option(min=1, help="So many tickets for each way.")] = 200,
    slow_tickets: Annotated[int, typer.Option(min=1, help="So many at most for ways of over a second a ticket.")] = 20,
    rounds: Annotated[int, typer.Option(min=1, help="So often; every other time in the reverse order.")] = 3,
    only: Annotated[str, typer.Option(help=f"With commas between: {', '.join(way.name for way in WAYS)}.")] = "",
    delay: Annotated[
        int, typer.Option(min=0, metavar="MS", help="Hold each answer of the service back; a table of its own.")
    ] = 0,
    out: Annotated[Path | None, typer.Option(help="The page to bring up to date.")] = None,
) -> None:
    """Run every way in every round; exit code 1 if one left a wrong output."""
    try:
        ways = chosen(only)
    except KeyError as error:
        raise typer.BadParameter(f"There is no way {error}.") from None
    taken = [one for number in range(rounds) for one in _round(ways, number, tickets, slow_tickets, delay)]
    order = [way.name for way in ways]
    found = sorted(lines(taken), key=lambda line: order.index(line.way.name))
    absent = [(way, why) for way in ways if (why := way.missing())]
    written = [cells(line, found) for line in found]
    written += [[way.title, "", why, *[""] * (len(HEADS) - 3)] for way, why in absent]
    show(f"{tickets} tickets, {rounds} rounds", HEADS, written)
    if out is not None:
        part = "far" if delay else "ways"
        words = f"--tickets {tickets} --slow-tickets {slow_tickets} --rounds {rounds}" + (
            f" --only {only}" if only else ""
        )
        words += f" --delay {delay}" if delay else ""
        told = f"`python -m bench {words}`: median of {rounds} interleaved rounds. {sentence(*_beside())}."
        picture = "" if delay else "\n\n![Milliseconds a ticket](images/performance.svg)"
        put(out, part, f"{told}\n\n{markdown(HEADS, written)}{picture}")
        if picture:
            (out.parent / "images").mkdir(exist_ok=True)
            (out.parent / "images" / "performance.svg").write_text(svg(found), encoding="utf-8")
    raise typer.Exit(1 if any(line.wrong for line in found) else 0)


def _round(ways: list[Way], number: int, tickets: int, slow_tickets: int, delay: int) -> Iterator[Taken]:
    """Each way once, all on one service that nobody else asks."""
    with served(tickets) as sandbox:
        if delay:
            hold_back(sandbox, delay / 1000)
        for way in ways if number % 2 == 0 else reversed(ways):
            if not way.missing():
                taken = _one(way, sandbox, min(tickets, slow_tickets) if way.slow else tickets)
                typer.echo(f"round {number + 1}: {way.name} {taken.wrong or f'{taken.seconds:.2f} s'}", err=True)
                yield taken


def _one(way: Way, sandbox: Running, count: int) -> Taken:
    with TemporaryDirectory(prefix="glhelpers-bench-", ignore_cleanup_errors=True) as name:
        folder, given = Path(name), rows(count)
        prepare(folder, given)
        took = measured(
            way.command(folder, given),
            environment(sandbox, folder, forks=way.forks),
            folder,
            seconds_at_most=_AT_MOST + _AT_MOST_A_TICKET * count,
            cores=way.cores,
        )
        wrong = complaint(way, folder, given) or ("The service refused requests." if refused(sandbox) else "")
        if took.code != 0:
            wrong = f"It ended with exit code {took.code}. {wrong}".strip()
            typer.echo(took.said[-2000:], err=True)
        return Taken(way, count, took.seconds, took.cpu, took.peak, wrong)


def _beside() -> list[str]:
    """The version of what is not installed beside the package."""
    python = Path(__file__).parents[1] / ".venv-bench" / "bin" / "python"
    if not python.is_file():
        return []
    ask = "from importlib.metadata import version; print(version('ploomber-engine'))"
    done = subprocess.run([str(python), "-c", ask], capture_output=True, text=True)
    return [f"ploomber-engine {done.stdout.strip()}"] if done.returncode == 0 else []


if __name__ == "__main__":
    app()
