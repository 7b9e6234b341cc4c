"""CustomersDot, through the adapter contract of docs/adapter.md: look-ups and Support Admin Tools."""

from __future__ import annotations

import re
from collections.abc import Callable

from starlette.responses import HTMLResponse, Response

from glhelpers.sandbox import effects
from glhelpers.sandbox.idempotency import answer_once, answered_before, key_of
from glhelpers.sandbox.store import Doc
from glhelpers.sandbox.web import Call, Handler, answer, halt, paged

__all__ = ["ROUTES"]

_TICKET = re.compile(r"https://gitlab\.zendesk\.com/agent/tickets/[1-9][0-9]{0,14}(#[\w-]{1,60})?", re.ASCII)
_QUIRKS = ("force_associate", "refusal")


def _customer_entity(doc: Doc) -> Doc:
    uid = str(doc["uid"]) if doc["uid"] is not None else None
    told = {name: value for name, value in doc.items() if name not in ("portal_login", "token_uid")}
    return {**told, "uid": uid, "provider": "gitlab" if uid else None}


def _customer_doc(call: Call) -> Doc:
    doc = call.store.get("customer", call.names["id"])
    if doc is None:
        raise halt(404, {"error": "customer not found"})
    return doc


def _customer(call: Call) -> Response:
    return answer(_customer_entity(_customer_doc(call)))


def _customers(call: Call) -> Response:
    email, uid, namespace = (call.query.get(name) for name in ("email", "uid", "namespace_id"))
    if not (email or uid or namespace):
        raise halt(400, {"error": "one of email, uid, namespace_id is needed"})
    orders = call.store.find("order", "gl_namespace_id", namespace) if namespace else []
    owners = {order["customer_id"] for order in orders}

    def wanted(doc: Doc) -> bool:
        by_email = not email or doc["email"].lower() == email.lower()
        return by_email and (not uid or str(doc["uid"]) == uid) and (not namespace or doc["id"] in owners)

    near = call.store.find("customer", "uid", uid) if uid else call.store.find("customer", "email", email)
    rows = near if uid or email else [doc for id in sorted(owners) if (doc := call.store.get("customer", id))]
    return paged(call, [_customer_entity(doc) for doc in rows if wanted(doc)])


def _token_info(call: Call) -> Response:
    doc = _customer_doc(call)
    owner = doc["token_uid"] if doc["token_uid"] is not None else doc["uid"]
    if owner is None or doc["portal_login"] == "none":
        raise halt(404, {"error": "no token is stored"})
    if doc["portal_login"] == "expired":
        raise halt(422, {"error": "invalid_token", "error_description": "The access token expired"})
    return answer({"resource_owner_id": owner, "scope": ["api"], "expires_in": 3600})


def _impersonate(call: Call) -> Response:
    """An administrator sees every group there is, which the portal's front door does not wait for."""
    doc = _customer_doc(call)
    user = call.store.get("user", doc["uid"]) if doc["uid"] is not None else None
    if call.store.switches.portal_down or (user is not None and user["admin"]):
        call.written["delay"] = call.store.switches.portal_fails_after
        return HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>", 502)
    groups = call.store.all("group", lambda group: any(row["user_id"] == doc["uid"] for row in group["members"]))
    return answer({"groups": len(groups) if user is not None else 0})


def _status(call: Call) -> Response:
    return answer({"portal": "down" if call.store.switches.portal_down else "up"})


def _subscription(call: Call) -> Response:
    doc = call.store.get("subscription", call.names["name"])
    if doc is None:
        raise halt(404, {"error": "subscription not found"})
    return answer({name: value for name, value in doc.items() if name not in _QUIRKS})


def _order_entity(call: Call, doc: Doc) -> Doc:
    """An order shows plan, kind, seats and dates of its subscription, as far as they are told."""
    subscription = call.store.get("subscription", doc["subscription_name"]) or {}
    linked = doc["gl_namespace_id"]
    group = call.store.get("group", linked) if linked is not None else None
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


def _orders(call: Call) -> Response:
    name, namespace = call.query.get("subscription_name"), call.query.get("gl_namespace_id")
    if not (name or namespace):
        raise halt(400, {"error": "subscription_name or gl_namespace_id is needed"})

    field, value = ("subscription_name", name) if name else ("gl_namespace_id", namespace)
    rows = [
        doc
        for doc in call.store.find("order", field, value)
        if not namespace or str(doc["gl_namespace_id"]) == namespace
    ]
    return paged(call, [_order_entity(call, doc) for doc in rows])


def _audit_events(call: Call) -> Response:
    namespace, action = call.query.get("namespace_id"), call.query.get("action")
    since = call.query.get("from", "")
    found = call.store.find("audit", "namespace_id", namespace) if namespace else call.store.all("audit")
    rows = [row for row in found if action in (None, row["action"]) and row["created_at"] >= since]
    return paged(call, rows)


Effect = Callable[[Call, Doc], tuple[int | None, str | None]]


def _tool(action: str, needed: tuple[str, ...], act: Effect) -> Handler:
    """A Support Admin Tool: no ticket link, no action; one effect for one idempotency key."""

    def handler(call: Call) -> Response:
        body = call.json()
        call.written |= {"action": action, "subscription_name": body.get("subscription_name")}
        before = answered_before(call, [action, body])
        if before is not None:
            return before
        problems = {name: ["can't be blank"] for name in needed if body.get(name) in (None, "")}
        ticket = body.get("zendesk_ticket_url")
        if not problems and not (isinstance(ticket, str) and _TICKET.fullmatch(ticket)):
            problems = {"zendesk_ticket_url": ["is not a ticket link"]}
        if problems:
            raise halt(422, {"errors": problems})
        try:
            group_id, name = act(call, body)
        except effects.Refused as refusal:
            raise halt(refusal.status, {"success": False, "error": refusal.text}) from None
        if body.get("dry_run") is True:
            call.written |= {"repeated": True, "lose_answer": False}
            raise halt(200, {"success": True, "dry_run": True})
        event = effects.audit(call.store, action, group_id=group_id, name=name, ticket=str(ticket), key=key_of(call))
        call.written["support_tool"] = True
        return answer_once(call, [action, body], {"success": True, "audit_event_id": event})

    return handler


def _force_associate(call: Call, body: Doc) -> tuple[int | None, str | None]:
    name = str(body["subscription_name"])
    group = effects.force_associate(call.store, str(body["namespace"]), name)
    call.written["target"] = group["full_path"]
    subscription = call.store.get("subscription", name) or {}
    if subscription.get("force_associate") == "answer_lost":
        call.written["lose_answer"] = True
    return group["id"], name


def _clear(call: Call, body: Doc) -> tuple[int | None, str | None]:
    name = str(body["subscription_name"])
    return effects.clear_subscription(call.store, name), name


def _unlink(call: Call, body: Doc) -> tuple[int | None, str | None]:
    effects.unlink(call.store, body["customer_id"], str(body["expected_uid"]))
    call.written["target"] = f"customer {body['customer_id']}"
    return None, None


def _set_minutes(call: Call, body: Doc) -> tuple[int | None, str | None]:
    group = effects.set_extra_minutes(call.store, str(body["namespace"]), body["new_total"])
    call.written["target"] = group["full_path"]
    return group["id"], None


_TICKET_FIELD = "zendesk_ticket_url"

ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/status", _status),
    ("GET", "/customers", _customers),
    ("GET", "/customers/{id}", _customer),
    ("GET", "/customers/{id}/token-info", _token_info),
    ("POST", "/customers/{id}/impersonation-check", _impersonate),
    ("GET", "/subscriptions/{name}", _subscription),
    ("GET", "/orders", _orders),
    ("GET", "/audit-events", _audit_events),
    (
        "POST",
        "/support-tools/force-associate",
        _tool("force_associate", ("namespace", "subscription_name", _TICKET_FIELD), _force_associate),
    ),
    (
        "POST",
        "/support-tools/clear-subscription",
        _tool("clear_subscription", ("subscription_name", _TICKET_FIELD), _clear),
    ),
    ("POST", "/support-tools/unlink", _tool("unlink", ("customer_id", "expected_uid", _TICKET_FIELD), _unlink)),
    (
        "POST",
        "/support-tools/set-extra-minutes",
        _tool("set_extra_minutes", ("namespace", "new_total", _TICKET_FIELD), _set_minutes),
    ),
]
