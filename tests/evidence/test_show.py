"""Pictures and page: complete, readable without colour, and deaf to whatever a server's text asks for."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import NotebookNode
from pydantic import SecretStr

from glhelpers.actions.effects import EFFECTS
from glhelpers.evidence import sanitise, show
from glhelpers.evidence.notebook import finished_notebook
from glhelpers.evidence.page import html_page
from glhelpers.evidence.redact import forget_secrets, register_secret
from glhelpers.evidence.sanitise import safe_html
from glhelpers.evidence.words import ACTION_WORDS, VERDICT_SIGNS, field_lines, in_words
from glhelpers.models.change import CheckState, Outcome
from glhelpers.models.finding import Status, Verdict
from glhelpers.models.record import Minutes, RunRecord, Seats, StepState

Poison = Callable[[RunRecord, str], RunRecord]
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "</style><script>alert(1)</script>",
    "<a href='javascript:alert(1)'>x</a>",
    "{{ 7*191 }}{% raw %}",
    "<iframe src=https://evil.example></iframe>",
    "\x1b[31mred\x1b[0m \u202etxt.exe",
    "=HYPERLINK(1)",
)


class Reader(HTMLParser):
    """Collects what could act or load, and checks that every tag is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.bad: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            loads = name in ("src", "srcset", "data", "action", "formaction", "poster", "style", "background")
            if loads or name.startswith("on") or "javascript:" in (value or ""):
                self.bad.append(f"{tag} {name}")
            if name in ("href", "xlink:href") and not (tag == "a" and (value or "").startswith("https://handbook.")):
                self.bad.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style",):
            self.text.append(data)


def read(html: str) -> Reader:
    """The page as a parser sees it."""
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    assert reader.tags & {"script", "iframe", "object", "embed", "link", "base", "form", "img"} == set()
    assert reader.bad == []
    return reader


def fragments(record: RunRecord) -> dict[str, str]:
    """Every fragment that a notebook cell of this run could show."""
    made = {
        "facts": show.facts_table(record.facts),
        "findings": show.findings_table(record.findings),
        "drafts": show.drafts_card(record.drafts),
        "steps": show.steps_table(record.steps),
        "summary": show.summary_card(record),
    }
    if record.decision:
        made["decision"] = show.decision_path(record.decision, ["request", "namespace", "subscription", "seats"])
    if record.plan:
        made["plan"] = show.plan_card(record.plan)
    if record.receipt:
        made["receipt"] = show.receipt_card(record.receipt)
    if record.seats:
        made["seats"] = show.seats_picture(record.seats)
    if record.minutes:
        made["minutes"] = show.minutes_picture(record.minutes)
    return made


def test_every_fragment_is_whole_and_quiet(completed: RunRecord) -> None:
    """Each fragment parses, closes what it opens, loads nothing and brings its own style."""
    for html in fragments(completed).values():
        read(html)
        assert re.match(r'<div class="glh[a-z -]*"><style>', html)


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_server_stays_text(completed: RunRecord, executed: NotebookNode, poison: Poison, text: str) -> None:
    """Whatever a name or a reason holds, it is shown and never acts: in no fragment and not on the page."""
    record = poison(completed, text)
    executed.cells[0].source += f"\n\n{text}"
    executed.cells[1].outputs[0].data["text/html"] += text
    executed.cells[1].source += f"  # {text}"
    for html in (*fragments(record).values(), html_page(record, finished_notebook(executed, record), [text])):
        reader = read(html)
        shown = "".join(reader.text)
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "1337" not in shown


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_verdict_is_told_by_icon_and_word(stopped: RunRecord, verdict: Verdict) -> None:
    """Without any colour each verdict has its own icon and its own word."""
    finding = stopped.findings[0].model_copy(update={"verdict": verdict})
    sign = VERDICT_SIGNS[verdict]
    assert f"{sign.icon} {sign.word}" in "".join(read(show.findings_table([finding])).text)
    assert len({(other.icon, other.word) for other in VERDICT_SIGNS.values()}) == len(Verdict)


def test_an_unknown_fact_tells_why_and_an_operator_fact_tells_who(completed: RunRecord) -> None:
    """Lack of knowledge and knowledge by hand are marked as such, in words."""
    shown = "".join(read(show.facts_table(completed.facts)).text)
    assert "○ not known GitLab.com answered 403: the token may not see billing." in shown
    assert "– none The linked user is no member of the group." in shown
    assert "✎ told by sam.operator" in shown
    assert "GET /namespaces/:id" in shown
    assert "2026-11-23 04:40:24 UTC" in shown
    assert "dana@example.com" not in shown


def test_the_path_shows_where_it_ended(stopped: RunRecord) -> None:
    """The stage that decided is marked, and later stages are told as not reached."""
    assert stopped.decision is not None
    html = show.decision_path(stopped.decision, ["request", "namespace", "subscription", "seats"])
    assert re.search(r'<li class="glh-end" aria-current="step">subscription', html)
    assert "seats <small>not reached</small>" in html


def test_a_way_that_went_through_ends_at_the_plan(completed: RunRecord) -> None:
    """Where nothing stood against it, the plan is the end of the path."""
    assert completed.decision is not None
    assert re.search(r'<li class="glh-end" aria-current="step">plan', show.decision_path(completed.decision, []))


def test_the_plan_names_what_cannot_be_undone_and_why_two_must_agree(completed: RunRecord) -> None:
    """Before, after, consequences and the second person all stand on the card."""
    assert completed.plan is not None
    plan = completed.plan.model_copy(update={"second_person": ("2 seats would be owed.",)})
    shown = "".join(read(show.plan_card(plan)).text)
    for text in ("premium", "2027-11-22", "Cannot be undone", "A second person must approve", "2 seats would be owed."):
        assert text in shown
    assert plan.digest[:12] in shown


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_receipt_says_in_words_what_came_of_the_write(completed: RunRecord, outcome: Outcome) -> None:
    """Only a read-back reads as applied; every other outcome reads as what it is."""
    assert completed.receipt is not None
    shown = "".join(read(show.receipt_card(completed.receipt.model_copy(update={"outcome": outcome}))).text)
    assert f"({outcome.value})" in shown
    assert ("found in place" in shown) == (outcome is Outcome.applied)


def test_a_picture_can_be_read_without_eyes(completed: RunRecord) -> None:
    """An SVG has the role of an image, a title and a description with every figure."""
    assert completed.seats is not None
    html = show.seats_picture(completed.seats)
    assert '<svg role="img"' in html
    assert "<title>Seats</title>" in html
    assert "Would be owed if max seats used is carried over: 2" in html
    assert "Seats needed under the new plan: 4 to 6" in html


@pytest.mark.parametrize("seats", [Seats(), Seats(new_seats=0), Seats(seats_owed=10**9, new_seats=1, needed_low=0)])
def test_a_picture_of_little_knowledge_is_drawn_too(seats: Seats) -> None:
    """What nobody knows is told as not known; no bar leaves the picture."""
    html = show.seats_picture(seats)
    read(html)
    widths = [int(width) for width in re.findall(r'<rect x="0"[^>]* width="(\d+)"', html)]
    assert all(width <= 440 for width in widths)
    assert ("not known" in html) is True


def test_unlimited_minutes_are_no_empty_bar() -> None:
    """A quota of 0 means unlimited on GitLab.com, and is told so."""
    assert "unlimited" in show.minutes_picture(Minutes(quota_before=400, quota_after=0, used=10))


@pytest.mark.parametrize("name", ["completed", "stopped", "incomplete"])
def test_the_first_screen_answers_the_five_questions(name: str, request: pytest.FixtureRequest) -> None:
    """Asked, found, approved, changed, verified: each has an answer, whatever way the run went."""
    record: RunRecord = request.getfixturevalue(name)
    html = html_page(record)
    start = "".join(read(html.split("<section>")[0] + "</main></body></html>").text)
    for question in ("Asked", "Found", "Approved", "Changed", "Verified"):
        assert question in start
    assert ("INCOMPLETE" in start) == (not record.complete)


def test_a_run_cut_off_says_which_steps_did_not_run(incomplete: RunRecord) -> None:
    """The steps after the cut are named, and the step that was under way too."""
    shown = "".join(read(show.summary_card(incomplete)).text)
    assert "cut off inside step apply" in shown
    assert "did not run: verify, record" in shown
    assert "look at the journal" in shown
    assert "Completed" not in shown


def test_every_step_run_but_the_end_not_recorded_is_incomplete_too(incomplete: RunRecord) -> None:
    """A run is only as complete as its record says."""
    steps = tuple(step.model_copy(update={"state": StepState.done}) for step in incomplete.steps)
    shown = show.summary_card(incomplete.model_copy(update={"steps": steps}))
    assert "Every step started, the end was not recorded." in shown


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_a_headline(stopped: RunRecord, status: Status) -> None:
    """No status falls through; none but `completed` calls itself completed."""
    shown = show.summary_card(stopped.model_copy(update={"status": status}))
    assert ("Completed:" in shown) == (status is Status.completed)


def test_a_figure_that_lags_is_told_apart_from_a_wrong_one(completed: RunRecord) -> None:
    """Pending is not a failure and not a success."""
    assert completed.receipt is not None
    assert completed.receipt.checks[2].state is CheckState.pending
    shown = show.summary_card(completed)
    assert "Yes, read back from the service. Not yet refreshed by the service: Seats in use (stored)." in shown


def test_the_page_is_small_and_complete(completed: RunRecord, executed: NotebookNode) -> None:
    """An ordinary run's page stays below 150 kB and holds the notebook's cells."""
    book = finished_notebook(executed, completed)
    html = html_page(completed, book)
    assert len(html.encode()) < 150_000
    shown = "".join(read(html).text)
    assert "6 of them" not in shown
    assert "run.collect()" in shown
    assert "Cell: not run" in shown
    assert "default-src 'none'" in html
    assert "http://" not in html


def test_values_read_as_words() -> None:
    """No value shows as code: truth, nothing, lists and records are all told in words."""
    assert in_words(None) == "none"
    assert in_words(True) == "yes"
    assert in_words([]) == "none"
    assert in_words([1, 2]) == "1; 2"
    assert in_words(["a"] * 5) == "5 in all: a; a; a; and 2 more"
    assert in_words({"seats_in_use": 4, "id": 7, "web_url": None}) == "id 7, seats in use (stored) 4"
    assert field_lines({"usage": {"seats_owed": 2}, "x": None}) == (("usage: seats owed", "2"),)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("<script>x</script>ok", "ok"),
        ("<style>*{}</style>ok", "ok"),
        ('<p onclick="x" style="position:fixed" id="a">t</p>', "<p>t</p>"),
        ('<a href="http://example.com">t</a>', '<a rel="noreferrer noopener">t</a>'),
        ('<a href="javascript:x">t</a>', '<a rel="noreferrer noopener">t</a>'),
        ('<img src="https://example.com/x.png">', ""),
        ('<div class="glh evil glh-card">t</div>', '<div class="glh glh-card">t</div>'),
        ('<svg><rect fill="url(https://e.example)" width="3"></rect></svg>', '<svg><rect width="3"></rect></svg>'),
        ("<math><mtext></mtext></math>ok", "ok"),
        ("a<!-- b -->c", "ac"),
    ],
)
def test_only_plain_structure_comes_through(given: str, kept: str) -> None:
    """A tag, attribute, class or address that is not on the list is dropped."""
    assert safe_html(given) == kept


def test_what_cut_a_run_off_is_told(incomplete: RunRecord) -> None:
    """Where it is known why the run ended inside a step, the reason stands beside the step."""
    steps = tuple(
        step.model_copy(update={"state": StepState.failed, "error": "The notebook's kernel died."})
        if step.state is StepState.running
        else step
        for step in incomplete.steps
    )
    shown = "".join(read(show.summary_card(incomplete.model_copy(update={"steps": steps}))).text)
    assert "It was cut off inside step apply. The notebook's kernel died. Steps that did not run: verify" in shown


@given(st.lists(st.sampled_from(["<b>", "</b>", "<td>", "<svg>", "</svg>", "<a href='https://x.y/z'>", "</a>", "&lt;", "&", "<", ">", "a", "ada@fox.example", "<style>p{}</style>", "<p class='glh-b x'>", "<!-- c -->", "glpat-" + "x" * 20]), max_size=14))  # fmt: skip
def test_what_is_safe_stays_as_it_is(parts: list[str]) -> None:
    """Looked through a second time nothing changes, so it need not be."""
    once = safe_html("".join(parts))
    sanitise._safe.clear()
    assert safe_html(once) == once


def test_what_is_learned_later_is_seen_in_a_fragment_that_was_looked_through_before() -> None:
    """A token that is registered after a fragment was made safe is masked in it from then on."""
    fragment = "<p>the word open-sesame-9f2c stands here</p>"
    assert "open-sesame-9f2c" in safe_html(fragment)
    register_secret(SecretStr("open-sesame-9f2c"))
    try:
        assert "open-sesame-9f2c" not in safe_html(fragment)
    finally:
        forget_secrets()


def test_a_plan_is_headed_in_words(completed: RunRecord) -> None:
    """Every action has its words, and none is shown there by its name in the code."""
    assert set(ACTION_WORDS) == set(EFFECTS)
    assert completed.plan is not None
    for action, words in ACTION_WORDS.items():
        heading = show.plan_card(completed.plan.model_copy(update={"action": action})).partition("</h3>")[0]
        assert f"Plan: {words} on " in heading
        assert action not in heading
