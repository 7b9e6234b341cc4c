"""nbval over the runbook, and over a reference execution against the demonstration world."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from glhelpers.actions.catalogue import CATALOGUE

pytestmark = pytest.mark.notebook

ROOT = Path(__file__).parents[2]


REFERENCE = [
    "--nbval",
    "--nbval-sanitize-with",
    "tests/reference/sanitize.cfg",
    "tests/reference/force_associate.ipynb",
]


@pytest.mark.parametrize(
    "arguments",
    [*(["--nbval-lax", f"runbooks/{id}.ipynb"] for id in CATALOGUE), REFERENCE],
    ids=[*CATALOGUE, "reference outputs are reproduced"],
)
def test_nbval_passes(arguments: list[str], tmp_path: Path) -> None:
    """Every cell runs; the reference's every output is the same but for times."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *arguments]
    ended = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "GLHELPERS_RUNS_DIR": str(tmp_path)}, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "10 passed" in ended.stdout or "9 passed" in ended.stdout
