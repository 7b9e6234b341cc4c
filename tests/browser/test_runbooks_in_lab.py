"""Every runbook in JupyterLab: Run All writes nothing, shows no traceback, and hands on to the next one."""

from __future__ import annotations

from typing import Any

import pytest

from glhelpers.actions.catalogue import CATALOGUE

pytestmark = pytest.mark.browser

ENDED = ".jp-OutputArea >> text=/GateClosed: Nobody has approved the plan|Evidence: /"


def test_run_all_of_every_runbook_writes_nothing(lab: Any, notebook: Any) -> None:
    """As they stand, with the values of their parameters cells: to the gate, or to the end where nothing is to be written."""
    for number, (id, book) in enumerate(CATALOGUE.items(), 1):
        notebook.open(lab, id)
        notebook.menu("Run All Cells")
        notebook.page.wait_for_selector(ENDED, timeout=60_000)
        text = notebook.page.locator(".jp-Notebook").inner_text()
        assert "Traceback" not in text, id
        assert "Unforeseen" not in text, id
        assert ("GateClosed" in text) == (book.writes and bool(book.examples)), id
        assert lab.writes()["attempts"] == 0, id
        notebook.picture(f"3{number}-{id.replace('_', '-')}", notebook.cell("run.check()"))


def test_the_next_runbook_opens_with_its_parameters_filled_in(lab: Any, notebook: Any) -> None:
    """From start_here by one click to the runbook that fits; there, Run All stops at the gate."""
    notebook.open(lab, "start_here")
    notebook.menu("Run All Cells")
    notebook.page.wait_for_selector(ENDED, timeout=60_000)
    link = notebook.page.get_by_role("link", name="Open the notebook with these parameters filled in").first
    notebook.picture("30-go-on", notebook.page.locator(".glh-card", has=link).last)
    link.click()
    notebook.field("Compute minutes used").wait_for(state="attached", timeout=60_000)
    assert notebook.field("Group *").input_value() == "mantis-maps"
    assert notebook.field("Subscription *").input_value() == "A-S00010600"
    assert lab.writes()["attempts"] == 0
