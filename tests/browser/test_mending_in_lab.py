"""What goes wrong at the seat, and how it is mended there: tokens, profile, a service that cannot be reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from glhelpers.sandbox_process import Running

pytestmark = pytest.mark.browser


@pytest.fixture
def lab(own_lab: Any) -> Any:
    """One of the test's own: something is wrong with its settings."""
    return own_lab


ELSEWHERE = """
[profiles.elsewhere]
gitlab_url = "http://127.0.0.1:9"
customersdot_url = "http://127.0.0.1:9"
zendesk_url = "http://127.0.0.1:9"

[profiles.real]
gitlab_url = "http://127.0.0.1:9"
customersdot_url = "http://127.0.0.1:9"
zendesk_url = "http://127.0.0.1:9"
production = true
"""


@pytest.fixture
def with_little(on_sandbox: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Running:
    """A seat whose token for Zendesk is missing and whose token for GitLab.com has been revoked."""
    monkeypatch.delenv("GLHELPERS_ZENDESK_TOKEN")
    monkeypatch.setenv("GLHELPERS_GITLAB_TOKEN", "glpat-" + "revoked-long-ago")
    (tmp_path / "config.toml").write_text(ELSEWHERE)
    return on_sandbox


def answer(notebook: Any, service: str, token: str) -> None:
    """Type a token at the prompt of a cell."""
    asked = notebook.panel.locator(".jp-Stdin", has_text=f"Token for {service}")
    prompt = asked.locator("input.jp-Stdin-input").last
    prompt.wait_for(timeout=60_000)
    assert prompt.get_attribute("type") == "password"
    prompt.fill(token)
    prompt.press("Enter")


def test_tokens_profile_and_network_are_mended_in_place(with_little: Running, lab: Any, notebook: Any) -> None:
    """
    A missing token and a refused one are asked for where the look-up stands, which then goes on; they are saved nowhere.

    Another profile takes along neither tokens nor the demonstration's values; production is told in red.
    """
    page = notebook.page
    notebook.open(lab, "force_associate")
    notebook.button("Look up ▸").click()
    page.wait_for_selector("text=Profile sandbox has no token for Zendesk.", timeout=60_000)
    notebook.picture("57-token-missing", notebook.cell("run.look_up()"))
    answer(notebook, "Zendesk", with_little.tokens["zendesk"])
    page.wait_for_selector("text=GitLab.com answered 401", timeout=60_000)
    answer(notebook, "GitLab.com", with_little.tokens["admin"])
    notebook.says("closed")
    notebook.panel.locator("[data-jp-item-name=save]").click()
    page.wait_for_selector("text=Saving completed")
    book = (lab.books / "force_associate.ipynb").read_text()
    assert not [name for name, token in with_little.tokens.items() if token in book]

    notebook.field("Ticket link").fill("https://gitlab.zendesk.com/agent/tickets/987654")
    notebook.field("Group *").fill("a-real-customer")
    notebook.field("Subscription *").fill("A-S00099999")
    notebook.button("Look up ▸").click()
    page.wait_for_selector(".glh-stop", timeout=60_000)
    page.wait_for_selector(".glh-form-message >> text=Nothing that was named is known on profile sandbox")
    page.wait_for_selector(".glh-attach-message", timeout=60_000)
    notebook.picture("60-stop", notebook.panel.locator(".glh-stop"))
    notebook.field("Group *").fill("fox-university")
    notebook.field("Subscription *").fill("A-S00010002")
    notebook.field("Ticket link").fill("https://gitlab.zendesk.com/agent/tickets/1002")
    notebook.button("Look up ▸").click()
    notebook.says("closed")

    notebook.field_of_seat("Profile").select_option("real")
    page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .glh-line-production", timeout=60_000)
    page.wait_for_selector(".glh-alarm >> text=PRODUCTION")
    notebook.says("stale")
    assert notebook.field("Group *").input_value() == ""
    notebook.picture("58-production")

    notebook.field_of_seat("Profile").select_option("elsewhere")
    notebook.field("Group *").fill("some-group")
    notebook.field("Subscription *").fill("A-S00099999")
    notebook.button("Look up ▸").click()
    for service in ("GitLab.com", "CustomersDot", "Zendesk"):
        answer(notebook, service, "glpat-" + "for-elsewhere")
    page.wait_for_selector("text=cannot be reached", timeout=60_000)
    text = notebook.panel.locator(".jp-Notebook").inner_text()
    assert "VPN" in text
    assert "Traceback" not in text
    notebook.picture("59-not-reached", notebook.cell("run.look_up()"))
    assert lab.writes()["attempts"] == 0


@pytest.fixture
def without_admin_mode(on_sandbox: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Running:
    """A seat on a profile that is production, with an administrator's token that lacks the scope."""
    (tmp_path / "config.toml").write_text(ELSEWHERE)
    monkeypatch.setenv("GLHELPERS_PROFILE", "real")
    monkeypatch.setenv("GLHELPERS_GITLAB_TOKEN", on_sandbox.tokens["admin_no_mode"])
    return on_sandbox


def test_a_token_without_its_scope_on_production(without_admin_mode: Running, lab: Any, notebook: Any) -> None:
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
    answer(notebook, "GitLab.com", without_admin_mode.tokens["admin"])
    notebook.says("closed")
    assert "on profile real, which is not the sandbox" in notebook.gate.inner_text()
    notebook.picture("70-production-gate")
    assert notebook.violations() == []
    assert lab.writes()["attempts"] == 0
