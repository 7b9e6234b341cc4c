"""A real kernel that plays whole notebooks one after another, so that a table of many rows need not start one for each."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import start_new_kernel

from glhelpers.actions.catalogue import notebook_path, runbook
from glhelpers.evidence.folder import read_record
from glhelpers.models.record import RunRecord

__all__ = ["Player"]


class Player:
    """Runs a runbook's cells in order, as papermill does: parameters injected, no person there, stop at the first error."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._manager, self._client = start_new_kernel(
            kernel_name="python3", env=dict(environment), stderr=subprocess.DEVNULL
        )

    def close(self) -> None:
        """End the kernel."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()

    def play(self, id: str, given: Mapping[str, Any], runs: Path) -> tuple[str | None, RunRecord | None, Path | None]:
        """The sentence that ended it early, if any; its record and folder, where a run began."""
        book = nbformat.read(notebook_path(id), as_version=4)
        whole = {name: given.get(name, "") for name in runbook(id).parameters.model_fields}
        self._cell("%reset -f")
        self._cell(f"import os; os.environ['GLHELPERS_RUNS_DIR'] = {str(runs)!r}; del os")
        said = None
        for cell in book.cells:
            if cell.cell_type != "code" or said is not None:
                continue
            said = self._cell(cell.source)
            if "parameters" in cell.metadata.get("tags", []):
                said = self._cell("\n".join(f"{name} = {value!r}" for name, value in whole.items()))
        found = sorted(runs.rglob("record.json"), key=lambda path: path.parent.name.lstrip("."))
        return said, *((read_record(found[-1].parent), found[-1].parent) if found else (None, None))

    def _cell(self, source: str) -> str | None:
        """Run one cell; the sentence of its error, if it had one."""
        said: list[str] = []

        def hook(message: dict[str, Any]) -> None:
            if message["msg_type"] == "error":
                said.append(message["content"]["evalue"] or message["content"]["ename"])

        self._client.execute_interactive(source, allow_stdin=False, output_hook=hook, timeout=120)
        return said[0] if said else None
