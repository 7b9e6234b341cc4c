"""The numbers and code lists behind the rules, each dated and sourced; no logic."""

from __future__ import annotations

__all__ = [
    "COMMUNITY_QUOTA",
    "FREE_QUOTA",
    "GUEST",
    "GUESTS_ARE_BILLED",
    "GUESTS_ARE_FREE",
    "OWNER",
    "PAID_PLANS",
    "QUOTA",
    "SAME_PLAN",
    "SUBSTANTIAL_SEATS",
    "SUBSTANTIAL_SHARE",
]

OWNER = 50
GUEST = 10
"""Access levels of GitLab.com (API page: members), 2026-11."""

PAID_PLANS = frozenset(
    {
        "bronze",
        "silver",
        "premium",
        "gold",
        "ultimate",
        "ultimate_trial",
        "ultimate_trial_paid_customer",
        "premium_trial",
        "opensource",
    }
)
"""Plan codes that GitLab.com counts as paid; trial codes are among them, so "paid" needs trial == false as well."""

SAME_PLAN = {"silver": "premium", "gold": "ultimate"}
"""Old codes of today's plans."""

GUESTS_ARE_BILLED = frozenset({"bronze", "silver", "premium"})
GUESTS_ARE_FREE = frozenset({"free", "default", "gold", "ultimate", "opensource", "ultimate_trial"})
"""Whether Guests take a seat (docs: manage users and seats, 2026-11). A code in neither list is unknown."""

FREE_QUOTA = 400
QUOTA = {
    "free": 400,
    "default": 400,
    "silver": 10_000,
    "premium": 10_000,
    "gold": 50_000,
    "ultimate": 50_000,
    "opensource": 50_000,
}
COMMUNITY_QUOTA = 50_000
"""Compute minutes a month by plan code (handbook: compute minutes and storage; docs: community programs, 2026-11)."""

SUBSTANTIAL_SEATS = 1
SUBSTANTIAL_SHARE = 0.05
"""A difference above max(1 seat, 5 % of the seats) is "substantial". The page gives no number: docs/decisions/002."""
