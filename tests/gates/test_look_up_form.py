"""The look-up form without a browser: what a person chooses and types, and the sheet that comes of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glhelpers.clients.manual import ManualPortal
from glhelpers.clients.portal import Portal
from glhelpers.clients.sheet_file import load_sheet, save_sheet
from glhelpers.errors import BadPlanFile, GateClosed, GlhelpersError
from glhelpers.gates.look_up_form import LookUpForm, beside, merged
from glhelpers.models.namespace import TokenInfo
from glhelpers.models.sheet import KINDS, PortalSheet
from glhelpers.models.subscription import BillingAccount, Customer, Order, Subscription

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
NAME = "A-S00010002"

ASK: dict[str, Callable[[Portal], Any]] = {
    f"subscription:{NAME}": lambda portal: portal.subscription(NAME),
    f"orders:subscription_name={NAME}": lambda portal: portal.orders(subscription_name=NAME),
    "customer:5002": lambda portal: portal.customer(5002),
    "customers:email=ann@example.com": lambda portal: portal.customers(email="ann@example.com"),
    "token_info:5002": lambda portal: portal.token_info(5002),
    "impersonation_check:5002": lambda portal: portal.impersonation_check(5002),
    "portal_status": lambda portal: portal.portal_status(),
    "billing_account:2c92a0ff0001": lambda portal: portal.billing_account("2c92a0ff0001"),
    "audit_events:namespace_id=100": lambda portal: portal.audit_events(namespace_id=100),
}
SUBSCRIPTION, ORDERS, ACCOUNT, BY_EMAIL, TOKEN, OPENED, STATUS, BILLING, AUDIT = ASK


class Desk:
    """A form for some look-ups, and the sheets that it has saved."""

    def __init__(self, *keys: str, sheet: PortalSheet | None = None, operator: str = "ada") -> None:
        portal = ManualPortal(None, "https://customers.example.com")
        for key in keys:
            with pytest.raises(GlhelpersError):
                ASK[key](portal)
        self.saved: list[PortalSheet] = []
        self.form = LookUpForm(portal.missing, operator, lambda: NOW, self.saved.append, sheet)

    def tell(self, key: str, shows: str, *rows: dict[str, Any]) -> None:
        """Choose what the page shows and fill in the rows."""
        section = self.form.sections[key]
        section.shows.value = shows
        for row, values in zip(section.rows, rows, strict=False):
            for name, value in values.items():
                row.fields[name].widget.value = value

    def save(self) -> Any:
        """Press the button; the answers of the portal by hand, by key, from the sheet saved last."""
        self.form.button.click()
        return ManualPortal(self.saved[-1] if self.saved else None, "https://customers.example.com")


def test_nothing_is_told_before_a_person_does() -> None:
    """No page is opened, nothing can be saved, and a click saves nothing."""
    desk = Desk(*ASK)
    assert list(desk.form.sections) == list(ASK)
    assert all(section.shows.value == "" and not section.rows for section in desk.form.sections.values())
    assert desk.form.button.disabled
    desk.form.button.click()
    assert desk.saved == []
    assert "9 look-ups are missing" in desk.form.message.value


def test_what_was_told_is_what_the_rules_read() -> None:
    """Every kind of field arrives typed; blank is not told, a dash is none."""
    desk = Desk(SUBSCRIPTION, ACCOUNT)
    told = {
        "plan_code": "ultimate",
        "kind": "plan",
        "seats": " 40 ",
        "start_date": "2026-01-01",
        "trial": False,
        "community_program": "-",
        "quarterly_coterms": "-",
    }
    desk.tell(SUBSCRIPTION, "1", told)
    portal = desk.save()
    found = portal.subscription(NAME)
    assert found == Subscription.model_validate(
        {
            "name": NAME,
            "plan_code": "ultimate",
            "kind": "plan",
            "seats": 40,
            "start_date": "2026-01-01",
            "trial": False,
            "community_program": None,
            "quarterly_coterms": None,
        }
    )
    assert found.told("community_program")
    assert not found.told("end_date")
    assert desk.saved[-1].lookups.keys() == {SUBSCRIPTION}, "the page that was not opened stays missing"
    assert (desk.saved[-1].read_by, desk.saved[-1].read_at) == ("ada", NOW)
    assert desk.form.state == "saved"


def test_lists_take_no_row_up_to_three() -> None:
    """ "The page says there is none" is an empty list; rows carry what they were looked up by."""
    desk = Desk(ORDERS, BY_EMAIL)
    desk.tell(ORDERS, "none")
    desk.tell(BY_EMAIL, "2", {"id": "5002", "uid": "102"}, {"id": "5003", "uid": "-"})
    portal = desk.save()
    assert portal.orders(subscription_name=NAME) == ()
    assert portal.customers(email="Ann@example.com") == (
        Customer(id=5002, email="ann@example.com", uid="102"),
        Customer(id=5003, email="ann@example.com", uid=None),
    )
    desk.tell(ORDERS, "3", {"id": "1"}, {"id": "2", "gl_namespace_id": "100"}, {"id": "3", "kind": "compute_minutes"})
    assert desk.save().orders(subscription_name=NAME) == (
        Order(id=1, subscription_name=NAME),
        Order(id=2, subscription_name=NAME, gl_namespace_id="100"),
        Order(id=3, subscription_name=NAME, kind="compute_minutes"),
    )


@pytest.mark.parametrize(
    ("key", "shows", "row", "kept"),
    [
        (SUBSCRIPTION, "none", {}, None),
        (ORDERS, "none", {}, []),
        (OPENED, "502", {}, {"status": 502}),
        (OPENED, "1", {"groups": "3"}, {"groups": 3}),
        (TOKEN, "expired", {}, {"error": "invalid_token"}),
        (TOKEN, "1", {"resource_owner_id": "102", "scope": "api, read_user"}, {"resource_owner_id": 102, "scope": ["api", "read_user"]}),
        (STATUS, "1", {"portal": "down"}, {"portal": "down"}),
        (BILLING, "1", {"member_customer_ids": "5001,5002"}, {"zuora_account_id": "2c92a0ff0001", "member_customer_ids": [5001, 5002]}),
        (BILLING, "1", {"member_customer_ids": "-"}, {"zuora_account_id": "2c92a0ff0001", "member_customer_ids": []}),
        (AUDIT, "1", {"id": "1", "action": "unlink", "created_at": "2026-11-23T10:00:00Z"}, [{"namespace_id": 100, "id": 1, "action": "unlink", "created_at": "2026-11-23T10:00:00Z"}]),
    ],
)  # fmt: skip
def test_what_is_kept_is_what_the_adapter_would_answer(key: str, shows: str, row: dict[str, Any], kept: Any) -> None:
    """Also for the two failures that tell something, and for lists that are none."""
    desk = Desk(key)
    desk.tell(key, shows, row)
    desk.save()
    assert desk.saved[-1].lookups == {key: kept}


@pytest.mark.parametrize(
    ("key", "field", "wrong", "said"),
    [
        (SUBSCRIPTION, "start_date", "2026-02-31", "Start date is not a day such as 2026-11-23."),
        (SUBSCRIPTION, "start_date", "20260101", "Start date is not a day"),
        (SUBSCRIPTION, "start_date", "1.2.2026", "Start date is not a day"),
        (SUBSCRIPTION, "seats", "forty", "Seats is not a whole number."),
        (SUBSCRIPTION, "seats", "40.5", "Seats is not a whole number."),
        (SUBSCRIPTION, "seats", "٤٠", "Seats is not a whole number."),
        (SUBSCRIPTION, "seats", "9" * 16, "Seats is not a whole number."),
        (SUBSCRIPTION, "plan_code", "a\x07b", "Plan code is no short text"),
        (SUBSCRIPTION, "plan_code", "x" * 301, "Plan code is no short text"),
        (ORDERS, "id", "", "Row 1: id is needed."),
        (ORDERS, "id", "-", "Row 1: id is not a whole number."),
        (BILLING, "member_customer_ids", "", "Member customer ids is needed."),
        (BILLING, "member_customer_ids", "5001,,5002", "Member customer ids is not a whole number."),
        (AUDIT, "created_at", "2026-11-23T10:00:00", "Row 1: id is needed."),
        (TOKEN, "resource_owner_id", "", "Resource owner id is needed."),
        (STATUS, "portal", "", "Portal is needed."),
    ],
)
def test_a_mistake_is_told_as_one_types_and_saves_nothing(key: str, field: str, wrong: str, said: str) -> None:
    """The section says what is wrong, the button is disabled, and a click does nothing."""
    desk = Desk(key, OPENED)
    desk.tell(OPENED, "502")
    desk.tell(key, "1", {field: wrong})
    section = desk.form.sections[key]
    assert said in section.message.value
    assert "MEND" in section.message.value
    assert desk.form.button.disabled
    desk.form.button.click()
    assert desk.saved == []
    section.shows.value = ""
    assert not desk.form.button.disabled, "a section that is given up does not hold the others back"


def test_a_time_needs_a_zone_and_two_rows_two_ids() -> None:
    """Slips that the shapes alone would let pass."""
    desk = Desk(AUDIT)
    row = {"id": "1", "action": "unlink", "created_at": "2026-11-23T10:00:00"}
    desk.tell(AUDIT, "2", row, {**row, "created_at": "2026-11-23T10:00:00Z"})
    message = desk.form.sections[AUDIT].message
    assert "Row 1: created at is not a time" in message.value
    desk.tell(AUDIT, "2", {"created_at": "2026-11-23T10:00:00Z"})
    assert "Two rows have the same id" in message.value
    desk.tell(AUDIT, "2", {"id": "2"})
    assert "TOLD" in message.value


def test_a_choice_offers_the_words_of_the_record_and_no_default() -> None:
    """Not told stands first; where there may be none, that can be said too."""
    desk = Desk(SUBSCRIPTION)
    desk.tell(SUBSCRIPTION, "1")
    fields = desk.form.sections[SUBSCRIPTION].rows[0].fields
    offered = [value for _, value in fields["invoice_owner_type"].widget.options]
    kinds = get_args(get_args(Subscription.model_fields["invoice_owner_type"].annotation)[0])
    assert offered == ["", *kinds, "-"]
    assert [value for _, value in fields["trial"].widget.options] == ["", True, False, "-"]
    assert all(field.widget.value == "" for field in fields.values())
    assert "name" not in fields, "what it was looked up by is not asked for"


def test_every_field_of_every_look_up_has_a_widget() -> None:
    """A record that grows a field of a new kind is noticed here."""
    desk = Desk(*ASK)
    for key, section in desk.form.sections.items():
        section.shows.value = "1"
        shown = set(section.rows[0].fields)
        assert shown <= set(section.lookup.model.model_fields)
        assert len(section.lookup.model.model_fields) - len(shown) <= 1, key
    assert {key.split(":")[0] for key in ASK} == set(KINDS)


def test_rows_that_are_taken_back_do_not_count() -> None:
    """Two rows chosen, then one: the second is not saved, and comes back when two are chosen again."""
    desk = Desk(ORDERS)
    desk.tell(ORDERS, "2", {"id": "1"}, {"id": "2"})
    desk.tell(ORDERS, "1")
    assert [order.id for order in desk.save().orders(subscription_name=NAME)] == [1]
    desk.tell(ORDERS, "2")
    assert [order.id for order in desk.save().orders(subscription_name=NAME)] == [1, 2]


@pytest.mark.parametrize(
    ("old_by", "old_at", "kept", "by", "at"),
    [
        ("bob", NOW - timedelta(hours=1), True, "bob and ada", NOW - timedelta(hours=1)),
        ("ada", NOW - timedelta(hours=1), True, "ada", NOW - timedelta(hours=1)),
        ("bob and ada", NOW - timedelta(hours=1), True, "bob and ada", NOW - timedelta(hours=1)),
        ("bob", NOW - timedelta(hours=1), False, "ada", NOW),
    ],
)
def test_a_new_sheet_keeps_the_old_and_makes_nothing_fresher(
    old_by: str, old_at: datetime, kept: bool, by: str, at: datetime
) -> None:
    """As long as a part of the old sheet stands, it names who read that, and the time that is further back."""
    lookups: dict[str, Any] = {STATUS: {"portal": "down"}} | ({ACCOUNT: None} if kept else {})
    old = PortalSheet(read_by=old_by, read_at=old_at, lookups=lookups)
    new = merged(old, {STATUS: {"portal": "up"}}, "ada", NOW)
    assert new.lookups == {**lookups, STATUS: {"portal": "up"}}
    assert (new.read_by, new.read_at) == (by, at)
    assert old.lookups[STATUS] == {"portal": "down"}


def test_a_sheet_that_cannot_be_saved_is_not_called_saved() -> None:
    """The sentence of the failure is shown, and the button may be pressed again."""
    desk = Desk(STATUS)
    failures: list[Exception] = [BadPlanFile("The folder is gone.", next_step="Make it."), OSError(28, "No space left")]

    def save(sheet: PortalSheet) -> None:
        if failures:
            raise failures.pop(0)
        desk.saved.append(sheet)

    desk.form = LookUpForm([section.lookup for section in desk.form.sections.values()], "ada", lambda: NOW, save)
    desk.tell(STATUS, "1", {"portal": "up"})
    for said in ("The folder is gone. Make it.", "No space left"):
        desk.form.button.click()
        assert desk.form.state == "failed"
        assert said in desk.form.message.value
    desk.form.button.click()
    assert (desk.form.state, len(desk.saved)) == ("saved", 1)


def test_what_is_shown_leads_to_the_page_and_is_never_markup() -> None:
    """Links in a tab of their own, values to copy, odd names as text; the form may stand below what a cell shows."""
    odd = "<img src=x onerror=alert(1)>"
    portal = ManualPortal(None, "https://customers.example.com")
    for ask in (lambda: portal.billing_account(odd), lambda: portal.customer(5002)):
        with pytest.raises(GlhelpersError):
            ask()  # type: ignore[no-untyped-call]
    form = LookUpForm(portal.missing, "ada", lambda: NOW, lambda sheet: None)
    heads = [section.box.children[0].value for section in form.sections.values()]
    assert (
        'href="https://customers.example.com/admin/customer/5002" target="_blank" rel="noopener noreferrer"' in heads[0]
    )
    assert 'aria-label="Copy id" data-copy="5002"' in heads[0]
    assert "<img" not in "".join(heads)
    assert all('role="status" aria-live="polite"' in section.message.value for section in form.sections.values())
    shown = beside("<p>facts</p>", form)
    assert (shown.children[0].value, shown.children[1]) == ("<p>facts</p>", form.box)


def test_the_form_needs_a_person_and_may_have_nothing_to_ask() -> None:
    """No name, no look-up; nothing missing, nothing to save."""
    with pytest.raises(GateClosed, match="the name of a person"):
        LookUpForm([], "  ", lambda: NOW, lambda sheet: None)
    form = LookUpForm([], "ada", lambda: NOW, lambda sheet: None)
    assert form.button.disabled
    assert "every look-up was made" in form.message.value


TYPED = st.text(alphabet="0123456789-,:TZ. aé\x07", max_size=12)


@settings(max_examples=30)
@given(typed=st.lists(TYPED, min_size=20, max_size=20), choice=st.integers(0, 3))
def test_what_can_be_saved_can_be_read(typed: list[str], choice: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever is typed: either the form says what is wrong, or the sheet reads back and every look-up in it parses."""
    desk = Desk(SUBSCRIPTION, ORDERS, BILLING, TOKEN)
    for section in desk.form.sections.values():
        section.shows.value = "1"
        for row in section.rows:
            for field, text in zip(row.fields.values(), typed, strict=False):
                options = getattr(field.widget, "options", None)
                field.widget.value = options[choice % len(options)][1] if options else text
        if section.problem() is not None:
            section.shows.value = "none"
    portal = desk.save()
    path = tmp_path_factory.getbasetemp() / "told.json"
    save_sheet(desk.saved[-1], path)
    assert load_sheet(path) == desk.saved[-1]
    for key in (SUBSCRIPTION, ORDERS, BILLING, TOKEN):
        if desk.saved[-1].lookups[key] is not None:
            ASK[key](portal)
    assert portal.missing == []


def test_models_that_hold_lists_are_the_two_that_are_known() -> None:
    """A list that is left blank would read as an empty one; these are asked for, others would have to be too."""
    lists = {
        (kind.model, name)
        for kind in KINDS.values()
        for name, info in kind.model.model_fields.items()
        if "tuple" in str(info.annotation)
    }
    assert lists == {(BillingAccount, "member_customer_ids"), (TokenInfo, "scope")}
