"""What the Support Admin Tools and the passing of time do to the world; how the numbers move."""

from __future__ import annotations

from datetime import date
from typing import Any

from glhelpers.sandbox.people import billable, excludes_guests, plan_code, role
from glhelpers.sandbox.store import LEVELS, Doc, Store

__all__ = [
    "OCCUPIED",
    "PAID",
    "QUOTA",
    "Refused",
    "audit",
    "audit_rows",
    "clear_subscription",
    "force_associate",
    "portal_change",
    "refresh_seats",
    "reset_usage",
    "set_extra_minutes",
    "unlink",
]

OCCUPIED = "unable to associate the subscription as the destination namespace is already associated with a subscription"
PAID = {
    "bronze",
    "silver",
    "premium",
    "gold",
    "ultimate",
    "ultimate_trial",
    "ultimate_trial_paid_customer",
    "premium_trial",
    "opensource",
}
QUOTA = {"silver": 10_000, "premium": 10_000, "gold": 50_000, "ultimate": 50_000, "opensource": 50_000}
_COMMUNITY_QUOTA = 50_000
_FREE_QUOTA = 400


class Refused(Exception):
    """A tool's word that it will not; nothing has changed."""

    def __init__(self, text: str, status: int = 422) -> None:
        super().__init__(text)
        self.text, self.status = text, status


def _counting(row: Doc) -> bool:
    return not row["trial"] and (row["seats"] or 0) > 0 and row["plan"] in PAID


def _owed(row: Doc) -> int:
    return max(0, row["max_seats_used"] - (row["seats"] or 0)) if _counting(row) else 0


def force_associate(store: Store, ref: str, name: str) -> Doc:
    """Put a subscription on a group: order, plan, seats, term, quota. Usage and additional units stay."""
    subscription, group = store.get("subscription", name), store.group(ref)
    if subscription is None:
        raise Refused("Subscription not found")
    if group is None:
        raise Refused("Namespace not found")
    if group["parent_id"] is not None or group["kind"] != "group":
        raise Refused("Namespace must be a top-level group")
    if group.get("force_associate_refused"):
        raise Refused(group["force_associate_refused"])
    if subscription.get("force_associate") == "refused":
        raise Refused(subscription.get("refusal") or OCCUPIED)
    orders = store.find("order", "subscription_name", name)
    if not orders:
        raise Refused("No order was found for the subscription")
    _make_room(store, group, name)
    if subscription.get("force_associate") == "ignored":
        return group
    is_plan = subscription.get("kind") in (None, "plan")
    for order in orders:
        if is_plan and order["gl_namespace_id"] not in (None, group["id"]):
            _drop_to_free(store, order["gl_namespace_id"])
        store.put("order", order["id"], {**order, "gl_namespace_id": group["id"]})
    if not is_plan:
        return _consume(store, group, subscription)
    return _provision(store, group, subscription)


def _consume(store: Store, group: Doc, subscription: Doc) -> Doc:
    """A pack of minutes on a namespace replaces the additional units that were there: they are lost."""
    minutes = {**group["minutes"], "additional": subscription.get("seats") or 0}
    return store.put("group", group["id"], {**group, "minutes": minutes})


def _make_room(store: Store, group: Doc, name: str) -> None:
    linked = store.find("order", "gl_namespace_id", group["id"])
    others = [order for order in linked if order["subscription_name"] != name]
    for order in others:
        other = store.get("subscription", order["subscription_name"]) or {}
        end = other.get("end_date")
        is_over = other.get("kind") == "plan" and end is not None and date.fromisoformat(end) < store.today
        if not is_over or group["refuses_over_expired"]:
            raise Refused(OCCUPIED)
    for order in others:
        store.put("order", order["id"], {**order, "gl_namespace_id": None})


def _provision(store: Store, group: Doc, subscription: Doc) -> Doc:
    old = group["subscription"]
    row: Doc = {
        "plan": subscription.get("plan_code") or "free",
        "seats": subscription.get("seats"),
        "start": subscription.get("start_date"),
        "end": subscription.get("end_date"),
        "trial": bool(subscription.get("trial")),
        "trial_ends": None,
        "max_seats_used": old["max_seats_used"] if old else 0,
        "seats_in_use": old["seats_in_use"] if old else 0,
        "seats_owed": old["seats_owed"] if old else 0,
        "max_seats_used_changed_at": old.get("max_seats_used_changed_at") if old else None,
    }
    if subscription.get("force_associate") == "partly":
        row["seats"] = old["seats"] if old else 0
    if old is not None and _counting(row) and _begins_anew(old, row):
        row |= {"max_seats_used": row["seats_in_use"], "max_seats_used_changed_at": store.now().isoformat()}
        row["seats_owed"] = _owed(row)
    program = subscription.get("community_program") is not None
    quota = _COMMUNITY_QUOTA if program else QUOTA.get(row["plan"], _FREE_QUOTA)
    minutes = {**group["minutes"], "quota": quota}
    return store.put("group", group["id"], {**group, "subscription": row, "minutes": minutes})


def _begins_anew(old: Doc, new: Doc) -> bool:
    """A new term (both dates change, and it begins where the old one ended or later), or the end of a trial."""
    if old["trial"] and not new["trial"]:
        return True
    # What was counted before the new term began says nothing about it.
    changed = old.get("max_seats_used_changed_at")
    if changed is not None and new["start"] is not None and changed[:10] < new["start"]:
        return True
    both = old["start"] != new["start"] and old["end"] != new["end"]
    return both and (old["end"] is None or (new["start"] is not None and new["start"] >= old["end"]))


def _drop_to_free(store: Store, group_id: int) -> None:
    group = store.get("group", group_id)
    if group is None:
        return
    row: Doc = {
        "plan": "free",
        "seats": None,
        "start": None,
        "end": None,
        "trial": False,
        "trial_ends": None,
        "max_seats_used": 0,
        "seats_in_use": 0,
        "seats_owed": 0,
    }
    minutes = {**group["minutes"], "quota": _FREE_QUOTA}
    store.put("group", group_id, {**group, "subscription": row, "minutes": minutes})


def clear_subscription(store: Store, name: str) -> int | None:
    """Take a subscription off its group: a paid plan is Free at once; additional minutes and usage stay."""
    subscription = store.get("subscription", name)
    if subscription is None:
        raise Refused("Subscription not found")
    found = store.find("order", "subscription_name", name)
    orders = [order for order in found if order["gl_namespace_id"] is not None]
    if not orders:
        raise Refused("The subscription is not associated with a namespace")
    group_id = int(orders[0]["gl_namespace_id"])
    for order in orders:
        store.put("order", order["id"], {**order, "gl_namespace_id": None})
    if subscription.get("kind") in (None, "plan"):
        _drop_to_free(store, group_id)
    return group_id


def unlink(store: Store, customer_id: int, expected_uid: str) -> None:
    """Unlink the GitLab.com user of an account, if it is still the one expected."""
    customer = store.get("customer", customer_id)
    if customer is None:
        raise Refused("Customer not found", 404)
    if customer["uid"] is None or str(customer["uid"]) != expected_uid:
        raise Refused("The linked user is not the one expected", 409)
    store.put("customer", customer_id, {**customer, "uid": None, "token_uid": None, "portal_login": "none"})


def set_extra_minutes(store: Store, ref: str, total: Any) -> Doc:
    """Set the additional minutes of a group to an absolute total."""
    group = store.group(ref)
    if group is None:
        raise Refused("Namespace not found")
    if group["parent_id"] is not None:
        raise Refused("Namespace must be a top-level group")
    if isinstance(total, bool) or not isinstance(total, int) or total < 0:
        raise Refused("New minutes total is invalid")
    return store.put("group", group["id"], {**group, "minutes": {**group["minutes"], "additional": total}})


def reset_usage(store: Store, group: Doc) -> Doc:
    """Nothing was used this month; limits stay."""
    return store.put("group", group["id"], {**group, "minutes": {**group["minutes"], "used": 0}})


def refresh_seats(store: Store) -> None:
    """The daily job: stored seats follow the members, the maximum never falls, seats owed follow the maximum."""
    for group in store.all("group", lambda doc: doc["parent_id"] is None and doc["subscription"] is not None):
        row = group["subscription"]
        in_use = len(billable(store, group, without_guests=excludes_guests(plan_code(store, group))))
        if in_use > row["max_seats_used"]:
            row |= {"max_seats_used": in_use, "max_seats_used_changed_at": store.noon().isoformat()}
        row["seats_in_use"] = in_use
        row["seats_owed"] = _owed(row)
        store.put("group", group["id"], {**group, "subscription": row})


def portal_change(store: Store, name: str, seats: int) -> str:
    """
    The customer changes the number of seats in the portal.

    It reaches the group only if an Owner of it is linked; otherwise it is lost, or drops the group to Free.
    """
    subscription = store.get("subscription", name)
    orders = store.find("order", "subscription_name", name)
    if subscription is None or not orders or orders[0]["gl_namespace_id"] is None:
        raise Refused("The subscription is not associated with a namespace")
    store.put("subscription", name, {**subscription, "seats": seats})
    group = store.get("group", orders[0]["gl_namespace_id"])
    customer = store.get("customer", orders[0]["customer_id"]) or {}
    if group is None:
        return "lost"
    if customer.get("uid") is None or role(store, group, customer["uid"]) < LEVELS["owner"]:
        if store.switches.unlinked_portal_change == "ignored":
            return "ignored"
        _drop_to_free(store, group["id"])
        return "free"
    store.put("group", group["id"], {**group, "subscription": {**group["subscription"], "seats": seats}})
    return "applied"


def audit(store: Store, action: str, about: Doc) -> int:
    """Write a row of the Support Audit Events; answers its number."""
    id = store.next_id("audit")
    known = {"requester": "support", "created_at": store.now().isoformat()}
    store.put("audit", id, {"id": id, "action": action, **about, **known})
    return id


def audit_rows(store: Store, namespace: str | None, action: str | None) -> list[Doc]:
    """The Support Audit Events of a namespace, of an action, or both, oldest first."""
    found = store.find("audit", "namespace_id", namespace) if namespace else store.all("audit")
    return [row for row in found if not action or row["action"] == action]
