"""
Where in CustomersDot's admin pages a person makes a look-up, and what it is called.

The handbook names the pages of customers and orders; the paths of the others are those of the sandbox.
"""

from __future__ import annotations

from collections.abc import Mapping

from glhelpers.clients.wire import clean, path_of
from glhelpers.errors import BadParameter

__all__ = ["label_of", "page_of"]

_PAGES = {
    "subscription": "/admin/subscription",
    "orders": "/admin/order",
    "customer": "/admin/customer",
    "customers": "/admin/customer",
    "token_info": "/admin/customer",
    "impersonation_check": "/admin/customer",
    "portal_status": "/",
    "billing_account": "/admin/billing_account",
    "audit_events": "/admin/support/audit_events",
}

_LABELS = {
    "subscription": "Subscription {}",
    "orders": "Orders of {}",
    "customer": "CustomersDot account {}",
    "customers": "CustomersDot accounts with {}",
    "token_info": "Portal token of CustomersDot account {}",
    "impersonation_check": "Portal as CustomersDot account {} sees it",
    "portal_status": "Customers Portal for everybody else",
    "billing_account": "Billing account {}",
    "audit_events": "Support Audit Events of {}",
}

_BY = {
    "email": "the e-mail address given",
    "uid": "linked user {}",
    "namespace_id": "namespace {}",
    "gl_namespace_id": "namespace {}",
    "action": "action {}",
}


def label_of(kind: str, by: Mapping[str, str]) -> str:
    """The look-up in words; an e-mail address is never among them."""
    words = [_BY.get(name, "{}").format(clean(value)) for name, value in by.items()]
    return _LABELS[kind].format(" and ".join(words) or "everybody")


def page_of(base_url: str, kind: str, by: Mapping[str, str]) -> str:
    """The admin page to open: the record's own where it has one, else the list; no address is part of it."""
    base, page = base_url.rstrip("/"), _PAGES[kind]
    own = by.get("name") or by.get("id") or by.get("customer_id") or by.get("zuora_account_id")
    if own is None:
        return base + page
    try:
        return base + path_of(f"{page}/{{}}", own)
    except BadParameter:  # what a person told of may be no name at all; the list is always there
        return base + page
