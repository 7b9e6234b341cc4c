"""The next runbook, ready to open: a copy of its notebook with the parameters filled in, beside the present one."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from glhelpers.actions.catalogue import notebook_path, runbook
from glhelpers.actions.journal import Journal
from glhelpers.actions.undo import write_of
from glhelpers.errors import BadParameter
from glhelpers.models.change import Outcome
from glhelpers.models.record import NextRunbook, RunRecord
from glhelpers.models.request import ticket_number
from glhelpers.rules.undo import INVERSES

__all__ = ["FOLDER", "can_be_taken_back", "filled_notebooks", "shows_a_run", "way_back"]

FOLDER = "tickets"
"""Where filled copies go, beside the notebook that hands on."""


def filled_notebooks(following: Sequence[NextRunbook], beside: Path) -> dict[str, str]:
    """
    Write a copy of each runbook's notebook with its parameters, and give the links by command.

    A copy with the same parameters is that copy, with what it shows; one with others stays as it is, and the
    new one gets a number.  Where nothing can be written there are no links; the command is there all the same.
    """
    links: dict[str, str] = {}
    for step in following:
        ticket = ticket_number(step.parameters.get("ticket_url", "")) or "no-ticket"
        try:
            path = _laid_out(step, beside / FOLDER / str(ticket))
        except OSError:
            continue
        links[step.command] = path.relative_to(beside).as_posix()
    return links


def shows_a_run(path: Path) -> bool:
    """Whether a step's cell of a notebook has outputs; of a file that is no notebook nothing is thrown away either."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return any(
            cell.get("outputs")
            for cell in cells
            if any(str(tag).startswith("step:") for tag in cell["metadata"].get("tags", []))
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return True


def _laid_out(step: NextRunbook, folder: Path) -> Path:
    book = _filled(step)
    folder.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        path = folder / f"{step.runbook}{f'-{number}' if number > 1 else ''}.ipynb"
        if not path.exists():
            break
        if _given_in(path) == _parameters_cell(book)["source"]:
            if shows_a_run(path):
                return path
            break  # written anew, since it may be of an earlier version
    path.write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def can_be_taken_back(record: RunRecord) -> bool:
    """Whether this run has made a change that the tools have an inverse for; what happened since is for `undo` to see."""
    receipt = record.receipt
    return receipt is not None and receipt.outcome is Outcome.applied and receipt.action in INVERSES


def way_back(record: RunRecord, journal: Journal) -> tuple[NextRunbook, ...]:
    """Runbook `undo` for the change of this run, on its ticket and issue; nothing if the journal knows no such change."""
    kept = {name: str(record.parameters.get(name) or "") for name in ("ticket_url", "issue")}
    try:
        write = write_of(journal, record)
    except BadParameter:
        return ()
    return (NextRunbook(runbook="undo", why="Was this wrong?", parameters={"write": write, **kept}),)


def _filled(step: NextRunbook) -> dict[str, Any]:
    """The notebook as JSON, which it is: importing nbformat would cost every kernel a second of start-up."""
    book: dict[str, Any] = json.loads(notebook_path(step.runbook).read_text(encoding="utf-8"))
    cell = _parameters_cell(book)
    names = [
        name for name in _named_in("".join(cell["source"])) if name in runbook(step.runbook).parameters.model_fields
    ]
    lines = [f"{name} = {json.dumps(step.parameters.get(name, ''))}" for name in names]
    cell["source"] = "\n".join(lines).splitlines(keepends=True)
    return book


def _parameters_cell(book: dict[str, Any]) -> dict[str, Any]:
    cell: dict[str, Any] = next(cell for cell in book["cells"] if "parameters" in cell["metadata"].get("tags", []))
    return cell


def _given_in(path: Path) -> list[str] | None:
    """The lines of a notebook's parameters cell; None if the file is no notebook with one."""
    try:
        source = _parameters_cell(json.loads(path.read_text(encoding="utf-8")))["source"]
        return "".join(source).splitlines(keepends=True)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return None


def _named_in(source: str) -> list[str]:
    """The names that a parameters cell gives a value, in its order."""
    targets = [line.targets[0] for line in ast.parse(source).body if isinstance(line, ast.Assign)]
    return [target.id for target in targets if isinstance(target, ast.Name)]
