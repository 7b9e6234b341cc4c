"""Members, roles and seats of a group, counted as GitLab.com counts them."""

from __future__ import annotations

from datetime import date

from glhelpers.sandbox.parts import CROWD_FROM
from glhelpers.sandbox.store import LEVELS, Doc, Store

__all__ = [
    "billable",
    "excludes_guests",
    "hierarchy",
    "member_entity",
    "members_of",
    "plan_code",
    "role",
    "root_of",
    "user_of",
]

_FREE_FOR_GUESTS = {
    "free",
    "default",
    "gold",
    "ultimate",
    "opensource",
    "ultimate_trial",
    "ultimate_trial_paid_customer",
}


def root_of(store: Store, group: Doc) -> Doc:
    """The top-level group of a hierarchy."""
    while group["parent_id"] is not None:
        parent = store.get("group", group["parent_id"])
        if parent is None:
            break
        group = parent
    return group


def hierarchy(store: Store, root: Doc) -> list[Doc]:
    """A group and everything below it."""
    prefix = root["full_path"] + "/"
    family = store.find("group", "root", root["full_path"].split("/", 1)[0])
    return [root, *(group for group in family if group["full_path"].startswith(prefix))]


def plan_code(store: Store, group: Doc) -> str:
    """The plan that a namespace has: its root's."""
    row = root_of(store, group)["subscription"]
    return row["plan"] if row else "free"


def excludes_guests(plan: str) -> bool:
    """Whether Guests are free of charge on a plan."""
    return plan in _FREE_FOR_GUESTS


def expired(member: Doc, today: date) -> bool:
    """Whether a membership is over."""
    return member["expires"] is not None and date.fromisoformat(member["expires"]) <= today


def role(store: Store, group: Doc, user_id: int) -> int:
    """The access level that a user has in a group, also through the groups above it; 0 for none."""
    best, above = 0, group
    while True:
        for member in above["members"]:
            if member["user_id"] == user_id and not expired(member, store.today) and member["state"] == "active":
                best = max(best, LEVELS[member["level"]])
        if above["parent_id"] is None:
            return best
        parent = store.get("group", above["parent_id"])
        if parent is None:
            return best
        above = parent


def user_of(store: Store, user_id: int) -> Doc | None:
    """A user; those of a crowd have no record of their own, so as to be cheap."""
    if user_id < CROWD_FROM:
        return store.get("user", user_id)
    name = f"user-{user_id}"
    return {"id": user_id, "username": name, "name": name, "email": "", "state": "active", "bot": False, "admin": False}


def members_of(store: Store, group: Doc, *, everyone: bool) -> list[Doc]:
    """Members as `/members` lists them; with `everyone` as `/members/all` does, one a user with the highest role."""
    groups = [group]
    while everyone and groups[-1]["parent_id"] is not None:
        parent = store.get("group", groups[-1]["parent_id"])
        if parent is None:
            break
        groups.append(parent)
    best: dict[int, Doc] = {}
    for holder in groups:
        for member in holder["members"]:
            if member["via"] != "direct" and not everyone:
                continue
            known = best.get(member["user_id"])
            if known is None or LEVELS[member["level"]] > LEVELS[known["level"]]:
                best[member["user_id"]] = member
    return list(best.values())


def member_entity(store: Store, member: Doc) -> Doc:
    """A member as GitLab.com shows it."""
    user = user_of(store, member["user_id"]) or {}
    return {
        "id": user["id"],
        "username": user["username"],
        "name": user["name"],
        "state": user["state"],
        "locked": False,
        "avatar_url": None,
        "web_url": f"https://gitlab.com/{user['username']}",
        "created_at": "2020-01-01T00:00:00.000Z",
        "expires_at": member["expires"],
        "access_level": LEVELS[member["level"]],
        "group_saml_identity": None,
        "membership_state": member["state"],
    }


def billable(store: Store, root: Doc, *, without_guests: bool) -> dict[int, list[tuple[Doc, Doc]]]:
    """
    Everyone in the hierarchy who takes a seat, with their memberships (group, member).

    Minimal access never counts, nor do blocked users and bots; Guests only where the plan bills them.
    """
    found: dict[int, list[tuple[Doc, Doc]]] = {}
    for group in hierarchy(store, root):
        for member in group["members"]:
            if not expired(member, store.today) and member["state"] == "active":
                found.setdefault(member["user_id"], []).append((group, member))
    least = LEVELS["guest"] if without_guests else LEVELS["minimal"]
    return {
        user_id: rows
        for user_id, rows in found.items()
        if max(LEVELS[member["level"]] for _, member in rows) > least and _counts(store, rows[0][1])
    }


def _counts(store: Store, member: Doc) -> bool:
    user = user_of(store, member["user_id"])
    return user is not None and user["state"] == "active" and not user["bot"]
