"""CustomersDot where only a person can work it: look-ups come from a sheet, and nothing is ever sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pydantic import TypeAdapter, ValidationError

from glhelpers.clients.admin_pages import label_of, page_of
from glhelpers.clients.wire import clean
from glhelpers.errors import NotFound, RequestRejected, RunbookContractError, ServiceUnavailable, UnexpectedAnswer
from glhelpers.models.base import WireModel
from glhelpers.models.namespace import TokenInfo
from glhelpers.models.sheet import KINDS, PortalGroups, PortalSheet, PortalState, parse_key, sheet_key
from glhelpers.models.subscription import AuditEvent, BillingAccount, Customer, Order, Subscription, ToolAnswer

if TYPE_CHECKING:
    from glhelpers.clients.portal import Portal

__all__ = ["ManualPortal", "MissingLookup", "NotLookedUp"]

T = TypeVar("T")


class NotLookedUp(UnexpectedAnswer):
    """A person has not looked this up in the admin pages yet."""


@dataclass(frozen=True)
class MissingLookup:
    """A look-up that a person has to make: where, and the shape of what they tell. `key` may hold an address."""

    key: str = field(repr=False)
    label: str
    url: str
    model: type[WireModel]
    many: bool = False


class ManualPortal:
    """
    Answers look-ups from a sheet; what is not in it is collected in `missing`, for a person to look up.

    The Support Admin Tools raise: by hand nothing is sent from here.  Safe to use from several threads.
    """

    def __init__(self, sheet: PortalSheet | None, base_url: str) -> None:
        self._sheet, self._base = sheet, base_url.rstrip("/")
        self._missing: dict[str, MissingLookup] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"ManualPortal({self._base})"

    @property
    def read_by(self) -> str | None:
        """Who made the look-ups of the sheet; None without one."""
        return self._sheet.read_by if self._sheet is not None else None

    @property
    def read_at(self) -> datetime | None:
        """When the first look-up of the sheet was made; None without one."""
        return self._sheet.read_at if self._sheet is not None else None

    @property
    def missing(self) -> list[MissingLookup]:
        """What was asked for and is not in the sheet, or stands there malformed; in the order of `KINDS`."""
        order = list(KINDS)
        with self._lock:
            return sorted(
                self._missing.values(), key=lambda lookup: (order.index(lookup.key.split(":")[0]), lookup.key)
            )

    def subscription(self, name: str) -> Subscription:
        """A subscription by its A-S name."""
        return self._one("subscription", Subscription, name=name)

    def orders(self, *, subscription_name: str | None = None, gl_namespace_id: str | None = None) -> tuple[Order, ...]:
        """Orders of a subscription, or those linked to a namespace."""
        return self._all("orders", Order, subscription_name=subscription_name, gl_namespace_id=gl_namespace_id)

    def customer(self, customer_id: int) -> Customer:
        """A CustomersDot account."""
        return self._one("customer", Customer, id=customer_id)

    def customers(
        self, *, email: str | None = None, uid: str | None = None, namespace_id: str | None = None
    ) -> tuple[Customer, ...]:
        """Accounts with this address, this linked user, or an order on this namespace."""
        return self._all("customers", Customer, email=email, uid=uid, namespace_id=namespace_id)

    def token_info(self, customer_id: int) -> TokenInfo:
        """Whose the portal's token is; a value with an `error` is the adapter's answer for an expired one."""
        return self._one("token_info", TokenInfo, customer_id=customer_id)

    def impersonation_check(self, customer_id: int) -> int:
        """How many groups the portal lists for this account; the value `{"status": 502}` is the page's 502."""
        return self._one("impersonation_check", PortalGroups, customer_id=customer_id).groups

    def portal_status(self) -> bool:
        """Whether the Customers Portal works for everybody else."""
        return self._one("portal_status", PortalState).portal == "up"

    def billing_account(self, zuora_account_id: str) -> BillingAccount:
        """A billing account and the accounts that belong to it; who the members are must have been told."""
        return self._one("billing_account", BillingAccount, zuora_account_id=zuora_account_id)

    def audit_events(self, *, namespace_id: int | None = None, action: str | None = None) -> tuple[AuditEvent, ...]:
        """Support Audit Events of a namespace."""
        return self._all("audit_events", AuditEvent, namespace_id=namespace_id, action=action)

    def add_membership(self, zuora_account_id: str, customer_id: int, *, key: str) -> ToolAnswer:
        """Never sent from here: a person does it."""
        _by_a_person("add_membership")

    def force_associate(self, namespace: str, subscription_name: str, ticket_url: str, *, key: str) -> ToolAnswer:
        """Never sent from here: a person does it."""
        _by_a_person("force_associate")

    def clear_subscription(self, subscription_name: str, ticket_url: str, *, key: str) -> ToolAnswer:
        """Never sent from here: a person does it."""
        _by_a_person("clear_subscription")

    def unlink(self, customer_id: int, expected_uid: str, ticket_url: str, *, key: str) -> ToolAnswer:
        """Never sent from here: a person does it."""
        _by_a_person("unlink")

    def set_extra_minutes(self, namespace: str, new_total: int, ticket_url: str, *, key: str) -> ToolAnswer:
        """Never sent from here: a person does it."""
        _by_a_person("set_extra_minutes")

    def _one(self, kind: str, shape: type[T], **by: str | int | None) -> T:
        value, lookup = self._told(kind, by)
        if value is None:
            raise NotFound(f"{lookup.label}: the admin page says that there is none.", status=404)
        if isinstance(value, dict):
            _raise_as_the_page_did(lookup, value)
        told: T = self._typed(lookup, value, shape)
        return told

    def _all(self, kind: str, shape: type[T], **by: str | int | None) -> tuple[T, ...]:
        """Every row; null, for "the page says there is none", is a list without rows."""
        value, lookup = self._told(kind, by)
        rows: list[T] = self._typed(lookup, value if value is not None else [], list[shape])  # type: ignore[valid-type]
        return tuple(rows)

    def _told(self, kind: str, by: Mapping[str, str | int | None]) -> tuple[Any, MissingLookup]:
        given = {name: str(value) for name, value in by.items() if value is not None}
        key = sheet_key(kind, dict(by))
        url = page_of(self._base, kind, given)
        lookup = MissingLookup(key, label_of(kind, given), url, KINDS[kind].model, KINDS[kind].many)
        if self._sheet is not None and key in self._sheet.lookups:
            return self._sheet.lookups[key], lookup
        self._is_missing(lookup)
        raise NotLookedUp(
            f"{lookup.label}: nobody has looked it up by hand yet, at {url}.",
            next_step="Open the page and tell what it shows.",
            sent=False,
        )

    def _typed(self, lookup: MissingLookup, value: Any, shape: Any) -> Any:
        """The value as the adapter's shapes have it, and of what was looked up; names the fields that do not fit."""
        try:
            told = TypeAdapter(shape).validate_python(value)
            wrong = sorted({*_of_another(lookup, value), *_left_out(lookup, value)})
        except ValidationError as error:
            wrong = sorted({".".join(str(part) for part in item["loc"])[:60] or "the whole" for item in error.errors()})
        if not wrong:
            return told
        self._is_missing(lookup)
        raise UnexpectedAnswer(
            f"{lookup.label}: what was told of it does not fit at {clean(', '.join(wrong[:6]))}.",
            next_step=f"Look again at {lookup.url} and mend the sheet.",
            sent=False,
        )

    def _is_missing(self, lookup: MissingLookup) -> None:
        with self._lock:
            self._missing[lookup.key] = lookup


def _of_another(lookup: MissingLookup, value: Any) -> Iterator[str]:
    """Fields in which a value tells of another thing than the one looked up, as a slip of the hand leaves them."""
    _, by = parse_key(lookup.key)
    for index, row in enumerate(value if lookup.many else [value]):
        for name in by.keys() & lookup.model.model_fields.keys():
            told = row.get(name)
            if told is not None and str(told).casefold() != by[name].casefold():
                yield f"{index}.{name}" if lookup.many else name


def _left_out(lookup: MissingLookup, value: Any) -> Iterator[str]:
    """A list of members that nobody told must not read as "no members"."""
    if lookup.model is BillingAccount and "member_customer_ids" not in value:
        yield "member_customer_ids"


def _raise_as_the_page_did(lookup: MissingLookup, value: Mapping[str, Any]) -> None:
    """Two look-ups may answer with a failure, which tells something: the portal's 502, and a token that expired."""
    if lookup.model is PortalGroups and value.get("status") == 502:
        raise ServiceUnavailable(f"{lookup.label}: the page answered 502.", status=502)
    if lookup.model is TokenInfo and isinstance(value.get("error"), str):
        raise RequestRejected(f"{lookup.label}: the token is expired or revoked.", status=422)


def _by_a_person(action: str) -> NoReturn:
    raise RunbookContractError(f"CustomersDot is worked by hand here, so {action} is never sent by a program.")


if TYPE_CHECKING:
    _by_hand: type[Portal] = ManualPortal
