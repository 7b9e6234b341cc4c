"""Facts for the rules of portal_502: a base that ends in a plan to unlink, and changes to it."""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime
from typing import Any

from glhelpers.models.fact import Fact, FactState, Source
from glhelpers.models.namespace import User
from glhelpers.models.portal_502_facts import Portal502Facts, PortalAnswer, PortalToken
from glhelpers.models.request import Portal502Parameters
from glhelpers.models.subscription import Customer
from glhelpers.models.ticket import Ticket

__all__ = ["facts_with"]

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
BASE: dict[str, Any] = {
    "parameters": {"customer_id": "7", "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1"},
    "today": date(2026, 11, 23),
    "ticket": {"id": 1, "status": "open"},
    "customer": {"id": 7, "email": "kiosk@example.com", "uid": "29"},
    "portal_works": True,
    "answer": {"opens": False},
    "token": {"state": "valid", "resource_owner_id": 29, "seen_by": "adapter"},
    "token_user": "<absent>",
    "linked_user": {"id": 29, "username": "boss", "is_admin": True},
    "same_uid": [{"id": 7, "uid": "29"}],
}
MODELS: dict[str, Any] = {
    "ticket": Ticket,
    "customer": Customer,
    "answer": PortalAnswer,
    "token": PortalToken,
    "token_user": User,
    "linked_user": User,
}


def facts_with(changes: dict[str, Any]) -> Portal502Facts:
    """
    The base with `fact.field: value` changed.

    `fact: "<absent>"` or `"<unknown>"` takes the whole fact away, the value `<gone>` one key of it.
    """
    values = copy.deepcopy(BASE)
    for place, value in changes.items():
        name, _, field = place.partition(".")
        if not field:
            values[name] = value
        elif value == "<gone>":
            values[name].pop(field, None)
        else:
            values[name][field] = value
    asked = Portal502Parameters.model_validate(values.pop("parameters"))
    return Portal502Facts(parameters=asked, **{name: _fact(name, value) for name, value in values.items()})


def _fact(name: str, value: Any) -> Fact[Any]:
    state = FactState.known
    if value in ("<absent>", "<unknown>"):
        state, value = FactState(value.strip("<>")), None
    elif name == "same_uid":
        value = tuple(Customer.model_validate(row) for row in value)
    elif name in MODELS:
        value = MODELS[name].model_validate(value)
    return Fact(name=name, label=name, state=state, value=value, source=Source.derived, call="given", read_at=AT)
