"""What leaves no armed gate behind: a page loaded again, a second page, a lost connection, a kernel that is restarted."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser

GATE = ".glh-gate-message.glh-gate-"


def armed(notebook: Any) -> None:
    """Look up and type the target."""
    notebook.button("Look up ▸").click()
    notebook.says("closed")
    notebook.gate.get_by_label("Type the target").fill("fox-university")
    notebook.says("armed")
    assert notebook.violations() == []


def saved(notebook: Any) -> None:
    """Save the notebook as a person does."""
    notebook.panel.locator("[data-jp-item-name=save]").click()
    notebook.page.wait_for_selector("text=Saving completed")


def test_neither_a_reload_nor_a_second_page_finds_an_armed_gate(lab: Any, notebook: Any) -> None:
    """The page that is loaded again shows a stale gate, and so does the first page once a second one shows the notebook."""
    page = notebook.page
    notebook.open(lab, "force_associate")
    armed(notebook)
    notebook.approve.click()
    notebook.says("approved")
    saved(notebook)
    page.reload()
    notebook.says("stale")
    assert notebook.violations() == []
    notebook.picture("54-gate-stale", notebook.gate)
    assert notebook.approve.is_disabled()
    notebook.run_from("run.apply()")
    page.wait_for_selector(".jp-OutputArea >> text=GateClosed: Nobody has approved the plan", timeout=60_000)

    notebook.button("Look up ▸").click()
    notebook.says("closed")
    notebook.gate.get_by_label("Type the target").fill("fox-university")
    notebook.says("armed")
    saved(notebook)
    second = page.context.new_page()
    second.goto(f"{lab.url}/workspaces/second/tree/force_associate.ipynb?token=test")
    second.wait_for_selector(f"{GATE}stale", timeout=60_000)
    notebook.says("stale")
    second.close()
    assert lab.writes()["attempts"] == 0


@pytest.mark.usefixtures("own_page")
def test_a_lost_connection_and_a_new_kernel_leave_a_dead_gate(lab: Any, notebook: Any) -> None:
    """Cut off, the gate cannot be pressed; when the line is back it is stale; a restarted kernel knows nothing of it."""
    page = notebook.page
    lines: list[Any] = []
    cut = {"now": False}

    def line(route: Any) -> None:
        if cut["now"]:
            route.close(code=1011)
            return
        route.connect_to_server()
        lines.append(route)

    page.route_web_socket("**/channels*", line)
    notebook.open(lab, "force_associate")
    armed(notebook)
    cut["now"] = True
    for one in lines:
        one.close(code=1011)
    page.wait_for_selector("text=The connection to the kernel is lost", timeout=60_000)
    assert notebook.gate.evaluate("gate => gate.closest('[inert]') !== null || gate.inert")
    assert not notebook.gate.locator(".glh-gate-message").is_visible(), "what was armed does not look so any more"
    notebook.picture("55-connection-lost")
    cut["now"] = False
    notebook.says("stale")

    notebook.button("Look up ▸").click()
    notebook.says("closed")
    notebook.gate.get_by_label("Type the target").fill("fox-university")
    notebook.says("armed")
    page.get_by_role("button", name="Restart the kernel", exact=False).first.click()
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    page.wait_for_selector("text=This notebook shows an earlier run", timeout=60_000)
    dead = notebook.approve.evaluate("button => getComputedStyle(button).pointerEvents")
    assert dead == "none"
    assert notebook.gate.evaluate("gate => gate.inert"), "the keyboard does not reach it either"
    assert not notebook.gate.locator(".glh-gate-message").is_visible()
    assert "STALE" in notebook.gate.evaluate("gate => getComputedStyle(gate, '::before').content")
    notebook.picture("56-kernel-restarted", notebook.gate)
    notebook.button("Start a new run").click()
    notebook.panel.locator(".glh-gate").wait_for(state="detached")
    notebook.button("Look up ▸").wait_for(timeout=60_000)
    assert lab.writes()["attempts"] == 0
