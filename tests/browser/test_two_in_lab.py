"""Two operators, two notebooks, one group: both gates open, one change."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

pytestmark = pytest.mark.browser

ENDED = ".jp-OutputArea >> text=/Evidence: /"


def test_two_open_gates_make_one_change(lab: Any, notebook: Any, chromium: Any) -> None:
    """Each approves the plan that is shown; the first writes, the second is told that the facts have moved, and writes nothing."""
    shutil.copy(lab.books / "force_associate.ipynb", lab.books / "second.ipynb")
    page = chromium.new_page(viewport={"width": 1300, "height": 900})
    other = type(notebook)(page, notebook.pictures)
    for one, name in ((notebook, "force_associate"), (other, "second")):
        one.open(lab, name)
        one.menu("Run All Cells")
        one.says("closed")
    for one in (notebook, other):
        one.gate.locator("input[type=text]").first.fill("fox-university")
        one.says("armed")
        one.approve.click()
        one.says("approved")
    notebook.run_from("run.apply()")
    other.run_from("run.apply()")
    for one in (notebook, other):
        one.page.wait_for_selector(ENDED, timeout=60_000)
    texts = [one.page.locator(".jp-Notebook").inner_text() for one in (notebook, other)]
    shown = [one.gate.locator(".glh-gate-message").inner_text() for one in (notebook, other)]
    assert notebook.violations() + other.violations() == []
    other.picture("40-two-operators", other.cell("run.apply()"))
    page.close()
    assert sum("Completed: written and verified" in text for text in texts) == 1
    assert lab.writes()["support_tools"] == lab.writes()["attempts"] == 1
    (loser,) = [text for text in texts if "Completed: written and verified" not in text]
    assert sum("★ APPLIED" in text for text in shown) == 1
    assert sum("◌ STALE" in text or "✘ REFUSED" in text for text in shown) == 1
    said = ("Somebody else was faster", "The facts have changed", "is held by", "written to by another run")
    assert any(words in loser for words in said), loser
