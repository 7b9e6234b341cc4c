"""The expert's seat in a real browser: the form, the buttons, the keyboard, what a screen reader is told."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import notes

pytestmark = pytest.mark.browser

UPLOAD = re.compile(r"/uploads/[0-9a-f]{32}/")


def parameters_in_file(path: Path) -> dict[str, str]:
    """The values of a saved notebook's parameters cell."""
    book = json.loads(path.read_text())
    (cell,) = (cell for cell in book["cells"] if "parameters" in cell["metadata"].get("tags", []))
    values: dict[str, str] = {}
    exec("".join(cell["source"]), {}, values)
    return values


def test_lab_opens_on_a_form_that_is_checked_as_one_types(lab: Any, notebook: Any) -> None:
    """
    The first page is start_here with its catalogue; a wrong value is told below its field, and nothing can be looked up.

    What is typed goes to the parameters cell; a run that ends without a plan goes on to its record and hands on.
    """
    page = notebook.page
    page.goto(f"{lab.url.removesuffix('/lab')}/?token=test")
    notebook.button("Look up ▸").wait_for(timeout=60_000)
    assert "start_here" in page.url
    assert "sandbox" in page.locator("#glh-profile").inner_text()
    assert notebook.panel.get_by_role("link", name="Force Associate SaaS Subscription").is_visible()
    assert notebook.panel.locator(".glh-training").count() == 0, "nobody rehearses here"
    notebook.picture("50-start-here")
    assert list(lab.runs.glob("**/record.json")) == []

    group = notebook.field("Group")
    group.fill("mantis maps")
    page.wait_for_selector(".glh-problem >> text=Group is not a group path")
    assert notebook.button("Look up ▸").is_disabled()
    notebook.picture("51-form-to-mend", notebook.panel.locator(".glh-form"))
    assert notebook.violations() == []
    notebook.field("Ticket link").fill("https://gitlab.zendesk.com/agent/tickets/1002")
    notebook.button("Fill in from the ticket").click()
    page.wait_for_selector(".glh-form-message >> text=taken out, as of another ticket", timeout=60_000)
    assert notebook.field("Subscription").input_value() != "A-S00010600", "the example's, whose ticket it is not"
    assert group.input_value() == "mantis maps", "what was typed stays"
    notebook.button("Empty the form").click()
    page.wait_for_selector(".glh-problem", state="detached")
    notebook.field("Ticket link").fill("https://gitlab.zendesk.com/agent/tickets/1600")
    notebook.button("Fill in from the ticket").click()
    page.wait_for_selector(".glh-form-message.glh-form-told", timeout=60_000)
    assert (group.input_value(), notebook.field("Subscription").input_value()) == ("mantis-maps", "A-S00010600")
    notebook.picture("51b-filled-in", notebook.panel.locator(".glh-form"))
    notebook.field("What the customer sees").fill("group_greyed_out_or_absent")
    notebook.field("Issue").fill("gitlab-com/support/internal-requests#600")
    page.wait_for_selector(".glh-form-message.glh-form-ready")
    notebook.button("Look up ▸").click()
    notebook.button("Preview what will be sent").wait_for(timeout=60_000)
    go_on = page.get_by_role("link", name="Open the notebook with these parameters filled in")
    assert notebook.panel.locator(go_on).count() > 0
    notebook.button("Preview what will be sent").click()
    page.wait_for_selector(".glh-attach-message.glh-attach-shown, .glh-attach-message.glh-attach-failed")
    link = notebook.panel.locator(go_on).first
    notebook.picture("30-go-on", notebook.panel.locator(".glh-card", has=go_on).last)
    given = parameters_in_file(lab.books / "start_here.ipynb")
    assert (given["namespace"], given["issue"]) == ("mantis-maps", "gitlab-com/support/internal-requests#600")

    link.click()
    notebook.field("Compute minutes used").wait_for(state="attached", timeout=60_000)
    assert notebook.field("Group *").input_value() == "mantis-maps"
    assert notebook.field("Subscription *").input_value() == "A-S00010600"
    assert lab.writes()["attempts"] == 0


def test_by_keyboard_alone_from_the_form_to_the_attached_evidence(lab: Any, notebook: Any) -> None:
    """
    Every control is reached by Tab in the order of reading and has a name: no mouse, no leap, no trap on the way.

    What the draft's button copies is the draft; what the preview shows is what is sent, to the letter and once.
    """
    page, keys = notebook.page, notebook.page.keyboard
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    notebook.open(lab, "force_associate")
    tab_to(page, "Ticket link", most=80)
    passed = tab_to(page, "Look up ▸")
    assert [name for name in passed if name in ("Issue", "Group *", "Subscription *")] == [
        "Issue",
        "Group *",
        "Subscription *",
    ]
    assert "" not in passed
    keys.press("Enter")
    notebook.says("closed")
    page.wait_for_selector(".glh-form-message.glh-form-waits")
    assert notebook.violations() == []
    assert "" not in tab_to(page, "Type the target")
    keys.type("fox-university")
    notebook.says("armed")
    assert tab_to(page, "Approve this change to fox-university") == []
    keys.press("Enter")
    notebook.says("approved")
    assert notebook.violations() == []
    tab_to(page, "Apply it now ▸")
    keys.press("Enter")
    notebook.says("applied")
    notebook.button("Preview what will be sent").wait_for(timeout=60_000)
    assert lab.writes()["support_tools"] == 1
    notebook.picture("52-gate-applied", notebook.gate)

    tab_to(page, "Copy The subscription is on the group (the customer, as a public reply on the ticket)")
    keys.press("Enter")
    notebook.panel.get_by_text("copied", exact=True).wait_for()
    draft = page.evaluate("navigator.clipboard.readText()")
    assert draft.startswith("Hello,")
    assert draft.strip() in notebook.cell("run.record()").inner_text()

    tab_to(page, "Preview what will be sent")
    keys.press("Enter")
    page.wait_for_selector(".glh-attach-message.glh-attach-shown", timeout=60_000)
    shown = notebook.panel.get_by_role("region", name="What will be sent").inner_text()
    assert "would add one internal note" in shown
    notebook.picture("53-preview", notebook.panel.locator(".glh-attach"))
    assert notebook.violations() == []
    before = notes(lab, 2)
    assert tab_to(page, "Attach exactly this") == []
    keys.press("Enter")
    page.wait_for_selector(".glh-attach-message.glh-attach-sent", timeout=60_000)
    (note,) = [body for body in notes(lab, 2) if body not in before]
    assert UPLOAD.sub("/uploads/" + "0" * 32 + "/", note).strip() in shown
    sent = notebook.panel.locator(".glh-attach").get_by_role("link", name="#note_")
    assert "/internal-requests/-/issues/2#note_" in sent.get_attribute("href")
    assert notebook.button("Attach exactly this").is_disabled()
    assert notebook.violations() == []
    notebook.picture("67-attached")

    notebook.cell("run.apply()").locator(".jp-InputArea").click()
    keys.press("Shift+Enter")
    page.wait_for_selector(".jp-OutputArea >> text=This run is closed and its evidence is sealed", timeout=60_000)
    assert lab.writes()["support_tools"] == 1


def tab_to(page: Any, name: str, *, most: int = 40) -> list[str]:
    """Press Tab until a control with this name has the focus; the names of those passed, as a screen reader says them."""
    passed: list[str] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        here = page.evaluate(
            "() => { const e = document.activeElement; return e.labels && e.labels.length ? e.labels[0].innerText "
            ": (e.getAttribute('aria-label') || e.innerText || '').trim(); }"
        )
        if here == name:
            return passed
        passed.append(here)
    raise AssertionError(f"{name} was not reached: {passed}")
