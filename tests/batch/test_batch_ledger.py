"""The ledger and what is decided by it alone: what is to do, what may be changed now, how the whole stands."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from glhelpers.batch.crew import Halt
from glhelpers.batch.feeds import ApplyFeed, PlanFeed
from glhelpers.batch.forks import PRELOADED
from glhelpers.batch.ledger import FILE, Ended, Ledger, Pass
from glhelpers.batch.rows import Row
from glhelpers.batch.summary import NOT_RUN, write_summary
from glhelpers.errors import BadSettings, WriteInProgress
from glhelpers.models.change import Approval

DONE = Ended("completed", "The change was made and read back.", sent=True)


def row(number: int, **more: str) -> Row:
    """A row about a group of its own."""
    link = f"https://gitlab.zendesk.com/agent/tickets/{number}"
    given = {"namespace": f"group-{number}", "subscription_name": "A-S00010002", "ticket_url": link}
    return Row(number + 1, "force_associate", given | more)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger of six rows."""
    with closing(Ledger(tmp_path)) as own:
        with own.filling() as filling:
            for number in range(1, 7):
                assert filling.add(number, row(number)) is None
        yield own


def planned(ledger: Ledger, number: int, *, target: str = "", approve: bool = True, minutes: int = 60) -> None:
    """A plan of this row that waits, with an approval of it."""
    digest, target = f"{number:064}", target or f"namespace:{number}"
    ended = Ended("awaiting_approval", "The plan waits.", folder=f"{number}/run", digest=digest, target=target)
    folder = ledger.folder / ended.folder
    folder.mkdir(parents=True)
    now = datetime.now(UTC)
    approval = Approval(
        plan_digest=digest,
        profile="sandbox",
        target=target,
        requested_by="ada",
        approved_by="bob",
        approved_at=now,
        expires_at=now + timedelta(minutes=minutes),
    )
    if approve:
        (folder / "approval.json").write_text(approval.model_dump_json())
    ledger.end_run(ledger.add_run(number, Pass.plan), ended)


def test_rows_that_ask_for_the_same_run_are_told(ledger: Ledger) -> None:
    """The second of them is refused with the line of the first; a batch of refused rows is not kept."""
    with ledger.filling() as filling:
        problem = filling.add(7, replace(row(3), line=9))
        assert problem is not None
        assert problem.sentence == "line 9: this is the same run as in line 4; leave one of them out"
        assert filling.add(8, row(8)) is None
        filling.undo()
    assert ledger.size() == 6


def test_what_ended_is_not_to_do_and_what_failed_or_was_cut_off_is(ledger: Ledger) -> None:
    """Killed without an end, failed, stale: again. Anything else: never again."""
    for number, status in ((1, "stopped"), (2, "failed"), (3, "stale_plan"), (4, "awaiting_approval")):
        ledger.end_run(ledger.add_run(number, Pass.plan), Ended(status, "so it ended"))
    ledger.add_run(5, Pass.plan)
    feed = PlanFeed(ledger)
    assert [job.number for job in iter(feed.take, None)] == [2, 3, 5, 6]


def test_only_one_process_runs_a_batch(ledger: Ledger) -> None:
    """A second one is told so at once."""
    ledger.hold()
    with closing(Ledger(ledger.folder)) as second, pytest.raises(WriteInProgress, match="Another process is running"):
        second.hold()


def test_a_canary_goes_first_and_alone(ledger: Ledger) -> None:
    """Nobody else begins until a change was made and read back; one that found nothing to do proves nothing."""
    for number in (1, 2, 3, 4):
        planned(ledger, number)
    feed, given = ApplyFeed(ledger, 25), []
    first = feed.take()
    assert first is not None
    thread = threading.Thread(target=lambda: given.extend([feed.take()]))
    thread.start()
    thread.join(0.2)
    assert given == []
    feed.ended(first, Ended("no_change_needed", "Somebody else was faster."))
    thread.join(5)
    second = given[0]
    assert (first.number, second.number) == (1, 2)
    feed.ended(second, DONE)
    taken = [feed.take(), feed.take()]
    assert [job.number for job in taken if job] == [3, 4]


@pytest.mark.parametrize(
    "ended",
    [
        Ended("verification_failed", "The change does not show.", sent=True),
        Ended("escalated", "The change was not made.", sent=True),
        Ended("failed", "The kernel died.", sent=True),
    ],
    ids=lambda ended: ended.status,
)
def test_the_first_mismatch_stops_all_others(ledger: Ledger, ended: Ended) -> None:
    """Also those that wait for their turn; the sentence names the line and why."""
    for number in (1, 2, 3):
        planned(ledger, number)
    feed = ApplyFeed(ledger, 25)
    job = feed.take()
    assert job is not None
    feed.ended(job, ended)
    assert feed.take() is None
    assert feed.stopped.startswith(f"Line 2 (group-1) ended as {ended.status}: {ended.why}")


def test_a_failure_before_anything_was_sent_stops_nobody(ledger: Ledger) -> None:
    """A service that was away is no mismatch; the next one becomes the canary."""
    planned(ledger, 1)
    planned(ledger, 2)
    feed = ApplyFeed(ledger, 25)
    job = feed.take()
    assert job is not None
    feed.ended(job, Ended("failed", "GitLab.com cannot be reached."))
    assert feed.take() is not None


def test_no_more_is_changed_than_the_cap_says_all_passes_together(ledger: Ledger) -> None:
    """Changes of an earlier pass count, and so do runs of which nobody knows whether they have sent theirs."""
    for number in (1, 2, 3, 4):
        planned(ledger, number)
    ledger.end_run(ledger.add_run(5, Pass.apply, "approval.json"), DONE)
    feed = ApplyFeed(ledger, 2)
    job = feed.take()
    assert job is not None
    ledger.end_run(ledger.add_run(job.number, Pass.apply, job.approval), DONE)
    feed.ended(job, DONE)
    assert feed.take() is None
    assert "The cap of 2 changes a batch is reached" in feed.stopped
    assert ledger.writes() == 2


def test_one_target_has_one_run_at_a_time(ledger: Ledger) -> None:
    """Rows about the same group wait for one another, the rest goes on."""
    for number, target in ((1, "namespace:1"), (2, "namespace:7"), (3, "namespace:7"), (4, "namespace:8")):
        planned(ledger, number, target=target)
    feed = ApplyFeed(ledger, 25)
    canary = feed.take()
    assert canary is not None
    feed.ended(canary, DONE)
    second, fourth = feed.take(), feed.take()
    assert second is not None
    assert fourth is not None
    assert (second.number, fourth.number) == (2, 4)
    feed.ended(second, DONE)
    third = feed.take()
    assert third is not None
    assert third.number == 3


def test_only_a_fitting_approval_that_has_not_expired_opens_anything(ledger: Ledger) -> None:
    """None, an expired one, one of another plan: the row goes on waiting."""
    planned(ledger, 1, approve=False)
    planned(ledger, 2, minutes=0)
    planned(ledger, 3)
    path = ledger.folder / "3/run/approval.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "plan_digest": "f" * 64}))
    assert ApplyFeed(ledger, 25).take() is None


def test_an_approved_run_that_was_cut_off_is_taken_up_with_its_approval(ledger: Ledger) -> None:
    """It is the first to run again: it reads the state back before anything else."""
    ledger.add_run(4, Pass.apply, "approval.json", "namespace:4")
    job = ApplyFeed(ledger, 25).take()
    assert job is not None
    assert (job.number, job.approval, job.target) == (4, "approval.json", "namespace:4")


def test_another_rows_ticket_is_known_as_such(ledger: Ledger) -> None:
    """One's own is not another's, nor is one that no row has."""
    assert ledger.has_ticket(2, but=1)
    assert not ledger.has_ticket(1, but=1)
    assert not ledger.has_ticket(99, but=1)


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        (("completed", "stopped", "escalated"), 0),
        (("completed", "failed"), 3),
        (("failed", "verification_failed"), 4),
        (("stale_plan", "completed"), 4),
        (("stale_plan", "failed"), 3),
    ],
)
def test_the_exit_code_is_that_of_the_worst_end(tmp_path: Path, statuses: tuple[str, ...], code: int) -> None:
    """A change that does not show is the worst, then a failed run, then a stale plan."""
    with closing(Ledger(tmp_path)) as ledger:
        with ledger.filling() as filling:
            for number in range(1, len(statuses) + 1):
                filling.add(number, row(number))
        for number, status in enumerate(statuses, 1):
            ledger.end_run(ledger.add_run(number, Pass.plan), Ended(status, "so it ended"))
        assert write_summary(ledger, Pass.plan, "", "").exit_code == code


def test_the_summary_tells_every_row_and_no_cell_of_it_acts(ledger: Ledger) -> None:
    """CSV, JSON and page agree; a formula in a sentence of a service stays text; a row that was not run says so."""
    hostile = Ended("stopped", "=HYPERLINK(1)<script>x</script>", rule="seats", label="Enough seats", next_step="@sum")
    for number in (1, 2):
        ledger.end_run(ledger.add_run(number, Pass.audit), hostile)
    totals = write_summary(ledger, Pass.audit, "", "")
    assert totals.counts == {"stopped": 2, NOT_RUN: 4}
    assert totals.exit_code == 3
    rows = list(csv.DictReader((ledger.folder / "summary.csv").open(newline="")))
    assert [one["status"] for one in rows] == ["stopped"] * 2 + [NOT_RUN] * 4
    assert (rows[0]["why"][:12], rows[0]["next_step"]) == ("'=HYPERLINK(", "'@sum")
    told = json.loads((ledger.folder / "summary.json").read_text())
    assert told["by_state"][1] == {"status": "stopped", "rule": "seats", "rule_label": "Enough seats", "rows": 2}
    assert [one["subject"] for one in told["rows"]] == [f"group-{number}" for number in range(1, 7)]
    page = (ledger.folder / "report.html").read_text()
    assert "<script" not in page
    assert page.count('<tr class="row') == 6


def test_who_asks_twice_or_has_waited_long_enough_gets_runs_cut_off() -> None:
    """Asked once: those under way have their time; asked again, or the time is over: they are cut off."""
    said: list[str] = []
    halt = Halt(said.append)
    assert not halt.asked
    halt.ask("The batch's deadline has passed.", 3600)
    halt.look()
    assert halt.asked
    assert not halt.cut.is_set()
    halt.ask("The batch was stopped by Ctrl-C.", 3600)
    assert halt.cut.is_set()
    assert said == ["The batch's deadline has passed. No new run begins; those under way are brought to their end."]
    late = Halt(said.append)
    late.ask("The batch was stopped by SIGTERM.", 0)
    late.look()
    assert late.cut.is_set()


def test_a_row_whose_approval_opened_nothing_is_planned_anew(ledger: Ledger) -> None:
    """Its folder holds the spent approval under a seal, so it is not approved there again."""
    planned(ledger, 1)
    path = str((ledger.folder / "1/run/approval.json").relative_to(ledger.folder))
    ended = Ended("awaiting_approval", "The approval expired.", folder="1/run", digest=f"{1:064}", target="namespace:1")
    ledger.end_run(ledger.add_run(1, Pass.apply, path, "namespace:1"), ended)
    assert ApplyFeed(ledger, 25).take() is None
    job = PlanFeed(ledger).take()
    assert job is not None
    assert (job.number, job.approval) == (1, "")


def test_a_ledger_that_is_none_is_told(tmp_path: Path) -> None:
    """Bytes that are no database: one sentence with what to do."""
    (tmp_path / FILE).write_bytes(b"no database at all" * 100)
    with pytest.raises(BadSettings, match="cannot be opened"):
        Ledger(tmp_path)


def test_what_workers_are_forked_from_has_one_thread() -> None:
    """A lock that another thread held would stay locked for ever in every worker."""
    script = f"import os, importlib\nfor name in {PRELOADED}: importlib.import_module(name)\nprint(len(os.listdir('/proc/self/task')))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout == "1\n", done.stderr
