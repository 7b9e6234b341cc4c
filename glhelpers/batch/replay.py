"""
Go through a run again with nothing but its folder: the same notebook, the answers of then, the rules of today.

No service can be reached: every answer comes from `answers.json`, requests to change something
included, and the journal of a replay is thrown away with it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from unittest import mock

from glhelpers.batch.execute import execute
from glhelpers.clients.tape import Heard, read_tape
from glhelpers.evidence.answers import SHEET
from glhelpers.evidence.folder import read_record
from glhelpers.models.fact import Source
from glhelpers.models.finding import Finding, Status
from glhelpers.models.record import RunRecord
from glhelpers.settings import load_settings

__all__ = ["Difference", "Replayed", "replay"]


_LENT = "/oauth/token/info"
"""Only a run to which the customer's portal token was lent has asked this."""


@dataclass(frozen=True)
class Difference:
    """What came out otherwise: the finding, plan or status; what the record says, and what the replay found."""

    what: str
    then: str
    now: str


@dataclass(frozen=True)
class Replayed:
    """The record of then, how the replay ended, and where they differ."""

    record: RunRecord
    again: RunRecord
    differences: tuple[Difference, ...]
    findings: int


def replay(run_dir: Path) -> Replayed:
    """
    Run the runbook of this folder again, offline, and hold both records against each other.

    Raises an error of one sentence if the folder holds no record or no answers.
    """
    record = read_record(run_dir)
    heard = read_tape(run_dir)
    given = {name: str(value) for name, value in record.parameters.items() if value is not None}
    # A plan that waits may have been approved since, in its own folder; that run was not given this approval.
    was_given = record.approval is not None or record.status is Status.stale_plan
    if was_given and (run_dir / "approval.json").is_file():
        given["approval"] = str((run_dir / "approval.json").absolute())
    if (run_dir / SHEET).is_file():
        given["portal_facts"] = str((run_dir / SHEET).absolute())
    with (
        tempfile.TemporaryDirectory(prefix="glh-replay-") as folder,
        _environment(record, heard, run_dir, Path(folder)),
    ):
        again = execute(record.runbook, given, load_settings()).record
    return Replayed(record, again, tuple(_differences(record, again)), len(again.findings))


@contextmanager
def _environment(record: RunRecord, heard: list[Heard], run_dir: Path, folder: Path) -> Iterator[None]:
    by_hand = any(fact.source is Source.operator for fact in record.facts)
    lent = any(one.path == _LENT for one in heard)
    values = {
        "GLHELPERS_REPLAY": str(run_dir.absolute()),
        # A moment before: the approval was given before this run began, and must not lie in the future.
        "GLHELPERS_REPLAY_AT": (record.started_at + timedelta(milliseconds=1)).isoformat(),
        "GLHELPERS_REPLAY_PRODUCTION": "yes" if record.production else "no",
        "GLHELPERS_REPLAY_LENT": "yes" if lent else "no",
        "GLHELPERS_PROFILE": record.profile,
        "GLHELPERS_OPERATOR": record.operator,
        "GLHELPERS_CUSTOMERSDOT_DRIVER": "manual" if by_hand else "http",
        "GLHELPERS_STATE_DIR": str(folder / "state"),
        "GLHELPERS_RUNS_DIR": str(folder / "runs"),
        "GLHELPERS_JOURNAL_URL": f"sqlite:///{folder / 'journal.db'}",
    }
    with mock.patch.dict("os.environ", values):
        yield


def _differences(then: RunRecord, now: RunRecord) -> Iterator[Difference]:
    if then.status != now.status:
        yield Difference("Status", then.status.value, now.status.value)
    before, after = _by_rule(then), _by_rule(now)
    for rule in dict.fromkeys([*before, *after]):
        old, new = _told(before.get(rule)), _told(after.get(rule))
        if old != new:
            yield Difference(f"Rule {rule}", old, new)
    if then.decision != now.decision:
        yield Difference("Decision", _way(then), _way(now))
    if then.plan_digest != now.plan_digest and then.plan != now.plan:
        yield Difference("Plan", (then.plan_digest or "none")[:12], (now.plan_digest or "none")[:12])
    outcome = [record.receipt.outcome.value if record.receipt else "nothing sent" for record in (then, now)]
    if outcome[0] != outcome[1]:
        yield Difference("Outcome", outcome[0], outcome[1])


def _by_rule(record: RunRecord) -> dict[str, Finding]:
    return {finding.rule: finding for finding in record.findings}


def _told(finding: Finding | None) -> str:
    return f"{finding.verdict}: {finding.reason}" if finding is not None else "there was no such rule"


def _way(record: RunRecord) -> str:
    decision = record.decision
    if decision is None:
        return "none"
    return f"{decision.status or 'no objection'} at {decision.stage or 'the end'} by {', '.join(decision.deciding) or 'nothing'}"
