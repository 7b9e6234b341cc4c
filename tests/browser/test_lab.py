"""A person's way through the runbook in JupyterLab, in a real browser."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sandboxes import begin_anew

from glhelpers.batch.execute import execute
from glhelpers.gates.decision import grant
from glhelpers.gates.files import read_plan
from glhelpers.settings import load_settings

pytestmark = pytest.mark.browser

CASE = {
    "namespace": "fox-university",
    "subscription_name": "A-S00010002",
    "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1002",
    "issue": "gitlab-com/support/internal-requests#2",
}


def the_record(runs: Path) -> dict[str, Any]:
    """The one finished record under a runs folder."""
    found = [path for path in runs.rglob("record.json") if not path.parent.name.startswith(".")]
    assert len(found) == 1
    record: dict[str, Any] = json.loads(found[0].read_text())
    return record


def without_times(text: str) -> str:
    """The record with every time, and the run id that is one, replaced by the same word."""
    text = re.sub(r"\d{8}T\d{6}\.\d{6}Z", "TIME", text)
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "TIME", text)


def test_run_all_stops_at_the_gate_and_a_press_of_the_button_lets_it_through(lab: Any, notebook: Any) -> None:
    """
    The kernel is there at once, forked; Run All writes nothing; only the typed path arms the button; a gate run again
    has forgotten its approval; after the press the rest applies and verifies.
    """
    notebook.open(lab, "force_associate")
    assert lab.kernels() == ["glh-kernel"]
    notebook.picture("01-opened")
    notebook.menu("Run All Cells")
    notebook.says("closed")
    notebook.page.wait_for_selector(".jp-OutputArea >> text=GateClosed: Nobody has approved the plan", timeout=60_000)
    assert lab.writes()["attempts"] == 0
    assert "Traceback" not in notebook.page.locator(".jp-Notebook").inner_text()
    notebook.picture("02-look-up", notebook.cell("run.look_up()"))
    notebook.picture("03-check", notebook.cell("run.check()"))
    notebook.picture("04-gate-closed", notebook.gate)
    button, typed = notebook.approve, notebook.gate.locator("input[type=text]").first
    assert button.is_disabled()
    typed.fill("fox-universit")
    assert button.is_disabled()
    typed.fill("fox-university")
    notebook.says("armed")
    notebook.picture("05-gate-armed", notebook.gate)
    button.dblclick()
    notebook.says("approved")
    assert lab.writes()["attempts"] == 0
    notebook.picture("06-gate-approved", notebook.gate)

    notebook.menu("Run All Cells")
    notebook.page.wait_for_selector(".jp-OutputArea >> text=GateClosed: Nobody has approved the plan", timeout=60_000)
    notebook.says("closed")
    assert lab.writes()["attempts"] == 0
    notebook.gate.locator("input[type=text]").first.fill("fox-university")
    notebook.says("armed")
    notebook.approve.click()
    notebook.says("approved")
    notebook.run_from("run.apply()")
    notebook.page.wait_for_selector(".jp-OutputArea >> text=Completed: written and verified", timeout=60_000)
    assert lab.writes()["support_tools"] == 1
    notebook.picture("07-verified", notebook.cell("run.verify()"))
    notebook.picture("08-record", notebook.cell("run.record()"))
    assert the_record(lab.runs)["status"] == "completed"

    notebook.menu("Run All Cells")
    notebook.page.wait_for_selector(".jp-OutputArea >> text=No change needed", timeout=60_000)
    assert lab.writes()["support_tools"] == 1


def test_a_click_and_papermill_leave_the_same_record(lab: Any, notebook: Any, tmp_path: Path) -> None:
    """The same facts give the same record, byte for byte but for times, whoever runs the notebook."""
    notebook.open(lab, "force_associate")
    notebook.menu("Run All Cells")
    notebook.says("closed")
    notebook.gate.locator("input[type=text]").first.fill("fox-university")
    notebook.says("armed")
    notebook.approve.click()
    notebook.says("approved")
    notebook.run_from("run.apply()")
    notebook.page.wait_for_selector(".jp-OutputArea >> text=Completed: written and verified", timeout=60_000)
    clicked = json.dumps(the_record(lab.runs), indent=1)
    begin_anew(lab.sandbox)

    settings = load_settings()
    first = execute("force_associate", CASE, settings)
    file = read_plan(first.folder / "plan.json")
    approval = grant(
        file, typed="fox-university", approver="tester", now=datetime.now(UTC), lasts=timedelta(minutes=60)
    )
    path = tmp_path / "approval.json"
    path.write_text(approval.model_dump_json())
    second = execute("force_associate", {**CASE, "approval": str(path)}, settings)
    headless = json.dumps(json.loads((second.folder / "record.json").read_text()), indent=1)
    assert without_times(headless) == without_times(clicked)
