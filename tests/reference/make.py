"""Makes `force_associate.ipynb` here: the runbook with the outputs of one run on the demonstration world."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

RUNBOOK = Path(__file__).parents[2] / "runbooks" / "force_associate.ipynb"


def main() -> None:
    """Run the notebook with its examples on a sandbox of its own and keep the outputs."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "GLHELPERS_STATE_DIR": f"{folder}/state",
            "GLHELPERS_RUNS_DIR": f"{folder}/runs",
            "GLHELPERS_OPERATOR": "tester",
        }
        book = nbformat.read(RUNBOOK, as_version=4)
        NotebookClient(book, kernel_name="python3", timeout=60).execute(cwd=folder)
    for cell in book.cells:
        cell.metadata.pop("execution", None)
    book.metadata.pop("widgets", None)
    nbformat.write(book, Path(__file__).with_name("force_associate.ipynb"))


if __name__ == "__main__":
    main()
