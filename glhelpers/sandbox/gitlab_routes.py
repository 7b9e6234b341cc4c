"""GitLab.com: users, tokens, namespaces, groups and members, each as the caller would see it."""

from __future__ import annotations

from datetime import date
from typing import Any

from starlette.responses import HTMLResponse, Response

from glhelpers.sandbox.auth import is_admin, need_scope, token_of
from glhelpers.sandbox.effects import QUOTA
from glhelpers.sandbox.people import billable, excludes_guests, hierarchy, member_rows, plan_code, role, user_of
from glhelpers.sandbox.store import LEVELS, Doc
from glhelpers.sandbox.web import Call, Halt, Handler, answer, halt, paged

__all__ = ["ROUTES", "TOKEN_INFO", "namespace_entity", "visible_group"]

_TITLES = {"premium_trial": "Premium Trial", "ultimate_trial": "Ultimate Trial", "opensource": "Open Source Program"}


def _token_info(call: Call) -> Response:
    value = token_of(call)
    token = call.store.get("token", value) if value else None
    invalid = token is None or token["kind"] != "oauth"
    stale = token is not None and token["expires"] is not None and date.fromisoformat(token["expires"]) <= call.today
    if token is None or invalid or stale or token["revoked"]:
        why = "is invalid" if invalid else "was revoked" if token and token["revoked"] else "expired"
        body = {"error": "invalid_token", "error_description": f"The access token {why}", "state": "unauthorized"}
        raise halt(401, body, {"WWW-Authenticate": 'Bearer realm="Doorkeeper", error="invalid_token"'})
    return answer(
        {
            "resource_owner_id": token["user_id"],
            "scope": token["scopes"],
            "expires_in": None,
            "application": {"uid": "customersdot"},
            "created_at": 1_700_000_000,
            "scopes": token["scopes"],
            "expires_in_seconds": None,
        }
    )


def _user_entity(call: Call, user: Doc, *, own: bool = False) -> Doc:
    entity: Doc = {
        "id": user["id"],
        "username": user["username"],
        "name": user["name"],
        "state": user["state"],
        "locked": False,
        "avatar_url": None,
        "web_url": f"https://gitlab.com/{user['username']}",
        "created_at": "2020-01-01T00:00:00.000Z",
        "bot": user["bot"],
    }
    if is_admin(call) or own:
        entity |= {"email": user["email"], "two_factor_enabled": False, "external": False}
    if is_admin(call):
        entity |= {
            "is_admin": user["admin"],
            "note": None,
            "namespace_id": None,
            "extra_shared_runners_minutes_limit": None,
        }
    return entity


def _me(call: Call) -> Response:
    need_scope(call, user_route=True)
    if call.user is None:
        raise halt(401, {"message": "401 Unauthorized"})
    return answer(_user_entity(call, call.user, own=True))


def _user(call: Call) -> Response:
    need_scope(call, user_route=True)
    known = call.store.get("user", call.names["id"])
    if known is None:
        raise halt(404, {"message": "404 User Not Found"})
    return answer(_user_entity(call, known))


def _users(call: Call) -> Response:
    need_scope(call, user_route=True)
    wanted = call.query.get("username", "").lower()
    found = call.store.find("user", "username", wanted) if wanted else call.store.all("user")
    return paged(call, [_user_entity(call, user) for user in found])


def _own_token(call: Call) -> Response:
    token = call.store.get("token", token_of(call))
    if token is None or token["kind"] != "pat":
        raise halt(401, {"message": "401 Unauthorized"})
    return answer(
        {
            "id": 1,
            "name": token["name"],
            "revoked": token["revoked"],
            "created_at": "2026-01-01T00:00:00.000Z",
            "scopes": token["scopes"],
            "user_id": token["user_id"],
            "last_used_at": None,
            "active": True,
            "expires_at": token["expires"],
        }
    )


def _level(call: Call, group: Doc) -> int:
    return role(call.store, group, call.user["id"]) if call.user else 0


def _owns(call: Call, group: Doc) -> bool:
    return is_admin(call) or _level(call, group) >= LEVELS["owner"]


def visible_group(call: Call, what: str) -> Doc:
    """The group that the path names; hidden from strangers like one that does not exist."""
    group = call.store.group(call.names["id"])
    if group is not None and group["answers"] is not None:
        raise _broken(group["answers"])
    hidden = group is not None and not is_admin(call) and group["visibility"] == "private" and not _level(call, group)
    if group is None or hidden:
        raise halt(404, {"message": f"404 {what} Not Found"})
    return group


def _broken(status: int) -> Exception:
    return Halt(
        HTMLResponse(f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>", status)
    )


def namespace_entity(call: Call, group: Doc) -> Doc:
    """A namespace as this caller sees it: absent keys, nulls and values by role."""
    store, owns, admin = call.store, _owns(call, group), is_admin(call)
    entity: Doc = {
        "id": group["id"],
        "name": group["name"],
        "path": group["full_path"].rsplit("/", 1)[-1],
        "kind": group["kind"],
        "full_path": group["full_path"],
        "parent_id": group["parent_id"],
        "avatar_url": None,
        "web_url": f"https://gitlab.com/groups/{group['full_path']}",
    }
    top = group["parent_id"] is None
    plan = plan_code(store, group)
    if group["kind"] == "group" and (admin or _level(call, group) >= LEVELS["maintainer"]):
        everyone = {member["user_id"] for part in hierarchy(store, group) for member in part["members"]}
        entity |= {"members_count_with_descendants": len(everyone), "root_repository_size": 0, "projects_count": 0}
    if admin:
        entity |= {
            "shared_runners_minutes_limit": group["minutes"]["quota"],
            "extra_shared_runners_minutes_limit": group["minutes"]["additional"],
            "additional_purchased_storage_size": group["storage"],
            "additional_purchased_storage_ends_on": None,
        }
    live = len(billable(store, group, without_guests=excludes_guests(plan))) if top else None
    entity["billable_members_count"] = live if owns else None
    row = group["subscription"]
    if row is not None:
        told = {
            "seats_in_use": _seats_in_use(row, live),
            "max_seats_used": row["max_seats_used"],
            "max_seats_used_changed_at": group.get("refreshed_at"),
            "end_date": row["end"],
        }
        entity |= told if owns else dict.fromkeys(told)
    if owns:
        entity |= {
            "plan": plan,
            "trial_ends_on": row["trial_ends"] if row else None,
            "trial": bool(row and row["trial"]),
        }
        if top and store.world.switches.ci_minutes_usage:
            entity["ci_minutes_usage"] = _usage(group, plan)
    return entity


def _seats_in_use(row: Doc, live: int | None) -> int | None:
    """Free and trial namespaces show the live count; paid ones what the daily job has stored."""
    return live if row["plan"] == "free" or row["trial"] else int(row["seats_in_use"])


def _usage(group: Doc, plan: str) -> Doc:
    used = group["minutes"]["used"]
    quota = group["minutes"]["quota"]
    limit = quota if quota is not None else QUOTA.get(plan, 400)
    within = min(used, limit) if limit else used
    return {"total_minutes_used": used, "monthly_minutes_used": within, "purchased_minutes_used": used - within}


def _namespaces(call: Call) -> Response:
    need_scope(call)
    search = call.query.get("search", "").lower()
    everything = is_admin(call)
    rows = call.store.all("group", lambda doc: search in doc["full_path"].lower())
    seen = [group for group in rows if everything or _level(call, group)]
    return paged(call, [namespace_entity(call, group) for group in seen])


def _namespace(call: Call) -> Response:
    need_scope(call)
    return answer(namespace_entity(call, visible_group(call, "Namespace")))


def _exists(call: Call) -> Response:
    need_scope(call)
    return answer({"exists": call.store.group(call.names["id"]) is not None, "suggests": []})


def _change_namespace(call: Call) -> Response:
    need_scope(call)
    if not is_admin(call):
        raise halt(403, {"message": "403 Forbidden"})
    group = visible_group(call, "Namespace")
    body = call.json()
    minutes = dict(group["minutes"])
    for field, key in (("shared_runners_minutes_limit", "quota"), ("extra_shared_runners_minutes_limit", "additional")):
        if field in body:
            minutes[key] = _whole(body[field], field)
    storage = _whole(
        body.get("additional_purchased_storage_size", group["storage"]), "additional_purchased_storage_size"
    )
    call.written |= {"action": "put_namespace", "target": group["full_path"]}
    return answer(
        namespace_entity(call, call.store.put("group", group["id"], {**group, "minutes": minutes, "storage": storage}))
    )


def _whole(value: Any, field: str) -> Any:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise halt(400, {"error": f"{field} is invalid"})
    return value


def _subscription(call: Call) -> Response:
    need_scope(call)
    group = visible_group(call, "Namespace")
    if not _owns(call, group):
        raise halt(403, {"message": "403 Forbidden"})
    row = group["subscription"]
    if row is None:
        return answer(_subscription_entity({}, None))
    live = len(billable(call.store, group, without_guests=excludes_guests(row["plan"])))
    return answer(_subscription_entity(row, live))


def _subscription_entity(row: Doc, live: int | None) -> Doc:
    plan = row.get("plan")
    paid = bool(row) and not row["trial"] and (row["seats"] or 0) > 0
    return {
        "plan": {
            "code": plan,
            "name": _TITLES.get(plan, plan.capitalize()) if plan else None,
            "trial": row.get("trial"),
            "auto_renew": None,
            "upgradable": paid and plan not in ("gold", "ultimate", "opensource") if row else None,
            "exclude_guests": excludes_guests(plan) if plan else None,
        },
        "usage": {
            "seats_in_subscription": row.get("seats"),
            "seats_in_use": _seats_in_use(row, live) if row else None,
            "max_seats_used": row.get("max_seats_used"),
            "seats_owed": row.get("seats_owed"),
        },
        "billing": {
            "subscription_start_date": row.get("start"),
            "subscription_end_date": row.get("end"),
            "trial_ends_on": row.get("trial_ends"),
        },
    }


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
    if not _owns(call, group):
        raise halt(403, {"message": "403 Forbidden"})
    body, minutes = call.json(), dict(group["minutes"])
    if is_admin(call):
        minutes["quota"] = _whole(
            body.get("shared_runners_minutes_limit", minutes["quota"]), "shared_runners_minutes_limit"
        )
        extra = body.get("extra_shared_runners_minutes_limit", minutes["additional"])
        minutes["additional"] = _whole(extra, "extra_shared_runners_minutes_limit")
    call.written |= {"action": "put_group", "target": group["full_path"]}
    return answer(_group_entity(call, call.store.put("group", group["id"], {**group, "minutes": minutes})))


def _members(call: Call, *, everyone: bool) -> list[Doc]:
    need_scope(call)
    group = visible_group(call, "Group")
    rows = member_rows(call.store, group, everyone=everyone)
    wanted = set(call.query.getlist("user_ids[]")) | set(call.query.getlist("user_ids"))
    text = call.query.get("query", "").lower()
    return [
        row
        for row in rows
        if (not wanted or str(row["id"]) in wanted) and (not text or text in f"{row['username']} {row['name']}".lower())
    ]


def _direct_members(call: Call) -> Response:
    return paged(call, _members(call, everyone=False))


def _all_members(call: Call) -> Response:
    return paged(call, _members(call, everyone=True))


def _one_member(call: Call) -> Response:
    found = [row for row in _members(call, everyone=True) if str(row["id"]) == call.names["user_id"]]
    if not found:
        raise halt(404, {"message": "404 Not found"})
    return answer(found[0])


def _billable_group(call: Call) -> Doc:
    """Top-level groups only, Owners only; both are refused with 400."""
    need_scope(call)
    group = visible_group(call, "Group")
    if group["parent_id"] is not None or not _owns(call, group):
        raise halt(400, {"message": "400 Bad request"})
    return group


def _billable_members(call: Call) -> Response:
    group = _billable_group(call)
    found = billable(call.store, group, without_guests=excludes_guests(plan_code(call.store, group)))
    rows = []
    for rows_of_user in found.values():
        holder, member = rows_of_user[0]
        user = user_of(call.store, member)
        rows.append(
            {
                "id": user["id"],
                "username": user["username"],
                "name": user["name"],
                "state": user["state"],
                "locked": False,
                "avatar_url": None,
                "web_url": f"https://gitlab.com/{user['username']}",
                "email": None,
                "last_activity_on": None,
                "membership_type": "group_member" if holder["id"] == group["id"] else "group_invite",
                "removable": True,
                "created_at": "2020-01-01T00:00:00.000Z",
                "is_last_owner": False,
                "last_login_at": None,
            }
        )
    return paged(call, rows)


def _memberships(call: Call) -> Response:
    group = _billable_group(call)
    wanted = int(call.names["user_id"]) if call.names["user_id"].isdigit() else 0
    rows = billable(call.store, group, without_guests=False).get(wanted)
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
    ("GET", "/user", _me),
    ("GET", "/users", _users),
    ("GET", "/users/{id}", _user),
    ("GET", "/personal_access_tokens/self", _own_token),
    ("GET", "/namespaces", _namespaces),
    ("GET", "/namespaces/{id}", _namespace),
    ("PUT", "/namespaces/{id}", _change_namespace),
    ("GET", "/namespaces/{id}/exists", _exists),
    ("GET", "/namespaces/{id}/gitlab_subscription", _subscription),
    ("GET", "/groups/{id}", _group),
    ("PUT", "/groups/{id}", _change_group),
    ("GET", "/groups/{id}/members", _direct_members),
    ("GET", "/groups/{id}/members/all", _all_members),
    ("GET", "/groups/{id}/members/all/{user_id}", _one_member),
    ("GET", "/groups/{id}/billable_members", _billable_members),
    ("GET", "/groups/{id}/billable_members/{user_id}/memberships", _memberships),
]
TOKEN_INFO = ("GET", "/oauth/token/info", _token_info)
