"""What goes wrong at the seat, and how it is mended there: tokens, profile, a service that cannot be reached."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser


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
def with_little(lab: Any) -> Any:
    """A seat whose token for Zendesk is missing and whose token for GitLab.com has been revoked."""
    lab.give_kernels(GLHELPERS_ZENDESK_TOKEN="", GLHELPERS_GITLAB_TOKEN="glpat-" + "revoked-long-ago")
    (lab.home / "config.toml").write_text(ELSEWHERE)
    return lab


def answer(notebook: Any, service: str, token: str) -> None:
    """Type a token at the prompt of a cell."""
    asked = notebook.panel.locator(".jp-Stdin", has_text=f"Token for {service}")
    prompt = asked.locator("input.jp-Stdin-input").last
    prompt.wait_for(timeout=60_000)
    assert prompt.get_attribute("type") == "password"
    prompt.fill(token)
    prompt.press("Enter")


def test_tokens_profile_and_network_are_mended_in_place(with_little: Any, notebook: Any) -> None:
    """
    A missing token and a refused one are asked for where the look-up stands, which then goes on; they are saved nowhere.

    Another profile takes along neither tokens nor the demonstration's values; production is told in red.
    """
    lab, tokens, page = with_little, with_little.sandbox.tokens, notebook.page
    notebook.open(lab, "force_associate")
    notebook.button("Look up ▸").click()
    page.wait_for_selector("text=Profile sandbox has no token for Zendesk.", timeout=60_000)
    notebook.picture("57-token-missing", notebook.cell("run.look_up()"))
    answer(notebook, "Zendesk", tokens["zendesk"])
    page.wait_for_selector("text=GitLab.com answered 401", timeout=60_000)
    answer(notebook, "GitLab.com", tokens["admin"])
    notebook.says("closed")
    notebook.panel.locator("[data-jp-item-name=save]").click()
    page.wait_for_selector("text=Saving completed")
    book = (lab.books / "force_associate.ipynb").read_text()
    assert not [name for name, token in tokens.items() if token in book]

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
