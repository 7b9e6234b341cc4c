"""The admin pages that only show: what a person looks up there, and what no browser may be led to."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

ACCOUNT = "2c92a0ff0000000000000000000000aa"
PAGES = [
    ("customersdot", "/"),
    ("customersdot", "/admin"),
    ("customersdot", "/admin/customer"),
    ("customersdot", "/admin/customer/505"),
    ("customersdot", "/admin/customer/505/impersonate"),
    ("customersdot", "/admin/customer/505/unlink"),
    ("customersdot", "/admin/customer/505/zuora_subscriptions"),
    ("customersdot", "/admin/customer/999"),
    ("customersdot", "/admin/order"),
    ("customersdot", "/admin/subscription"),
    ("customersdot", "/admin/subscription/A-S00020010"),
    ("customersdot", "/admin/billing_account"),
    ("customersdot", f"/admin/billing_account/{ACCOUNT}"),
    ("customersdot", f"/admin/billing_account/{ACCOUNT}/add_membership"),
    ("customersdot", "/admin/saas_full_order/force_reassociate"),
    ("customersdot", "/admin/support/clear_subscription"),
    ("customersdot", "/admin/support/set_extra_ci_minutes"),
    ("customersdot", "/admin/support/audit_events"),
    ("gitlab", "/admin/groups/paid-house/edit"),
    ("gitlab", "/admin/groups/paid-house/kitchen/edit"),
]


class Parts(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember it."""
        self.tags.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each such tag."""
        return [attributes for name, attributes in self.tags if name == tag]


def open_page(sandbox: Any, path: str, system: str = "customersdot") -> Any:
    """A page without any token, as a browser asks for it."""
    return sandbox.client.get(sandbox.told[f"{system}_url"] + path)


def rows_of(text: str) -> list[list[str]]:
    """The cells of a page's tables, as text."""
    rows = re.findall(r"<tr>(.*?)</tr>", text, re.DOTALL)
    return [
        [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]
        for row in rows
        if "<td" in row
    ]


def facts_of(text: str) -> dict[str, str]:
    """The facts of a page, as text."""
    return {name: re.sub("<[^>]+>", "", value) for name, value in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", text)}


@pytest.mark.parametrize(("system", "path"), PAGES)
def test_every_page_can_be_read_by_everybody(sandbox: Any, system: str, path: str) -> None:
    """One heading, a label for each field, a banner, light and dark; no script, nothing from elsewhere, no sign-in."""
    answer = open_page(sandbox, path, system)
    assert answer.status_code == (404 if "999" in path else 200)
    parts = Parts(answer.text)
    assert (len(parts.of("h1")), len(parts.of("main")), parts.of("html")) == (1, 1, [{"lang": "en"}])
    inputs = [given for given in parts.of("input") if given.get("type") != "hidden"]
    assert {given["id"] for given in inputs} == {given["for"] for given in parts.of("label")}
    ids = [given["id"] for _, given in parts.tags if given.get("id")]
    assert len(ids) == len(set(ids))
    described = {given["aria-describedby"] for _, given in parts.tags if "aria-describedby" in given}
    assert described <= set(ids)
    assert all(given.get("scope") == "col" for given in parts.of("th"))
    assert len(parts.of("caption")) == len(parts.of("table"))
    assert "<strong>Sandbox: nothing here is real.</strong>" in answer.text
    assert "color-scheme: light dark" in answer.text
    assert not parts.of("script")
    targets = [str(given.get(name)) for _, given in parts.tags for name in ("href", "src", "action") if name in given]
    assert all(target.startswith(("/", "#", "data:,")) and not target.startswith("//") for target in targets)
    assert not [name for _, given in parts.tags for name in given if name.startswith("on")]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert sandbox.control("writes")["attempts"] == 0


def test_every_link_of_the_pages_leads_somewhere(sandbox: Any) -> None:
    """From the dashboard on, no page of the admin area leads to one that is not modelled."""
    seen: set[str] = set()
    waiting = ["/admin"]
    while waiting:
        path = waiting.pop()
        seen.add(path)
        answer = open_page(sandbox, path)
        assert answer.status_code == (502 if path == "/admin/customer/503/impersonate" else 200), path
        links = {str(given["href"]) for given in Parts(answer.text).of("a") if str(given["href"]).startswith("/admin")}
        waiting += sorted(links - seen - set(waiting))
    assert len(seen) > 40


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["501", "502", "503", "504", "505"]),
        ("?email=OLIVE@example.com", ["501"]),
        ("?uid=2", ["501", "504"]),
        ("?uid=2&email=second@example.com", ["504"]),
        ("?namespace_id=101", ["501"]),
        ("?email=nobody-at-all@example.com", []),
    ],
)
def test_customers_are_found_as_through_the_adapter(sandbox: Any, query: str, found: list[str]) -> None:
    """By address, linked user or namespace; several may share one user."""
    rows = [row for row in rows_of(open_page(sandbox, f"/admin/customer{query}").text) if row != ["None."]]
    assert [row[0] for row in rows] == found
    if query:
        assert [str(row["id"]) for row in sandbox.adapter(f"/customers{query}").json()] == found


@pytest.mark.parametrize(
    ("customer", "told"),
    [
        (501, {"Id": "501", "Company": "Paid House Ltd.", "Uid": "2", "Provider": "gitlab", "Login activated": "yes"}),
        (501, {"Login deactivated on": "(not told)", "Token of the portal": "belongs to GitLab user 2"}),
        (502, {"Uid": "-", "Provider": "-", "Token of the portal": "none is stored", "Billing account": "-"}),
        (504, {"Login activated": "no", "Login deactivated on": "2026-09-30", "Created on": "2024-02-29"}),
        (504, {"Token of the portal": "invalid_token: The access token expired"}),
        (505, {"Login deactivated on": "-", "Company": "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; Sons"}),
    ],
)
def test_what_is_not_told_and_what_is_none_look_different(sandbox: Any, customer: int, told: dict[str, str]) -> None:
    """As a person copies it into a look-up sheet."""
    facts = facts_of(open_page(sandbox, f"/admin/customer/{customer}").text)
    assert told.items() <= facts.items()


def test_a_subscription_shows_all_that_is_told(sandbox: Any) -> None:
    """Every field of the contract, and nothing of how the world misbehaves."""
    facts = facts_of(open_page(sandbox, "/admin/subscription/A-S00020010").text)
    entity = sandbox.adapter("/subscriptions/A-S00020010").json()
    names = {name.lower().replace(" ", "_") for name, value in facts.items() if value != "(not told)"}
    assert names == set(entity)
    assert (facts["License activated"], facts["Community program"], facts["Read only"]) == ("no", "-", "(not told)")
    refused = facts_of(open_page(sandbox, "/admin/subscription/A-S00020004").text)
    assert not {"Refusal", "Force associate"} & set(refused)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?subscription_name=A-S00020002", [["2", "501", "A-S00020002", "101", "paid-house"]]),
        ("?gl_namespace_id=101", [["2", "501", "A-S00020002", "101", "paid-house"]]),
        ("?subscription_name=A-S00020001", [["1", "501", "A-S00020001", "-", "-"]]),
        ("?subscription_name=A-S00020001&gl_namespace_id=101", []),
    ],
)
def test_orders_show_their_namespace(sandbox: Any, query: str, found: list[list[str]]) -> None:
    """Column Gl namespace, a dash where no namespace is linked."""
    text = open_page(sandbox, f"/admin/order{query}").text
    assert '<th scope="col">Gl namespace</th>' in text
    assert [row[:5] for row in rows_of(text) if row != ["None."]] == found


def test_what_an_account_has_bought(sandbox: Any) -> None:
    """By the account's orders and by its billing account; a subscription without an order is among them."""
    sandbox.control("change", "POST", json={"set_customer": {"id": 501, "zuora_account_id": ACCOUNT}})
    text = open_page(sandbox, "/admin/customer/501/zuora_subscriptions").text
    names = [row[0] for row in rows_of(text)]
    assert {"A-S00020001", "A-S00020010"} <= set(names)
    assert "A-S00020008" not in names
    for column in ("Plan code", "Kind", "Seats", "Start date", "End date", "Invoice owner", "Quarterly coterms"):
        assert f'<th scope="col">{column}</th>' in text


def test_of_a_billing_account_only_domains_are_shown(sandbox: Any) -> None:
    """With its members."""
    text = open_page(sandbox, f"/admin/billing_account/{ACCOUNT}").text
    facts = facts_of(text)
    assert (facts["Sold to domain"], facts["Bill to domain"], facts["Sold to is bill to"]) == ("example.com", "-", "no")
    assert rows_of(text) == [["501", "Paid House Ltd."]]


def test_the_portal_as_an_account_sees_it(sandbox: Any) -> None:
    """Its groups, nothing where nobody is linked, and the front door's 502 for an administrator or when all is down."""
    listed = rows_of(open_page(sandbox, "/admin/customer/501/impersonate").text)
    assert len(listed) == sandbox.adapter("/customers/501/impersonation-check", "POST").json()["groups"]
    assert ["101", "paid-house"] in listed
    assert rows_of(open_page(sandbox, "/admin/customer/502/impersonate").text) == [["None."]]
    broken = open_page(sandbox, "/admin/customer/503/impersonate")
    assert (broken.status_code, broken.text) == (502, "<html><body><h1>502 Bad Gateway</h1></body></html>")
    assert open_page(sandbox, "/").status_code == 200
    sandbox.control("change", "POST", json={"set_switches": {"portal_down": True, "portal_fails_after": 0.01}})
    assert [open_page(sandbox, path).status_code for path in ("/", "/admin/customer/501/impersonate")] == [502, 502]


@pytest.mark.parametrize(
    ("query", "actions"),
    [
        ("", ["set_extra_minutes", "unlink"]),
        ("?namespace_id=103", ["set_extra_minutes"]),
        ("?action=unlink", ["unlink"]),
        ("?action=unlink&namespace_id=103", []),
    ],
)
def test_audit_events_are_shown_and_narrowed_down(sandbox: Any, query: str, actions: list[str]) -> None:
    """Action, namespace, request link, requester and time."""
    sandbox.tool("set-extra-minutes", namespace="free-garden", new_total=7)
    sandbox.tool("unlink", customer_id=503, expected_uid="1")
    text = open_page(sandbox, f"/admin/support/audit_events{query}").text
    rows = [row for row in rows_of(text) if row != ["None."]]
    assert [row[1] for row in rows] == actions
    for column in ("Action", "Namespace ID", "Request link", "Requester", "Timestamp"):
        assert f'<th scope="col">{column}</th>' in text


@pytest.mark.parametrize(
    ("system", "path", "status"),
    [
        ("gitlab", "/admin/groups/nowhere/edit", 404),
        ("gitlab", "/admin/groups/broken/edit", 502),
        ("gitlab", "/admin/groups/101/edit", 200),
        ("gitlab", "/admin/customer/501", 501),
        ("zendesk", "/admin", 501),
        ("customersdot", "/admin/groups/paid-house/edit", 501),
        ("customersdot", "/admin/subscription/A-S99999999", 404),
        ("customersdot", "/admin/billing_account/none", 404),
        ("customersdot", "/admin/customer/%3Cscript%3E", 404),
    ],
)
def test_pages_that_are_none(sandbox: Any, system: str, path: str, status: int) -> None:
    """Each system has its own pages, and a record that is not there is said so."""
    answer = open_page(sandbox, path, system)
    assert (answer.status_code, "<script" in answer.text) == (status, False)


def test_pages_open_no_api(sandbox: Any) -> None:
    """What asks for no sign-in is pages only."""
    for system, path in (("customersdot", "/adapter/v1/customers/501"), ("gitlab", "/api/v4/groups/104")):
        assert open_page(sandbox, path, system).status_code == 401
