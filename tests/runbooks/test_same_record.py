"""The same facts give the same evidence: two runs on fresh services differ in times alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from glhelpers.kernels.owner import PROVISIONER

pytestmark = pytest.mark.notebook

REFERENCE = Path(__file__).parents[1] / "reference"
TIMES = re.compile(r"\d{8}T\d{6}\.\d{6}Z|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\+00:00| UTC)")


def evidence(desk: Any, ticket: int, *, approve: bool) -> dict[str, str]:
    """The files of a case's last run, every time in them replaced by one word."""
    parameters = next(row["parameters"] for row in desk.ask("cases") if row["ticket"] == ticket)
    result = desk.run(parameters)
    if approve:
        result = desk.run({**parameters, "approval": str(desk.approved(result))})
    return {path.name: TIMES.sub("TIME", path.read_text()) for path in result.folder.iterdir()}


def test_two_runs_on_the_same_facts_leave_the_same_files(desks: Callable[[], AbstractContextManager[Any]]) -> None:
    """Record, plan and approval are the same byte for byte but for times; applied, and stopped by a rule."""
    cases = [(1002, True), (1014, False)]
    kept: list[list[dict[str, str]]] = []
    for _ in range(2):
        with desks() as desk:
            kept.append([evidence(desk, ticket, approve=approve) for ticket, approve in cases])
    for first, second in zip(*kept, strict=True):
        assert first.keys() == second.keys()
        for name in ("record.json", "plan.json", "approval.json"):
            assert first.get(name) == second.get(name)
    assert json.loads(kept[0][0]["record.json"])["status"] == "completed"


def test_the_comparison_with_the_reference_can_fail(desk: Any, tmp_path: Path) -> None:
    """One figure changed in the reference execution, and nbval says so."""
    text = (REFERENCE / "force_associate.ipynb").read_text()
    assert "50000" in text
    (tmp_path / "reference.ipynb").write_text(text.replace("50000", "50001"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", "reference.ipynb"]
    command += ["--nbval-sanitize-with", str(REFERENCE / "sanitize.cfg")]
    forked = {**os.environ, "JUPYTER_DEFAULT_PROVISIONER_NAME": PROVISIONER}
    ended = subprocess.run(command, cwd=tmp_path, env=forked, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "50001" in ended.stdout
