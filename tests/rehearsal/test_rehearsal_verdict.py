"""The judge alone: what counts as wrong whatever a case says, and what its sentences are."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from glhelpers.errors import BadParameter, BadWorld
from glhelpers.models.change import Approval
from glhelpers.models.finding import Decision, Status
from glhelpers.models.record import RunRecord
from glhelpers.rehearsal.case import case_named, cases, read_case
from glhelpers.rehearsal.evidence import was_heard
from glhelpers.rehearsal.verdict import Evidence, Judged, Write, judge

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OWED = case_named("owed_seats_confirmed")
SEATS = case_named("forty_users_ten_seats")
CONFIRMED = "https://gitlab.zendesk.com/agent/tickets/9102#comment-3"
ASSOCIATED = Write("force_associate", frozenset({"osprey-optics", "A-S00091020"}))


def record(runbook: str, status: Status, *, break_glass: str | None = None, **parameters: str) -> RunRecord:
    """A finished run, with the approval that a write has."""
    approval = Approval(
        plan_digest="a" * 64,
        profile="sandbox",
        target="namespace:92020",
        requested_by="learner",
        approved_by="colleague",
        approved_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        break_glass=break_glass,
    )
    return RunRecord(
        run_id="20261123T120000.000000Z",
        runbook=runbook,
        status=status,
        why="As it is.",
        complete=True,
        profile="sandbox",
        production=False,
        operator="learner",
        parameters=dict(parameters),
        started_at=NOW,
        ended_at=NOW + timedelta(seconds=5),
        steps=(),
        decision=Decision(status=status, stage="seats", why="", deciding=("seats-cover-seats-in-use",)),
        approval=approval if status is Status.completed else None,
        versions={},
    )


def done(**changed: object) -> Evidence:
    """What is in evidence after the solution of the case of the seats owed, some of it changed."""
    run = record("force_associate", Status.completed, customer_confirmation=CONFIRMED)
    whole = {"writes": (ASSOCIATED,), "runs": (run,), "world": OWED.right.world}
    return Evidence(**{**whole, **changed})  # type: ignore[arg-type]


def test_the_whole_evidence_is_right_and_names_who_approved() -> None:
    """Run, approval, write and world are all told."""
    told = judge(OWED, done())
    assert told.verdict is Judged.right
    assert "colleague approved it; learner had asked." in told.reasons


def test_a_write_that_nobody_called_for_is_wrong() -> None:
    """Whichever it is, and though all that was called for is there."""
    told = judge(OWED, done(writes=(ASSOCIATED, Write("unlink", frozenset({"customer 93020"})))))
    assert told.verdict is Judged.wrong
    assert "unlink (customer 93020) which this ticket does not call for" in told.reasons[0]


def test_the_right_write_made_twice_is_wrong() -> None:
    """Once was enough."""
    told = judge(OWED, done(writes=(ASSOCIATED, ASSOCIATED)))
    assert told.verdict is Judged.wrong
    assert "more than once" in told.reasons[0]


def test_breaking_the_glass_is_wrong_where_a_colleague_could_be_asked() -> None:
    """Although everything else is as it should be."""
    run = record("force_associate", Status.completed, break_glass="no time", customer_confirmation=CONFIRMED)
    assert judge(OWED, done(runs=(run,))).verdict is Judged.wrong


def test_the_change_without_a_run_that_vouches_for_it_is_not_yet_right() -> None:
    """Made past the runbook: nobody approved it, nobody read it back."""
    told = judge(OWED, done(runs=()))
    assert told.verdict is Judged.not_yet
    assert "No finished run" in told.reasons[0]
    assert "no finished run made it" in told.reasons[1]


def test_a_change_that_does_not_show_is_not_yet_right() -> None:
    """The place, what it is and what it should be."""
    told = judge(OWED, done(world={**OWED.right.world, "group:osprey-optics seats": 10}))
    assert told.verdict is Judged.not_yet
    assert told.reasons == ("group osprey-optics seats: it is 10, not 20.",)


def test_a_question_asked_wrongly_and_mended_is_no_mistake() -> None:
    """What was invented in a run that wrote nothing counts only while it is the latest one."""
    invented = record("force_associate", Status.awaiting_approval, customer_confirmation="https://example.com/yes")
    honest = record("force_associate", Status.needs_customer)
    assert judge(SEATS, Evidence(runs=(invented,), world=SEATS.right.world)).verdict is Judged.wrong
    assert judge(SEATS, Evidence(runs=(invented, honest), world=SEATS.right.world)).verdict is Judged.right


def test_where_to_look_next_is_told_without_the_solution() -> None:
    """Another runbook, the same with other parameters, or a plan that waits."""
    for run, says in (
        (record("start_here", Status.handed_off), "Another runbook has to be run."),
        (record("force_associate", Status.stopped), "look at what the run was given"),
        (record("force_associate", Status.awaiting_approval), "Its plan waits for a person."),
    ):
        assert says in judge(OWED, done(runs=(run,), writes=())).reasons[0]


@pytest.mark.parametrize(
    ("began", "lasts", "at", "heard"),
    [
        (time(12), 10, "12:00:05", True),
        (time(12), 10, "12:00:11", False),
        (time(12), 10, "11:59:59", False),
        (time(23, 59, 58), 10, "00:00:03", True),
        (time(23, 59, 58), 10, "23:59:57", False),
    ],
)
def test_a_run_is_heard_while_it_goes_on(began: time, lasts: int, at: str, heard: bool) -> None:
    """By the time of day alone, since the sandbox's day is frozen; over midnight, too."""
    start = datetime.combine(NOW.date(), began, UTC)
    run = record("self_serve", Status.stopped).model_copy(
        update={"started_at": start, "ended_at": start + timedelta(seconds=lasts)}
    )
    assert was_heard(run, [{"at": f"2026-11-23T{at}+00:00"}]) is heard


def test_there_are_cases_of_each_kind_for_each_section() -> None:
    """Eight to ten, of all levels, on six sections; some end in a write, some in a question, some in a stop."""
    known = cases()
    assert 8 <= len(known) <= 10
    assert {case.level for case in known} == {"beginner", "practised", "expert"}
    assert len({case.anchor for case in known}) == 6
    assert {bool(case.right.sent) for case in known} == {True, False}
    ends = {status for case in known for status in case.right.status}
    assert {Status.completed, Status.needs_customer, Status.stopped, Status.self_serve} <= ends
    assert len({case.ticket.id for case in known}) == len(known)


def test_the_page_of_rehearsals_lists_every_case() -> None:
    """With its level, as the command does."""
    page = (Path(__file__).parents[2] / "docs" / "rehearsal.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `([a-z_0-9]+)` \|.*\| (beginner|practised|expert) \|$", page, re.MULTILINE))
    assert listed == {case.id: case.level for case in cases()}


def test_an_unknown_case_is_one_sentence_with_the_list() -> None:
    """What there is is named."""
    with pytest.raises(BadParameter, match="There is no training case 'fourty'") as caught:
        case_named("fourty")
    assert "forty_users_ten_seats" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a: [", "cannot be read"),
        ("format: glhelpers.rehearsal/2\n", "format: Input should be"),
        ("moons: 3\n", "moons: Extra inputs are not permitted"),
        ("anchor: elsewhere\n", "anchor: Value error, is no section of the handbook page"),
        ("world: {groups: [{path: a}]}\n", r"world\.groups\.0\.id: Field required"),
        ("wrong: [{says: Bad.}]\n", "needs exactly one of sent, asked and world"),
        ("right: {world: {a place: 1}}\n", "right.world.a place"),
    ],
)
def test_a_case_that_is_none_names_the_place(tmp_path: Path, content: str, says: str) -> None:
    """One sentence with every place, and no value of the file."""
    path = tmp_path / "mine.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BadWorld, match=says) as caught:
        read_case(path)
    assert "mine.yaml" in str(caught.value)
