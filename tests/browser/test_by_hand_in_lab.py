"""CustomersDot by hand, from the gate through the sandbox's admin page to the read-back, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from glhelpers.sandbox_process import Running
from tests.browser.conftest import RUNBOOKS
from tests.test_by_hand import FOX, portal, sheet

__all__ = ["portal", "sheet"]

pytestmark = pytest.mark.browser


@pytest.fixture
def on_sandbox(lab: Any) -> Running:
    """The sandbox behind JupyterLab."""
    sandbox: Running = lab.sandbox
    return sandbox


@pytest.fixture
def case(sheet: Path, lab: Any) -> str:
    """force_associate for fox-university, with what was looked up by hand; the driver is `manual`, and has no token."""
    lab.give_kernels(GLHELPERS_CUSTOMERSDOT_DRIVER="manual", GLHELPERS_CUSTOMERSDOT_TOKEN="")
    book = nbformat.read(RUNBOOKS / "force_associate.ipynb", as_version=4)
    given = {**FOX, "portal_facts": str(sheet)}
    cell = next(cell for cell in book.cells if "parameters" in cell.metadata.get("tags", []))
    cell.source = "\n".join(f"{name} = {value!r}" for name, value in given.items())
    nbformat.write(book, lab.books / "by_hand.ipynb")
    return "by_hand"


def test_a_person_makes_the_change_in_the_admin_page(case: str, lab: Any, notebook: Any) -> None:
    """Gate, form, admin page, its answer, read-back: one change, and the record says who told what."""
    page = notebook.page
    notebook.open(lab, case)
    notebook.menu("Run All Cells")
    notebook.says("closed")
    assert page.locator("text=looked up by hand").first.is_visible()
    notebook.gate.locator("input[type=text]").first.fill("fox-university")
    notebook.says("armed")
    notebook.approve.click()
    notebook.says("approved")
    notebook.run_from("run.apply()")
    page.wait_for_selector(".jp-OutputArea >> text=GateClosed: It is not told yet", timeout=60_000)
    assert lab.writes()["attempts"] == 0
    desk = page.locator(".glh-desk").first
    notebook.picture("40-form-of-the-admin-page", desk)

    with page.context.expect_page() as opened:
        desk.get_by_role("link", name="Open the admin page").click()
    admin = opened.value
    admin.wait_for_load_state()
    assert admin.get_by_label("Namespace ID/Path").input_value() == "2002"
    assert admin.get_by_label("Subscription ID/name").input_value() == "A-S00010002"
    admin.screenshot(path=notebook.pictures / "41-admin-page.png")
    admin.get_by_role("button", name="Force Associate").click()
    answer = admin.locator("#answer")
    answer.wait_for()
    assert answer.inner_text() == "{:success=>true}"
    admin.screenshot(path=notebook.pictures / "42-admin-page-answered.png")
    admin.close()

    desk.locator("select").first.select_option(index=1)
    page.wait_for_selector(".glh-desk-message.glh-desk-ready")
    desk.get_by_role("button", name="Record the answer").click()
    page.wait_for_selector(".glh-desk-message.glh-desk-finished")
    notebook.run_from("run.verify()")
    page.wait_for_selector(".jp-OutputArea >> text=Completed: written and verified", timeout=60_000)
    notebook.picture("43-read-back", notebook.cell("run.verify()"))
    assert lab.writes()["support_tools"] == 1
    (path,) = (path for path in lab.runs.rglob("record.json") if not path.parent.name.startswith("."))
    record = json.loads(path.read_text())
    assert record["status"] == "completed"
    assert record["receipt"]["answered_by"] == "tester"
    assert {fact["told_by"] for fact in record["facts"] if fact["source"] == "operator"} == {"ada"}
