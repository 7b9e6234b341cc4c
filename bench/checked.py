"""Whether a way has done its work: every ticket's output there, awaiting approval, whole, and its own only."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.ways import Way, outputs
from glhelpers.evidence.folder import read_record
from glhelpers.models.finding import Status

__all__ = ["complaint"]

_NAMED = re.compile(r"\bcustomer-([1-9][0-9]*)|\bA-S0*([1-9][0-9]*)|\b(?:tickets|groups|namespaces)/([0-9]{6,})")


def complaint(way: Way, folder: Path, rows: Sequence[Mapping[str, str]]) -> str:
    """What is wrong with the outputs of a way, in one sentence; "" if nothing is."""
    runs: dict[str, list[Path]] = {}
    for path in (folder / "runs").rglob("record.json"):
        record = read_record(path.parent)
        ticket = str(record.parameters["ticket_url"])
        runs.setdefault(ticket, []).append(path.parent)
        if record.status is not Status.awaiting_approval:
            return f"A run of {ticket} ended as {record.status.value}: {record.why}"
    notebooks = outputs(folder, len(rows))
    for number, row in enumerate(rows, 1):
        found = runs.pop(row["ticket_url"], [])
        if len(found) != 1:
            return f"Ticket {number} has {len(found)} records instead of one."
        others = _others((found[0] / "record.json").read_text(encoding="utf-8"), number)
        if others:
            return f"The record of ticket {number} {others}."
        if way.writes:
            path = found[0] / "notebook.ipynb" if way.forks else notebooks[number - 1]
            if wrong := _notebook(path, number, found[0].name):
                return f"The notebook of ticket {number} {wrong}."
    return f"There are records of {len(runs)} tickets that were not asked for." if runs else ""


def _notebook(path: Path, number: int, run_id: str) -> str:
    """What is wrong with one executed notebook."""
    try:
        book: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "is not there, or cannot be read"
    # The cell of the demonstration's values is the same in all of them.
    cells = [cell for cell in book["cells"] if "parameters" not in cell["metadata"].get("tags", ())]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    if any(output["output_type"] == "error" for cell in code for output in cell["outputs"]):
        return "holds the output of an error"
    stepped = [cell for cell in code if any(tag.startswith("step:") for tag in cell["metadata"].get("tags", ()))]
    if not stepped or not all(cell["outputs"] for cell in stepped):
        return "lacks the output of a step"
    shown = json.dumps(cells)
    if run_id not in shown:
        return "does not show its own run"
    return _others(shown, number)


def _others(text: str, number: int) -> str:
    """Whether a text names tickets other than its own, or not even its own."""
    named = set()
    for customer, subscription, id in _NAMED.findall(text):
        named.add(int(id) - 100_000 if id else int(customer or subscription))
    if number not in named:
        return "does not name its own customer"
    return f"names the tickets {sorted(named - {number})[:5]} as well" if named - {number} else ""
