"""CustomersDot through the adapter contract of docs/adapter.md, which is ours: CustomersDot has no public API."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from glhelpers.clients.paging import read_all
from glhelpers.clients.transport import Transport
from glhelpers.clients.wire import path_of
from glhelpers.errors import UnexpectedAnswer
from glhelpers.models.namespace import TokenInfo
from glhelpers.models.subscription import AuditEvent, BillingAccount, Customer, Order, Subscription, ToolAnswer

__all__ = ["CustomersDotClient"]

T = TypeVar("T")

_API = "/adapter/v1"


class _Groups(BaseModel):
    model_config = ConfigDict(strict=True)
    groups: int


class _Status(BaseModel):
    model_config = ConfigDict(strict=True)
    portal: Literal["up", "down"]


class CustomersDotClient:
    """Typed calls to subscriptions, orders, customers and the Support Admin Tools."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def subscription(self, name: str) -> Subscription:
        """A subscription by its A-S name."""
        return self._get("/subscriptions/:name", path_of(f"{_API}/subscriptions/{{}}", name), Subscription)

    def orders(self, *, subscription_name: str | None = None, gl_namespace_id: str | None = None) -> tuple[Order, ...]:
        """Orders of a subscription, or those linked to a namespace."""
        query = {"subscription_name": subscription_name, "gl_namespace_id": gl_namespace_id}
        return read_all(self._transport, "/orders", f"{_API}/orders", _given(query), Order)

    def customer(self, customer_id: int) -> Customer:
        """A CustomersDot account."""
        return self._get("/customers/:id", path_of(f"{_API}/customers/{{}}", customer_id), Customer)

    def customers(
        self, *, email: str | None = None, uid: str | None = None, namespace_id: str | None = None
    ) -> tuple[Customer, ...]:
        """Accounts with this address, this linked user (there may be several), or an order on this namespace."""
        query = _given({"email": email, "uid": uid, "namespace_id": namespace_id})
        return read_all(self._transport, "/customers", f"{_API}/customers", query, Customer)

    def token_info(self, customer_id: int) -> TokenInfo:
        """Whose the token is that the portal keeps for this account; the token itself is never answered."""
        return self._get(
            "/customers/:id/token-info", path_of(f"{_API}/customers/{{}}/token-info", customer_id), TokenInfo
        )

    def impersonation_check(self, customer_id: int) -> int:
        """How many groups the portal lists for this account; `ServiceUnavailable` is the page's 502."""
        call, path = (
            "/customers/:id/impersonation-check",
            path_of(f"{_API}/customers/{{}}/impersonation-check", customer_id),
        )
        return self._transport.parse(call, self._transport.write("POST", call, path, changes=False), _Groups).groups

    def portal_status(self) -> bool:
        """Whether the Customers Portal works for everybody else."""
        return self._get("/status", f"{_API}/status", _Status).portal == "up"

    def billing_account(self, zuora_account_id: str) -> BillingAccount:
        """A billing account and the accounts that belong to it."""
        path = path_of(f"{_API}/billing-accounts/{{}}", zuora_account_id)
        return self._get("/billing-accounts/:id", path, BillingAccount)

    def add_membership(self, zuora_account_id: str, customer_id: int, *, key: str) -> ToolAnswer:
        """Make an account a member of a billing account; refused for one that belongs to another."""
        call = "/billing-accounts/:id/memberships"
        path = path_of(f"{_API}/billing-accounts/{{}}/memberships", zuora_account_id)
        headers, body = {"Idempotency-Key": key}, {"customer_id": customer_id}
        answer = self._transport.write("POST", call, path, json=body, headers=headers)
        self._transport.parse(call, answer, BillingAccount)
        return ToolAnswer(success=True)

    def force_associate(self, namespace: str, subscription_name: str, ticket_url: str, *, key: str) -> ToolAnswer:
        """Support Admin Tools, Force Associate."""
        body = {"namespace": namespace, "subscription_name": subscription_name}
        return self._tool("force-associate", body, ticket_url, key)

    def clear_subscription(self, subscription_name: str, ticket_url: str, *, key: str) -> ToolAnswer:
        """Support Admin Tools, Clear Subscription: a paid plan falls to Free at once."""
        return self._tool("clear-subscription", {"subscription_name": subscription_name}, ticket_url, key)

    def unlink(self, customer_id: int, expected_uid: str, ticket_url: str, *, key: str) -> ToolAnswer:
        """Support Admin Tools, Unlink GitLab.com Account; refused if another user is linked by now."""
        return self._tool("unlink", {"customer_id": customer_id, "expected_uid": expected_uid}, ticket_url, key)

    def set_extra_minutes(self, namespace: str, new_total: int, ticket_url: str, *, key: str) -> ToolAnswer:
        """Support Admin Tools, Set extra CI minutes: `new_total` is absolute."""
        return self._tool("set-extra-minutes", {"namespace": namespace, "new_total": new_total}, ticket_url, key)

    def audit_events(self, *, namespace_id: int | None = None, action: str | None = None) -> tuple[AuditEvent, ...]:
        """Support Audit Events of a namespace."""
        query = _given({"namespace_id": namespace_id, "action": action})
        return read_all(self._transport, "/audit-events", f"{_API}/audit-events", query, AuditEvent)

    def _tool(self, tool: str, body: dict[str, Any], ticket_url: str, key: str) -> ToolAnswer:
        call = f"/support-tools/{tool}"
        answer = self._transport.write(
            "POST",
            call,
            _API + call,
            json={**body, "zendesk_ticket_url": ticket_url},
            headers={"Idempotency-Key": key},
            accept=(422,),
        )
        try:
            told: ToolAnswer = self._transport.parse(call, answer, ToolAnswer)
        except UnexpectedAnswer:
            self._transport.reject(call, answer)
            raise
        if answer.status == 422 and told.success:
            self._transport.reject(call, answer)
        return told.model_copy(update={"error": self._transport.clean(told.error)}) if told.error else told

    def _get(self, call: str, path: str, shape: type[T]) -> T:
        return self._transport.parse(call, self._transport.read(call, path), shape)


def _given(query: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) for name, value in query.items() if value is not None}
