"""`/__sandbox`: counters, the passing of time, and changes to the world from outside."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from starlette.responses import Response

from glhelpers.errors import BadWorld
from glhelpers.sandbox import effects
from glhelpers.sandbox.changes import Change
from glhelpers.sandbox.events import Impossible, apply_change
from glhelpers.sandbox.faults import Faults, parse_faults, shown
from glhelpers.sandbox.store import Doc, Store
from glhelpers.sandbox.web import Call, answer, halt

__all__ = ["Control"]

_MOST_LOGGED = 20_000
_TOLD = ("action", "target", "subscription_name", "idempotency_key", "quick_actions", "mentions")
"""What a route may tell of a write."""


class Control:
    """What happened, and what shall happen."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self.store, self.faults = store, faults
        self.requests: deque[Doc] = deque(maxlen=_MOST_LOGGED)
        self.received = 0
        self.writes: list[Doc] = []

    def log(self, call: Call, status: int) -> None:
        """Remember a request to one of the three systems."""
        at = self.store.now().isoformat()
        row = {"at": at, "system": call.system, "method": call.method, "path": call.raw_path, "status": status}
        self.received += 1
        self.requests.append(row)
        # The check is a POST, since the portal has to sign in; it changes nothing.
        if call.method != "GET" and not call.raw_path.endswith("/impersonation-check"):
            # A page leads on to another one after it has done what was asked; a redirect alone did nothing.
            done = status < 300 or (status < 400 and call.written.get("action") is not None)
            applied = done and not call.written.get("repeated")
            about = {name: call.written.get(name) for name in _TOLD}
            tool = bool(call.written.get("support_tool"))
            self.writes.append({**row, "request_no": self.received, **about, "applied": applied, "support_tool": tool})

    def answer(self, call: Call) -> Response:
        """Answer a request to `/__sandbox/…`."""
        handlers: dict[tuple[str, str], Callable[[Call], Any]] = {
            ("GET", "health"): self._health,
            ("GET", "writes"): self._writes,
            ("GET", "requests"): lambda call: {"count": self.received, "requests": list(self.requests)},
            ("GET", "cases"): lambda call: [case.model_dump(mode="json") for case in self.store.world.cases],
            ("GET", "world"): self._world,
            ("GET", "faults"): lambda call: shown(self.faults.rules),
            ("PUT", "faults"): self._set_faults,
            ("POST", "refresh"): self._refresh,
            ("POST", "change"): self._change,
            ("POST", "portal-change"): self._portal_change,
            ("POST", "reset"): self._reset,
        }
        handler = handlers.get((call.method, call.path.removeprefix("/__sandbox/")))
        if handler is None:
            raise halt(501, {"error": "the sandbox has no such control"})
        return answer(handler(call))

    def _health(self, call: Call) -> Doc:
        world = self.store.world
        return {"instance": self.store.instance, "world": world.name, "today": world.today, "pid": os.getpid()}

    def _writes(self, call: Call) -> Doc:
        applied = [row for row in self.writes if row["applied"]]
        tools = sum(row["support_tool"] for row in applied)
        return {"count": len(applied), "support_tools": tools, "attempts": len(self.writes), "writes": self.writes}

    def _set_faults(self, call: Call) -> Any:
        try:
            self.faults.rules = parse_faults(json.loads(call.body or b"[]"))
        except (ValueError, BadWorld) as error:
            raise halt(400, {"error": str(error)}) from None
        return shown(self.faults.rules)

    def _refresh(self, call: Call) -> Doc:
        effects.refresh_seats(self.store)
        return {"refreshed": True}

    def _portal_change(self, call: Call) -> Doc:
        body = call.json()
        try:
            return {
                "outcome": effects.portal_change(self.store, str(body.get("subscription_name")), int(body["seats"]))
            }
        except (KeyError, TypeError, ValueError):
            raise halt(422, {"error": "subscription_name and seats (a number) are needed"}) from None
        except effects.Refused as error:
            raise halt(422, {"error": error.text}) from None

    def _reset(self, call: Call) -> Doc:
        self.requests.clear()
        self.received = 0
        self.writes.clear()
        return {"reset": True}

    def _change(self, call: Call) -> Doc:
        """Let one thing happen, such as `{"add_members": {"group": "a", "count": 2}}`."""
        try:
            change = Change.model_validate(call.json())
            apply_change(self.store, change)
        except ValidationError as error:
            said = "; ".join(
                f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_input=False)
            )
            raise halt(400, {"error": said.removeprefix(": ")}) from None
        except Impossible as error:
            raise halt(404, {"error": str(error)}) from None
        return {"changed": change.name}

    def _world(self, call: Call) -> Doc:
        """How much of everything there is now."""
        kinds = ("user", "group", "subscription", "order", "customer", "project", "issue", "note", "ticket", "audit")
        counted = {kind: len(self.store.all(kind)) for kind in kinds}
        return {"world": self.store.world.name, "today": self.store.today, "counts": counted}
