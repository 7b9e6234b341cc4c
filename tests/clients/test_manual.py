"""CustomersDot by hand: the same answers as over HTTP where a person told them, unknown where nobody did."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from glhelpers.actions.reading import Look, Reader
from glhelpers.clients.clients import open_clients
from glhelpers.clients.customersdot import CustomersDotClient
from glhelpers.clients.manual import ManualPortal, NotLookedUp
from glhelpers.clients.portal import Portal
from glhelpers.errors import (
    NotFound,
    RequestRejected,
    RunbookContractError,
    ServiceUnavailable,
    UnexpectedAnswer,
)
from glhelpers.models.fact import FactState, Source
from glhelpers.models.sheet import KINDS, PortalSheet
from glhelpers.models.subscription import Customer, Order
from glhelpers.sandbox_process import Running
from glhelpers.settings import load_settings

BASE = "https://customers.example.com"
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
NAME = "A-S00010002"

READS: dict[str, Callable[[Portal], Any]] = {
    f"subscription:{NAME}": lambda portal: portal.subscription(NAME),
    f"orders:subscription_name={NAME}": lambda portal: portal.orders(subscription_name=NAME),
    "orders:gl_namespace_id=100": lambda portal: portal.orders(gl_namespace_id="100"),
    "customer:5002": lambda portal: portal.customer(5002),
    "customers:email=ann@example.com": lambda portal: portal.customers(email="Ann@Example.com"),
    "customers:uid=102": lambda portal: portal.customers(uid="102"),
    "customers:namespace_id=100": lambda portal: portal.customers(namespace_id="100"),
    "token_info:5002": lambda portal: portal.token_info(5002),
    "impersonation_check:5002": lambda portal: portal.impersonation_check(5002),
    "portal_status": lambda portal: portal.portal_status(),
    "billing_account:2c92a0ff0001": lambda portal: portal.billing_account("2c92a0ff0001"),
    "audit_events:namespace_id=100,action=unlink": lambda portal: portal.audit_events(
        namespace_id=100, action="unlink"
    ),
}
"""Every look-up there is, by its key in a sheet."""

PAGES = {
    f"subscription:{NAME}": f"/admin/subscription/{NAME}",
    f"orders:subscription_name={NAME}": "/admin/order",
    "orders:gl_namespace_id=100": "/admin/order",
    "customer:5002": "/admin/customer/5002",
    "customers:email=ann@example.com": "/admin/customer",
    "customers:uid=102": "/admin/customer",
    "customers:namespace_id=100": "/admin/customer",
    "token_info:5002": "/admin/customer/5002",
    "impersonation_check:5002": "/admin/customer/5002",
    "portal_status": "/",
    "billing_account:2c92a0ff0001": "/admin/billing_account/2c92a0ff0001",
    "audit_events:namespace_id=100,action=unlink": "/admin/support/audit_events",
}


def by_hand(lookups: dict[str, Any] | None) -> ManualPortal:
    """A portal whose sheet holds these look-ups; None for no sheet at all."""
    sheet = PortalSheet(read_by="ada", read_at=NOW, lookups=lookups) if lookups is not None else None
    return ManualPortal(sheet, BASE)


def as_told(value: Any) -> Any:
    """What the adapter answered, as a person would put it into a sheet."""
    if isinstance(value, tuple):
        return [as_told(item) for item in value]
    return value.model_dump(mode="json", exclude_unset=True) if isinstance(value, BaseModel) else value


def test_every_look_up_has_a_case_here() -> None:
    """The table above misses no kind, and the two drivers have the same methods."""
    assert {key.split(":")[0] for key in READS} == set(KINDS)
    public = {name for name in vars(Portal) if not name.startswith("_")}
    for driver in (CustomersDotClient, ManualPortal):
        for name in public:
            assert inspect.signature(getattr(driver, name)) == inspect.signature(getattr(Portal, name)), name


def test_what_was_read_over_http_and_told_by_hand_is_the_same(on_sandbox: Running) -> None:
    """A sheet filled with the adapter's answers gives the same values, field by field, told and not told alike."""
    with open_clients(load_settings()) as clients:
        portal = clients.customersdot
        customer = portal.customer(5002)
        told = {
            f"subscription:{NAME}": portal.subscription(NAME),
            f"orders:subscription_name={NAME}": portal.orders(subscription_name=NAME),
            "customer:5002": customer,
            f"customers:uid={customer.uid}": portal.customers(uid=customer.uid),
        }
        groups = portal.impersonation_check(5002)
    sheet = {key: as_told(value) for key, value in told.items()}
    sheet |= {"impersonation_check:5002": {"groups": groups}, "portal_status": {"portal": "up"}}
    hand = by_hand(json.loads(json.dumps(sheet)))
    assert hand.subscription(NAME) == told[f"subscription:{NAME}"]
    assert hand.subscription(NAME).model_fields_set == told[f"subscription:{NAME}"].model_fields_set
    assert hand.orders(subscription_name=NAME) == told[f"orders:subscription_name={NAME}"]
    assert hand.customer(5002) == customer
    assert hand.customers(uid=customer.uid) == told[f"customers:uid={customer.uid}"]
    assert (hand.impersonation_check(5002), hand.portal_status()) == (groups, True)
    assert hand.missing == []


@pytest.mark.parametrize("lookups", [None, {}], ids=["no sheet", "empty sheet"])
@pytest.mark.parametrize("key", READS)
def test_what_nobody_looked_up_names_the_page_to_open(key: str, lookups: dict[str, Any] | None) -> None:
    """Not in the sheet: unknown, with the address of the page, and collected once for the form."""
    portal = by_hand(lookups)
    for _ in range(2):
        with pytest.raises(NotLookedUp) as unknown:
            READS[key](portal)
    (missing,) = portal.missing
    assert (missing.key, missing.url) == (key, BASE + PAGES[key])
    assert missing.url in unknown.value.message
    assert missing.model is KINDS[key.split(":")[0]].model
    assert not unknown.value.sent
    assert "example.com" not in (str(unknown.value) + repr(missing)).replace(BASE, "")


def test_what_is_missing_comes_in_one_order_whoever_asked_first() -> None:
    """Look-ups go out side by side; the form shows them in the same order every time."""
    portal = by_hand(None)

    def ask(read: Callable[[Portal], Any]) -> None:
        with pytest.raises(NotLookedUp):
            read(portal)

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(ask, list(READS.values()) * 5))
    assert [lookup.key for lookup in portal.missing] == sorted(
        READS, key=lambda key: (list(KINDS).index(key.split(":")[0]), key)
    )


@pytest.mark.parametrize("key", READS)
def test_null_means_that_the_page_says_there_is_none(key: str) -> None:
    """As the adapter answers: 404 for one thing, an empty list for several."""
    portal = by_hand({key: None})
    if KINDS[key.split(":")[0]].many:
        assert READS[key](portal) == ()
        return
    with pytest.raises(NotFound) as absent:
        READS[key](portal)
    assert absent.value.status == 404


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        (f"subscription:{NAME}", {"name": NAME, "seats": "five secret"}, "seats"),
        (f"subscription:{NAME}", {"name": NAME, "seats": True}, "seats"),
        (f"subscription:{NAME}", {"name": NAME, "start_date": 20260101}, "start_date"),
        (f"subscription:{NAME}", {"name": NAME, "kind": "secret"}, "kind"),
        (f"subscription:{NAME}", {"seats": 5}, "name"),
        (f"subscription:{NAME}", "secret", "the whole"),
        (f"subscription:{NAME}", {"name": "A-S00010003"}, "name"),
        ("customer:5002", {"id": 5003}, "id"),
        ("customers:email=ann@example.com", [{"id": 1, "email": "secret@example.com"}], "0.email"),
        ("customers:uid=102", [{"id": 1, "uid": 102}], "0.uid"),
        ("orders:gl_namespace_id=100", [{"id": 1}, {"id": 2, "gl_namespace_id": "101"}], "1.gl_namespace_id"),
        ("orders:gl_namespace_id=100", {"id": 1}, "the whole"),
        ("billing_account:2c92a0ff0001", {"zuora_account_id": "2c92a0ff0001"}, "member_customer_ids"),
        ("portal_status", {"portal": "secret"}, "portal"),
        ("impersonation_check:5002", {"groups": "secret"}, "groups"),
        ("token_info:5002", {"resource_owner_id": "secret"}, "resource_owner_id"),
    ],
)
def test_what_does_not_fit_is_unknown_and_named(key: str, value: Any, field: str) -> None:
    """A wrong type, a missing field, another record: the field is named, the value is not, the form asks again."""
    portal = by_hand({key: value})
    with pytest.raises(UnexpectedAnswer) as unknown:
        READS[key](portal)
    assert f"does not fit at {field}." in unknown.value.message
    assert "secret" not in str(unknown.value)
    assert [lookup.key for lookup in portal.missing] == [key]


def test_the_two_failures_that_tell_something_are_told_as_the_adapter_tells_them() -> None:
    """The portal's 502, and a token of the portal that has expired."""
    portal = by_hand({"impersonation_check:5002": {"status": 502}, "token_info:5002": {"error": "invalid_token"}})
    with pytest.raises(ServiceUnavailable) as unavailable:
        portal.impersonation_check(5002)
    assert unavailable.value.status == 502
    with pytest.raises(RequestRejected) as expired:
        portal.token_info(5002)
    assert expired.value.status == 422


@pytest.mark.parametrize(
    "press",
    [
        lambda portal: portal.force_associate("fox", NAME, "link", key="k"),
        lambda portal: portal.clear_subscription(NAME, "link", key="k"),
        lambda portal: portal.unlink(5002, "102", "link", key="k"),
        lambda portal: portal.set_extra_minutes("fox", 10, "link", key="k"),
        lambda portal: portal.add_membership("2c92a0ff0001", 5002, key="k"),
    ],
)
def test_no_tool_is_ever_worked_from_here(press: Callable[[Portal], Any]) -> None:
    """A person presses the button; a program that tries has a mistake in it."""
    with pytest.raises(RunbookContractError, match="never sent by a program"):
        press(by_hand({}))


def test_an_odd_name_leads_to_the_list_and_to_no_other_page() -> None:
    """What a person told of may be no name at all: it does not bend the address."""
    portal = by_hand({})
    for name in ("..", "a/../b", "", "x" * 300, "a\u202eb"):
        with pytest.raises(NotLookedUp):
            portal.billing_account(name)
    assert {lookup.url for lookup in portal.missing} == {f"{BASE}/admin/billing_account"}


def test_who_read_it_and_when() -> None:
    """Facts from a sheet carry the person's name and the time of the look-up."""
    assert (by_hand({}).read_by, by_hand({}).read_at) == ("ada", NOW)
    assert (by_hand(None).read_by, by_hand(None).read_at) == (None, None)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                sorted({*Order.model_fields, *Customer.model_fields, "groups", "status", "error", "portal"})
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(lookups=st.dictionaries(st.sampled_from(sorted(READS)), ANYTHING))
def test_any_sheet_gives_facts_or_unknowns(lookups: dict[str, Any]) -> None:
    """Whatever a person told: every look-up ends as known, absent or unknown; only a told 502 is an error."""
    portal = by_hand(lookups)
    for key, read in READS.items():
        look = Look(key, key, Source.operator, "by hand", lambda read=read: read(portal))  # type: ignore[misc]
        try:
            fact = Reader().round([look])[key]
        except ServiceUnavailable as told:
            assert told.status == 502  # noqa: PT017 (the one error that a sheet may tell of)
            continue
        assert (fact.value is not None) == (fact.state is FactState.known)
        if key not in lookups:
            assert fact.state is FactState.unknown
