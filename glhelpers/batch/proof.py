"""
Proof that the notebook of a run holds its own ticket and nobody else's.

Many notebooks are executed side by side from the same source.  Whatever might mix them up, here or
in a library, would put one customer's facts on another's ticket, so each file is looked at after its run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from glhelpers.evidence.redact import redact_json
from glhelpers.evidence.secrets import people_of
from glhelpers.models.record import RunRecord
from glhelpers.models.request import RunbookParameters, ticket_number

__all__ = ["mixed_up"]

_LINK = re.compile(r"https://gitlab\.zendesk\.com/agent/tickets/[1-9][0-9]{0,14}(?![0-9])")


def mixed_up(
    folder: Path, record: RunRecord, runbook: str, asked: RunbookParameters, is_anothers: Callable[[int], bool]
) -> str | None:
    """
    What in this run's folder belongs to another run, in one sentence; None if all of it is its own.

    `is_anothers` tells of a ticket's number whether another row of the batch has it.
    """
    if (record.run_id, record.runbook) != (folder.name, runbook):
        return f"The record in the folder is that of run {record.run_id} of {record.runbook}."
    try:
        book = json.loads((folder / "notebook.ipynb").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # A kernel that never began leaves none; a run that came to its end always does.
        return "The folder holds no executed notebook that can be read." if record.complete else None
    with people_of(folder):
        expected = redact_json(asked.recorded())
    told = book["metadata"].get("glhelpers", {}).get("run_id")
    if told != record.run_id or (record.complete and not _shows(book, record.run_id)):
        return "The executed notebook is that of another run."
    for place in ("the record", "the executed notebook"):
        told = record.parameters if place == "the record" else book["metadata"]["glhelpers"].get("parameters", {})
        if (name := _first_difference(expected, told)) is not None:
            return f"{place.capitalize()} holds another {name} than was asked for."
    given = book["metadata"].get("papermill", {}).get("parameters", {})
    if (name := _first_difference(expected, {key: value or None for key, value in given.items()})) is not None:
        return f"The executed notebook was given another {name} than was asked for."
    return _foreign_ticket(folder, book, asked, is_anothers)


def _shows(book: Mapping[str, Any], run_id: str) -> bool:
    """Whether a cell names this run's folder, as the last step of every run does and no other."""
    return run_id in json.dumps([cell.get("outputs", ()) for cell in book["cells"]])


def _first_difference(expected: Mapping[str, Any], told: Mapping[str, Any]) -> str | None:
    return next((name for name, value in expected.items() if told.get(name) != value), None)


def _foreign_ticket(
    folder: Path, book: Mapping[str, Any], asked: RunbookParameters, is_anothers: Callable[[int], bool]
) -> str | None:
    """A ticket of another row that neither the parameters of this one nor what the services told it account for."""
    # The cell of the demonstration's values is the same in every notebook; what was asked for stands below it.
    cells = [cell for cell in book["cells"] if "parameters" not in cell["metadata"].get("tags", ())]
    found = set(_LINK.findall(json.dumps([cells, book["metadata"]])))
    found -= set(_LINK.findall(json.dumps(asked.model_dump(mode="json"))))
    found -= set(_LINK.findall(_answers(folder)))
    for link in sorted(found):
        number = ticket_number(link)
        if number is not None and is_anothers(number):
            return f"The executed notebook names ticket {number}, which is another row's."
    return None


def _answers(folder: Path) -> str:
    """What the services answered to this run's own kernel; a group's audit events may well name an earlier ticket."""
    try:
        return (folder / "answers.json").read_text(encoding="utf-8")
    except OSError:
        return ""
