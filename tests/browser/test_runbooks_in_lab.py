"""Every runbook in JupyterLab, from its form to its record without touching a cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from glhelpers.actions.catalogue import CATALOGUE
from glhelpers.batch.undoing import undo_parameters
from glhelpers.gates.files import read_plan
from glhelpers.models.parameter_words import PARAMETERS
from glhelpers.settings import load_settings
from tests.browser.conftest import STANDS

pytestmark = pytest.mark.browser

ENDED = ".glh-attach-message"


def test_every_runbook_from_its_form_to_its_record(lab: Any, notebook: Any) -> None:
    """
    Look up, approve where something is to be approved, apply, verify, record: no cell is touched.

    Where the page asks for two, a colleague runs the command that the gate shows; the last one takes back what the first changed.
    """
    wrote = 0
    for number, id in enumerate([*(id for id in CATALOGUE if id != "undo"), "undo"], 1):
        notebook.open(lab, id)
        if id == "undo":
            for name, value in undo_parameters(newest(lab, "force_associate"), load_settings()).items():
                notebook.field(PARAMETERS[name].label).fill(value)
        notebook.button("Look up ▸").click()
        notebook.page.wait_for_selector(f"{STANDS} {ENDED}, {STANDS} .glh-gate-closed", timeout=60_000)
        notebook.picture(f"3{number}-{id.replace('_', '-')}", notebook.cell("run.check()"))
        if notebook.gate.count():
            plan = read_plan(newest(lab, id) / "plan.json").plan
            if plan.second_person:
                notebook.colleague_approves(types=plan.target.typed)
            notebook.gate.get_by_label("Type the target").fill(plan.target.typed)
            notebook.says("armed")
            notebook.approve.click()
            notebook.says("approved")
            notebook.button("Apply it now ▸").click()
            notebook.page.wait_for_selector(f"{STANDS} {ENDED}", timeout=60_000)
            notebook.says("applied")
            wrote += 1
        assert notebook.violations() == [], id
        text = notebook.panel.locator(".jp-Notebook").inner_text()
        assert "Traceback" not in text, id
        assert "Unforeseen" not in text, id
        assert ("★ APPLIED" in text) == CATALOGUE[id].writes, id
        notebook.close_all()  # what is not looked at any more slows down what is
    assert wrote == sum(book.writes for book in CATALOGUE.values())


def newest(lab: Any, id: str) -> Path:
    """The folder of the newest run of a runbook, finished or not."""
    found = [path.parent for path in lab.runs.rglob("record.json") if json.loads(path.read_text())["runbook"] == id]
    return max(found, key=lambda path: path.stat().st_mtime)
