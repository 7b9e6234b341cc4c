"""`python -m tests.torture`: run the batteries, show what was injected and what was lost or doubled."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Annotated

import typer

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from sandboxes import environment_on

from glhelpers.sandbox_process import Running, start_sandbox
from glhelpers.settings import load_settings

from .battery import Battery, Database, Ground, Score, fought
from .report import page, table

NAMES = tuple(
    name
    for name in ("crash", "together", "workers", "history", "journal_damage", "network", "inputs", "hostile")
    if (Path(__file__).parent / f"{name}.py").is_file()
)
ON_BOTH = ("crash", "together", "history")
"""Batteries whose outcome hangs on the database; the others are run on SQLite."""

app = typer.Typer(add_completion=False)


def batteries(names: list[str]) -> list[Battery]:
    """The batteries of these names, or all that there are."""
    chosen = names or list(NAMES)
    return [import_module(f".{name}", __package__).BATTERY for name in chosen]


@app.command()
def torture(
    names: Annotated[list[str] | None, typer.Argument(help=f"Batteries: {', '.join(NAMES)}; without, all.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same trials.")] = 20261123,
    short: Annotated[bool, typer.Option("--short", help="The few trials that `make test` runs.")] = False,
    rounds: Annotated[int, typer.Option(help="So many trials of each battery, whatever it says itself.")] = 0,
    database: Annotated[str, typer.Option(help="sqlite, postgresql, or both.")] = "both",
    out: Annotated[Path | None, typer.Option(help="Where the figures go, as JSON.")] = None,
    docs: Annotated[Path | None, typer.Option(help="The page to bring up to date with the figures.")] = None,
) -> None:
    """Fight; exit code 1 if a promise did not hold."""
    folder = Path(tempfile.mkdtemp(prefix="glh-torture-"))
    scores: list[Score] = []
    sandbox = start_sandbox()
    try:
        for battery in batteries(names or []):
            for kind in _databases(battery, database):
                ground = _ground(sandbox, folder / f"{battery.name}-{kind}", kind)
                number = rounds or (battery.short if short else battery.long)
                score = fought(battery, ground, seed, number)
                scores.append(score)
                _say(f"{battery.name} on {kind}: {score.trials} trials in {score.seconds:.0f} s", end="\n")
                for complaint in score.complaints[:20]:
                    typer.echo(f"  {complaint}")
    finally:
        assert sandbox.process is not None
        sandbox.process.communicate(timeout=10)
        shutil.rmtree(folder, ignore_errors=True)
    table(scores)
    if out is not None:
        told = [{**vars(score), "battery": score.battery.name, "held": score.held} for score in scores]
        out.write_text(json.dumps(told, indent=1))
    if docs is not None:
        docs.write_text(page(scores, docs.read_text(), datetime.now(UTC)))
    raise typer.Exit(0 if all(score.held for score in scores) else 1)


def _databases(battery: Battery, asked: str) -> list[Database]:
    if asked == "postgresql":
        return ["postgresql"]
    return ["sqlite", "postgresql"] if asked == "both" and battery.name in ON_BOTH else ["sqlite"]


def _ground(sandbox: Running, folder: Path, kind: Database) -> Ground:
    """Folders of its own, and the environment that points to the sandbox as a user's would."""
    folder.mkdir(parents=True)
    os.environ.update(environment_on(sandbox, folder, "ada"))
    os.environ.update({"GLHELPERS_PROFILE": "sandbox", "GLHELPERS_IN_FLIGHT_SECONDS": "1"})
    numbers = count()

    def fresh(where: Path) -> str:
        if kind == "sqlite":
            return f"sqlite:///{where / f'journal-{next(numbers)}.db'}"
        from postgres import the_server

        return the_server().fresh()

    url = fresh(folder)
    os.environ["GLHELPERS_JOURNAL_URL"] = url
    return Ground(sandbox, load_settings(), folder, kind, fresh, lambda text: _say(text))


def _say(text: str, end: str = "") -> None:
    """Progress on one line of a terminal; only whole lines elsewhere."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end=end, file=sys.stderr, flush=True)
    elif end:
        print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    app()
