"""The ways to run many notebooks that are compared: what each is started with and where it leaves its outputs."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.tickets import RUNBOOK
from glhelpers.actions.catalogue import notebook_path

__all__ = ["WAYS", "Way", "chosen", "outputs", "prepare"]

_ROOT = Path(__file__).parents[1]
_BIN = Path(sys.executable).parent
_PLOOMBER = _ROOT / ".venv-bench" / "bin" / "python"

Rows = Sequence[dict[str, str]]


@dataclass(frozen=True)
class Way:
    """
    One way to run all tickets.

    `command` gives what to start in a prepared folder.  `slow`: it is given fewer tickets where many
    are measured.  `forks`: kernels may be forked.  `cores`: it is kept to so many.  `writes`: it
    leaves executed notebooks.  `missing` says why it cannot be run here, "" where it can.
    """

    name: str
    title: str
    command: Callable[[Path, Rows], list[str]]
    slow: bool = False
    forks: bool = False
    cores: int | None = None
    writes: bool = True
    missing: Callable[[], str] = lambda: ""


def prepare(folder: Path, rows: Rows) -> None:
    """What any of the ways may find: the list of tickets and a folder for notebooks."""
    (folder / "out").mkdir(parents=True)
    (folder / "tickets.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def outputs(folder: Path, count: int) -> list[Path]:
    """Where a way that is not ours leaves its executed notebooks, in the order of the tickets."""
    return [folder / "out" / f"{number}.ipynb" for number in range(1, count + 1)]


def chosen(names: str) -> list[Way]:
    """The ways of these names (with commas between them), or all; raises `KeyError` for a name that there is not."""
    known = {way.name: way for way in WAYS}
    return [known[name.strip()] for name in names.split(",")] if names else list(WAYS)


def _papermill_loop(folder: Path, rows: Rows) -> list[str]:
    """A shell script, as somebody would write it: one command for each ticket."""
    lines = []
    for row, out in zip(rows, outputs(folder, len(rows)), strict=True):
        command = [str(_BIN / "papermill"), str(notebook_path(RUNBOOK)), str(out), "--no-progress-bar", "-k", "python3"]
        given = [word for name, value in row.items() for word in ("-p", name, value)]
        lines.append(shlex.join([*command, *given]))
    (folder / "loop.sh").write_text("set -e\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return ["/bin/sh", "loop.sh"]


def _jupyter_execute(folder: Path, rows: Rows) -> list[str]:
    """One command for notebooks into which the parameters were put before the clock runs."""
    import nbformat
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    paths = outputs(folder, len(rows))
    for row, path in zip(rows, paths, strict=True):
        nbformat.write(parameterize_notebook(load_notebook_node(str(notebook_path(RUNBOOK))), row), path)
    return [str(_BIN / "jupyter"), "execute", "--inplace", "--kernel_name=python3", *map(str, paths)]


def _here(module: str, *words: str, python: Path = Path(sys.executable)) -> Callable[[Path, Rows], list[str]]:
    # A module of this folder is found from any other by its file's place, since it is no part of the package.
    start = f"import sys; sys.path.insert(0, {str(_ROOT)!r}); from bench.{module} import main; main()"
    return lambda folder, rows: [str(python), "-c", start, *words]


def _batch(*words: str) -> Callable[[Path, Rows], list[str]]:
    command = [str(_BIN / "glhelpers"), "batch", "tickets.jsonl", "--out", "runs", "--runbook", RUNBOOK, *words]
    return lambda folder, rows: command


def _without_ploomber() -> str:
    looked = [str(_PLOOMBER), "-c", "import ploomber_engine, glhelpers"]
    there = _PLOOMBER.is_file() and subprocess.run(looked, capture_output=True).returncode == 0
    return "" if there else "could not be installed here (`make bench` tries to, into `.venv-bench`)"


WAYS = (
    Way("papermill-cli", "papermill, one command a ticket", _papermill_loop, slow=True),
    Way("papermill-api", "papermill's API, one after another", _here("peers", "papermill", "1"), slow=True),
    Way("papermill-api-2", "papermill's API in two processes", _here("peers", "papermill", "2"), slow=True),
    Way("jupyter-execute", "`jupyter execute`, one command for all", _jupyter_execute, slow=True),
    Way(
        "ploomber",
        "ploomber-engine's API, all in one process",
        _here("peers", "ploomber", "1", python=_PLOOMBER),
        missing=_without_ploomber,
    ),
    Way("ours", "`glhelpers batch`, as it is", _batch(), forks=True),
    Way("ours-1", "`glhelpers batch --jobs 1`", _batch("--jobs", "1"), forks=True),
    Way("ours-2", "`glhelpers batch --jobs 2`", _batch("--jobs", "2"), forks=True),
    Way("ours-4", "`glhelpers batch --jobs 4` on two cores", _batch("--jobs", "4"), forks=True, cores=2),
    Way("ours-4-1-core", "`glhelpers batch --jobs 4` on one core", _batch("--jobs", "4"), forks=True, cores=1),
    Way("floor", "floor: no notebook, one plain process", _here("peers", "plain", "1"), writes=False),
    Way("floor-2", "floor: no notebook, two plain processes", _here("peers", "plain", "2"), writes=False),
)
"""Every way that is compared, in the order of the first round."""
