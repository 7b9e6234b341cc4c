"""What a process does that replaces a subscription and is killed on the way."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from glhelpers.actions.journal import Journal
from glhelpers.actions.replace import Replacement
from glhelpers.actions.write import Writer
from glhelpers.clients.clients import open_clients
from glhelpers.models.change import Approval, ChangePlan
from glhelpers.settings import load_settings

__all__ = ["replace_and_die"]


def die() -> None:
    """As an operator's `kill -9`, or the kernel's own."""
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(call: Callable[..., Any], nth: int) -> Callable[..., Any]:
    """The same call, but its nth time is the process's last moment."""
    times = iter(range(nth, -1, -1))

    def wrapped(*given: Any, **named: Any) -> Any:
        if next(times) == 0:
            die()
        return call(*given, **named)

    return wrapped


def replace_and_die(point: str, plan: ChangePlan, approval: Approval, journal_url: str) -> None:
    """Carry the plan out and die at the point: `begin`, `sending N`, `request N`, `answered N`, `settle` or `never`."""
    settings = load_settings()
    journal = Journal(journal_url)
    writer = Writer(
        clients=open_clients(settings),
        journal=journal,
        origin=settings.customersdot.base_url,
        run_id="dying",
        operator="ada",
        in_flight=timedelta(seconds=1),
        sleep=lambda seconds: None,
    )
    name, _, number = point.partition(" ")
    if name != "never":
        of: Any = writer if name == "request" else journal
        setattr(of, name, deadly(getattr(of, name), int(number or 0)))
    Replacement(writer).carry_out(plan, approval)
