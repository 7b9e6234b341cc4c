"""CustomersDot, through the adapter: billing accounts and who belongs to them."""

from __future__ import annotations

from starlette.responses import Response

from glhelpers.sandbox.idempotency import answer_once, answered_before
from glhelpers.sandbox.store import Doc
from glhelpers.sandbox.tools import Malformed
from glhelpers.sandbox.web import Call, Handler, answer, halt, paged

__all__ = ["ROUTES", "add_member"]


def add_member(call: Call, account: Doc, customer_id: object) -> Doc:
    """One membership per customer: who belongs to an account cannot join another; raises `Malformed`."""
    _note(call, "add_billing_account_member", account)
    customer = call.store.get("customer", customer_id) if type(customer_id) is int else None
    if customer is None or type(customer_id) is not int:
        raise Malformed({"customer_id": ["is not a customer"]})
    others = call.store.all("billing_account", lambda doc: customer_id in doc["member_customer_ids"])
    if others:
        raise Malformed({"customer_id": ["has already been taken"]})
    return _move(call, account, customer, [*account["member_customer_ids"], customer_id])


def _remove_member(call: Call, account: Doc, customer_id: object) -> Doc:
    """The account of the customer belongs to no billing account any more; 404 for one that is no member."""
    _note(call, "remove_billing_account_member", account)
    members = account["member_customer_ids"]
    if customer_id not in members:
        raise halt(404, {"error": "membership not found"})
    customer = call.store.get("customer", customer_id) or {}
    return _move(call, account, customer, [id for id in members if id != customer_id], joins=False)


def _note(call: Call, action: str, account: Doc) -> None:
    call.written |= {"action": action, "target": f"billing account {account['zuora_account_id']}"}


def _move(call: Call, account: Doc, customer: Doc, members: list[int], *, joins: bool = True) -> Doc:
    id = account["zuora_account_id"]
    call.store.put("customer", customer["id"], {**customer, "zuora_account_id": id if joins else None})
    return call.store.put("billing_account", id, {**account, "member_customer_ids": members})


def _account(call: Call) -> Doc:
    doc = call.store.get("billing_account", call.names["id"])
    if doc is None:
        raise halt(404, {"error": "billing account not found"})
    return doc


def _show(call: Call) -> Response:
    return answer(_account(call))


def _list(call: Call) -> Response:
    customer_id = _number(call.query.get("customer_id", ""))
    if customer_id is None:
        raise halt(400, {"error": "customer_id is needed"})
    return paged(call, call.store.all("billing_account", lambda doc: customer_id in doc["member_customer_ids"]))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _add(call: Call) -> Response:
    account, body = _account(call), call.json()
    request = ["add_member", account["zuora_account_id"], body]
    before = answered_before(call, request)
    if before is not None:
        return before
    try:
        changed = add_member(call, account, body.get("customer_id"))
    except Malformed as error:
        raise halt(422, {"errors": error.problems}) from None
    return answer_once(call, request, changed, 201)


def _remove(call: Call) -> Response:
    account, customer_id = _account(call), _number(call.names["customer_id"])
    request = ["remove_member", account["zuora_account_id"], customer_id]
    before = answered_before(call, request)
    if before is not None:
        return before
    return answer_once(call, request, _remove_member(call, account, customer_id))


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/billing-accounts", _list),
    ("GET", "/billing-accounts/{id}", _show),
    ("POST", "/billing-accounts/{id}/memberships", _add),
    ("DELETE", "/billing-accounts/{id}/memberships/{customer_id}", _remove),
]
