"""Forty forked kernels with every misfortune among them; `make soak` launches five thousand."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.soak import soaked
from bench.soak_books import EXPECTED, Launch, launches, looked_at, template

pytestmark = pytest.mark.notebook


def test_nothing_hangs_is_mixed_or_stays_behind(tmp_path: Path) -> None:
    """Kernels die at start and in a cell, hang, print much, leave processes: each notebook holds its own, the tree is clean."""
    tally = soaked(40, 2, 20261123, tmp_path)
    assert tally.complaints == []
    assert tally.good
    assert (tally.launched, tally.started) == (40, 0)
    assert set(tally.kinds) == set(EXPECTED)
    assert [path.name for path in tmp_path.glob("launch-*")] == []


def test_the_look_at_a_notebook_finds_what_is_not_its_own(tmp_path: Path) -> None:
    """A soak that counts nothing proves nothing: another's number is found, and so are outputs that are missing."""
    source = template("plain", tmp_path / "plain.ipynb")
    assert looked_at(source, Launch(1, "plain")) == "lost"
    other = source.read_text().replace(
        '"outputs": []', '"outputs": [{"output_type": "stream", "text": "launch-0000002"}]'
    )
    source.write_text(other)
    assert looked_at(source, Launch(1, "plain")) == "mixed"
    assert looked_at(tmp_path / "none.ipynb", Launch(1, "plain")) == "lost"
    assert looked_at(tmp_path / "none.ipynb", Launch(1, "dies at start")) == ""


def test_the_same_seed_has_the_same_misfortunes() -> None:
    """So a soak that went wrong can be run again."""
    assert list(launches(200, 7)) == list(launches(200, 7)) != list(launches(200, 8))
