"""The five questions an auditor asks of a run, answered in one sentence each, for every place that shows a run."""

from __future__ import annotations

from glhelpers.evidence.redact import redact_text
from glhelpers.evidence.text import one_line
from glhelpers.evidence.words import OUTCOME_WORDS, VERDICT_SIGNS, headline, in_words, moment
from glhelpers.models.change import CheckState, Outcome
from glhelpers.models.finding import Verdict
from glhelpers.models.record import RunRecord, StepState

__all__ = ["ANSWERS_CELL", "INCOMPLETE_CELL", "answers", "incomplete_sentence", "plain", "steps_not_run"]

ANSWERS_CELL = "glhelpers-answers"
"""Id of the first cell of a notebook that is kept: what was asked, found, approved, changed and verified."""

INCOMPLETE_CELL = "glhelpers-incomplete"
"""Its id where the run was cut off, which it says before all else."""


def steps_not_run(record: RunRecord) -> tuple[str, ...]:
    """Names of the steps that never started."""
    return tuple(step.name for step in record.steps if step.state is StepState.not_run)


def incomplete_sentence(record: RunRecord) -> str | None:
    """What was cut off and what never ran; None for a run that was recorded to its end."""
    if record.complete:
        return None
    inside = [step for step in record.steps if step.state in (StepState.running, StepState.failed)]
    never = steps_not_run(record)
    cut = f"It was cut off inside step {inside[0].name}. " if inside else ""
    cut += f"{inside[0].error} " if inside and inside[0].error else ""
    missing = (
        f"Steps that did not run: {', '.join(never)}." if never else "Every step started, the end was not recorded."
    )
    return f"This run did not reach its end. {cut}{missing}"


def answers(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """Question and answer, in the order in which an auditor asks."""
    return (
        ("Asked", _asked(record)),
        ("Found", _found(record)),
        ("Approved", _approved(record)),
        ("Changed", _changed(record)),
        ("Verified", _verified(record)),
    )


def plain(record: RunRecord) -> tuple[str, ...]:
    """The run in a few lines of plain text, for a terminal or a ticket comment."""
    sign = headline(record.status, record.complete)
    lines = [f"{sign.icon} {record.runbook}: {sign.word}", record.why]
    incomplete = incomplete_sentence(record)
    lines += [incomplete] if incomplete else []
    lines += [f"Next: {record.next_step}"] if record.next_step else []
    lines += [f"{question}: {answer}" for question, answer in answers(record)]
    return tuple(one_line(redact_text(line)) for line in lines)


def _asked(record: RunRecord) -> str:
    given = [f"{name} {value}" for name, value in record.parameters.items() if value not in (None, "")]
    return f"{record.runbook}: {', '.join(given) or 'no parameters'}"


def _found(record: RunRecord) -> str:
    if not record.findings:
        return "No rule was asked."
    counts = {verdict: 0 for verdict in Verdict}
    for finding in record.findings:
        counts[finding.verdict] += 1
    told = ", ".join(f"{VERDICT_SIGNS[verdict].word} ({number})" for verdict, number in counts.items() if number)
    return f"{len(record.findings)} rules: {told}"


def _approved(record: RunRecord) -> str:
    if record.approval is not None:
        given = record.approval
        plan = f"plan {given.plan_digest[:12]}, asked for by {given.requested_by},"
        where = f", in note {given.note} on {given.issue}" if given.note is not None else ""
        alone = ", alone (⚠ BREAK-GLASS)" if given.break_glass is not None else ""
        return f"{given.approved_by} approved {plan} at {moment(given.approved_at)}{where}{alone}"
    return "Nobody has approved the plan." if record.plan else "There was nothing to approve."


def _changed(record: RunRecord) -> str:
    receipt = record.receipt
    if receipt is None:
        return "Nothing was written." if record.complete else "No write is recorded; look at the journal before acting."
    moved = [
        f"{check.label} {in_words(check.before)} → {in_words(check.found)}"
        for check in receipt.checks
        if check.found != check.before and check.state is not CheckState.unknown
    ]
    on_free = f" On Free for {receipt.seconds_on_free:.1f} seconds in between." if receipt.seconds_on_free else ""
    return ("; ".join(moved) or OUTCOME_WORDS[receipt.outcome].word) + (f".{on_free}" if on_free else "")


def _verified(record: RunRecord) -> str:
    receipt = record.receipt
    if receipt is None:
        return "There was nothing to verify." if record.complete else "Not verified."
    waiting = [check.label for check in receipt.checks if check.state is CheckState.pending]
    later = f" Not yet refreshed by the service: {', '.join(waiting)}." if waiting else ""
    if receipt.verified:
        return f"Yes, read back from the service.{later}"
    if receipt.outcome is Outcome.put_back:
        return f"Yes: read back, it is as it was before.{later}"
    return f"No: {OUTCOME_WORDS[receipt.outcome].word[0].lower()}{OUTCOME_WORDS[receipt.outcome].word[1:]}.{later}"
