"""Whole notebooks, each in a forked kernel of its own, so that a table of many rows costs little more than its runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

from glhelpers.actions.catalogue import notebook_path, runbook
from glhelpers.evidence.folder import read_record
from glhelpers.kernels.cell_client import CellKernel
from glhelpers.models.record import RunRecord

__all__ = ["Player"]

CELL_SECONDS = 120


class Player:
    """Runs a runbook's cells in order, as papermill does: parameters injected, no person there, stop at the first error."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)

    def play(self, id: str, given: Mapping[str, Any], runs: Path) -> tuple[str | None, RunRecord | None, Path | None]:
        """The sentence that ended it early, if any; its record and folder, where a run began."""
        book = nbformat.read(notebook_path(id), as_version=4)
        whole = {name: given.get(name, "") for name in runbook(id).parameters.model_fields}
        said = None
        with CellKernel({**self._environment, "GLHELPERS_RUNS_DIR": str(runs)}) as kernel:
            for cell in book.cells:
                if cell.cell_type != "code" or said is not None:
                    continue
                said = _cell(kernel, cell.source)
                if "parameters" in cell.metadata.get("tags", []):
                    said = _cell(kernel, "\n".join(f"{name} = {value!r}" for name, value in whole.items()))
        found = sorted(runs.rglob("record.json"), key=lambda path: path.parent.name.lstrip("."))
        return said, *((read_record(found[-1].parent), found[-1].parent) if found else (None, None))


def _cell(kernel: CellKernel, source: str) -> str | None:
    """Run one cell; the sentence of its error, if it had one."""
    said: list[str] = []
    for message in kernel.run(source, "cell", CELL_SECONDS):
        if message.get("msg_type") == "error":
            content = message["content"]
            said.append(content["evalue"] or content["ename"])
    return said[0] if said else None
