"""The admin pages' forms: for every action the labels of the page, the values of the plan, a link that fills them in."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from glhelpers.actions.effects import EFFECTS
from glhelpers.actions.forms import FORMS, form_for
from glhelpers.errors import RunbookContractError

URLS = {"customersdot": "https://customers.example.com/", "gitlab": "https://gitlab.example.com"}
TICKET = "https://gitlab.zendesk.com/agent/tickets/1002"

CASES: dict[str, tuple[dict[str, str | int], str, dict[str, str]]] = {
    "force_associate": (
        {"namespace": "fox/den", "subscription_name": "A-S00010002", "zendesk_ticket_url": TICKET},
        "/admin/saas_full_order/force_reassociate",
        {"Namespace ID/Path": "fox/den", "Subscription ID/name": "A-S00010002", "Zendesk ticket link": TICKET},
    ),
    "clear_subscription": (
        {"subscription_name": "A-S00010002", "zendesk_ticket_url": TICKET},
        "/admin/support/clear_subscription",
        {"Subscription ID/name": "A-S00010002", "Zendesk ticket link": TICKET},
    ),
    "unlink": (
        {"customer_id": 5002, "expected_uid": "102", "zendesk_ticket_url": TICKET},
        "/admin/customer/5002/unlink",
        {"Customer ID": "5002", "GitLab user ID (uid)": "102", "Zendesk ticket link": TICKET},
    ),
    "set_extra_minutes": (
        {"namespace": "100", "new_total": 5000, "zendesk_ticket_url": TICKET},
        "/admin/support/set_extra_ci_minutes",
        {"Namespace ID/Path": "100", "New minutes total": "5000", "Zendesk ticket link": TICKET},
    ),
    "add_membership": (
        {"billing_account": "2c92a0ff0001", "customer_id": 5002},
        "/admin/billing_account/2c92a0ff0001/add_membership",
        {"Billing account (Zuora account ID)": "2c92a0ff0001", "Customer ID": "5002"},
    ),
    "reset_usage": (
        {"namespace": "fox/den", "zendesk_ticket_url": TICKET},
        "/admin/groups/fox/den/edit",
        {"Group": "fox/den"},
    ),
}


@pytest.mark.parametrize("action", CASES)
def test_a_form_holds_exactly_what_would_be_sent(action: str) -> None:
    """Each field by the page's own label; the link leads there with the same values."""
    arguments, path, fields = CASES[action]
    form = form_for(action, arguments, URLS)
    link = urlsplit(form.url)
    assert form.action == action
    assert f"{link.scheme}://{link.netloc}" == URLS["gitlab" if action == "reset_usage" else "customersdot"].rstrip("/")
    assert link.path == path
    assert {field.label: field.value for field in form.fields} == fields
    for name, values in parse_qs(link.query).items():
        assert values == [str(arguments[name])]
    assert form.place
    assert form.success
    assert form.read_back
    assert form.warning


def test_every_change_that_a_person_can_make_has_a_form() -> None:
    """Each single action that the package knows of; a plan of several requests shows the forms of its steps."""
    assert set(FORMS) == set(CASES) == set(EFFECTS) - {"replace_subscription"}


def test_a_reset_says_what_it_clears_and_drafts_the_admin_note() -> None:
    """It clears the use of the quota and of additional units; the note has the four parts that are asked for."""
    form = form_for("reset_usage", {"namespace": "fox", "zendesk_ticket_url": TICKET, "day": "2026-11-23"}, URLS)
    assert "quota and of the additional units" in form.warning
    assert form.note == f"2026-11-23 | Compute minutes reset | after a force associate | {TICKET}"
    assert form.button == "Reset compute usage"


@pytest.mark.parametrize("name", ["../../x", "a?b=c", "a#b", "a b", "fox&new_total=9", "<b>"])
def test_no_name_bends_the_link(name: str) -> None:
    """A value stays a value: it adds no query parameter and no fragment."""
    given: dict[str, str | int] = {"namespace": name, "new_total": 5, "zendesk_ticket_url": TICKET}
    link = urlsplit(form_for("set_extra_minutes", given, URLS).url)
    assert parse_qs(link.query) == {"namespace": [name], "new_total": ["5"], "zendesk_ticket_url": [TICKET]}
    assert not link.fragment
    assert (
        urlsplit(form_for("unlink", {**given, "customer_id": name, "expected_uid": "1"}, URLS).url).path.count("/") == 4
    )


def test_what_cannot_be_filled_in_is_a_mistake_of_the_runbook() -> None:
    """An unknown action, an argument that is missing."""
    with pytest.raises(RunbookContractError, match="No admin page is known"):
        form_for("delete_group", {}, URLS)
    with pytest.raises(RunbookContractError, match="cannot be filled in without 'namespace'"):
        form_for("force_associate", {}, URLS)
