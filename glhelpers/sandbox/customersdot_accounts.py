"""CustomersDot, through the adapter: billing accounts and who belongs to them."""

from __future__ import annotations

from starlette.responses import Response

from glhelpers.sandbox.store import Doc
from glhelpers.sandbox.web import Call, Handler, answer, halt

__all__ = ["ROUTES"]


def _account(call: Call) -> Doc:
    doc = call.store.get("billing_account", call.names["id"])
    if doc is None:
        raise halt(404, {"error": "billing account not found"})
    return doc


def _show(call: Call) -> Response:
    return answer(_account(call))


def _add_member(call: Call) -> Response:
    """One membership per customer: who belongs to an account cannot join another."""
    account, customer_id = _account(call), call.json().get("customer_id")
    call.written |= {"action": "add_billing_account_member", "target": f"billing account {account['zuora_account_id']}"}
    customer = call.store.get("customer", customer_id) if type(customer_id) is int else None
    if customer is None:
        raise halt(422, {"errors": {"customer_id": ["is not a customer"]}})
    others = call.store.all("billing_account", lambda doc: customer_id in doc["member_customer_ids"])
    if others:
        raise halt(422, {"errors": {"customer_id": ["has already been taken"]}})
    members = [*account["member_customer_ids"], customer_id]
    changed = {**account, "member_customer_ids": members}
    call.store.put("billing_account", account["zuora_account_id"], changed)
    call.store.put("customer", customer_id, {**customer, "zuora_account_id": account["zuora_account_id"]})
    return answer(changed, 201)


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/billing-accounts/{id}", _show),
    ("POST", "/billing-accounts/{id}/memberships", _add_member),
]
