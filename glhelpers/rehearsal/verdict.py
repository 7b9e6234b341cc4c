"""Right, not yet or wrong: judged by what the sandbox received, how its world stands, and what the runs recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from glhelpers.models.finding import Status
from glhelpers.models.record import RunRecord
from glhelpers.rehearsal.case import Asked, Case, Sent, Value

__all__ = ["Evidence", "Judged", "Judgement", "Write", "judge"]


class Judged(StrEnum):
    """How a rehearsal stands."""

    right = "right"
    not_yet = "not yet"
    wrong = "wrong"


@dataclass(frozen=True)
class Write:
    """A write that took effect: what was done, and the names of what it was for."""

    action: str
    names: frozenset[str]

    def is_one(self, wanted: Sent) -> bool:
        """Whether it is the write that is meant."""
        return self.action == wanted.action and (not wanted.about or wanted.about in self.names)

    @property
    def words(self) -> str:
        """It as a part of a sentence."""
        return f"{self.action.replace('_', ' ')} ({', '.join(sorted(self.names)) or 'nothing named'})"


@dataclass(frozen=True)
class Evidence:
    """
    What there is to judge by: writes in their order, finished runs in theirs, values of the world by place.

    `set_aside` are sentences about runs that do not count, and why.
    """

    writes: tuple[Write, ...] = ()
    runs: tuple[RunRecord, ...] = ()
    world: Mapping[str, Value] = field(default_factory=dict)
    set_aside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """A verdict with its reasons, each a sentence."""

    verdict: Judged
    reasons: tuple[str, ...]


def judge(case: Case, evidence: Evidence) -> Judgement:
    """Judge a rehearsal. What is wrong stays wrong; silence is never right, not even where nothing is to be written."""
    mistakes = tuple(dict.fromkeys(_mistakes(case, evidence)))
    if mistakes:
        return Judgement(Judged.wrong, mistakes)
    missing = tuple(_missing(case, evidence))
    if missing:
        return Judgement(Judged.not_yet, (*missing, *evidence.set_aside))
    return Judgement(Judged.right, tuple(_in_evidence(case, evidence)))


def _mistakes(case: Case, evidence: Evidence) -> Iterator[str]:
    for wrong in case.wrong:
        by_write = wrong.sent is not None and any(write.is_one(wrong.sent) for write in evidence.writes)
        by_run = wrong.asked is not None and any(_was_asked(run, wrong.asked) for run in _that_count(evidence.runs))
        by_world = bool(wrong.world) and not list(_differences(wrong.world, evidence.world))
        if by_write or by_run or by_world:
            yield wrong.says
    told = [wrong.sent for wrong in case.wrong if wrong.sent is not None]
    open_ones = list(case.right.sent)
    for write in evidence.writes:
        wanted = next((one for one in open_ones if write.is_one(one)), None)
        if wanted is not None:
            open_ones.remove(wanted)
        elif not any(write.is_one(one) for one in told):
            twice = any(write.is_one(one) for one in case.right.sent)
            yield f"The sandbox received {write.words} {'more than once' if twice else 'which this ticket does not call for'}."
    if any(run.approval is not None and run.approval.break_glass for run in evidence.runs):
        yield "The glass was broken, though a colleague could be asked."


def _that_count(runs: Sequence[RunRecord]) -> Iterator[RunRecord]:
    """The latest run, and each that has sent something: a question asked wrongly and mended since is no mistake."""
    for run in runs:
        if run is runs[-1] or run.receipt is not None:
            yield run


def _was_asked(run: RunRecord, asked: Asked) -> bool:
    return asked.runbook in ("", run.runbook) and _fits(run, asked.parameters)


def _fits(run: RunRecord, wanted: Mapping[str, str | list[str]]) -> bool:
    return all(_is_value(run.parameters.get(name), value) for name, value in wanted.items())


def _is_value(given: Value, wanted: str | list[str]) -> bool:
    if wanted == "*":
        return given is not None
    if wanted == "-":
        return given is None
    return given is not None and str(given) in ([wanted] if isinstance(wanted, str) else wanted)


def _missing(case: Case, evidence: Evidence) -> Iterator[str]:
    if _right_run(case, evidence) is None:
        yield _about_runs(case, evidence.runs)
        if evidence.writes and not any(run.receipt is not None for run in evidence.runs):
            yield (
                f"The sandbox received {', '.join(write.words for write in evidence.writes)}, and no finished run made it: "
                "finish the run that did, or, if none did, start the case again."
            )
    for wanted in case.right.sent:
        if not any(write.is_one(wanted) for write in evidence.writes):
            yield "The change that the ticket needs was not made."
            return
    yield from _differences(case.right.world, evidence.world)


def _right_run(case: Case, evidence: Evidence) -> RunRecord | None:
    return next((run for run in reversed(evidence.runs) if _is_right(case, run)), None)


def _is_right(case: Case, run: RunRecord) -> bool:
    right = case.right
    decided = set(run.decision.deciding) if run.decision is not None else set()
    return (
        run.runbook in right.runbooks
        and run.status in right.status
        and (not right.deciding or bool(decided & set(right.deciding)))
        and _fits(run, right.parameters)
    )


def _about_runs(case: Case, runs: Sequence[RunRecord]) -> str:
    """What the latest run says of where the learner stands; the right runbook is not given away."""
    if not runs:
        return f"No finished run of a runbook on ticket {case.ticket.id} is in evidence; whatever is right here, a run tells it."
    run = runs[-1]
    how = f"The latest run, {run.runbook}, ended {run.status}: {run.why}"
    if run.status is Status.awaiting_approval and case.right.sent:
        return f"{how} Its plan waits for a person."
    if run.runbook in case.right.runbooks:
        return f"{how} That is not where this ticket ends; look at what the run was given."
    return f"{how} Another runbook has to be run."


def _differences(wanted: Mapping[str, Value], found: Mapping[str, Value]) -> Iterator[str]:
    for place, value in wanted.items():
        if place not in found or found[place] != value:
            yield f"{place.replace(':', ' ')}: it is {_word(found.get(place))}, not {_word(value)}."


def _in_evidence(case: Case, evidence: Evidence) -> Iterator[str]:
    run = _right_run(case, evidence)
    if run is not None:
        yield f"Run {run.run_id} of {run.runbook} ended {run.status}: {run.why}"
        if run.approval is not None:
            yield f"{run.approval.approved_by} approved it; {run.approval.requested_by} had asked."
    made = ", ".join(write.words for write in evidence.writes)
    yield f"The sandbox received {made}, and nothing else." if made else "Nothing was written, and nothing should be."
    yield from (f"{place.replace(':', ' ')}: {_word(value)}." for place, value in case.right.world.items())


def _word(value: Value) -> str:
    return "none" if value is None else str(value)
