"""What a process does that applies one plan and is killed on the way."""

from __future__ import annotations

import os
import signal
import threading
from datetime import timedelta
from typing import Any

from glhelpers.actions.effects import EFFECTS
from glhelpers.actions.journal import Journal
from glhelpers.actions.write import Writer
from glhelpers.clients.clients import open_clients
from glhelpers.models.change import Approval, ChangePlan
from glhelpers.settings import load_settings

__all__ = ["apply_and_die"]

POINTS = (
    "before intent",
    "after intent",
    "request sent",
    "answer received",
    "before verify",
    "before settling",
    "after settling",
    "never",
)


def die(*_: Any, **__: Any) -> Any:
    """As an operator's `kill -9`, or the kernel's own."""
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(writer: Writer, plan: ChangePlan, point: str) -> None:
    """Put death at the point into the writer's way."""
    if point == "after intent":
        EFFECTS[plan.action] = type(EFFECTS[plan.action])(die, die, die)
    if point == "request sent":
        threading.Timer(0.6, die).start()
    if point == "answer received":
        setattr(writer.journal, "answered", die)  # noqa: B010 (a method of this one journal)
    if point == "before settling":
        setattr(writer.journal, "settle", die)  # noqa: B010


def apply_and_die(point: str, plan: ChangePlan, approval: Approval, journal_url: str) -> None:
    """Apply the plan and die at the point."""
    assert point in POINTS
    settings = load_settings()
    writer = Writer(
        clients=open_clients(settings),
        journal=Journal(journal_url),
        origin=settings.customersdot.base_url,
        run_id="dying",
        operator="ada",
        in_flight=timedelta(seconds=1),
    )
    if point == "before intent":
        die()
    deadly(writer, plan, point)
    intent, receipt = writer.send(plan, approval)
    if point == "before verify":
        die()
    writer.verify(intent, receipt)
    if point == "after settling":
        die()
