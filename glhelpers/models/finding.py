"""What a rule found, and what all findings of a run decide together."""

from __future__ import annotations

from enum import StrEnum

from glhelpers.models.base import OwnModel

__all__ = ["Decision", "Finding", "Status", "Verdict"]


class Verdict(StrEnum):
    """The answer of one rule. Only `proceed`, `warn` and `not_applicable` let a run go on."""

    proceed = "proceed"
    warn = "warn"
    not_applicable = "not_applicable"
    no_change = "no_change"
    self_serve = "self_serve"
    ask = "ask"
    handoff = "handoff"
    stop = "stop"
    unknown = "unknown"

    @property
    def lets_pass(self) -> bool:
        """Whether a run may go on past this verdict."""
        return self in (Verdict.proceed, Verdict.warn, Verdict.not_applicable)


class Status(StrEnum):
    """How a run ends. The first group ends as a run should; see README, exit codes."""

    completed = "completed"
    no_change_needed = "no_change_needed"
    self_serve = "self_serve"
    awaiting_approval = "awaiting_approval"
    needs_customer = "needs_customer"
    stopped = "stopped"
    handed_off = "handed_off"
    escalated = "escalated"
    stale_plan = "stale_plan"
    verification_failed = "verification_failed"
    failed = "failed"


class Finding(OwnModel):
    """
    The answer of one rule on the facts of one run.

    `anchor` is the handbook section it rests on (the fragment of the page's address);
    `next_step` says what to do where the verdict does not let the run go on;
    `uses` names the facts that the rule looked at.
    """

    rule: str
    label: str
    stage: str
    verdict: Verdict
    reason: str
    anchor: str
    next_step: str | None = None
    uses: tuple[str, ...] = ()


class Decision(OwnModel):
    """
    The one outcome of all findings.

    `status` None means that nothing stands against a plan. `path` lists the stages in order, each
    with its worst verdict, up to and including the one that decided; `stages` all that there are.
    """

    status: Status | None
    stage: str | None
    why: str
    next_step: str | None = None
    deciding: tuple[str, ...] = ()
    path: tuple[tuple[str, Verdict], ...] = ()
    stages: tuple[str, ...] = ()
