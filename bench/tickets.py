"""The tickets of a measurement: a world with as many customers as asked for, and one row for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

__all__ = ["RUNBOOK", "rows", "world"]

RUNBOOK = "force_associate"
"""The runbook that every way runs: ten to twelve look-ups, 26 rules, a plan; nothing is written without an approval."""

_PROJECT = "gitlab-com/support/internal-requests"


def rows(count: int) -> list[dict[str, str]]:
    """The parameters of each ticket."""
    return [
        {
            "namespace": f"customer-{number}",
            "subscription_name": f"A-S{number:08d}",
            "ticket_url": f"https://gitlab.zendesk.com/agent/tickets/{100_000 + number}",
            "issue": f"{_PROJECT}#{number}",
        }
        for number in range(1, count + 1)
    ]


def world(count: int, path: Path) -> Path:
    """Write the world that holds these tickets; every case of it ends as `awaiting_approval`."""
    numbers = range(1, count + 1)
    parts: dict[str, Any] = {
        "format": "glhelpers.world/1",
        "name": "measurement",
        "today": "2026-11-23",
        # Limits would be measured instead of the ways: those who wait for one all take the same time.
        "switches": {"requests_a_minute": 10_000_000, "users_in_ten_minutes": 10_000_000},
        "users": [
            {"id": 1, "username": "support-admin", "admin": True},
            *({"id": 10_000 + n, "username": f"owner-{n}", "email": f"owner-{n}@example.com"} for n in numbers),
        ],
        "tokens": [
            {
                "name": "admin",
                "value": "measured-admin",
                "system": "gitlab",
                "user": "support-admin",
                "scopes": ["api", "admin_mode"],
            },
            {"name": "customersdot", "value": "measured-customersdot", "system": "customersdot"},
            {"name": "zendesk", "value": "measured-zendesk", "system": "zendesk"},
        ],
        "groups": [
            {
                "id": 100_000 + n,
                "path": f"customer-{n}",
                "members": [{"user": f"owner-{n}", "level": "owner"}],
                "crowd": {"developer": 24},
                "minutes": {"additional": 500, "used": 120},
            }
            for n in numbers
        ],
        "subscriptions": [_subscription(n) for n in numbers],
        "orders": [
            {"id": 700_000 + n, "customer_id": 500_000 + n, "subscription_name": f"A-S{n:08d}"} for n in numbers
        ],
        "customers": [
            {"id": 500_000 + n, "email": f"owner-{n}@example.com", "company": f"Customer {n}", "uid": 10_000 + n}
            for n in numbers
        ],
        "projects": [
            {
                "id": 900,
                "path": _PROJECT,
                "labels": [],
                "issues": [{"iid": n, "title": f"Associate customer {n}"} for n in numbers],
            }
        ],
        "tickets": [{"id": 100_000 + n, "subject": f"No button, customer {n}"} for n in numbers],
    }
    path.write_text(yaml.safe_dump(parts, sort_keys=False), encoding="utf-8")
    return path


def _subscription(number: int) -> dict[str, Any]:
    return {
        "name": f"A-S{number:08d}",
        "plan_code": "ultimate",
        "kind": "plan",
        "seats": 25,
        "start_date": "2026-11-01",
        "end_date": "2027-10-31",
        "status": "active",
        "deployment": "saas",
        "trial": False,
        "invoice_owner_type": "customer",
        "read_only": False,
        "community_program": "edu",
    }
