"""Look up all that the rules of an association need, in three rounds at most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glhelpers.actions.reading import Look, Reader
from glhelpers.clients.clients import Clients
from glhelpers.models.fact import Fact, FactState, FactUnknown, Source
from glhelpers.models.facts import AssociationFacts, Occupant, SeatsNeeded
from glhelpers.models.namespace import Namespace
from glhelpers.models.request import AssociationParameters, ticket_number
from glhelpers.models.subscription import Order
from glhelpers.rules.seats import bills_guests, seats_needed
from glhelpers.rules.thresholds import GUEST

__all__ = ["MOST_GUESTS", "association_facts", "collect_association"]

MOST_GUESTS = 20
"""Above so many Guests their memberships are not read one by one; the seats needed become a range."""

Facts = dict[str, Fact[Any]]
Later = Callable[[Facts], list[Look]]


def collect_association(clients: Clients, asked: AssociationParameters, reader: Reader) -> AssociationFacts:
    """The facts of an association; see `association_facts`."""
    return AssociationFacts(parameters=asked, **association_facts(clients, asked, reader))


def association_facts(clients: Clients, asked: AssociationParameters, reader: Reader, *more: Later) -> Facts:
    """
    The facts of an association by name, and those of `more`, which are asked in the third round.

    Round 1 asks what the parameters name; round 2 what hangs on the namespace's id and the order's
    customer; round 3 what hangs on the linked user and on Guests.  Raises `ServiceError` if a
    service cannot be reached or does not accept the token.
    """
    facts = reader.round(_by_parameters(clients, asked))
    for name, label in _not_asked(asked):
        facts[name] = reader.skipped(name, label, "none was named", absent=True)
    if "ticket" not in facts:
        facts["ticket"] = reader.skipped("ticket", "Zendesk ticket", "there is no usable ticket link")
    facts["today"] = reader.derive("today", "Today", "Date header of GitLab.com", lambda: _today(clients))
    facts |= reader.round(_by_namespace_and_order(clients, facts, asked))
    if not _orders(facts) and facts["orders"].state is not FactState.unknown:
        facts["customer"] = reader.skipped("customer", "CustomersDot account", "no order names one", absent=True)
    facts |= reader.round(_by_user_and_guests(clients, facts) + [look for later in more for look in later(facts)])
    facts["seats_needed"] = reader.derive(
        "seats_needed",
        "Seats needed under the new plan",
        "billable members, Guests as the new plan counts them",
        lambda: _seats_needed(facts),
    )
    facts["occupants"] = reader.derive(
        "occupants",
        "Other subscriptions on the namespace",
        "GET /orders?gl_namespace_id= without this subscription",
        lambda: _occupants(facts, asked.subscription_name),
    )
    return _whole(facts, reader)


def _not_asked(asked: AssociationParameters) -> list[tuple[str, str]]:
    """Facts, with their labels, of what the parameters leave open."""
    of_group = [("namespace", "Namespace"), ("group", "Group"), ("gitlab_subscription", "Plan and seats on GitLab.com")]
    of_name = [("subscription", "Subscription"), ("orders", "Orders of the subscription")]
    return [*(() if asked.namespace else of_group), *(() if asked.subscription_name else of_name)]


def _by_parameters(clients: Clients, asked: AssociationParameters) -> list[Look]:
    gitlab, portal, ref, name = clients.gitlab, clients.customersdot, asked.namespace, asked.subscription_name
    looks = []
    if ref:
        looks += [
            Look("namespace", "Namespace", Source.gitlab, "GET /namespaces/:id", lambda: gitlab.namespace(ref)),
            Look("group", "Group", Source.gitlab, "GET /groups/:id", lambda: gitlab.group(ref)),
            Look(
                "gitlab_subscription",
                "Plan and seats on GitLab.com",
                Source.gitlab,
                "GET /namespaces/:id/gitlab_subscription",
                lambda: gitlab.gitlab_subscription(ref),
            ),
        ]
    if name:
        looks += [
            Look(
                "subscription",
                "Subscription",
                Source.customersdot,
                "GET /subscriptions/:name",
                lambda: portal.subscription(name),
            ),
            Look(
                "orders",
                "Orders of the subscription",
                Source.customersdot,
                "GET /orders?subscription_name=",
                lambda: portal.orders(subscription_name=name),
            ),
        ]
    number = ticket_number(asked.ticket_url)
    if number is not None:
        ticket = lambda: clients.zendesk.ticket(number)  # noqa: E731 (a name would say no more)
        looks.append(Look("ticket", "Zendesk ticket", Source.zendesk, "GET /tickets/:id", ticket))
    return looks


def _today(clients: Clients) -> Any:
    day = clients.gitlab.today()
    if day is None:
        raise FactUnknown("GitLab.com's answers carry no date")
    return day


def _by_namespace_and_order(clients: Clients, facts: Facts, asked: AssociationParameters) -> list[Look]:
    gitlab, portal, looks = clients.gitlab, clients.customersdot, []
    namespace: Namespace | None = facts["namespace"].value
    if namespace is not None:
        id = namespace.id
        if getattr(asked, "compute_minutes", "") == "grant":
            looks.append(
                Look(
                    "grants",
                    "Additional minutes set before",
                    Source.customersdot,
                    "GET /audit-events?action=set_extra_minutes",
                    lambda: portal.audit_events(namespace_id=id, action="set_extra_minutes"),
                )
            )
        looks.append(
            Look(
                "namespace_orders",
                "Orders on the namespace",
                Source.customersdot,
                "GET /orders?gl_namespace_id=",
                lambda: portal.orders(gl_namespace_id=str(id)),
            )
        )
        if namespace.parent_id is None and namespace.kind == "group" and _guests_matter(facts):
            looks += [
                Look(
                    "members",
                    "Members of the group",
                    Source.gitlab,
                    "GET /groups/:id/members/all",
                    lambda: gitlab.all_members(id),
                ),
                Look(
                    "billable",
                    "Billable members",
                    Source.gitlab,
                    "GET /groups/:id/billable_members",
                    lambda: gitlab.billable_members(id),
                ),
            ]
    owners = {order.customer_id for order in _orders(facts) if order.customer_id is not None}
    if len(owners) == 1:
        owner = owners.pop()
        looks.append(
            Look(
                "customer",
                "CustomersDot account",
                Source.customersdot,
                "GET /customers/:id",
                lambda: portal.customer(owner),
            )
        )
    return looks


def _by_user_and_guests(clients: Clients, facts: Facts) -> list[Look]:
    gitlab, looks = clients.gitlab, []
    uid, namespace = _uid(facts), facts["namespace"].value
    if uid is not None:
        looks.append(Look("linked_user", "Linked user", Source.gitlab, "GET /users/:id", lambda: gitlab.user(uid)))
        if namespace is not None and namespace.kind == "group":
            looks.append(_membership_look(clients, namespace.id, uid))
    if namespace is None:
        return looks
    return looks + [_guest_look(clients, namespace.id, guest) for guest in _guests_to_look_at(facts)]


def _membership_look(clients: Clients, group_id: int, uid: int) -> Look:
    return Look(
        "linked_member",
        "Linked user's membership",
        Source.gitlab,
        "GET /groups/:id/members?user_ids[]=",
        lambda: next(iter(clients.gitlab.direct_members(group_id, [uid])), None),
    )


def _guest_look(clients: Clients, group_id: int, guest: int) -> Look:
    return Look(
        f"guest:{guest}",
        f"Memberships of Guest {guest}",
        Source.gitlab,
        "GET /groups/:id/billable_members/:user_id/memberships",
        lambda: clients.gitlab.billable_memberships(group_id, guest),
    )


def _orders(facts: Facts) -> tuple[Order, ...]:
    return facts["orders"].value or ()


def _uid(facts: Facts) -> int | None:
    customer = facts["customer"].value if "customer" in facts else None
    uid = customer.uid if customer is not None else None
    return int(uid) if uid and uid.isascii() and uid.isdigit() and len(uid) < 16 else None


def _guests_matter(facts: Facts) -> bool:
    """Only where the old and the new plan differ in whether they bill Guests is it worth reading members."""
    namespace, subscription = facts["namespace"].value, facts["subscription"].value
    if namespace is None or subscription is None:
        return False
    try:
        return bills_guests(namespace.plan) != bills_guests(subscription.plan_code)
    except FactUnknown:
        return False


def _guests_to_look_at(facts: Facts) -> list[int]:
    """Guests who are billed now and would not be under the new plan, unless they hold a higher role below."""
    members, billable = facts.get("members"), facts.get("billable")
    subscription = facts["subscription"].value
    if members is None or billable is None or not members.value or not billable.value or subscription is None:
        return []
    if bills_guests(subscription.plan_code):
        return []
    billed = {member.id for member in billable.value}
    guests = sorted(member.id for member in members.value if member.access_level == GUEST and member.id in billed)
    return guests if len(guests) <= MOST_GUESTS else []


def _seats_needed(facts: Facts) -> SeatsNeeded:
    memberships = {
        int(name.removeprefix("guest:")): fact.value
        for name, fact in facts.items()
        if name.startswith("guest:") and fact.value is not None
    }
    members = facts["members"].known() if "members" in facts else ()
    billable = facts["billable"].known() if "billable" in facts else ()
    namespace, subscription = facts["namespace"].known(), facts["subscription"].known()
    return seats_needed(namespace, subscription.plan_code, members, billable, memberships)


def _occupants(facts: Facts, subscription_name: str) -> tuple[Occupant, ...]:
    if "namespace_orders" not in facts:
        raise FactUnknown("without the namespace's id its orders cannot be looked up")
    orders: tuple[Order, ...] = facts["namespace_orders"].known()
    return tuple(
        Occupant(
            order_id=order.id,
            subscription_name=order.subscription_name,
            kind=order.kind,
            plan_code=order.plan_code,
            end_date=order.end_date,
        )
        for order in sorted(orders, key=lambda order: order.id)
        if order.subscription_name != subscription_name
    )


def _whole(facts: Facts, reader: Reader) -> Facts:
    missing = {
        "customer": ("CustomersDot account", "the order does not name exactly one"),
        "linked_user": ("Linked user", "no linked user is known"),
        "linked_member": ("Linked user's membership", "no linked user or no group is known"),
    }
    for name, (label, why) in missing.items():
        facts.setdefault(name, reader.skipped(name, label, why))
    inner = ("members", "billable", "namespace_orders")
    return {name: fact for name, fact in facts.items() if name not in inner and not name.startswith("guest:")}
