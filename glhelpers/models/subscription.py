"""
CustomersDot records: subscriptions (Zuora, `A-S…`), orders, customers, billing accounts.

CustomersDot has no public API; these are the shapes of our own adapter contract (docs/adapter.md).
Chain of the field: namespace <- order (`gl_namespace_id`) -> customer -> `uid` -> GitLab.com user.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from glhelpers.models.base import Address, Day, Moment, WireModel

__all__ = [
    "AuditEvent",
    "BillingAccount",
    "Customer",
    "Order",
    "ProductKind",
    "Subscription",
    "ToolAnswer",
]

ProductKind = Literal["plan", "compute_minutes", "storage", "duo"]


class Subscription(WireModel):
    """
    A subscription as Zuora names it.

    `kind` says whether it carries seats; None means that the order type is not known, which is a
    reason to stop.  `invoice_owner` is the party invoiced: a partner here marks a reseller purchase.
    """

    name: str
    plan_code: str | None = None
    kind: ProductKind | None = None
    seats: int | None = None
    start_date: Day | None = None
    end_date: Day | None = None
    status: Literal["active", "cancelled"] | None = None
    deployment: Literal["saas", "self_managed"] | None = None
    trial: bool | None = None
    invoice_owner: str | None = None
    invoice_owner_type: Literal["customer", "reseller", "marketplace", "alliance"] | None = None
    read_only: bool | None = None
    community_program: Literal["edu", "oss", "startups"] | None = None
    quarterly_coterms: bool | None = None
    license_activated: bool | None = None
    zuora_account_id: str | None = None


class Order(WireModel):
    """CustomersDot's record that ties a subscription to a customer and, once linked, to a namespace."""

    id: int
    customer_id: int | None = None
    subscription_name: str | None = None
    gl_namespace_id: str | None = None
    gl_namespace_name: str | None = None
    plan_code: str | None = None
    kind: ProductKind | None = None
    quantity: int | None = None
    start_date: Day | None = None
    end_date: Day | None = None
    trial: bool | None = None
    zuora_account_id: str | None = None


class Customer(WireModel):
    """
    A CustomersDot account.

    `uid` is the linked GitLab.com user's id, as text; it is not unique across customers.
    The portal's stored access token is never part of the answer.
    """

    id: int
    email: Address = None
    company: str | None = None
    provider: str | None = None
    uid: str | None = None
    zuora_account_id: str | None = None
    login_activated: bool | None = None
    login_deactivated_on: Day | None = None
    created_on: Day | None = None


class BillingAccount(WireModel):
    """
    A Zuora billing account; memberships join customers to it, one per customer.

    Of the Sold To and Bill To contacts only the mail domain is ever told, never an address.
    """

    zuora_account_id: str
    name: str | None = None
    sold_to_domain: str | None = None
    bill_to_domain: str | None = None
    sold_to_is_bill_to: bool | None = None
    member_customer_ids: Annotated[tuple[int, ...], Field(strict=False)] = ()


class AuditEvent(WireModel):
    """A row of Support Audit Events: who did what to which namespace, on which ticket."""

    id: int
    action: str
    namespace_id: int | None = None
    subscription_name: str | None = None
    request_link: str | None = None
    requester: str | None = None
    idempotency_key: str | None = None
    created_at: Moment


class ToolAnswer(WireModel):
    """What a Support Admin Tool answered: only `success` true is success."""

    success: bool
    error: str | None = None
    audit_event_id: int | None = None
