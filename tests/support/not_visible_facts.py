"""Facts for the rules of subscription_not_visible: a base that ends in a plan, and changes to it."""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime
from typing import Any

from glhelpers.models.fact import Fact, FactState, Source
from glhelpers.models.namespace import GitlabSubscription, Namespace
from glhelpers.models.not_visible_facts import NotVisibleFacts
from glhelpers.models.request import NotVisibleParameters
from glhelpers.models.subscription import BillingAccount, Customer, Order, Subscription
from glhelpers.models.ticket import Ticket

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
TICKET = "https://gitlab.zendesk.com/agent/tickets/1"
BASE: dict[str, Any] = {
    "parameters": {
        "customer_id": "7",
        "subscription_name": "A-S00000001",
        "ticket_url": TICKET,
        "proof": "previous_agreement",
        "proof_from": "customer",
        "proof_link": TICKET,
    },
    "today": date(2026, 11, 23),
    "ticket": {"id": 1, "status": "open"},
    "subscription": {
        "name": "A-S00000001",
        "kind": "plan",
        "status": "active",
        "deployment": "saas",
        "invoice_owner_type": "customer",
        "license_activated": True,
        "zuora_account_id": "Z1",
    },
    "orders": [{"id": 5, "customer_id": 6, "gl_namespace_id": "9", "zuora_account_id": "Z1"}],
    "billing_account": {
        "zuora_account_id": "Z1",
        "member_customer_ids": [6],
        "sold_to_domain": "plover.example.com",
        "sold_to_is_bill_to": True,
    },
    "customer": {
        "id": 7,
        "email": "new@plover.example.com",
        "zuora_account_id": None,
        "login_activated": True,
        "login_deactivated_on": None,
        "created_on": "2026-11-01",
    },
    "namespace": {
        "id": 9,
        "name": "plover",
        "path": "plover",
        "kind": "group",
        "full_path": "plover",
        "parent_id": None,
    },
    "gitlab_subscription": "<absent>",
    "compared": "<absent>",
}
MODELS: dict[str, Any] = {
    "ticket": Ticket,
    "subscription": Subscription,
    "billing_account": BillingAccount,
    "customer": Customer,
    "namespace": Namespace,
    "gitlab_subscription": GitlabSubscription,
}


def facts_with(changes: dict[str, Any]) -> NotVisibleFacts:
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
    asked = NotVisibleParameters.model_validate(values.pop("parameters"))
    return NotVisibleFacts(parameters=asked, **{name: _fact(name, value) for name, value in values.items()})


def _fact(name: str, value: Any) -> Fact[Any]:
    state = FactState.known
    if value in ("<absent>", "<unknown>"):
        state, value = FactState(value.strip("<>")), None
    elif name == "orders":
        value = tuple(Order.model_validate(row) for row in value)
    elif name in MODELS:
        value = MODELS[name].model_validate(value)
    return Fact(name=name, label=name, state=state, value=value, source=Source.derived, call="given", read_at=AT)
