"""The run record: all that is true of one run, in typed values, whatever the notebook says."""

from __future__ import annotations

import shlex
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from glhelpers.models.base import OwnModel
from glhelpers.models.change import Approval, ChangePlan, Receipt
from glhelpers.models.fact import FactState, Source
from glhelpers.models.finding import Decision, Finding, Status

__all__ = ["Draft", "FactLine", "Minutes", "NextRunbook", "RunRecord", "Seats", "Step", "StepState"]


class StepState(StrEnum):
    """Whether a step ran. `running` in a finished file means that the run was cut off inside it."""

    not_run = "not_run"
    running = "running"
    done = "done"
    failed = "failed"


class Step(OwnModel):
    """One step of the way: collect, check, plan, confirm, apply, verify, record."""

    name: str
    state: StepState
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: str | None = None


class FactLine(OwnModel):
    """A fact as it stands in the record: plain JSON value, redacted, with source and time."""

    name: str
    label: str
    state: FactState
    value: Any = None
    why: str | None = None
    source: Source
    call: str
    read_at: datetime
    told_by: str | None = None


class Seats(OwnModel):
    """The seats picture. `owed_*` are forecasts after the change; None is "not known"."""

    seats_in_subscription: int | None = None
    seats_in_use: int | None = None
    max_seats_used: int | None = None
    seats_owed: int | None = None
    new_seats: int | None = None
    needed_low: int | None = None
    needed_high: int | None = None
    owed_if_carried_over: int | None = None
    owed_if_reset: int | None = None


class Minutes(OwnModel):
    """The compute minutes picture: quota, used this month, additional units; before and after."""

    quota_before: int | None = None
    quota_after: int | None = None
    used: int | None = None
    used_of_additional: int | None = None
    additional: int | None = None
    additional_after: int | None = None


class Draft(OwnModel):
    """A text ready to send: to whom, about what. `title` is a heading, `body` is Markdown."""

    kind: str
    audience: str
    title: str
    body: str


class NextRunbook(OwnModel):
    """The runbook to go on with, its parameters ready to run, and why it is this one."""

    runbook: str
    why: str
    parameters: dict[str, str]

    @property
    def command(self) -> str:
        """The command to copy into a terminal."""
        given = " ".join(f"-p {shlex.quote(f'{name}={value}')}" for name, value in self.parameters.items())
        return f"glhelpers run {self.runbook} {given}".rstrip()


class RunRecord(OwnModel):
    """
    `record.json`: the evidence of one run.

    Two runs on the same facts give the same record but for the times (`*_at` fields and `run_id`,
    which is a time).  `complete` is false for as long as the last step has not been recorded.
    """

    format: Literal["glhelpers.record/1"] = "glhelpers.record/1"
    run_id: str
    runbook: str
    status: Status
    why: str
    next_step: str | None = None
    complete: bool
    profile: str
    production: bool
    operator: str
    parameters: dict[str, str | int | None]
    started_at: datetime
    ended_at: datetime | None = None
    steps: tuple[Step, ...]
    facts: tuple[FactLine, ...] = ()
    findings: tuple[Finding, ...] = ()
    decision: Decision | None = None
    plan: ChangePlan | None = None
    plan_digest: str | None = None
    stale_differences: tuple[tuple[str, str, str], ...] = ()
    approval: Approval | None = None
    receipt: Receipt | None = None
    seats: Seats | None = None
    minutes: Minutes | None = None
    drafts: tuple[Draft, ...] = ()
    next_runbooks: tuple[NextRunbook, ...] = ()
    notices: tuple[str, ...] = ()
    versions: dict[str, str]
