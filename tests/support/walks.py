"""A run without a kernel: the same steps in the same order, in this process, over HTTP to the sandbox of the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from glhelpers.errors import GlhelpersError
from glhelpers.evidence.folder import read_record
from glhelpers.gates.decision import grant
from glhelpers.gates.files import read_plan
from glhelpers.models.record import RunRecord
from glhelpers.runbook import open_runbook

__all__ = ["Walked", "approved", "planned_and_applied", "walk"]


@dataclass(frozen=True)
class Walked:
    """What a run left: its record and its folder; `error` where it could not be finished."""

    record: RunRecord
    folder: Path
    error: GlhelpersError | None = None


def walk(runbook: str, given: Mapping[str, str], approval: Path | None = None) -> Walked:
    """Run a runbook as `glhelpers run` does; a step that fails ends it, and the record says so."""
    asked = dict(given) | ({"approval": str(approval)} if approval is not None else {})
    run = open_runbook(runbook, asked)
    error = None
    try:
        for step in (run.look_up, run.check, run.plan, run.confirm, run.apply, run.verify, run.record):
            step()
    except GlhelpersError as failed:
        error = failed
    finally:
        if run._clients is not None:
            run._clients.close()
        if run._journal is not None:
            run._journal.close()
    return Walked(read_record(run.folder.path), run.folder.path, error)


def approved(folder: Path, approver: str = "colleague") -> Path:
    """A colleague's approval of the plan in a run folder, as a file beside it."""
    file, now = read_plan(folder / "plan.json"), datetime.now(UTC)
    approval = grant(file, typed=file.plan.target.typed, approver=approver, now=now, lasts=timedelta(hours=1))
    path = folder / "approval.json"
    path.write_text(approval.model_dump_json(indent=1))
    return path


def planned_and_applied(runbook: str, given: Mapping[str, str]) -> Walked:
    """Plan, have a colleague approve, apply; without a plan the first run is all there is."""
    first = walk(runbook, given)
    return walk(runbook, given, approved(first.folder)) if first.record.status == "awaiting_approval" else first
