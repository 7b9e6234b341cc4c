"""A training case in JupyterLab: the ticket beside the form, a hint, a mistake, and the right thing, told apart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from glhelpers.kernels.owner import ADDRESS, begin
from glhelpers.rehearsal.case import case_named
from glhelpers.sandbox_process import running_sandbox
from tests.browser.conftest import Lab, opened

pytestmark = pytest.mark.browser

CASE = case_named("forty_users_ten_seats")


@pytest.fixture(scope="module")
def rehearsing(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Lab]:
    """`glhelpers sandbox rehearse` in a terminal, which `glhelpers lab` finds serving when it is opened."""
    home = tmp_path_factory.mktemp("rehearsal")
    command = [sys.executable, "-m", "glhelpers.cli", "sandbox", "rehearse", CASE.id]
    with pytest.MonkeyPatch.context() as patch:
        _sit_down(patch, home)
        process = subprocess.Popen(command, env=dict(os.environ), cwd=home, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Runs on this machine"):
                break
        sandbox = running_sandbox(home / "state", world=None, faults=None)
        assert sandbox is not None
        with opened(home, sandbox) as lab:
            yield lab
            for page in lab.pages:
                page.context.close()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)


@pytest.fixture
def lab(rehearsing: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """JupyterLab as it is when the rehearsal has just begun."""
    _sit_down(monkeypatch, rehearsing.home)
    rehearsing.begin_anew()
    return rehearsing


def _sit_down(patch: pytest.MonkeyPatch, home: Path) -> None:
    """The environment of a learner, who names no service."""
    for name in [name for name in os.environ if name.startswith("GLHELPERS_")]:
        patch.delenv(name)
    folders = {"STATE_DIR": "state", "RUNS_DIR": "runs", "CONFIG": "config.toml", "TRUSTED_SIGNERS": "signers"}
    for name, value in {**{name: str(home / path) for name, path in folders.items()}, "OPERATOR": "tester"}.items():
        patch.setenv(f"GLHELPERS_{name}", value)
    patch.setenv("GLHELPERS_IN_FLIGHT_SECONDS", "2")
    if (lent := begin()) is not None:
        patch.setenv(ADDRESS, str(lent))


def test_a_case_is_learnt_in_the_browser(lab: Any, notebook: Any) -> None:
    """
    Forty users on ten seats: doing nothing is not yet right, the question to the customer is.

    Neither hint nor solution is there before it is asked for or found, and nothing has to be typed in a terminal.
    """
    page = notebook.page
    notebook.open(lab, "force_associate")
    panel = notebook.panel.locator(".glh-training")
    text = panel.inner_text()
    assert CASE.goal in text
    assert "That must be a mistake" in text
    assert CASE.hint[:40] not in text
    assert CASE.solution.says[:40] not in text
    judge = notebook.button("Was the right thing done?")
    judge.click()
    panel.locator(".glh-training-not-yet").wait_for(timeout=60_000)
    notebook.button("Show a hint").click()
    panel.get_by_text(CASE.hint[:40]).wait_for()
    notebook.button("Take this ticket into the form").click()
    page.wait_for_selector(".glh-form-message.glh-form-told", timeout=60_000)
    assert notebook.field("Ticket link").input_value() == CASE.ticket.url
    assert notebook.field("Subscription *").input_value() == "A-S00091010"
    notebook.field("Group *").fill("merlin-motors")
    notebook.picture("62-rehearsal", notebook.panel.locator(".glh-seat"))
    assert notebook.violations() == []

    notebook.button("Look up ▸").click()
    page.wait_for_selector(".glh-attach-message", timeout=60_000)
    assert "Needs the customer's answer first" in notebook.panel.locator(".glh-stop").inner_text()
    notebook.picture("64-seats-owed", notebook.cell("run.check()"))
    judge.click()
    panel.locator(".glh-training-right").wait_for(timeout=60_000)
    assert CASE.solution.says[:40] in panel.inner_text()
    assert notebook.violations() == []
    notebook.picture("63-rehearsal-right", panel)


def test_what_must_not_be_done_is_found_out(lab: Any, notebook: Any) -> None:
    """A word that the customer never gave, a second person who trusts it, seats owed: wrong, and no hint leads on from it."""
    notebook.open(lab, "force_associate")
    for label, value in {
        "Ticket link": CASE.ticket.url,
        "Group *": "merlin-motors",
        "Subscription *": "A-S00091010",
        "Customer's word on seats": f"{CASE.ticket.url}#comment-1",
    }.items():
        notebook.field(label).fill(value)
    notebook.button("Look up ▸").click()
    notebook.says("closed")
    assert "30 seats" in notebook.gate.inner_text()
    notebook.picture("65-seats-owed-gate", notebook.gate)
    notebook.picture("66-seats-owed", notebook.cell("run.check()"))
    notebook.colleague_approves(types="merlin-motors")
    notebook.gate.get_by_label("Type the target").fill("merlin-motors")
    notebook.says("armed")
    notebook.approve.click()
    notebook.says("approved")
    notebook.button("Apply it now ▸").click()
    notebook.button("Preview what will be sent").wait_for(timeout=60_000)
    notebook.button("Was the right thing done?").click()
    notebook.panel.locator(".glh-training-wrong").wait_for(timeout=60_000)
    said = notebook.panel.locator(".glh-training").inner_text()
    assert "nobody had asked the customer about the 30 seats" in said
    assert "start it anew" in said
    assert lab.writes()["support_tools"] == 1
