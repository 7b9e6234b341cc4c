"""JupyterLab on a profile that is production: told from the first screen to the gate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from glhelpers.sandbox_process import Running
from tests.browser.test_mending_in_lab import ELSEWHERE, answer

pytestmark = pytest.mark.browser


@pytest.fixture
def without_admin_mode(on_sandbox: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A seat on a profile that is production, with an administrator's token that lacks the scope."""
    (tmp_path / "config.toml").write_text(ELSEWHERE)
    monkeypatch.setenv("GLHELPERS_PROFILE", "real")
    monkeypatch.setenv("GLHELPERS_GITLAB_TOKEN", on_sandbox.tokens["admin_no_mode"])


@pytest.fixture
def lab(without_admin_mode: None, own_lab: Any) -> Any:
    """One of the test's own: its page tells which profile it was opened on."""
    return own_lab


def test_a_token_without_its_scope_on_production(lab: Any, notebook: Any) -> None:
    """
    Production is told from the first screen to the gate, and holds none of the demonstration's values.

    What a token without scope does not show is not told as absent before a better token could be given.
    """
    page = notebook.page
    notebook.open(lab, "force_associate")
    assert "PRODUCTION" in page.locator("#glh-profile").inner_text()
    assert page.evaluate("document.body.classList.contains('glh-production')")
    assert "PRODUCTION" in notebook.panel.locator(".glh-alarm").inner_text()
    assert notebook.field("Group *").input_value() == ""
    assert notebook.violations() == []
    notebook.field("Group *").fill("fox-university")
    notebook.field("Subscription *").fill("A-S00010002")
    notebook.field("Ticket link").fill("https://gitlab.zendesk.com/agent/tickets/1002")
    notebook.button("Look up ▸").click()
    page.wait_for_selector("text=this token lacks scope admin_mode", timeout=60_000)
    notebook.picture("69-token-without-scope", notebook.cell("run.look_up()"))
    answer(notebook, "GitLab.com", lab.sandbox.tokens["admin"])
    notebook.says("closed")
    assert "on profile real, which is not the sandbox" in notebook.gate.inner_text()
    notebook.picture("70-production-gate")
    assert notebook.violations() == []
    assert lab.writes()["attempts"] == 0
