"""The forms of the admin pages: pressed by a person, refused, incomplete, or sent by something that never saw the form."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest

ASSOCIATE = "/admin/saas_full_order/force_reassociate"
CLEAR = "/admin/support/clear_subscription"
MINUTES = "/admin/support/set_extra_ci_minutes"
UNLINK = "/admin/customer/503/unlink"
MEMBER = "/admin/billing_account/2c92a0ff0000000000000000000000aa/add_membership"
RESET = "/admin/groups/paid-house/reset_runners_minutes"
EDIT = "/admin/groups/paid-house/edit"
TICKET = {"zendesk_ticket_url": "https://gitlab.zendesk.com/agent/tickets/1001"}
FORMS = [
    (ASSOCIATE, {"namespace": "free-garden", "subscription_name": "A-S00020001", **TICKET}, "force_associate"),
    (CLEAR, {"subscription_name": "A-S00020002", **TICKET}, "clear_subscription"),
    (MINUTES, {"namespace": "103", "new_total": "1000", **TICKET}, "set_extra_minutes"),
    (UNLINK, {"customer_id": "503", "expected_uid": "1", **TICKET}, "unlink"),
]
WITH_TICKET = pytest.mark.parametrize(("path", "values", "action"), FORMS, ids=[action for _, _, action in FORMS])


def hidden(page: httpx.Response) -> dict[str, str]:
    """The hidden token of the form on a page."""
    (token,) = re.findall(r'name="authenticity_token" value="(\w+)"', page.text)
    return {"authenticity_token": token}


def press(sandbox: Any, path: str, values: dict[str, str]) -> httpx.Response:
    """Open the form, fill it in, press the button."""
    url = sandbox.told["customersdot_url"] + path
    answer: httpx.Response = sandbox.client.post(url, data={**hidden(sandbox.client.get(url)), **values})
    return answer


def said(answer: httpx.Response) -> str:
    """The tool's answer, as the page shows it."""
    (text,) = re.findall(r'<code id="answer">(.*?)</code>', answer.text)
    return html.unescape(text)


def counted(sandbox: Any) -> tuple[int, int, int]:
    """Writes that took effect, those of support tools, and all attempts."""
    told = sandbox.control("writes")
    return told["count"], told["support_tools"], told["attempts"]


def read(sandbox: Any) -> dict[str, Any]:
    """All that the tools may have changed."""
    return {
        "group": sandbox.gitlab("/namespaces/103").json(),
        "paid": sandbox.gitlab("/namespaces/101").json(),
        "orders": [sandbox.adapter(f"/orders?subscription_name=A-S0002000{n}").json() for n in (1, 2)],
        "customer": sandbox.adapter("/customers/503").json(),
    }


@WITH_TICKET
def test_a_pressed_button_does_what_the_adapter_does(
    sandbox: Any, path: str, values: dict[str, str], action: str
) -> None:
    """The same effect, the same counters, the same audit row but for the way it came and its key."""
    body: dict[str, Any] = {
        name: int(text) if name in ("new_total", "customer_id") else text for name, text in values.items()
    }
    assert sandbox.tool(action.replace("_", "-"), **body).status_code == 200
    by_adapter, counts, (row,) = read(sandbox), counted(sandbox), sandbox.adapter("/audit-events").json()
    sandbox.control("reset", "POST")
    answer = press(sandbox, path, values)
    assert (answer.status_code, said(answer)) == (200, "{:success=>true}")
    assert (read(sandbox), counted(sandbox)) == (by_adapter, counts)
    assert counts == (1, 1, 1)
    (own,) = sandbox.adapter("/audit-events").json()
    assert (row.pop("via"), own.pop("via")) == ("adapter", "admin page")
    assert {**row, "created_at": ""} == {**own, "created_at": ""}
    written, logged = sandbox.control("writes")["writes"][0], sandbox.control("requests")["requests"]
    assert (written["path"], written["action"], written["idempotency_key"]) == (path, action, None)
    assert [entry["path"] for entry in logged[:2]] == [path, path]


@pytest.mark.parametrize(
    ("path", "values", "status", "says"),
    [
        (
            ASSOCIATE,
            {"namespace": "paid-house", "subscription_name": "A-S00020001"},
            422,
            "unable to associate the subscription as the destination namespace is already associated with a subscription",
        ),
        (ASSOCIATE, {"namespace": "nowhere", "subscription_name": "A-S00020001"}, 422, "Namespace not found"),
        (ASSOCIATE, {"namespace": "103", "subscription_name": "A-S00020004"}, 422, "the sandbox says no"),
        (
            ASSOCIATE,
            {"namespace": "refuses-all", "subscription_name": "A-S00020001"},
            422,
            "Namespace has a <b>pending</b> change",
        ),
        (CLEAR, {"subscription_name": "A-S00020001"}, 422, "The subscription is not associated with a namespace"),
        (CLEAR, {"subscription_name": "A-S99999999"}, 422, "Subscription not found"),
        (MINUTES, {"namespace": "103", "new_total": "many"}, 422, "New minutes total is invalid"),
        (MINUTES, {"namespace": "103", "new_total": "-5"}, 422, "New minutes total is invalid"),
        (MINUTES, {"namespace": "102", "new_total": "5"}, 422, "Namespace must be a top-level group"),
        (UNLINK, {"customer_id": "503", "expected_uid": "2"}, 409, "The linked user is not the one expected"),
        (
            "/admin/customer/502/unlink",
            {"customer_id": "502", "expected_uid": "2"},
            409,
            "The linked user is not the one expected",
        ),
    ],
)
def test_what_a_tool_refuses_is_shown_in_its_words(
    sandbox: Any, path: str, values: dict[str, str], status: int, says: str
) -> None:
    """Nothing has changed, no audit row is written, and markup in the words is text."""
    before = read(sandbox)
    answer = press(sandbox, path, values | TICKET)
    assert (answer.status_code, said(answer)) == (status, says)
    assert "<b>" not in answer.text
    assert (read(sandbox), counted(sandbox)) == (before, (0, 0, 1))
    assert sandbox.adapter("/audit-events").json() == []


@WITH_TICKET
@pytest.mark.parametrize(
    ("ticket", "says"),
    [
        ("", "Zendesk ticket link can&#39;t be blank"),
        ("   ", "Zendesk ticket link can&#39;t be blank"),
        ("1001", "Zendesk ticket link is not a ticket link"),
        ("https://gitlab.zendesk.example/agent/tickets/1001", "Zendesk ticket link is not a ticket link"),
    ],
)
def test_without_a_ticket_link_the_form_comes_again(
    sandbox: Any, path: str, values: dict[str, str], action: str, ticket: str, says: str
) -> None:
    """It says why, keeps what was typed, and can be sent from where it stands."""
    before = read(sandbox)
    answer = press(sandbox, path, {**values, "zendesk_ticket_url": ticket})
    assert answer.status_code == 422
    assert f"<li>{says}</li>" in answer.text
    assert re.search(r'name="zendesk_ticket_url"[^>]* aria-invalid="true"', answer.text)
    for name in set(values) - {"zendesk_ticket_url"}:
        assert f'name="{name}" value="{values[name]}"' in answer.text
    assert (read(sandbox), counted(sandbox)) == (before, (0, 0, 1))
    url = sandbox.told["customersdot_url"] + path
    assert said(sandbox.client.post(url, data={**hidden(answer), **values})) == "{:success=>true}"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (ASSOCIATE, ["Namespace ID/Path", "Subscription ID/name", "Zendesk ticket link"]),
        (CLEAR, ["Subscription ID/name", "Zendesk ticket link"]),
        (MINUTES, ["Namespace ID/Path", "New minutes total", "Zendesk ticket link"]),
        (UNLINK, ["GitLab user ID (uid)", "Zendesk ticket link"]),
        (MEMBER, ["Customer ID"]),
    ],
)
def test_every_blank_field_is_named(sandbox: Any, path: str, says: list[str]) -> None:
    """By its label."""
    page = sandbox.client.get(sandbox.told["customersdot_url"] + path).text
    filled = dict(re.findall(r'name="(\w+)" value="([^"]*)"[^>]* readonly', page))
    answer = press(sandbox, path, filled)
    assert answer.status_code == 422
    found = re.findall(r"<li>(.*?) can&#39;t be blank</li>", answer.text)
    assert found == says


@pytest.mark.parametrize("path", [path for path, _, _ in FORMS] + [MEMBER])
@pytest.mark.parametrize("token", ["none", "made up", "of another form", "in JSON"])
def test_what_never_saw_the_form_is_refused(sandbox: Any, path: str, token: str) -> None:
    """403 with a page, whatever else is right."""
    url = sandbox.told["customersdot_url"]
    other = CLEAR if path != CLEAR else MINUTES
    given = {
        "none": {},
        "made up": {"authenticity_token": "0" * 64},
        "of another form": hidden(sandbox.client.get(url + other)),
        "in JSON": hidden(sandbox.client.get(url + path)),
    }[token]
    values = next((values for at, values, _ in FORMS if at == path), {"customer_id": "504"})
    sent: dict[str, Any] = {"json" if token == "in JSON" else "data": {**values, **given}}
    before = read(sandbox)
    answer = sandbox.client.post(url + path, **sent)
    assert (answer.status_code, "hidden token" in answer.text) == (403, True)
    assert (read(sandbox), counted(sandbox)) == (before, (0, 0, 1))


def test_a_form_of_very_many_fields_is_refused(sandbox: Any) -> None:
    """No form here has so many."""
    url = sandbox.told["customersdot_url"] + CLEAR
    assert sandbox.client.post(url, data={f"field_{n}": "x" for n in range(60)}).status_code == 400


@pytest.mark.parametrize(("path", "values"), [(path, values) for path, values, _ in FORMS])
def test_an_address_fills_the_form_in(sandbox: Any, path: str, values: dict[str, str]) -> None:
    """A deep link with the values of a plan; reading it changes nothing."""
    hostile = {**values, "zendesk_ticket_url": '"><script>x</script>'}
    page = sandbox.client.get(sandbox.told["customersdot_url"] + path, params=hostile).text
    for name, value in hostile.items():
        assert f'name="{name}" value="{html.escape(value).replace("&quot;", "&#34;")}"' in page
    assert "<script" not in page
    assert counted(sandbox) == (0, 0, 0)


def test_the_unlink_form_names_who_is_linked(sandbox: Any) -> None:
    """The account is the page's own, whatever the address or the form says; another one is refused."""
    url = sandbox.told["customersdot_url"] + UNLINK
    page = sandbox.client.get(url, params={"customer_id": "501", "expected_uid": "2"})
    assert "root-admin (uid 1)" in page.text
    assert 'name="customer_id" value="503"' in page.text
    assert 'name="expected_uid" value="2"' in page.text
    answer = press(sandbox, UNLINK, {"customer_id": "501", "expected_uid": "2", **TICKET})
    assert answer.status_code == 422
    assert "Customer ID is not that of this page, which is 503" in answer.text
    assert counted(sandbox) == (0, 0, 1)


def test_a_member_is_added(sandbox: Any) -> None:
    """The account lists it, the customer belongs to it; a second time is refused; it asks for no ticket."""
    account = {"billing_account": "2c92a0ff0000000000000000000000aa"}
    answer = press(sandbox, MEMBER, {**account, "customer_id": "504"})
    assert (answer.status_code, said(answer)) == (200, "{:success=>true}")
    assert "CustomersDot account 504 is among the members of the billing account." in answer.text
    assert '<a href="/admin/customer/504">504</a>' in answer.text
    assert sandbox.adapter("/customers/504").json()["zuora_account_id"] == account["billing_account"]
    again = press(sandbox, MEMBER, {**account, "customer_id": "504"})
    assert (again.status_code, "Customer ID has already been taken" in again.text) == (422, True)
    nobody = press(sandbox, MEMBER, {**account, "customer_id": "x"})
    assert (nobody.status_code, "Customer ID is not a customer" in nobody.text) == (422, True)
    assert counted(sandbox) == (1, 0, 3)


def test_an_answer_may_be_lost_on_its_way_to_the_browser(sandbox: Any) -> None:
    """The change is made, the connection breaks, and the audit row is there."""
    with pytest.raises(httpx.RemoteProtocolError):
        press(sandbox, ASSOCIATE, {"namespace": "free-garden", "subscription_name": "A-S00020007", **TICKET})
    assert [row["action"] for row in sandbox.adapter("/audit-events?namespace_id=103").json()] == ["force_associate"]
    assert sandbox.gitlab("/namespaces/103").json()["plan"] == "premium"


def test_the_usage_of_the_month_is_reset(sandbox: Any) -> None:
    """Quota and additional minutes alike are unused; limits stay; the page leads back with a notice."""
    url = sandbox.told["gitlab_url"]
    before = sandbox.gitlab("/namespaces/101").json()
    page = sandbox.client.get(url + EDIT)
    assert "<dt>Used this month</dt><dd>10500</dd>" in page.text
    answer = sandbox.client.post(url + RESET, data=hidden(page))
    assert (answer.status_code, answer.headers["location"]) == (302, f"{EDIT}?notice=usage-reset")
    shown = sandbox.client.get(url + answer.headers["location"]).text
    assert "<dt>Used this month</dt><dd>0</dd>" in shown
    assert 'role="status">The compute usage of this month was reset.' in shown
    after = sandbox.gitlab("/namespaces/101").json()
    unused = dict.fromkeys(("total_minutes_used", "monthly_minutes_used", "purchased_minutes_used"), 0)
    assert after == {**before, "ci_minutes_usage": unused}
    (row,) = sandbox.control("writes")["writes"]
    assert (row["action"], row["target"], row["applied"], row["support_tool"]) == (
        "reset_usage",
        "paid-house",
        True,
        False,
    )


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        (RESET, False, 403),
        ("/admin/groups/free-garden/reset_runners_minutes", True, 403),
        ("/admin/groups/nowhere/reset_runners_minutes", False, 403),
    ],
)
def test_usage_is_not_reset_without_the_form_of_the_group(sandbox: Any, path: str, token: bool, status: int) -> None:
    """The token of one group's form does not do for another's."""
    url = sandbox.told["gitlab_url"]
    given = hidden(sandbox.client.get(url + EDIT)) if token else {}
    before = sandbox.gitlab("/namespaces/103").json()
    assert sandbox.client.post(url + path, data=given).status_code == status
    assert sandbox.gitlab("/namespaces/103").json() == before
    assert counted(sandbox) == (0, 0, 1)
