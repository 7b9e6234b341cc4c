"""A process that applies one plan and is killed on the way: `python dying_writer.py POINT PLAN APPROVAL JOURNAL`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path

from glhelpers.actions.effects import EFFECTS, Effect
from glhelpers.actions.journal import Journal
from glhelpers.actions.write import Writer
from glhelpers.clients.clients import open_clients
from glhelpers.models.change import Approval, ChangePlan
from glhelpers.settings import load_settings


def die(*_: object) -> None:
    """As an operator's `kill -9`, or the kernel's own."""
    os.kill(os.getpid(), signal.SIGKILL)


def main(point: str, plan_path: str, approval_path: str, journal_url: str) -> None:
    """Apply the plan and die at the point."""
    settings = load_settings()
    plan = ChangePlan.model_validate_json(Path(plan_path).read_text())
    approval = Approval.model_validate_json(Path(approval_path).read_text())
    effect = EFFECTS[plan.action]
    if point == "before intent":
        die()
    if point == "after intent":
        EFFECTS[plan.action] = Effect(die, effect.read_back, effect.audit_action)  # type: ignore[arg-type]
    if point == "request sent":
        threading.Timer(0.6, die).start()
    writer = Writer(
        clients=open_clients(settings),
        journal=Journal(journal_url),
        origin=settings.customersdot.base_url,
        run_id="dying",
        operator="ada",
        in_flight=timedelta(seconds=2),
    )
    if point == "answer received":
        writer.journal.answered = die  # type: ignore[method-assign]
    intent, receipt = writer.send(plan, approval)
    if point == "before verify":
        die()
    writer.verify(intent, receipt)
    if point == "before record":
        die()


if __name__ == "__main__":
    main(*sys.argv[1:])
