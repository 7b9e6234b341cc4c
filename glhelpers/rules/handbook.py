"""Anchors of the handbook page that rules rest on."""

from __future__ import annotations

__all__ = ["CLEAR", "FORCE", "PAGE", "PORTAL_502", "RESELLER", "SEES", "SEES_NOT", "SELF_SERVE"]

PAGE = (
    "https://handbook.gitlab.com/handbook/support/license-and-renewals/workflows/saas/"
    "associate_subscription_and_namespace/"
)

RESELLER = "provisioning-subscriptions-for-reseller-customers"
PORTAL_502 = "troubleshooting-502-errors-while-provisioning-the-subscription"
FORCE = "force-associate-saas-subscription"
CLEAR = "clear-subscription"
SELF_SERVE = "customer-self-serve-associating-the-subscription-and-namespace"
SEES = "if-the-user-sees-the-subscription-in-customersdot"
SEES_NOT = "if-the-user-does-not-see-the-subscription-in-customersdot"
