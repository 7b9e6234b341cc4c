"""What a run asks of CustomersDot, whoever answers: the adapter over HTTP, or a person at its admin pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from glhelpers.models.namespace import TokenInfo
from glhelpers.models.subscription import AuditEvent, BillingAccount, Customer, Order, Subscription, ToolAnswer

if TYPE_CHECKING:
    from glhelpers.clients.customersdot import CustomersDotClient

__all__ = ["Portal"]


class Portal(Protocol):
    """Look-ups raise `NotFound` for what there is none of; the Support Admin Tools change something."""

    def subscription(self, name: str) -> Subscription:
        """A subscription by its A-S name."""

    def orders(self, *, subscription_name: str | None = None, gl_namespace_id: str | None = None) -> tuple[Order, ...]:
        """Orders of a subscription, or those linked to a namespace."""

    def customer(self, customer_id: int) -> Customer:
        """A CustomersDot account."""

    def customers(
        self, *, email: str | None = None, uid: str | None = None, namespace_id: str | None = None
    ) -> tuple[Customer, ...]:
        """Accounts with this address, this linked user, or an order on this namespace."""

    def token_info(self, customer_id: int) -> TokenInfo:
        """Whose the token is that the portal keeps for this account."""

    def impersonation_check(self, customer_id: int) -> int:
        """How many groups the portal lists for this account; `ServiceUnavailable` with status 502 is its 502."""

    def portal_status(self) -> bool:
        """Whether the Customers Portal works for everybody else."""

    def billing_account(self, zuora_account_id: str) -> BillingAccount:
        """A billing account and the accounts that belong to it."""

    def audit_events(self, *, namespace_id: int | None = None, action: str | None = None) -> tuple[AuditEvent, ...]:
        """Support Audit Events of a namespace."""

    def add_membership(self, zuora_account_id: str, customer_id: int, *, key: str) -> ToolAnswer:
        """Make an account a member of a billing account."""

    def force_associate(self, namespace: str, subscription_name: str, ticket_url: str, *, key: str) -> ToolAnswer:
        """Support Admin Tools, Force Associate."""

    def clear_subscription(self, subscription_name: str, ticket_url: str, *, key: str) -> ToolAnswer:
        """Support Admin Tools, Clear Subscription."""

    def unlink(self, customer_id: int, expected_uid: str, ticket_url: str, *, key: str) -> ToolAnswer:
        """Support Admin Tools, Unlink GitLab.com Account."""

    def set_extra_minutes(self, namespace: str, new_total: int, ticket_url: str, *, key: str) -> ToolAnswer:
        """Support Admin Tools, Set extra CI minutes."""


if TYPE_CHECKING:
    _over_http: type[Portal] = CustomersDotClient
