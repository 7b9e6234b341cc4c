"""The forms for work by hand in JupyterLab, in a real browser: links, copy buttons, keyboard, answers."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest

pytestmark = pytest.mark.browser

DESK = """
from datetime import UTC, datetime
from glhelpers.actions.forms import form_for
from glhelpers.gates.desk import ManualDesk
urls = {"customersdot": "https://customers.example.com", "gitlab": "https://gitlab.example.com"}
odd = "fox\\"'><b>den</b>&amp;"
given = {"namespace": odd, "subscription_name": "A-S00010002", "zendesk_ticket_url": "https://gitlab.zendesk.com/agent/tickets/1"}
desk = ManualDesk([form_for("force_associate", given, urls)], "ada", lambda: datetime.now(UTC))
desk.box
"""
LOOK_UP = """
from glhelpers.clients.manual import ManualPortal
from glhelpers.errors import GlhelpersError
from glhelpers.gates.look_up_form import LookUpForm
portal, saved = ManualPortal(None, "https://customers.example.com"), []
for ask in (lambda: portal.subscription("A-S00010002"), lambda: portal.orders(gl_namespace_id="100")):
    try:
        ask()
    except GlhelpersError as unknown:
        print(unknown.message)
form = LookUpForm(portal.missing, "ada", lambda: datetime.now(UTC), saved.append)
form.box
"""


@pytest.fixture
def by_hand(lab: Any, notebook: Any) -> Any:
    """A notebook with the two forms, run."""
    cells = [
        nbformat.v4.new_code_cell(source.strip())
        for source in (DESK, LOOK_UP, "print(desk.take())", "print(saved)", "'the end'")
    ]
    book = nbformat.v4.new_notebook(cells=cells)
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(book, lab.books / "by_hand.ipynb")
    notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    notebook.open(lab, "by_hand", form=False)
    notebook.menu("Run All Cells")
    notebook.page.wait_for_selector(".glh-desk-message.glh-desk-waiting", timeout=60_000)
    notebook.page.wait_for_selector(".glh-lookups-message.glh-lookups-unsaved", timeout=60_000)
    return notebook


def test_the_forms_for_work_by_hand(by_hand: Any) -> None:
    """Both forms in one notebook: what is to be done in an admin page, and what is to be looked up in one."""
    values_are_copied_and_an_answer_is_recorded(by_hand)
    look_ups_are_typed_checked_and_saved(by_hand)


def values_are_copied_and_an_answer_is_recorded(by_hand: Any) -> None:
    """The exact value lands in the clipboard, by mouse and by keyboard; the answer is chosen, pressed, handed out."""
    page = by_hand.page
    desk = page.locator(".glh-desk").first
    link = desk.get_by_role("link", name="Open the admin page")
    assert link.get_attribute("target") == "_blank"
    assert "noopener" in link.get_attribute("rel")
    assert link.get_attribute("href").startswith(
        "https://customers.example.com/admin/saas_full_order/force_reassociate?"
    )
    desk.get_by_role("button", name="Copy Namespace ID/Path").click()
    assert page.evaluate("navigator.clipboard.readText()") == "fox\"'><b>den</b>&amp;"
    desk.get_by_text("copied", exact=True).wait_for()
    desk.get_by_role("button", name="Copy Subscription ID/name").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("navigator.clipboard.readText().then(text => text === 'A-S00010002')")
    by_hand.picture("20-desk", desk)

    record = desk.get_by_role("button", name="Record the answer")
    answer = desk.locator("select").first
    desk.locator("option:checked", has_text="choose…").wait_for(state="attached")
    assert record.is_disabled()
    answer.select_option(label="an error text")
    desk.get_by_text("An error needs its text").wait_for()
    assert record.is_disabled()
    desk.locator("textarea").first.fill("unable to associate")
    page.wait_for_selector(".glh-desk-message.glh-desk-ready")
    record.dblclick()
    page.wait_for_selector(".glh-desk-message.glh-desk-ended")
    by_hand.picture("21-desk-answered", desk)
    by_hand.run_from("print(desk.take())")
    page.wait_for_selector(".jp-OutputArea >> text=kind='refused', text='unable to associate', answered_by='ada'")


def look_ups_are_typed_checked_and_saved(by_hand: Any) -> None:
    """A section opens when the page was opened; a day that is none is told at once; what is saved is a sheet."""
    page = by_hand.page
    form = page.locator(".glh-lookups").first
    assert form.get_by_role("button", name="Save what was looked up").is_disabled()
    assert (
        "/admin/subscription/A-S00010002"
        in page.locator(".jp-OutputArea-output", has_text="nobody has looked it up").first.inner_text()
    )
    shows = form.locator("select")
    shows.nth(0).select_option(label="as told below")
    day = form.get_by_placeholder("YYYY-MM-DD").first
    day.fill("2026-02-31")
    form.get_by_text("Start date is not a day such as 2026-11-23.").wait_for()
    by_hand.picture("22-look-up-form", form)
    day.fill("2026-02-28")
    form.get_by_text("Ready to be saved").wait_for()
    form.get_by_role("button", name="Save what was looked up").click()
    page.wait_for_selector(".glh-lookups-message.glh-lookups-saved")
    by_hand.run_from("print(saved)")
    page.wait_for_selector(".jp-OutputArea >> text=PortalSheet(format='glhelpers.portal-sheet/1', read_by='ada'")
