"""Who is calling, and with which scopes: tokens of GitLab.com, CustomersDot and Zendesk."""

from __future__ import annotations

import base64
import binascii
from datetime import date

from glhelpers.sandbox.store import Doc
from glhelpers.sandbox.web import Call, halt

__all__ = ["authenticate", "is_admin", "need_scope", "token_of"]

_READS = {"read_api", "api"}


def token_of(call: Call, kind: str = "pat") -> str | None:
    """The token in the forms that GitLab takes for this kind: Bearer for both, besides one's own header or parameter."""
    bearer = call.headers.get("authorization", "")
    if bearer.lower().startswith("bearer "):
        return bearer[7:].strip()
    if kind == "oauth":
        return call.query.get("access_token")
    return call.headers.get("private-token") or call.query.get("private_token")


def authenticate(call: Call) -> None:
    """Find the caller, or end the request as the system would."""
    if call.system == "zendesk":
        return _zendesk(call)
    token = _shown(call, "pat") or _shown(call, "oauth")
    if token is None or token["system"] != call.system:
        if call.system == "customersdot":
            raise halt(401, {"error": "unauthorized"})
        raise halt(401, {"message": "401 Unauthorized"})
    _refuse_stale(call, token)
    call.user = call.store.get("user", token["user_id"]) if token["user_id"] is not None else None
    call.scopes = frozenset(token["scopes"])
    return None


def _shown(call: Call, kind: str) -> Doc | None:
    value = token_of(call, kind)
    token = call.store.get("token", value) if value else None
    return token if token is not None and token["kind"] == kind else None


def _refuse_stale(call: Call, token: Doc) -> None:
    if token["revoked"]:
        text = "Token was revoked. You have to re-authorize from the user."
        raise halt(401, {"error": "invalid_token", "error_description": text})
    if token["expires"] is not None and date.fromisoformat(token["expires"]) <= call.today:
        text = "Token is expired. You can either do re-authorization or token refresh."
        raise halt(401, {"error": "invalid_token", "error_description": text})


def _zendesk(call: Call) -> None:
    shown = call.headers.get("authorization", "")
    value = ""
    if shown.lower().startswith("bearer "):
        value = shown[7:].strip()
    elif shown.lower().startswith("basic "):
        try:
            decoded = base64.b64decode(shown[6:], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            decoded = ""
        value = decoded.partition("/token:")[2]
    token = call.store.get("token", value) if value else None
    if token is None or token["system"] != "zendesk" or token["revoked"]:
        raise halt(401, {"error": "Couldn't authenticate you"})


def need_scope(call: Call, *, user_route: bool = False) -> None:
    """Reads need `read_api`, reads of users also pass with `read_user`, writes need `api`."""
    allowed = {"api"} if call.method != "GET" else _READS | ({"read_user"} if user_route else set())
    if not call.scopes & allowed:
        raise halt(
            403,
            {
                "error": "insufficient_scope",
                "error_description": "The request requires higher privileges than provided by the access token.",
                "scope": " ".join(sorted(allowed)),
            },
        )


def is_admin(call: Call) -> bool:
    """Admin Mode is on: an administrator whose token lacks `admin_mode` is an ordinary user."""
    return bool(call.user and call.user["admin"] and "admin_mode" in call.scopes)
