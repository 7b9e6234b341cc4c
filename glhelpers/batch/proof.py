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

_BUNDLE = "application/vnd.glhelpers.record"
_LINK = re.compile(r"https://gitlab\.zendesk\.com/agent/tickets/[1-9][0-9]{0,14}(?![0-9])")
_NOT_RECORDED = ("approval", "portal_facts")


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
        text = (folder / "notebook.ipynb").read_text(encoding="utf-8")
        book = json.loads(text)
    except (OSError, ValueError):
        # A kernel that never began leaves none; a run that came to its end always does.
        return "The folder holds no executed notebook that can be read." if record.complete else None
    with people_of(folder):
        expected = redact_json(asked.recorded())
    ids = {told.get("run_id") for told in _records_in(book)}
    if ids != {record.run_id}:
        return f"The executed notebook holds the record of another run ({', '.join(sorted(map(str, ids)))})."
    for place in ("the record", "the executed notebook"):
        told = record.parameters if place == "the record" else book["metadata"]["glhelpers"].get("parameters", {})
        if (name := _first_difference(expected, told)) is not None:
            return f"{place.capitalize()} holds another {name} than was asked for."
    given = book["metadata"].get("papermill", {}).get("parameters", {})
    if (name := _first_difference(expected, {key: value or None for key, value in given.items()})) is not None:
        return f"The executed notebook was given another {name} than was asked for."
    return _foreign_ticket(folder, text, asked, is_anothers)


def _records_in(book: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The record in the notebook's metadata, and any that one of its cells has shown."""
    shown = [
        output["data"][_BUNDLE]
        for cell in book["cells"]
        for output in cell.get("outputs", ())
        if _BUNDLE in output.get("data", {})
    ]
    return [book["metadata"].get("glhelpers", {}), *(json.loads(one) if isinstance(one, str) else one for one in shown)]


def _first_difference(expected: Mapping[str, Any], told: Mapping[str, Any]) -> str | None:
    return next((name for name, value in expected.items() if told.get(name) != value), None)


def _foreign_ticket(
    folder: Path, text: str, asked: RunbookParameters, is_anothers: Callable[[int], bool]
) -> str | None:
    """A ticket of another row that neither the parameters of this one nor what the services told it account for."""
    found = set(_LINK.findall(text))
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
