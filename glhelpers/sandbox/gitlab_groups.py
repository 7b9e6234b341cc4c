"""GitLab.com: groups, members and billable members."""

from __future__ import annotations

import re

from starlette.responses import Response

from glhelpers.sandbox.auth import is_admin, need_scope
from glhelpers.sandbox.people import billable, excludes_guests, member_entity, members_of, plan_code, user_of
from glhelpers.sandbox.store import LEVELS, Doc
from glhelpers.sandbox.visibility import owns, visible_group, whole_number
from glhelpers.sandbox.web import Call, Handler, answer, halt, paged

__all__ = ["ROUTES"]


def _group_entity(call: Call, group: Doc) -> Doc:
    entity: Doc = {
        "id": group["id"],
        "web_url": f"https://gitlab.com/groups/{group['full_path']}",
        "name": group["name"],
        "path": group["full_path"].rsplit("/", 1)[-1],
        "description": "",
        "visibility": group["visibility"],
        "full_name": group["name"],
        "full_path": group["full_path"],
        "parent_id": group["parent_id"],
        "created_at": "2020-01-01T00:00:00.000Z",
        "marked_for_deletion_on": group["marked_for_deletion_on"],
    }
    if is_admin(call):
        entity["shared_runners_minutes_limit"] = group["minutes"]["quota"]
        entity["extra_shared_runners_minutes_limit"] = group["minutes"]["additional"]
    return entity


def _group(call: Call) -> Response:
    need_scope(call)
    group = visible_group(call, "Group")
    if group["kind"] != "group":
        raise halt(404, {"message": "404 Group Not Found"})
    return answer(_group_entity(call, group))


def _change_group(call: Call) -> Response:
    """An Owner who sends limits gets a friendly 200, and nothing has changed."""
    need_scope(call)
    group = visible_group(call, "Group")
    if not owns(call, group):
        raise halt(403, {"message": "403 Forbidden"})
    body, minutes = call.json(), dict(group["minutes"])
    if is_admin(call):
        minutes["quota"] = whole_number(
            body.get("shared_runners_minutes_limit", minutes["quota"]), "shared_runners_minutes_limit"
        )
        extra = body.get("extra_shared_runners_minutes_limit", minutes["additional"])
        minutes["additional"] = whole_number(extra, "extra_shared_runners_minutes_limit")
    call.written |= {"action": "put_group", "target": group["full_path"]}
    return answer(_group_entity(call, call.store.put("group", group["id"], {**group, "minutes": minutes})))


def _members(call: Call, *, everyone: bool) -> list[Doc]:
    need_scope(call)
    rows = members_of(call.store, visible_group(call, "Group"), everyone=everyone)
    wanted = set(call.query.getlist("user_ids[]")) | set(call.query.getlist("user_ids"))
    if wanted:
        rows = [row for row in rows if str(row["user_id"]) in wanted]
    if text := call.query.get("query", "").lower():
        named = [(row, user_of(call.store, row["user_id"]) or {}) for row in rows]
        rows = [row for row, user in named if text in f"{user['username']} {user['name']}".lower()]
    return rows


def _entity(call: Call, member: Doc) -> Doc:
    return member_entity(call.store, member)


def _direct_members(call: Call) -> Response:
    return paged(call, _members(call, everyone=False), lambda row: _entity(call, row))


def _all_members(call: Call) -> Response:
    return paged(call, _members(call, everyone=True), lambda row: _entity(call, row))


def _one_member(call: Call) -> Response:
    found = [row for row in _members(call, everyone=True) if str(row["user_id"]) == call.names["user_id"]]
    if not found:
        raise halt(404, {"message": "404 Not found"})
    return answer(_entity(call, found[0]))


def _billable_group(call: Call) -> Doc:
    """Top-level groups only, Owners only; both are refused with 400."""
    need_scope(call)
    group = visible_group(call, "Group")
    if group["parent_id"] is not None or not owns(call, group):
        raise halt(400, {"message": "400 Bad request"})
    return group


def _billable_members(call: Call) -> Response:
    group = _billable_group(call)
    found = billable(call.store, group, without_guests=excludes_guests(plan_code(call.store, group)))
    return paged(call, [rows[0][1] for rows in found.values()], lambda row: _billable_entity(call, row))


def _billable_entity(call: Call, member: Doc) -> Doc:
    user = user_of(call.store, member["user_id"]) or {}
    invited = member["via"] == "invited"
    return {
        "id": user["id"],
        "username": user["username"],
        "name": user["name"],
        "state": user["state"],
        "locked": False,
        "avatar_url": None,
        "web_url": f"https://gitlab.com/{user['username']}",
        "email": None,
        "last_activity_on": None,
        "membership_type": "group_invite" if invited else "group_member",
        "removable": not invited,
        "created_at": "2020-01-01T00:00:00.000Z",
        "is_last_owner": False,
        "last_login_at": None,
    }


def _memberships(call: Call) -> Response:
    group = _billable_group(call)
    wanted = int(call.names["user_id"]) if re.fullmatch("[0-9]{1,15}", call.names["user_id"]) else 0
    without_guests = excludes_guests(plan_code(call.store, group))
    rows = billable(call.store, group, without_guests=without_guests).get(wanted)
    if rows is None:
        raise halt(404, {"message": "404 User Not Found"})
    entities = [
        {
            "id": wanted * 100 + number,
            "source_id": holder["id"],
            "source_full_name": holder["full_path"],
            "source_members_url": f"https://gitlab.com/groups/{holder['full_path']}/-/group_members",
            "created_at": "2020-01-01T00:00:00.000Z",
            "expires_at": member["expires"],
            "access_level": {
                "string_value": member["level"].capitalize(),
                "integer_value": LEVELS[member["level"]],
                "custom_role": None,
            },
        }
        for number, (holder, member) in enumerate(rows)
    ]
    return paged(call, entities)


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/groups/{id}", _group),
    ("PUT", "/groups/{id}", _change_group),
    ("GET", "/groups/{id}/members", _direct_members),
    ("GET", "/groups/{id}/members/all", _all_members),
    ("GET", "/groups/{id}/members/all/{user_id}", _one_member),
    ("GET", "/groups/{id}/billable_members", _billable_members),
    ("GET", "/groups/{id}/billable_members/{user_id}/memberships", _memberships),
]
