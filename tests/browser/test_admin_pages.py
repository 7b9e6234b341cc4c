"""The sandbox's admin pages in a real browser: the way by hand, rehearsed with the forms that a run shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from glhelpers.actions.forms import form_for
from glhelpers.sandbox_process import Running

pytestmark = pytest.mark.browser

TICKET = "https://gitlab.zendesk.com/agent/tickets/1001"
BUYS = {"namespace": "fox-university", "subscription_name": "A-S00010002", "zendesk_ticket_url": TICKET}
HAS = {"subscription_name": "A-S00010005", "zendesk_ticket_url": TICKET}


@pytest.fixture(scope="module")
def screen(chromium: Browser) -> Iterator[Page]:
    """What all pages are looked at on, one after another."""
    context = chromium.new_context(viewport={"width": 1100, "height": 850})
    yield context.new_page()
    context.close()


@pytest.fixture
def page(screen: Page) -> Iterator[Page]:
    """A page that must stay on this machine and have nothing to complain about."""
    hosts: set[str | None] = set()
    complaints: list[str] = []

    def note(asked: Request) -> None:
        hosts.add(urlsplit(asked.url).hostname)

    def hear(message: ConsoleMessage) -> None:
        complaints.extend([message.text] if "Content Security" in message.text else [])

    screen.emulate_media(color_scheme="light")
    screen.on("request", note)
    screen.on("console", hear)
    yield screen
    screen.goto("about:blank")
    screen.remove_listener("request", note)
    screen.remove_listener("console", hear)
    assert hosts - {None} == {"127.0.0.1"}
    assert complaints == []


@pytest.fixture
def picture(page: Page, request: pytest.FixtureRequest) -> Any:
    """Leave a picture for people to look at."""
    folder = Path(request.config.getoption("--screenshots"))

    def take(name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png", full_page=True)

    return take


def press(page: Page, button: str) -> None:
    """Press the button of the form and wait for the answer."""
    page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_load_state()


def answer(page: Page) -> str:
    """What the tool said."""
    return page.locator("code#answer").inner_text()


def test_force_associate_by_labels(sandbox: Running, page: Page, picture: Any) -> None:
    """Found in the left panel, first without a ticket link, then with one; the order shows its namespace."""
    page.goto(f"{sandbox.urls['customersdot']}/admin")
    picture("admin-01-dashboard")
    page.get_by_role("navigation").get_by_role("link", name="Force Associate").click()
    page.get_by_label("Namespace ID/Path").fill(BUYS["namespace"])
    page.get_by_label("Subscription ID/name").fill(BUYS["subscription_name"])
    press(page, "Force Associate")
    expect(page.get_by_role("alert")).to_contain_text("Zendesk ticket link can't be blank")
    picture("admin-02-no-ticket")
    expect(page.get_by_label("Namespace ID/Path")).to_have_value(BUYS["namespace"])
    page.get_by_label("Zendesk ticket link").fill(TICKET)
    press(page, "Force Associate")
    assert answer(page) == "{:success=>true}"
    picture("admin-03-associated")
    page.get_by_role("navigation").get_by_role("link", name="Orders").click()
    page.get_by_label("Subscription name").fill(BUYS["subscription_name"])
    press(page, "Search")
    expect(page.get_by_role("row", name=BUYS["subscription_name"])).to_contain_text(BUYS["namespace"])
    page.get_by_role("navigation").get_by_role("link", name="Support Audit Events").click()
    expect(page.get_by_role("row", name="force_associate")).to_contain_text("admin page")
    picture("admin-04-audit-events")


def test_clear_subscription_by_labels_and_keyboard(sandbox: Running, page: Page, picture: Any) -> None:
    """In the dark, with the keyboard alone; a second time the tool refuses in its own words."""
    page.emulate_media(color_scheme="dark")
    page.goto(f"{sandbox.urls['customersdot']}/admin/support/clear_subscription")
    page.get_by_label("Subscription ID/name").focus()
    page.keyboard.type(HAS["subscription_name"])
    page.keyboard.press("Tab")
    page.keyboard.type(TICKET)
    picture("admin-05-clear-dark")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("code#answer")).to_have_text("{:success=>true}")
    page.goto(f"{sandbox.urls['customersdot']}/admin/support/clear_subscription")
    page.get_by_label("Subscription ID/name").fill(HAS["subscription_name"])
    page.get_by_label("Zendesk ticket link").fill(TICKET)
    press(page, "Clear Subscription")
    assert answer(page) == "The subscription is not associated with a namespace"
    picture("admin-06-refused-dark")


@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("force_associate", BUYS),
        ("clear_subscription", HAS),
        ("set_extra_minutes", {"namespace": "tanuki-robotics", "new_total": 1550, "zendesk_ticket_url": TICKET}),
    ],
)
def test_the_form_that_a_run_shows_is_the_form_of_the_page(
    sandbox: Running, page: Page, action: str, given: dict[str, Any]
) -> None:
    """Its link fills each field in, under the same labels; its button is there, and the answer is the one named."""
    form = form_for(action, given, sandbox.urls)
    page.goto(form.url)
    for field in form.fields:
        expect(page.get_by_label(field.label, exact=True)).to_have_value(field.value)
    press(page, form.button)
    assert form.success.startswith(answer(page))


def test_unlink_and_membership_by_the_forms_of_a_run(sandbox: Running, page: Page, picture: Any) -> None:
    """Both lie on a record's own page; a customer whom another user is linked to is left alone."""
    customers, accounts = _a_linked_customer(sandbox, page), _a_billing_account(sandbox, page)
    unlink = form_for(
        "unlink", {"customer_id": customers[0], "expected_uid": "999999", "zendesk_ticket_url": TICKET}, sandbox.urls
    )
    page.goto(unlink.url)
    for field in unlink.fields:
        expect(page.get_by_label(field.label, exact=True)).to_have_value(field.value)
    press(page, unlink.button)
    assert answer(page) == "The linked user is not the one expected"
    page.goto(unlink.url)
    page.get_by_label("GitLab user ID (uid)", exact=True).fill(customers[1])
    picture("admin-07-unlink")
    press(page, unlink.button)
    assert answer(page) == "{:success=>true}"
    join = form_for("add_membership", {"billing_account": accounts, "customer_id": customers[0]}, sandbox.urls)
    page.goto(join.url)
    for field in join.fields:
        expect(page.get_by_label(field.label, exact=True)).to_have_value(field.value)
    press(page, join.button)
    members = page.get_by_role("table", name="Billing account memberships")
    expect(members.get_by_role("link", name=customers[0], exact=True)).to_be_visible()
    picture("admin-08-member")


def _a_linked_customer(sandbox: Running, page: Page) -> tuple[str, str]:
    page.goto(f"{sandbox.urls['customersdot']}/admin/customer")
    for row in page.get_by_role("row").all()[1:]:
        number, _, _, uid = row.get_by_role("cell").all_inner_texts()
        if uid != "-":
            return number, uid
    raise AssertionError("nobody is linked")


def _a_billing_account(sandbox: Running, page: Page) -> str:
    page.goto(f"{sandbox.urls['customersdot']}/admin/billing_account")
    return page.get_by_role("row").nth(1).get_by_role("cell").first.inner_text()


def test_compute_usage_is_reset_by_the_form_of_a_run(sandbox: Running, page: Page, picture: Any) -> None:
    """The group's page shows what was used, then a notice and nothing used."""
    form = form_for("reset_usage", {"namespace": "tanuki-robotics"}, sandbox.urls)
    page.goto(form.url)
    expect(page.get_by_role("definition").filter(has_text="450")).to_be_visible()
    picture("admin-09-compute-usage")
    press(page, form.button)
    expect(page.get_by_role("status")).to_contain_text("compute usage of this month was reset")
    expect(page.get_by_role("definition").filter(has_text="450")).to_have_count(0)
    picture("admin-10-compute-usage-reset")
