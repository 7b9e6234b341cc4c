"""The rows of the module's table, run once through the notebook."""

from __future__ import annotations

from pathlib import Path

import pytest
from table_world import Ran, run_table


@pytest.fixture(scope="module")
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """Every row of the table that the module names, by its sentence."""
    folder: Path = tmp_path_factory.mktemp("table")
    return run_table(request.module.RUNBOOK, folder)
