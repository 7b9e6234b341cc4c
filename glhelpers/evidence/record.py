"""The run record from what a run knows so far: typed values only, nothing scraped out of cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel

from glhelpers import __version__
from glhelpers.evidence.redact import knowledge, masked_fields
from glhelpers.models.change import Approval, ChangePlan, Receipt
from glhelpers.models.fact import Fact
from glhelpers.models.finding import Decision, Finding, Status
from glhelpers.models.record import Draft, FactLine, Minutes, NextRunbook, RunRecord, Seats, Step

__all__ = ["Known", "build_record", "fact_line", "versions"]

_NOT_KEPT: Mapping[str, set[str]] = {
    "ticket": {"subject", "tags", "updated_at"},
    "linked_user": {"name"},
    "token_user": {"name", "username"},
    "linked_member": {"name"},
    "customer": {"email", "company"},
    "same_uid": {"email", "company"},
    "accounts": {"email", "company"},
    "namespace": {"avatar_url"},
}
"""Fields of persons, and free text of customers, that no rule needs."""


@dataclass
class Known:
    """What one run knows; grows step by step."""

    run_id: str
    runbook: str
    profile: str
    production: bool
    operator: str
    parameters: dict[str, str | int | None]
    started_at: datetime
    steps: dict[str, Step]
    status: Status = Status.failed
    why: str = "The run has not got far enough to say anything."
    next_step: str | None = None
    facts: tuple[Fact[Any], ...] = ()
    findings: tuple[Finding, ...] = ()
    decision: Decision | None = None
    plan: ChangePlan | None = None
    stale: tuple[tuple[str, str, str], ...] = ()
    approval: Approval | None = None
    receipt: Receipt | None = None
    seats: Seats | None = None
    minutes: Minutes | None = None
    drafts: tuple[Draft, ...] = ()
    next_runbooks: tuple[NextRunbook, ...] = ()
    notices: list[str] = field(default_factory=list)

    _lines: tuple[object, object, tuple[FactLine, ...]] = (None, None, ())

    def fact_lines(self) -> tuple[FactLine, ...]:
        """The facts as they stand in the record, made anew only when they or what must not be seen have changed."""
        facts, known, lines = self._lines
        if facts is not self.facts or known != knowledge():
            lines = tuple(fact_line(fact) for fact in self.facts)
            self._lines = self.facts, knowledge(), lines
        return lines

    def forget_from(self, step: str) -> None:
        """Drop what this step and those after it had found."""
        if step == "look up":
            self.facts, self.seats, self.minutes = (), None, None
        if step in ("look up", "check"):
            self.findings, self.decision, self.drafts, self.next_runbooks = (), None, (), ()
        if step in ("look up", "check", "plan"):
            self.plan, self.stale = None, ()
        if step in ("look up", "check", "plan", "confirm"):
            self.approval, self.receipt = None, None


def fact_line(fact: Fact[Any]) -> FactLine:
    """The fact as plain JSON, without the fields that no rule needs."""
    return FactLine(
        name=fact.name,
        label=fact.label,
        state=fact.state,
        value=_plain(fact.value, _NOT_KEPT.get(fact.name, set())),
        why=fact.why,
        source=fact.source,
        call=fact.call,
        read_at=fact.read_at,
        told_by=fact.told_by,
    )


def _plain(value: Any, leave_out: set[str]) -> Any:
    match value:
        case BaseModel():
            return masked_fields(value, leave_out)
        case tuple() | list():
            return [_plain(item, leave_out) for item in value]
        case None | bool() | int() | str():
            return value
        case _:
            return str(value)


@cache
def versions() -> dict[str, str]:
    """What a record says of the installed packages; a process does not see others."""
    return {"glhelpers": __version__, "pydantic": version("pydantic"), "httpx": version("httpx")}


def build_record(known: Known, *, complete: bool, ended_at: datetime | None) -> RunRecord:
    """The record of what is known; `complete` says that the last step has come to its end."""
    return RunRecord(
        run_id=known.run_id,
        runbook=known.runbook,
        status=known.status,
        why=known.why,
        next_step=known.next_step,
        complete=complete,
        profile=known.profile,
        production=known.production,
        operator=known.operator,
        parameters=known.parameters,
        started_at=known.started_at,
        ended_at=ended_at,
        steps=tuple(known.steps.values()),
        facts=known.fact_lines(),
        findings=known.findings,
        decision=known.decision,
        plan=known.plan,
        plan_digest=known.plan.digest if known.plan is not None else None,
        stale_differences=known.stale,
        approval=known.approval,
        receipt=known.receipt,
        seats=known.seats,
        minutes=known.minutes,
        drafts=known.drafts,
        next_runbooks=known.next_runbooks,
        notices=tuple(known.notices),
        versions=versions(),
    )
