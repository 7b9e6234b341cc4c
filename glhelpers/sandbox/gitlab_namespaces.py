"""GitLab.com: namespaces and their subscriptions, each as the caller would see it."""

from __future__ import annotations

from starlette.responses import Response

from glhelpers.sandbox.auth import is_admin, need_scope
from glhelpers.sandbox.effects import QUOTA
from glhelpers.sandbox.people import billable, excludes_guests, hierarchy, plan_code
from glhelpers.sandbox.store import LEVELS, Doc
from glhelpers.sandbox.visibility import level_of, owns, visible_group, whole_number
from glhelpers.sandbox.web import Call, Handler, answer, halt, paged

__all__ = ["ROUTES"]

_TITLES = {"premium_trial": "Premium Trial", "ultimate_trial": "Ultimate Trial", "opensource": "Open Source Program"}


def namespace_entity(call: Call, group: Doc) -> Doc:
    """A namespace as this caller sees it: absent keys, nulls and values by role."""
    entity: Doc = {
        "id": group["id"],
        "name": group["name"],
        "path": group["full_path"].rsplit("/", 1)[-1],
        "kind": group["kind"],
        "full_path": group["full_path"],
        "parent_id": group["parent_id"],
        "avatar_url": None,
        "web_url": f"https://gitlab.com/{'groups/' if group['kind'] == 'group' else ''}{group['full_path']}",
    }
    admin = is_admin(call)
    if group["kind"] == "group" and (admin or level_of(call, group) >= LEVELS["maintainer"]):
        everyone = {member["user_id"] for part in hierarchy(call.store, group) for member in part["members"]}
        entity |= {"members_count_with_descendants": len(everyone), "root_repository_size": 0, "projects_count": 0}
    if admin:
        entity |= {
            "shared_runners_minutes_limit": group["minutes"]["quota"],
            "extra_shared_runners_minutes_limit": group["minutes"]["additional"],
            "additional_purchased_storage_size": group["storage"],
            "additional_purchased_storage_ends_on": None,
        }
    return entity | _billing(call, group)


def _billing(call: Call, group: Doc) -> Doc:
    """Seats and plan: for Owners and administrators; seats are null, not absent, for everybody else."""
    is_owner, top, row = owns(call, group), group["parent_id"] is None, group["subscription"]
    plan = plan_code(call.store, group)
    live = len(billable(call.store, group, without_guests=excludes_guests(plan))) if top and is_owner else None
    told: Doc = {"billable_members_count": live}
    if row is not None:
        seats = {
            "seats_in_use": _seats_in_use(row, live),
            "max_seats_used": row["max_seats_used"],
            "max_seats_used_changed_at": row.get("max_seats_used_changed_at"),
            "end_date": row["end"],
        }
        told |= seats if is_owner else dict.fromkeys(seats)
    if not is_owner:
        return told
    told |= {"plan": plan, "trial_ends_on": row["trial_ends"] if row else None, "trial": bool(row and row["trial"])}
    if top and group["kind"] == "group" and call.store.switches.ci_minutes_usage:
        told["ci_minutes_usage"] = _usage(group, plan)
    return told


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
    """One's own; for an administrator all of the instance, which is what the portal does not survive."""
    need_scope(call)
    search, everything = call.query.get("search", "").lower(), is_admin(call)
    rows = call.store.all("group", lambda doc: search in doc["full_path"].lower())
    seen: list[Doc | int] = [group for group in rows if everything or level_of(call, group)]
    if everything and not search:
        seen += range(len(seen), call.store.switches.namespaces_of_the_instance)
    return paged(call, seen, lambda row: _nameless(row) if isinstance(row, int) else namespace_entity(call, row))


def _nameless(number: int) -> Doc:
    """One of the instance's many groups that the world does not describe."""
    path = f"group-{number}"
    id = 1_000_000_000 + number
    return {"id": id, "name": path, "path": path, "kind": "group", "full_path": path, "parent_id": None, "plan": "free"}


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
            minutes[key] = whole_number(body[field], field)
    storage = whole_number(
        body.get("additional_purchased_storage_size", group["storage"]), "additional_purchased_storage_size"
    )
    call.written |= {"action": "put_namespace", "target": group["full_path"]}
    return answer(
        namespace_entity(call, call.store.put("group", group["id"], {**group, "minutes": minutes, "storage": storage}))
    )


def _subscription(call: Call) -> Response:
    need_scope(call)
    group = visible_group(call, "Namespace")
    if not owns(call, group):
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


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/namespaces", _namespaces),
    ("GET", "/namespaces/{id}", _namespace),
    ("PUT", "/namespaces/{id}", _change_namespace),
    ("GET", "/namespaces/{id}/exists", _exists),
    ("GET", "/namespaces/{id}/gitlab_subscription", _subscription),
]
