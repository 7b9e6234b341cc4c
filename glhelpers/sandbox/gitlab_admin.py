"""GitLab.com's admin page of a group: compute minutes, and the button that resets what was used this month."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from glhelpers.sandbox.effects import reset_usage
from glhelpers.sandbox.pages import fields_of, halt_page, page
from glhelpers.sandbox.store import Doc
from glhelpers.sandbox.visibility import broken
from glhelpers.sandbox.web import Call, Handler

__all__ = ["PAGES"]

_NOTICES = {"usage-reset": "The compute usage of this month was reset."}


def _group(call: Call) -> Doc:
    group = call.store.group(call.names["path"])
    if group is not None and group["answers"] is not None:
        raise broken(group["answers"])
    if group is None or group["kind"] != "group":
        raise halt_page(call, 404, "Not found", f"There is no group {call.names['path']}.")
    return group


def _edit(call: Call) -> Response:
    group = _group(call)
    minutes, notice = group["minutes"], _NOTICES.get(call.query.get("notice", ""))
    quota, additional = minutes["quota"], minutes["additional"]
    pairs = [
        ("Quota a month", "what the plan gives" if quota is None else str(quota)),
        ("Additional compute minutes", "none" if additional is None else str(additional)),
        ("Used this month", str(minutes["used"])),
    ]
    words: Doc = {"title": f"Edit group {group['full_path']}", "notice": notice, "pairs": pairs, "group": group}
    action = call.raw_path.removesuffix("/edit") + "/reset_runners_minutes"
    return page(call, "group", words, form_path=action)


def _reset(call: Call) -> Response:
    """Usage of the month is nothing again; the limits stay as they are."""
    fields_of(call)
    group = _group(call)
    if group["parent_id"] is not None:
        raise halt_page(call, 422, "Compute usage", "Only a top-level group has compute usage of its own.")
    reset_usage(call.store, group)
    call.written |= {"action": "reset_usage", "target": group["full_path"]}
    return RedirectResponse(call.raw_path.removesuffix("/reset_runners_minutes") + "/edit?notice=usage-reset", 302)


PAGES: list[tuple[str, str, Handler]] = [
    ("GET", "/admin/groups/{path*}/edit", _edit),
    ("POST", "/admin/groups/{path*}/reset_runners_minutes", _reset),
]
