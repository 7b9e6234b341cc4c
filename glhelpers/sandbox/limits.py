"""The limiters of GitLab.com: one at the front door for all requests, others in the application."""

from __future__ import annotations

import re
from collections import deque
from email.utils import format_datetime
from time import monotonic

from starlette.responses import PlainTextResponse, Response

from glhelpers.sandbox.store import Store
from glhelpers.sandbox.web import Call, answer

__all__ = ["Limits"]

_ONE_USER = re.compile(r"/api/v4/users/[0-9]+")


class Limits:
    """Counts each caller's requests by this machine's clock and refuses those above a limit."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._calls: dict[str, deque[float]] = {}

    def forget(self) -> None:
        """Begin to count anew."""
        self._calls.clear()

    def refusal(self, call: Call) -> Response | None:
        """Plain text from the front door, JSON from the application, None if there is room."""
        if call.system != "gitlab":
            return None
        switches, who = self.store.switches, _who(call)
        if self._count(f"all/{who}", 60) > switches.requests_a_minute:
            return PlainTextResponse("Retry later\n", 429, headers=self._retry_headers(60))
        is_note = call.method == "POST" and call.path.endswith("/notes")
        if is_note and self._count(f"notes/{who}", 60) > switches.notes_a_minute:
            return self._in_json()
        is_user = call.method == "GET" and _ONE_USER.fullmatch(call.raw_path) is not None
        if is_user and self._count(f"users/{who}", 600) > switches.users_in_ten_minutes:
            return self._in_json()
        return None

    def headers(self, call: Call) -> dict[str, str]:
        """What is left of the front door's limit; the application's limits show nowhere."""
        limit = self.store.switches.requests_a_minute
        seen = len(self._calls.get(f"all/{_who(call)}", ())) if call.user else 0
        return {
            "RateLimit-Limit": str(limit),
            "RateLimit-Name": "throttle_authenticated_api",
            "RateLimit-Observed": str(seen),
            "RateLimit-Remaining": str(max(0, limit - seen)),
            "RateLimit-Reset": str(int(self.store.now().timestamp()) + 60),
        }

    def _in_json(self) -> Response:
        text = "This endpoint has been requested too many times. Try again later."
        return answer({"message": {"error": text}}, 429, self._retry_headers(60))

    def _retry_headers(self, seconds: int) -> dict[str, str]:
        return {"Retry-After": str(seconds), "RateLimit-ResetTime": format_datetime(self.store.now(), usegmt=True)}

    def _count(self, key: str, seconds: float) -> int:
        calls, now = self._calls.setdefault(key, deque()), monotonic()
        calls.append(now)
        while calls and calls[0] < now - seconds:
            calls.popleft()
        return len(calls)


def _who(call: Call) -> str:
    return f"{call.user['id']}" if call.user else call.system
