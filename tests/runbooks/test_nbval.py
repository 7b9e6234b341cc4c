"""nbval over every runbook, and over a reference execution against the demonstration world."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from glhelpers.actions.catalogue import CATALOGUE, notebook_path
from glhelpers.kernels.owner import PROVISIONER

pytestmark = pytest.mark.notebook

ROOT = Path(__file__).parents[2]


def nbval(environment: dict[str, str], *arguments: str) -> str:
    """What pytest says with these arguments; all of it must pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *arguments]
    ended = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout[-3000:]
    return ended.stdout


@pytest.mark.usefixtures("on_sandbox")
def test_every_cell_of_every_runbook_runs(tmp_path: Path) -> None:
    """As they come, with the example that each holds; nbval gets its kernels forked, as JupyterLab does."""
    forked = {"JUPYTER_DEFAULT_PROVISIONER_NAME": PROVISIONER}
    books = [notebook_path(id) for id in CATALOGUE]
    said = nbval({"GLHELPERS_RUNS_DIR": str(tmp_path), **forked}, "--nbval-lax", *map(str, books))
    cells = [cell for book in books for cell in nbformat.read(book, as_version=4).cells if cell.cell_type == "code"]
    assert f"{len(cells)} passed" in said


def test_the_reference_is_reproduced(tmp_path: Path) -> None:
    """Every output of the reference is the same but for times, in an ordinary kernel."""
    sanitized = ["--nbval-sanitize-with", "tests/reference/sanitize.cfg"]
    said = nbval({"GLHELPERS_RUNS_DIR": str(tmp_path)}, "--nbval", *sanitized, "tests/reference/force_associate.ipynb")
    assert "9 passed" in said
