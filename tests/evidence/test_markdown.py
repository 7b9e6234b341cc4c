"""The note for an issue: it sums the run up, and no text in it can act on GitLab."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from glhelpers.evidence.markdown import LONGEST_NOTE, escalation_markdown, escaped, marker, note_markdown
from glhelpers.models.change import StepReceipt
from glhelpers.models.fact import Source
from glhelpers.models.record import RunRecord

LINK = f"[notebook.html](/uploads/{'0a' * 16}/notebook.html)"
RENDER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
HOSTILE = (
    "\n/close\n@all please read",
    "\r/assign @root",
    "\u2028/label ~bug",
    "`\n```\n/close",
    "| broken | table |",
    "<details><script>alert(1)</script>",
    "<!-- glhelpers-run: x -->",
    "--> <b>out of the comment</b>",
    "![x](https://evil.example/x.png) [y](javascript:alert(1))",
    "#12 !34 ~bug %1.0 $5 &6 ^alert",
    "https://evil.example www.evil.example",
    '"] --> evil["x',
    "1. list\n- list\n> quote",
    "person@example.com @root",
    "\u202e\x1b[2J\u200b",
    "*bold* _x_ ~~y~~ :bomb:",
)


def lines_that_act(note: str) -> list[str]:
    """Lines that GitLab would take as a quick action."""
    return [line for line in note.splitlines() if line.lstrip().startswith("/")]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_run_can_act(completed: RunRecord, poison: Callable[..., RunRecord], text: str) -> None:
    """No quick action, mention, reference, tag, image or foreign link comes out of a run's texts."""
    note = note_markdown(poison(completed, text), {"notebook.html": LINK})
    assert lines_that_act(note) == []
    assert re.search(r"(?<![\\])@(?!…)", note.replace("\\@", "")) is None
    html = RENDER.render(note)
    assert set(re.findall(r"<([a-z0-9]+)", html)) <= set(
        "h3 h4 p ul li strong em a code pre table thead tbody tr th td".split()  # noqa: SIM905
    )
    links = re.findall(r'href="([^"]*)"', html)
    assert all(link.startswith(("https://handbook.gitlab.com/", "/uploads/")) for link in links)
    assert len(re.findall("<!--", note)) == 1
    assert note.rstrip().endswith(marker(completed))


def test_every_row_of_a_table_has_its_columns(completed: RunRecord, poison: Callable[..., RunRecord]) -> None:
    """A pipe or a newline in data neither adds a column nor breaks a row."""
    note = note_markdown(poison(completed, " a|b \\| c\n| d"), {})
    rows = [line for line in note.splitlines() if line.startswith("|")]
    counts = {len(re.findall(r"(?<!\\)\|", row.replace("\\\\", ""))) for row in rows}
    assert counts <= {3, 4, 6}


@given(st.text(max_size=200))
def test_escaped_text_shows_as_it_is(text: str) -> None:
    """Rendered, an escaped text is one paragraph without any markup."""
    html = RENDER.render(f"- x {escaped(text)}")
    assert set(re.findall(r"<([a-z0-9]+)", html)) <= {"ul", "li"}


@pytest.mark.parametrize("text", ["/close", "- x", "1. x", "12) x", "# x", "> x", "+ x", "=== x", "    x", "`x", "~~~"])
def test_nothing_begins_a_block(text: str) -> None:
    """Also as the first thing in a list entry a text is only text."""
    assert set(re.findall(r"<([a-z0-9]+)", RENDER.render(f"- {escaped(text)}"))) == {"ul", "li"}


def test_the_graph_holds_labels_only(completed: RunRecord, poison: Callable[..., RunRecord]) -> None:
    """A label in the mermaid graph is letters, digits and plain punctuation, whatever the stage is called."""
    assert completed.decision is not None
    path = tuple(
        (f'{name}"]; click s0 "javascript:x" %%{{init}}%%', verdict) for name, verdict in completed.decision.path
    )
    record = completed.model_copy(update={"decision": completed.decision.model_copy(update={"path": path})})
    graph = note_markdown(record, {}).split("```mermaid\n")[1].split("```")[0]
    for line in graph.splitlines()[1:-2]:
        assert re.fullmatch(r'  s\d+\["[\w ,.:-]+"\]', line)


def test_the_note_holds_what_an_auditor_asks(completed: RunRecord) -> None:
    """Status, why, before and after, findings, plan, approval and the files all stand in the note."""
    note = note_markdown(completed, {"notebook.html": LINK})
    for text in (
        "### ✓ force_associate: Completed: written and verified",
        "| Plan | free | premium | premium | ✓ as expected |",
        "robin.second approved plan",
        LINK,
        "```mermaid\ngraph LR",
        f"plan `{completed.plan_digest}`",
        "Drafts not included in this note",
        "! passes with a warning",
    ):
        assert text in note
    assert "dana@example.com" not in note
    assert "is on Premium now" not in note


def test_a_run_cut_off_says_so_first(incomplete: RunRecord) -> None:
    """The headline and the first line say INCOMPLETE and name the steps."""
    note = note_markdown(incomplete, {})
    assert note.startswith("### ○ force_associate: INCOMPLETE")
    assert "Steps that did not run: verify, record" in note


@pytest.mark.parametrize(
    "link",
    [
        "[x](https://evil.example/uploads/x)",
        "[x](/uploads/short/x)",
        f"[x](/uploads/{'0a' * 16}/x) <script>",
        f"/close\n[x](/uploads/{'0a' * 16}/x)",
    ],
)
def test_a_strange_upload_link_is_left_out(completed: RunRecord, link: str) -> None:
    """Only a link of the form that GitLab answers for an upload gets into the note."""
    assert "Evidence:" not in note_markdown(completed, {"notebook.html": link})


def test_a_huge_run_still_fits(completed: RunRecord) -> None:
    """A note never exceeds the limit, says where it was cut, and keeps its marker."""
    many = tuple(completed.findings[0].model_copy(update={"reason": "word " * 400}) for _ in range(800))
    note = note_markdown(completed.model_copy(update={"findings": many}), {})
    assert len(note) <= LONGEST_NOTE
    assert "The note is cut here" in note
    assert marker(completed) in note


@pytest.mark.parametrize("exists", [True, False])
def test_an_escalation_says_whether_the_label_was_there(completed: RunRecord, exists: bool) -> None:
    """A missing label is told, and nothing is promised to be sent again."""
    note = escalation_markdown(completed, "Console Escalation - customers", exists)
    assert ("has no label" in note) is not exists
    assert "Nothing was sent again" in note
    assert marker(completed, "escalation") in note
    assert lines_that_act(note) == []


def test_what_a_person_told_is_marked_in_the_note(completed: RunRecord) -> None:
    """Facts looked up by hand, a field read by a person, the page's answer as told: each with the name."""
    facts = tuple(
        fact.model_copy(update={"source": Source.operator, "told_by": "ada"}) if number == 0 else fact
        for number, fact in enumerate(completed.facts)
    )
    assert completed.receipt is not None
    checks = tuple(
        check.model_copy(update={"told_by": "grace"}) if number == 0 else check
        for number, check in enumerate(completed.receipt.checks)
    )
    receipt = completed.receipt.model_copy(update={"checks": checks, "answered_by": "grace"})
    note = note_markdown(completed.model_copy(update={"facts": facts, "receipt": receipt}), {})
    assert "**Looked up by hand** by ada" in note
    assert "(told by grace)" in note
    assert "told by grace" in note.split("admin page answered")[1]


def test_two_requests_are_told_one_by_one(completed: RunRecord) -> None:
    """Each request with its answer, for how long the group was on Free, and an alarm where it still is."""
    assert completed.receipt is not None
    steps = (
        StepReceipt(action="clear_subscription", says="Clear A-S00000001 from fox", answered="success"),
        StepReceipt(action="force_associate", says="Force associate A-S00000002 with fox", answered="refused: no"),
    )
    receipt = completed.receipt.model_copy(
        update={"steps": steps, "seconds_on_free": 1.26, "left_on_free": True, "state": "fox (id 7) is on Free."}
    )
    record = completed.model_copy(update={"receipt": receipt})
    note = note_markdown(record, {})
    assert "Clear A-S00000001 from fox: success" in note
    assert "On Free for 1.3 seconds" in note
    alarm = escalation_markdown(record, "Console Escalation - customers", True)
    assert "**The group is on Free now: please put a subscription back first.**" in alarm
    assert "fox (id 7) is on Free." in alarm
