"""GitLab.com: users and tokens."""

from __future__ import annotations

from datetime import date

from starlette.responses import Response

from glhelpers.sandbox.auth import is_admin, need_scope, token_of
from glhelpers.sandbox.people import user_of
from glhelpers.sandbox.store import Doc
from glhelpers.sandbox.web import Call, Handler, answer, halt, paged

__all__ = ["ROUTES", "TOKEN_INFO"]


def _token_info(call: Call) -> Response:
    value = token_of(call, "oauth")
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
    id = call.names["id"]
    known = user_of(call.store, int(id)) if id.isascii() and id.isdigit() and len(id) < 16 else None
    if known is None:
        raise halt(404, {"message": "404 User Not Found"})
    return answer(_user_entity(call, known))


def _users(call: Call) -> Response:
    need_scope(call, user_route=True)
    wanted = call.query.get("username", "").lower()
    found = call.store.find("user", "username", wanted) if wanted else call.store.all("user")
    return paged(call, found, lambda user: _user_entity(call, user))


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


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/user", _me),
    ("GET", "/users", _users),
    ("GET", "/users/{id}", _user),
    ("GET", "/personal_access_tokens/self", _own_token),
]
TOKEN_INFO = ("GET", "/oauth/token/info", _token_info)
