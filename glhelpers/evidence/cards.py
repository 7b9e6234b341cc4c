"""Typed values of a run arranged as bare HTML fragments; `show` adds the style, `page` has its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from markupsafe import Markup

from glhelpers.evidence.record import fact_line
from glhelpers.evidence.render import macro
from glhelpers.evidence.summary import answers, incomplete_sentence
from glhelpers.evidence.words import (
    CHECK_SIGNS,
    OUTCOME_WORDS,
    SOURCE_WORDS,
    STATUS_SIGNS,
    STEP_SIGNS,
    VERDICT_SIGNS,
    Sign,
    action_in_words,
    field_lines,
    handbook_link,
    headline,
    in_words,
    moment,
)
from glhelpers.evidence.words import broken_glass as broken_glass_words
from glhelpers.models.change import Approval, ChangePlan, Check, Outcome, Receipt, Scalar
from glhelpers.models.fact import Fact, Source
from glhelpers.models.finding import Decision, Finding, Status, Verdict
from glhelpers.models.record import Draft, FactLine, NextRunbook, RunRecord, Step

__all__ = [
    "broken_glass",
    "catalogue",
    "decision",
    "differences",
    "drafts",
    "facts",
    "findings",
    "next_runbooks",
    "plan",
    "progress",
    "receipt",
    "seat_head",
    "sent",
    "step_note",
    "steps",
    "stop",
    "summary",
    "way_back",
]

_ALTERNATIVES = "others"
"""The stage whose findings say why something else does not fit: they are read, not folded away."""

_OLD_MINUTES = 5

_AS_BEFORE = Sign("↶", "as before", "calm")
_PASSED = Sign("✓", "nothing stands against it", "good")


def facts(lines: Sequence[Fact[Any] | FactLine]) -> Markup:
    """Each fact with its value in plain words, its source and time, or the reason why it is not known."""
    told = [given if isinstance(given, FactLine) else fact_line(given) for given in lines]
    newest = max((line.read_at for line in told), default=None)
    rows = [
        {
            "label": line.label,
            "state": str(line.state),
            "words": in_words(line.value),
            "fields": field_lines(line.value),
            "why": line.why,
            "source": SOURCE_WORDS[line.source],
            "by_hand": line.source is Source.operator,
            "told_by": line.told_by or "the operator",
            "call": line.call,
            "read_at": moment(line.read_at),
            "age": _older(line.read_at, newest),
        }
        for line in told
    ]
    return macro("facts_table", rows)


def _older(read_at: datetime, newest: datetime | None) -> str:
    """How much older than the newest fact this one is, where that may matter."""
    minutes = int((newest - read_at).total_seconds() // 60) if newest is not None else 0
    if minutes < _OLD_MINUTES:
        return ""
    return f"{minutes} min older" if minutes < 120 else f"{minutes // 60} h older"


def findings(found: Sequence[Finding]) -> Markup:
    """
    Each finding with verdict, rule, reason, next step and the handbook section it rests on.

    What a person must look at stands first; what simply passes can be unfolded.
    """
    quiet = (Verdict.proceed, Verdict.not_applicable)
    rows: dict[bool, list[dict[str, object]]] = {True: [], False: []}
    for finding in found:
        rows[finding.verdict not in quiet or finding.stage == _ALTERNATIVES].append(_finding_row(finding))
    return macro("findings_table", rows[True], rows[False])


def _finding_row(finding: Finding) -> dict[str, object]:
    return {
        "sign": VERDICT_SIGNS[finding.verdict],
        "rule": finding.rule,
        "label": finding.label,
        "reason": finding.reason,
        "next_step": finding.next_step,
        "link": handbook_link(finding.anchor),
    }


def decision(decided: Decision, stages: Sequence[str], *, words: bool = True) -> Markup:
    """The stages in order, each with its worst verdict, and the one where the way ended marked; and why, in words."""
    reached = dict(decided.path)
    known = stages or decided.stages
    names = [*known, *(name for name in reached if name not in known)]
    path: list[dict[str, object]] = [
        {
            "name": name.replace("_", " "),
            "sign": VERDICT_SIGNS[reached[name]] if name in reached else None,
            "ends": decided.status is not None and name == decided.stage,
        }
        for name in names
    ]
    if decided.status is None:
        path.append({"name": "plan", "sign": _PASSED, "ends": True})
    return macro("decision_path", path, decided.why if words else "", decided.next_step if words else None)


def plan(proposed: ChangePlan) -> Markup:
    """What would be written: before and after side by side, what follows, what cannot be undone."""
    return macro(
        "plan_card",
        {
            "action": action_in_words(proposed.action),
            "target": f"{proposed.target.name} ({proposed.target.kind} {proposed.target.id})",
            "changes": [
                {
                    "label": change.label,
                    "before": _scalar(change.before),
                    "after": _scalar(change.after),
                    "lags": change.lags,
                    "note": change.note,
                }
                for change in proposed.changes
            ],
            "consequences": proposed.consequences,
            "cannot_be_undone": proposed.cannot_be_undone,
            "second_person": proposed.second_person,
            "arguments": sorted(proposed.arguments.items()),
            "steps": [step.says for step in proposed.steps],
            "way_back": proposed.way_back.says if proposed.way_back else None,
            "profile": proposed.profile,
            "digest": proposed.digest,
        },
    )


def receipt(received: Receipt) -> Markup:
    """What came of the write, and each field read back next to what was expected."""
    return macro(
        "receipt_card",
        {
            "sign": OUTCOME_WORDS[received.outcome],
            "outcome": str(received.outcome),
            "action": action_in_words(received.action),
            "answered": received.answered,
            "sent_at": moment(received.sent_at),
            "settled_from_journal": received.settled_from_journal,
            "audit_event_id": received.audit_event_id,
            "answered_by": received.answered_by,
            "steps": [
                {"says": step.says, "answered": step.answered, "at": moment(step.answered_at or step.sent_at)}
                for step in received.steps
            ],
            "seconds_on_free": received.seconds_on_free,
            "left_on_free": received.left_on_free,
            "state": received.state,
            "checks": [
                {
                    "label": check.label,
                    "before": _scalar(check.before),
                    "expected": _scalar(check.expected),
                    "found": _scalar(check.found),
                    "told_by": check.told_by,
                    "sign": _AS_BEFORE if _is_put_back(received, check) else CHECK_SIGNS[check.state],
                }
                for check in received.checks
            ],
        },
    )


def _is_put_back(received: Receipt, check: Check) -> bool:
    return received.outcome is Outcome.put_back and check.found == check.before != check.expected


def differences(moved: Sequence[tuple[str, str, str]]) -> Markup:
    """What a rule had rested on, as it was when the plan was made and as it is now."""
    return macro("differences_table", moved)


def step_note(title: str, status: Status, why: str, next_step: str | None) -> Markup:
    """What a step has to say where it has nothing to show: how the run stands, why, and what to do."""
    return macro("step_note", {"title": title, "sign": STATUS_SIGNS[status], "why": why, "next_step": next_step})


def sent() -> Markup:
    """That a change was sent a moment ago; what the step after it has to find out is no failure yet."""
    said = {"title": "Apply", "sign": Sign("…", "Sent, not read back yet", "warn"), "why": "The change was sent once."}
    return macro("step_note", {**said, "next_step": "The step below reads it back; only that counts as done."})


def stop(status: Status, why: str, next_step: str | None) -> Markup:
    """That a run ends here, before anything else is read: its status, why, and what to do now."""
    goes_on = (Status.completed, Status.no_change_needed, Status.handed_off, Status.self_serve)
    halts = status not in goes_on
    otherwise = "Nothing more here; the record closes the run."
    note = {"sign": STATUS_SIGNS[status], "why": why, "next_step": next_step, "halts": halts, "otherwise": otherwise}
    return macro("stop", note)


def drafts(written: Sequence[Draft]) -> Markup:
    """Texts that are ready to send, as they stand; nothing in them is rendered."""
    return macro("drafts_card", [draft.model_dump() for draft in written])


def next_runbooks(following: Sequence[NextRunbook], links: Mapping[str, str] | None = None) -> Markup:
    """The runbooks to go on with: why, a link to open where there is one, and the command to copy."""
    rows = [
        {
            "runbook": step.runbook,
            "why": step.why,
            "command": step.command,
            "link": (links or {}).get(step.command),
            "parameters": sorted(step.parameters.items()),
        }
        for step in following
    ]
    return macro("next_card", rows)


def way_back(link: str | None, command: str) -> Markup:
    """Where a change was wrong: the notebook that proposes its inverse, if there is one to open, or the command."""
    return macro("way_back", link, command)


def steps(taken: Sequence[Step]) -> Markup:
    """Which steps ran, and which did not."""
    rows = [
        {
            "name": step.name,
            "sign": STEP_SIGNS[step.state],
            "error": step.error,
            "started_at": moment(step.started_at) if step.started_at else "",
            "ended_at": moment(step.ended_at) if step.ended_at else "",
        }
        for step in taken
    ]
    return macro("steps_table", rows)


def broken_glass(approval: Approval | None) -> Markup:
    """That one person has approved alone, and why, in red; nothing where two have."""
    told = broken_glass_words(approval)
    return macro("broken_glass", told) if told is not None else Markup()


def seat_head(title: str, purpose: str, profile: str, production: bool, writes: bool) -> Markup:
    """The runbook's name and purpose, whether it can change anything, and on which profile; production in red."""
    said = {"title": title, "purpose": purpose, "profile": profile, "production": production, "writes": writes}
    return macro("seat_head", said)


def catalogue(books: Sequence[tuple[str, str, str, bool]]) -> Markup:
    """Each runbook by id, title, purpose and whether it writes, with a link to its notebook."""
    return macro("catalogue", books)


def progress(looked_up: Sequence[str], seconds: float) -> Markup:
    """What has come in so far, the newest last."""
    return macro("progress", len(looked_up), looked_up[-3:], f"{seconds:.0f}")


def summary(record: RunRecord) -> Markup:
    """The first screen: what was asked, what was found, who approved what, what changed, whether it was verified."""
    return macro(
        "summary_card",
        {
            "sign": headline(record.status, record.complete),
            "incomplete": incomplete_sentence(record),
            "broken_glass": broken_glass_words(record.approval),
            "why": record.why,
            "next_step": record.next_step,
            "answers": answers(record),
            "run_id": record.run_id,
            "runbook": record.runbook,
            "operator": record.operator,
            "profile": record.profile,
            "production": record.production,
            "started_at": moment(record.started_at),
            "ended_at": moment(record.ended_at) if record.ended_at else "",
            "notices": record.notices,
        },
    )


def _scalar(value: Scalar) -> str:
    return in_words(value)
