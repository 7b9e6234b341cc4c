"""What a caller may see of a group on GitLab.com."""

from __future__ import annotations

from typing import Any

from starlette.responses import HTMLResponse

from glhelpers.sandbox.auth import is_admin
from glhelpers.sandbox.people import role
from glhelpers.sandbox.store import LEVELS, Doc
from glhelpers.sandbox.web import Call, Halt, halt

__all__ = ["broken", "level_of", "owns", "visible_group", "whole_number"]


def level_of(call: Call, group: Doc) -> int:
    """The caller's role in a group; 0 for none."""
    return role(call.store, group, call.user["id"]) if call.user else 0


def owns(call: Call, group: Doc) -> bool:
    """Whether the caller may see and change the group's billing."""
    return is_admin(call) or level_of(call, group) >= LEVELS["owner"]


def visible_group(call: Call, what: str) -> Doc:
    """The group that the path names; hidden from strangers like one that does not exist."""
    group = call.store.group(call.names["id"])
    if group is not None and group["answers"] is not None:
        raise broken(group["answers"])
    hidden = group is not None and not is_admin(call) and group["visibility"] == "private" and not level_of(call, group)
    if group is None or hidden:
        raise halt(404, {"message": f"404 {what} Not Found"})
    return group


def broken(status: int) -> Halt:
    """A record that misbehaves: HTML, as from a front door."""
    return Halt(
        HTMLResponse(f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>", status)
    )


def whole_number(value: Any, field: str) -> Any:
    """A limit as it was sent: null or a number that is not negative."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise halt(400, {"error": f"{field} is invalid"})
    return value
