"""All policies, in the order of the page: what docs/rules.md lists and what the handbook check looks through."""

from __future__ import annotations

from typing import Any

from glhelpers.rules import (
    clear_subscription,
    force_associate,
    minutes_follow_up,
    portal_502,
    provision_reseller,
    self_serve,
    start_here,
    subscription_not_visible,
    undo,
)
from glhelpers.rules.rule import Policy

__all__ = ["POLICIES"]

POLICIES: dict[str, Policy[Any]] = {
    "start_here": start_here.POLICY,
    "provision_reseller": provision_reseller.POLICY,
    "portal_502": portal_502.POLICY,
    "force_associate": force_associate.POLICY,
    "force_associate, compute minutes afterwards": minutes_follow_up.POLICY,
    "clear_subscription": clear_subscription.POLICY,
    "self_serve": self_serve.POLICY,
    "subscription_not_visible": subscription_not_visible.POLICY,
    "undo": undo.POLICY,
}
"""Title of a policy's table, and the policy."""
