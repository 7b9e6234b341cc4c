"""The short version of each battery: the same trials as `make torture`, but few; the command is the one that people run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .__main__ import NAMES, ON_BOTH

pytestmark = pytest.mark.notebook

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """The scores of every battery, all of them fought by one command."""
    out = tmp_path_factory.mktemp("torture") / "figures.json"
    command = [sys.executable, "-m", "tests.torture", "--short", "--out", str(out)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = json.loads(out.read_text())
    assert {score["battery"] for score in told} == set(NAMES)
    return {name: [score for score in told if score["battery"] == name] for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_the_promise_holds(scores: dict[str, list[dict[str, Any]]], name: str) -> None:
    """Nothing lost, nothing doubled, no complaint; on both databases where it hangs on the database."""
    databases = [score["database"] for score in scores[name]]
    assert databases == (["sqlite", "postgresql"] if name in ON_BOTH else ["sqlite"])
    for score in scores[name]:
        assert (score["held"], score["lost"], score["doubled"], score["complaints"]) == (True, 0, 0, [])
        assert score["trials"] > 0


def test_a_battery_that_finds_something_fails() -> None:
    """A lost write, a doubled one, or no trial at all is never counted as held."""
    from .battery import Battery, Score, Trial

    battery = Battery("none", "nothing", 1, 1, lambda *_: iter(()))
    for trials, held in (
        ([], False),
        ([Trial("a", 1, 1, 1, 1)], True),
        ([Trial("a", 1, 0, 1, 1)], False),
        ([Trial("a", 1, 2, 1, 1)], False),
        ([Trial("a", 1, 1, 2, 1)], False),
        ([Trial("a", 1, 1, 1, 1, "it was unkind")], False),
    ):
        score = Score(battery, "sqlite", 1)
        for trial in trials:
            score.take(trial)
        assert score.held is held
