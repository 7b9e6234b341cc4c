"""What a person sees after a press: the place that is to be read, each state of the gate, in a light and in a dark theme."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.browser.conftest import notes

pytestmark = pytest.mark.browser

TARGET = "cobra-cloud"


def test_the_page_shows_what_is_to_be_read(lab: Any, notebook: Any) -> None:
    """After a press the facts are in view, or what has ended the run; below the button stands how it came out."""
    page = notebook.page
    notebook.open(lab, "force_associate")
    notebook.button("Look up ▸").click()
    page.wait_for_selector(".glh-form-message.glh-form-waits", timeout=60_000)
    page.wait_for_timeout(500)
    assert notebook.is_in_view(notebook.cell("run.look_up()"))

    notebook.field("Group *").fill("no-such-group")
    notebook.button("Look up ▸").click()
    page.wait_for_selector(".glh-attach-message", timeout=60_000)
    page.wait_for_selector(".glh-form-message.glh-form-ended >> text=Stopped: nothing was written")
    page.wait_for_timeout(500)
    stop = notebook.panel.locator(".glh-stop")
    assert notebook.is_in_view(stop)
    assert "■ STOP" in stop.inner_text()
    assert "What to do:" in stop.inner_text()
    notebook.picture("61-stop-on-the-page")

    notebook.field("Group *").fill("fox-university")
    notebook.button("Look up ▸").click()
    notebook.says("closed")
    notebook.gate.get_by_label("Type the target").fill("fox-university")
    notebook.says("armed")
    notebook.approve.click()
    notebook.says("approved")
    notebook.button("Apply it now ▸").click()
    page.wait_for_selector(".glh-attach-message", timeout=60_000)
    page.wait_for_timeout(500)
    applied = notebook.cell("run.apply()")
    assert notebook.is_in_view(applied)
    assert "Sent, not read back yet" in applied.inner_text()
    page.wait_for_selector(".glh-form-message.glh-form-ended >> text=Completed: written and verified. Step 7")
    assert "failed" not in notebook.panel.locator(".jp-Notebook").inner_text().lower()


def test_where_one_types_the_page_stays(lab: Any, notebook: Any) -> None:
    """Who has gone on typing while the steps run keeps the field: no step takes the focus, no letter is lost."""
    page = notebook.page
    notebook.open(lab, "start_here")
    notebook.button("Look up ▸").click()
    notebook.field("Issue").focus()
    page.keyboard.type("gitlab-com/support/internal-requests#600", delay=40)
    page.wait_for_selector(".glh-attach-message", timeout=60_000)
    assert notebook.field("Issue").input_value() == "gitlab-com/support/internal-requests#600"
    assert notebook.panel.locator(".jp-Cell").count() == 18


def test_a_long_look_up_tells_how_far_it_is(lab: Any, notebook: Any) -> None:
    """While a service answers slowly, what has come in is counted where the person looks; in the end only facts are left."""
    slow = [{"system": "customersdot", "do": "latency", "seconds": 2.5}]
    faults(lab, slow)
    notebook.open(lab, "force_associate")
    notebook.button("Look up ▸").click()
    line = notebook.panel.get_by_text("Looking up:")
    line.wait_for(timeout=60_000)
    notebook.page.wait_for_selector(".glh-form-message.glh-form-running")
    notebook.page.wait_for_function("/[1-9][0-9]* done/.test(document.body.innerText)")
    assert "last: " in line.locator("xpath=..").inner_text()
    assert notebook.is_in_view(line)
    notebook.picture("68-looking-up")
    faults(lab, [])
    notebook.says("closed")
    assert line.count() == 0


def test_what_changes_is_spoken(lab: Any, notebook: Any) -> None:
    """Form, field and gate: the node that a screen reader listens to is the same one before and after the change."""
    notebook.open(lab, "force_associate")
    spoken = ".glh-spoken[aria-live=polite]"
    for place, change, says in (
        (notebook.panel.locator(".glh-field-namespace").locator(spoken), "fox university", "Group is not a group path"),
        (notebook.panel.locator(f".glh-form > {spoken}"), "fox-university", "READY"),
    ):
        node = place.element_handle()
        notebook.field("Group *").fill(change)
        notebook.page.wait_for_function("([node, says]) => node.innerText.includes(says)", arg=[node, says])
        assert node.evaluate("node => node.isConnected")
    notebook.button("Look up ▸").click()
    notebook.says("closed")
    node = notebook.gate.locator(spoken).element_handle()
    notebook.gate.get_by_label("Type the target").fill("fox-university")
    notebook.page.wait_for_function("node => node.innerText.includes('ARMED')", arg=node)
    assert node.evaluate("node => node.isConnected")


def test_a_double_click_anywhere_is_one(lab: Any, notebook: Any) -> None:
    """On look up, approve, apply and attach: one run at its gate, one write, one note, and no cell that ends in an error."""
    had = len(notes(lab, 2))
    notebook.open(lab, "force_associate")
    notebook.button("Look up ▸").dblclick()
    notebook.says("closed")
    notebook.page.wait_for_timeout(2000)
    notebook.says("closed")
    notebook.gate.get_by_label("Type the target").fill("fox-university")
    notebook.says("armed")
    notebook.approve.dblclick()
    notebook.says("approved")
    notebook.button("Apply it now ▸").dblclick()
    notebook.button("Preview what will be sent").wait_for(timeout=60_000)
    notebook.page.wait_for_timeout(2000)
    notebook.button("Preview what will be sent").click()
    notebook.page.wait_for_selector(".glh-attach-message.glh-attach-shown", timeout=60_000)
    notebook.button("Attach exactly this").dblclick()
    notebook.page.wait_for_selector(".glh-attach-message.glh-attach-sent", timeout=60_000)
    text = notebook.panel.locator(".jp-Notebook").inner_text()
    assert "Completed: written and verified" in text
    assert "GateClosed" not in text
    assert "evidence is sealed" not in text
    assert lab.writes()["support_tools"] == 1
    assert len(notes(lab, 2)) == had + 1


def faults(lab: Any, rules: list[dict[str, Any]]) -> None:
    """Have the sandbox misbehave in this way from now on."""
    body = json.dumps(rules).encode()
    asked = Request(
        f"{lab.sandbox.urls['gitlab']}/__sandbox/faults",
        method="PUT",
        data=body,
        headers={"Content-Type": "application/json"},
    )
    urlopen(asked).close()


def grounds(notebook: Any) -> Iterator[bool]:
    """Whether the ground is light: first that which is there, then the other one, which stays."""
    first = notebook.light
    for light in (first, not first):
        notebook.choose_ground(light=light)
        yield light


def test_every_state_reads_well_in_the_dark_and_in_the_light(lab: Any, notebook: Any) -> None:
    """
    Form, rules, pictures and all states of the gate against both grounds, by axe-core; the signs tell them apart.

    Through clear_subscription, which needs a second person: mistakes, closed, armed, refused, approved, applied, stale.
    """
    seen: dict[str, str] = {}

    def look(what: str, pictures: Mapping[str, Any] = MappingProxyType({})) -> None:
        for light in grounds(notebook):
            assert notebook.violations() == [], (what, light)
            for name, part in {} if light else pictures.items():
                notebook.picture(name, part)

    def look_at_gate(state: str, picture: str = "", of: Any = None) -> None:
        notebook.says(state)
        look(state, {picture or f"7-{state}-dark": of or notebook.gate})
        shown = notebook.gate.locator(".glh-gate-message")
        frame = shown.evaluate(
            "one => { const s = getComputedStyle(one); return [s.borderStyle, s.borderWidth].join(); }"
        )
        seen[state] = f"{shown.inner_text().split(maxsplit=2)[:2]} {frame}"

    notebook.open(lab, "clear_subscription")
    notebook.choose_ground(light=False)
    notebook.field("Group *").fill("cobra cloud")
    notebook.page.wait_for_selector(".glh-problem >> text=Group is not a group path")
    look("a mistake", {"7-form-dark": notebook.panel.locator(".glh-form")})
    notebook.field("Group *").fill(TARGET)
    notebook.button("Look up ▸").click()
    look_at_gate("closed", "7-check-dark", notebook.cell("run.check()"))
    notebook.gate.get_by_label("Type the target").fill(TARGET)
    look_at_gate("armed")
    notebook.approve.click()
    look_at_gate("refused", "71-refused-dark")
    assert "no such file" in notebook.gate.inner_text()
    notebook.colleague_approves(types=TARGET)
    notebook.approve.click()
    look_at_gate("approved")
    notebook.button("Apply it now ▸").click()
    look_at_gate("applied")
    notebook.button("Preview what will be sent").wait_for(timeout=60_000)
    look("the record", {"7-record-dark": notebook.cell("run.record()")})

    notebook.choose_ground(light=False)
    notebook.close_all()  # a page that is loaded again shows first what it showed first
    notebook.open(lab, "force_associate")
    notebook.button("Look up ▸").click()
    notebook.says("closed")
    notebook.panel.locator("[data-jp-item-name=save]").click()
    notebook.page.wait_for_selector("text=Saving completed")
    notebook.page.reload()
    notebook.says("stale")
    assert not notebook.light
    look_at_gate("stale")
    assert len(set(seen.values())) == len(seen) == 6, seen
