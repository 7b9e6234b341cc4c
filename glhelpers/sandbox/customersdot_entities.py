"""Records of CustomersDot as the adapter answers them and the admin pages show them."""

from __future__ import annotations

from starlette.responses import HTMLResponse

from glhelpers.sandbox.effects import Refused
from glhelpers.sandbox.store import Doc, Store
from glhelpers.sandbox.visibility import broken
from glhelpers.sandbox.web import Call, Halt

__all__ = [
    "bad_gateway",
    "customer_entity",
    "customers_like",
    "order_entity",
    "orders_like",
    "portal_groups",
    "subscription_entity",
    "token_owner",
]

_QUIRKS = ("force_associate", "refusal")
_NOT_TOLD = ("portal_login", "token_uid", "portal_answers")


def customer_entity(doc: Doc) -> Doc:
    """An account; of its token nothing."""
    uid = str(doc["uid"]) if doc["uid"] is not None else None
    told = {name: value for name, value in doc.items() if name not in _NOT_TOLD}
    return {**told, "uid": uid, "provider": "gitlab" if uid else None}


def customers_like(store: Store, email: str | None, uid: str | None, namespace: str | None) -> list[Doc]:
    """Accounts by address, linked user or a namespace that one of their orders is on; all that are given must fit."""
    orders = store.find("order", "gl_namespace_id", namespace) if namespace else []
    owners = {order["customer_id"] for order in orders}

    def wanted(doc: Doc) -> bool:
        by_email = not email or doc["email"].lower() == email.lower()
        return by_email and (not uid or str(doc["uid"]) == uid) and (not namespace or doc["id"] in owners)

    near = store.find("customer", "uid", uid) if uid else store.find("customer", "email", email)
    rows = near if uid or email else [doc for id in sorted(owners) if (doc := store.get("customer", id))]
    return [doc for doc in rows if wanted(doc)]


def token_owner(doc: Doc) -> int:
    """Whose the token is that the portal stores for an account; refused where there is none, or it is over."""
    owner = doc["token_uid"] if doc["token_uid"] is not None else doc["uid"]
    if owner is None or doc["portal_login"] == "none":
        raise Refused("no token is stored", 404)
    if doc["portal_login"] == "expired":
        raise Refused("The access token expired")
    return int(owner)


def portal_groups(call: Call, doc: Doc) -> list[Doc]:
    """
    The groups that the portal lists for an account, or its HTML 502.

    An administrator sees every group there is, which the portal's front door does not wait for; an account may
    also be told to fail.
    """
    if doc["portal_answers"] is not None:
        raise broken(doc["portal_answers"])
    user = call.store.get("user", doc["uid"]) if doc["uid"] is not None else None
    if call.store.switches.portal_down or (user is not None and user["admin"]):
        raise bad_gateway(call)
    if user is None:
        return []
    return call.store.all("group", lambda group: any(row["user_id"] == user["id"] for row in group["members"]))


def bad_gateway(call: Call) -> Halt:
    """What the portal's front door says once it has waited long enough."""
    call.written["delay"] = call.store.switches.portal_fails_after
    return Halt(HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>", 502))


def subscription_entity(doc: Doc) -> Doc:
    """A subscription, without what the world has it do."""
    return {name: value for name, value in doc.items() if name not in _QUIRKS}


def orders_like(store: Store, name: str | None, namespace: str | None) -> list[Doc]:
    """Orders of a subscription, on a namespace, or both."""
    field, value = ("subscription_name", name) if name else ("gl_namespace_id", namespace)
    found = store.find("order", field, value)
    return [order_entity(store, doc) for doc in found if not namespace or str(doc["gl_namespace_id"]) == namespace]


def order_entity(store: Store, doc: Doc) -> Doc:
    """An order shows plan, kind, seats and dates of its subscription, as far as they are told."""
    subscription = store.get("subscription", doc["subscription_name"]) or {}
    linked = doc["gl_namespace_id"]
    group = store.get("group", linked) if linked is not None else None
    entity = {
        "id": doc["id"],
        "customer_id": doc["customer_id"],
        "subscription_name": doc["subscription_name"],
        "gl_namespace_id": str(linked) if linked is not None else None,
        "gl_namespace_name": group["full_path"] if group else None,
        "quantity": subscription.get("seats"),
    }
    shared = ("plan_code", "kind", "start_date", "end_date", "trial", "zuora_account_id")
    return entity | {name: subscription[name] for name in shared if name in subscription}
