"""Facts for the tables: a base case that ends in a plan, and sentences' worth of changes to it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from glhelpers.models.fact import Fact, FactState, Source
from glhelpers.models.facts import AssociationFacts, Occupant, SeatsNeeded
from glhelpers.models.namespace import GitlabSubscription, Group, Member, Namespace, User
from glhelpers.models.request import ForceAssociateParameters
from glhelpers.models.subscription import Customer, Order, Subscription
from glhelpers.models.ticket import Ticket

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
NAMES = (
    "today",
    "ticket",
    "namespace",
    "group",
    "gitlab_subscription",
    "subscription",
    "orders",
    "occupants",
    "customer",
    "linked_user",
    "linked_member",
    "seats_needed",
)


def base() -> dict[str, Any]:
    """An EDU Ultimate subscription of 20 seats for a Free group of 20 users; everything known and in order."""
    return {
        "parameters": {
            "namespace": "fox",
            "subscription_name": "A-S00000001",
            "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1",
        },
        "today": "2026-11-23",
        "ticket": {"id": 1, "status": "open"},
        "namespace": {
            "id": 7,
            "name": "fox",
            "path": "fox",
            "kind": "group",
            "full_path": "fox",
            "parent_id": None,
            "plan": "free",
            "trial": False,
            "billable_members_count": 20,
            "members_count_with_descendants": 20,
            "shared_runners_minutes_limit": None,
            "extra_shared_runners_minutes_limit": 0,
            "additional_purchased_storage_size": 0,
            "ci_minutes_usage": {"total_minutes_used": 10, "monthly_minutes_used": 10, "purchased_minutes_used": 0},
        },
        "group": {"id": 7, "full_path": "fox", "marked_for_deletion_on": None},
        "gitlab_subscription": {"plan": {}, "usage": {}, "billing": {}},
        "subscription": {
            "name": "A-S00000001",
            "plan_code": "ultimate",
            "kind": "plan",
            "seats": 20,
            "start_date": "2026-11-01",
            "end_date": "2027-11-01",
            "status": "active",
            "deployment": "saas",
            "trial": False,
            "invoice_owner_type": "customer",
            "community_program": "edu",
        },
        "orders": [{"id": 70, "customer_id": 50, "subscription_name": "A-S00000001", "gl_namespace_id": None}],
        "occupants": [],
        "customer": {"id": 50, "email": "billing@example.com", "uid": "900"},
        "linked_user": {"id": 900, "username": "ada", "state": "active", "is_admin": False},
        "linked_member": {
            "id": 900,
            "username": "ada",
            "state": "active",
            "access_level": 50,
            "expires_at": None,
            "membership_state": "active",
        },
        "seats_needed": {"low": 20, "high": 20, "counts_guests": False, "live": 20, "stored": None, "max_used": None},
    }


def fact(name: str, value: Any, state: FactState = FactState.known) -> Fact[Any]:
    """A fact of the given state."""
    known = state is FactState.known
    why = None if known else f"{name} was not told"
    return Fact(
        name=name,
        label=name.replace("_", " "),
        state=state,
        value=value if known else None,
        why=why,
        source=Source.derived,
        call="in a table",
        read_at=AT,
    )


def changed(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The base with changes: `a.b: value` sets a field, `a.b: <gone>` removes its key, `a: <absent|unknown>` a fact."""
    for place, value in changes.items():
        name, _, field = place.partition(".")
        if not field:
            values[name] = value
        elif value == "<gone>":
            values[name].pop(field, None)
        elif name == "order":
            values["orders"][0][field] = value
        else:
            values[name][field] = value
    return values


def facts_of(changes: dict[str, Any]) -> AssociationFacts:
    """The facts of one row of a table."""
    values = changed(base(), changes)
    kinds: dict[str, Any] = {
        "ticket": Ticket,
        "namespace": Namespace,
        "group": Group,
        "gitlab_subscription": GitlabSubscription,
        "subscription": Subscription,
        "customer": Customer,
        "linked_user": User,
        "linked_member": Member,
        "seats_needed": SeatsNeeded,
    }
    built: dict[str, Fact[Any]] = {}
    for name in NAMES:
        value = values[name]
        if value in ("<absent>", "<unknown>"):
            state = FactState.absent if value == "<absent>" else FactState.unknown
            built[name] = fact(name, None, state)
        elif name == "today":
            built[name] = fact(name, date.fromisoformat(value))
        elif name == "orders":
            built[name] = fact(name, tuple(Order.model_validate(row) for row in value))
        elif name == "occupants":
            built[name] = fact(name, tuple(Occupant.model_validate(row) for row in value))
        else:
            built[name] = fact(name, kinds[name].model_validate(value))
    return AssociationFacts(parameters=ForceAssociateParameters.model_validate(values["parameters"]), **built)
