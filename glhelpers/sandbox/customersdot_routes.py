"""CustomersDot, through the adapter contract of docs/adapter.md: look-ups and Support Admin Tools."""

from __future__ import annotations

from starlette.responses import Response

from glhelpers.sandbox import customersdot_entities as entities
from glhelpers.sandbox import effects, tools
from glhelpers.sandbox.idempotency import answer_once, answered_before
from glhelpers.sandbox.store import Doc
from glhelpers.sandbox.web import Call, Handler, answer, halt, paged

__all__ = ["ROUTES"]


def _customer_doc(call: Call) -> Doc:
    doc = call.store.get("customer", call.names["id"])
    if doc is None:
        raise halt(404, {"error": "customer not found"})
    return doc


def _customer(call: Call) -> Response:
    return answer(entities.customer_entity(_customer_doc(call)))


def _customers(call: Call) -> Response:
    email, uid, namespace = (call.query.get(name) for name in ("email", "uid", "namespace_id"))
    if not (email or uid or namespace):
        raise halt(400, {"error": "one of email, uid, namespace_id is needed"})
    return paged(call, entities.customers_like(call.store, email, uid, namespace), entities.customer_entity)


def _token_info(call: Call) -> Response:
    try:
        owner = entities.token_owner(_customer_doc(call))
    except effects.Refused as why:
        if why.status == 404:
            raise halt(404, {"error": why.text}) from None
        raise halt(422, {"error": "invalid_token", "error_description": why.text}) from None
    return answer({"resource_owner_id": owner, "scope": ["api"], "expires_in": 3600})


def _impersonate(call: Call) -> Response:
    return answer({"groups": len(entities.portal_groups(call, _customer_doc(call)))})


def _status(call: Call) -> Response:
    return answer({"portal": "down" if call.store.switches.portal_down else "up"})


def _subscription(call: Call) -> Response:
    doc = call.store.get("subscription", call.names["name"])
    if doc is None:
        raise halt(404, {"error": "subscription not found"})
    return answer(entities.subscription_entity(doc))


def _orders(call: Call) -> Response:
    name, namespace = call.query.get("subscription_name"), call.query.get("gl_namespace_id")
    if not (name or namespace):
        raise halt(400, {"error": "subscription_name or gl_namespace_id is needed"})
    return paged(call, entities.orders_like(call.store, name, namespace))


def _audit_events(call: Call) -> Response:
    rows = effects.audit_rows(call.store, call.query.get("namespace_id"), call.query.get("action"))
    since = call.query.get("from", "")
    return paged(call, [row for row in rows if row["created_at"] >= since])


def _tool(tool: tools.Tool) -> Handler:
    """A Support Admin Tool: no ticket link, no action; one effect for one idempotency key."""

    def handler(call: Call) -> Response:
        body = call.json()
        call.written |= {"action": tool.action, "subscription_name": body.get("subscription_name")}
        before = answered_before(call, [tool.action, body])
        if before is not None:
            return before
        try:
            event = tools.use(call, tool, body, via="adapter")
        except tools.Malformed as error:
            raise halt(422, {"errors": error.problems}) from None
        except effects.Refused as refusal:
            raise halt(refusal.status, {"success": False, "error": refusal.text}) from None
        if body.get("dry_run") is True:
            call.written |= {"repeated": True, "support_tool": False, "lose_answer": False}
            raise halt(200, {"success": True, "dry_run": True})
        return answer_once(call, [tool.action, body], {"success": True, "audit_event_id": event})

    return handler


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/status", _status),
    ("GET", "/customers", _customers),
    ("GET", "/customers/{id}", _customer),
    ("GET", "/customers/{id}/token-info", _token_info),
    ("POST", "/customers/{id}/impersonation-check", _impersonate),
    ("GET", "/subscriptions/{name}", _subscription),
    ("GET", "/orders", _orders),
    ("GET", "/audit-events", _audit_events),
    *(("POST", f"/support-tools/{action.replace('_', '-')}", _tool(tool)) for action, tool in tools.TOOLS.items()),
]
