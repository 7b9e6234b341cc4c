"""
The note for a GitLab issue: a run summed up as Markdown in which data can neither act nor pose as markup.

Texts of the run stand inside table cells or after a dash, never at the start of a line, with every
character escaped that Markdown or GitLab would act on: no quick action, no mention, no reference, no HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from glhelpers.evidence.folder import redacted_record
from glhelpers.evidence.redact import redact_text
from glhelpers.evidence.summary import answers, incomplete_sentence
from glhelpers.evidence.text import one_line
from glhelpers.evidence.words import (
    CHECK_SIGNS,
    OUTCOME_WORDS,
    VERDICT_SIGNS,
    Sign,
    action_in_words,
    broken_glass,
    handbook_link,
    headline,
    in_words,
    moment,
)
from glhelpers.models.change import Receipt
from glhelpers.models.fact import Source
from glhelpers.models.record import RunRecord

__all__ = [
    "LONGEST_NOTE",
    "answers_markdown",
    "escalation_markdown",
    "escaped",
    "marker",
    "note_markdown",
    "summary_markdown",
]

LONGEST_NOTE = 900_000
"""GitLab takes a million characters; escapes and later edits need some room."""

_LONGEST_CELL = 1500
# What Markdown or GitLab acts on anywhere in a line, and what only at the start of one.
_ACTS = re.compile(r"([\\`*_{}\[\]<>#!|~$@&%^]|:(?=\S)|(?<=\bwww)\.)")
_BEGINS = re.compile(r"^(\d{0,9})([-+=/.)])")
_UPLOAD = re.compile(r"!?\[[^\]\n]*\]\((/uploads/[0-9a-f]{32}/[A-Za-z0-9._-]{1,120})\)")
_WORD = re.compile(r"[^\w .,-]", re.UNICODE)


def escaped(text: str) -> str:
    """The text on one line as Markdown that shows exactly this text and does nothing."""
    line = one_line(redact_text(text))
    if len(line) > _LONGEST_CELL:
        line = f"{line[:_LONGEST_CELL]}… ({len(line)} characters, the rest is in the notebook)"
    return _BEGINS.sub(r"\1\\\2", _ACTS.sub(r"\\\1", line))


def marker(record: RunRecord, kind: str = "run") -> str:
    """The hidden line by which a later attach finds the note of this very run."""
    return f"<!-- glhelpers-{kind}: {_plain(record.run_id)} {_plain(record.runbook)} -->"


def note_markdown(record: RunRecord, uploads: Mapping[str, str]) -> str:
    """
    The whole note. `uploads` maps file names to the Markdown links that GitLab answered.

    It stays below GitLab's limit: what does not fit is left out from the end, and the note says so.
    """
    record = redacted_record(record)
    parts = [part for part in _parts(record, uploads) if part]
    hidden = marker(record)
    kept: list[str] = []
    room = LONGEST_NOTE - len(hidden) - 200
    for part in parts:
        if len(part) > room:
            kept.append("_The note is cut here: the rest is in the attached notebook._")
            break
        kept.append(part)
        room -= len(part) + 2
    return _guarded("\n\n".join([*kept, hidden]) + "\n")


def summary_markdown(record: RunRecord) -> str:
    """What the note says, as a file of the run folder: without links to uploads and without a mark."""
    record = redacted_record(record)
    return _guarded("\n\n".join(part for part in _parts(record, {}) if part) + "\n")


def answers_markdown(record: RunRecord) -> str:
    """The first cell of a notebook that is kept: how the run ended, and the auditor's five questions."""
    record = redacted_record(record)
    incomplete = incomplete_sentence(record)
    sign = headline(record.status, record.complete)
    lines = [
        f"# ○ INCOMPLETE\n\n{escaped(incomplete)}" if incomplete else f"# {sign.icon} {sign.word}",
        "",
        escaped(record.why),
    ]
    if (alone := broken_glass(record.approval)) is not None:
        lines += ["", f"🟥 **⚠ BREAK-GLASS.** {escaped(alone)}"]
    if record.next_step:
        lines += ["", f"**Next:** {escaped(record.next_step)}"]
    table = _table(("", ""), [(f"**{question}**", escaped(answer)) for question, answer in answers(record)])
    lines += ["", table, "", f"{_which_run(record)}, by {escaped(record.operator)}"]
    if record.notices:
        lines += ["", *(f"- {escaped(notice)}" for notice in record.notices)]
    return _guarded("\n".join([*lines, ""]))


def escalation_markdown(record: RunRecord, label: str, label_exists: bool) -> str:
    """The note that hands a write that did not succeed to the console escalation."""
    record = redacted_record(record)
    told = (
        f"Label **{escaped(label)}** was added."
        if label_exists
        else (f"The project has no label **{escaped(label)}**, so none was added: please route this issue by hand.")
    )
    lines = ["### ↑ Escalation: the write did not succeed", "", f"- {escaped(record.why)}", f"- {told}"]
    if record.plan is not None:
        sent = ", ".join(f"{name} {value}" for name, value in sorted(record.plan.arguments.items()))
        lines.append(
            f"- {escaped(action_in_words(record.plan.action))} on {escaped(record.plan.target.name)}: {escaped(sent)}"
        )
    if record.receipt is not None:
        lines.append(f"- Answer of the tool: {escaped(record.receipt.answered)}")
        lines.append(f"- Read back: {OUTCOME_WORDS[record.receipt.outcome].word}")
        if record.receipt.left_on_free:
            lines.append("- **The group is on Free now: please put a subscription back first.**")
        if record.receipt.state:
            lines.append(f"- How it was left: {escaped(record.receipt.state)}")
    lines.append("- Nothing was sent again, and nothing will be.")
    return _guarded("\n".join([*lines, "", marker(record, "escalation")]) + "\n")


def _parts(record: RunRecord, uploads: Mapping[str, str]) -> Iterator[str]:
    yield _head(record)
    if (alone := broken_glass(record.approval)) is not None:
        yield f"🟥 **⚠ BREAK-GLASS.** {escaped(alone)}"
    yield _files(uploads)
    yield _table(("Question", "Answer"), [(f"**{question}**", escaped(answer)) for question, answer in answers(record)])
    yield _change(record)
    yield _section("Decision path", _path(record))
    yield _section("Findings", _findings(record))
    yield _section("Plan", _plan(record))
    if record.drafts:
        kinds = ", ".join(escaped(draft.title) for draft in record.drafts)
        yield f"- Drafts not included in this note, see the notebook: {kinds}"


def _head(record: RunRecord) -> str:
    sign = headline(record.status, record.complete)
    lines = [f"### {sign.icon} {_plain(record.runbook)}: {sign.word}", ""]
    incomplete = incomplete_sentence(record)
    if incomplete:
        lines.append(f"- **INCOMPLETE.** {escaped(incomplete)}")
    lines.append(f"- {escaped(record.why)}")
    if record.next_step:
        lines.append(f"- **Next:** {escaped(record.next_step)}")
    by_hand = [fact for fact in record.facts if fact.source is Source.operator]
    if by_hand:
        who = ", ".join(sorted({fact.told_by or "the operator" for fact in by_hand}))
        names = ", ".join(fact.label for fact in by_hand)
        lines.append(f"- **Looked up by hand** by {escaped(who)}, at {moment(by_hand[0].read_at)}: {escaped(names)}")
    for step in record.next_runbooks:
        lines.append(f"- Go on with `{_plain(step.runbook)}`: {escaped(step.why)}")
    lines.append(f"- {_which_run(record)}")
    return "\n".join(lines)


def _which_run(record: RunRecord) -> str:
    where = "production" if record.production else "not production"
    end = f"to {moment(record.ended_at)}" if record.ended_at else "to an end that was not recorded"
    times = f"{moment(record.started_at)} {end}"
    return f"Run `{_plain(record.run_id)}`, profile {escaped(record.profile)} ({where}), {times}"


def _files(uploads: Mapping[str, str]) -> str:
    links = []
    for name, link in sorted(uploads.items()):
        match = _UPLOAD.fullmatch(link.strip())
        if match:
            links.append(f"[{_plain(name)}]({match[1]})")
    return f"**Evidence:** {' · '.join(links)}" if links else ""


def _change(record: RunRecord) -> str:
    if record.receipt is None or not record.receipt.checks:
        return ""
    rows = [
        (
            check.label,
            in_words(check.before),
            in_words(check.expected),
            in_words(check.found) + (f" (told by {check.told_by})" if check.told_by else ""),
            CHECK_SIGNS[check.state],
        )
        for check in record.receipt.checks
    ]
    sign = OUTCOME_WORDS[record.receipt.outcome]
    table = _table(("What", "Before", "Expected", "Found", "Read back"), [_cells(row) for row in rows])
    return _section(f"{sign.icon} {sign.word}", f"{_requests(record.receipt)}{table}")


def _requests(receipt: Receipt) -> str:
    """The requests of a plan that has several, who told what a page answered, and how long a group was on Free."""
    lines = [f"- {escaped(step.says)}: {escaped(step.answered)}" for step in receipt.steps]
    if receipt.answered_by:
        lines.append(f"- What the admin page answered was told by {escaped(receipt.answered_by)}")
    if receipt.seconds_on_free is not None:
        lines.append(f"- On Free for {receipt.seconds_on_free:.1f} seconds")
    return "\n".join(lines) + "\n\n" if lines else ""


def _findings(record: RunRecord) -> str:
    rows = [
        (
            *_cells((VERDICT_SIGNS[finding.verdict],)),
            f"{escaped(finding.label)} ([{_plain(finding.rule)}]({handbook_link(finding.anchor)}))",
            escaped(finding.reason) + (f" **Next:** {escaped(finding.next_step)}" if finding.next_step else ""),
        )
        for finding in record.findings
    ]
    return _table(("Verdict", "Rule", "Reason"), rows) if rows else ""


def _plan(record: RunRecord) -> str:
    plan = record.plan
    if plan is None:
        return ""
    target = escaped(f"{plan.target.name} ({plan.target.kind} {plan.target.id})")
    digest = _plain(record.plan_digest or plan.digest)
    lines = [f"- {escaped(action_in_words(plan.action))} on {target}, plan `{digest}`"]
    lines += [f"- Follows: {escaped(text)}" for text in plan.consequences]
    lines += [f"- Cannot be undone: {escaped(text)}" for text in plan.cannot_be_undone]
    lines += [f"- Second person needed: {escaped(text)}" for text in plan.second_person]
    rows = [_cells((change.label, in_words(change.before), in_words(change.after))) for change in plan.changes]
    return "\n".join(lines) + "\n\n" + _table(("What", "Before", "After"), rows)


def _path(record: RunRecord) -> str:
    """The stages as a mermaid graph; labels hold nothing but letters, digits and plain punctuation."""
    if record.decision is None or not record.decision.path:
        return ""
    nodes = [
        f'  s{index}["{_plain(stage).replace("_", " ")}: {VERDICT_SIGNS[verdict].word}"]'
        for index, (stage, verdict) in enumerate(record.decision.path)
    ]
    end = "plan" if record.decision.status is None else str(record.decision.status).replace("_", " ")
    nodes.append(f'  end1(["{end}"])')
    names = [f"s{index}" for index in range(len(record.decision.path))] + ["end1"]
    return "\n".join(["```mermaid", "graph LR", *nodes, f"  {' --> '.join(names)}", "```"])


def _section(title: str, body: str) -> str:
    return f"#### {title}\n\n{body}" if body else ""


def _cells(values: Iterable[str | Sign]) -> tuple[str, ...]:
    return tuple(f"{value.icon} {value.word}" if isinstance(value, Sign) else escaped(value) for value in values)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """An identifier or label with everything but letters, digits, spaces and plain punctuation left out."""
    return _WORD.sub("", one_line(text)).replace("--", "-")[:120]


def _guarded(note: str) -> str:
    """The last look: a line that would be a quick action is told apart from one, whoever wrote it."""
    return re.sub(r"(?m)^(\s*)/", r"\1\\/", note)
