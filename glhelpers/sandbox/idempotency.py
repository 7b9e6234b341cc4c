"""One effect for one `Idempotency-Key`: what was answered is kept, and answered again."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from glhelpers.sandbox.store import Doc
from glhelpers.sandbox.web import Call, answer, halt

__all__ = ["answer_once", "answered_before", "key_of"]


def key_of(call: Call) -> str | None:
    """The key that the request carries, if any."""
    return call.headers.get("idempotency-key") or None


def answered_before(call: Call, request: list[Any]) -> Response | None:
    """The answer that this request got under its key; 409 if the key was used for another request."""
    key = key_of(call)
    call.written["idempotency_key"] = key
    before = call.store.get("answered", key) if key else None
    if before is None:
        return None
    if before["request"] != request:
        raise halt(409, {"error": "this Idempotency-Key was used for another request"})
    call.written["repeated"] = True
    return answer(before["answer"], before["status"])


def answer_once(call: Call, request: list[Any], told: Doc, status: int = 200) -> Response:
    """Answer this, and keep it under the request's key."""
    if key := key_of(call):
        call.store.put("answered", key, {"request": request, "answer": told, "status": status})
    return answer(told, status)
