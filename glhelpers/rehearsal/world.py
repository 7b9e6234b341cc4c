"""The world of a training case: people of Support and tokens that every world needs, and the case's own records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from glhelpers.rehearsal.case import ISSUES, Case, Records

__all__ = ["world_name", "world_of", "write_world"]

_TODAY = "2026-11-23"
_USERS = [
    {"id": 1, "username": "support-admin", "name": "Support Admin", "email": "support@example.com", "admin": True},
    {"id": 3, "username": "colleague", "name": "A Colleague", "email": "colleague@example.com", "admin": True},
]
_TOKENS = [
    {"name": "admin", "value": "sandbox-admin", "user": "support-admin", "scopes": ["api", "admin_mode"]},
    {"name": "customersdot", "value": "sandbox-customersdot", "system": "customersdot"},
    {"name": "zendesk", "value": "sandbox-zendesk", "system": "zendesk"},
]
_LABELS = ["Console Escalation - customers", "L&R"]


def world_name(case: Case) -> str:
    """What the world of a case is called, by which a running sandbox is known."""
    return f"rehearsal {case.id}"


def world_of(cases: Sequence[Case], name: str) -> dict[str, Any]:
    """One world file's content (docs/worlds.md) that holds all of these cases side by side."""
    world: dict[str, Any] = {
        "format": "glhelpers.world/1",
        "name": name,
        "today": _TODAY,
        "users": list(_USERS),
        "tokens": list(_TOKENS),
        "projects": [
            {
                "id": 900,
                "path": ISSUES,
                "labels": _LABELS,
                "issues": [{"iid": case.ticket.id, "title": case.ticket.subject} for case in cases],
            }
        ],
        "tickets": [
            {
                "id": case.ticket.id,
                "subject": case.ticket.subject,
                "comments": [comment.says for comment in case.ticket.comments],
            }
            for case in cases
        ],
    }
    for case in cases:
        # What a case leaves out stays out: CustomersDot does not tell it.
        told = case.world.model_dump(mode="json", exclude_unset=True)
        for kind in Records.model_fields:
            world.setdefault(kind, []).extend(told.get(kind, []))
    return world


def write_world(case: Case, folder: Path) -> Path:
    """Write the case's world into the folder and answer the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{case.id}.yaml"
    path.write_text(yaml.safe_dump(world_of([case], world_name(case)), sort_keys=False), encoding="utf-8")
    return path
