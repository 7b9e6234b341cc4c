"""One write, whatever happens to it: what it is called afterwards, and that it never happens twice."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psutil
import pytest

from glhelpers.actions.effects import EFFECTS
from glhelpers.actions.journal import Intent
from glhelpers.clients.clients import Clients
from glhelpers.clock import now
from glhelpers.errors import BadSettings, GateClosed, WriteInProgress
from glhelpers.models.change import ChangePlan, CheckState, Outcome, Receipt
from tests.actions.conftest import Desk, impatient

TOOL = {"method": "POST", "path": "/adapter/v1/support-tools/force-associate"}
APPLIED, NOT_APPLIED, MISMATCH, PARTIAL = Outcome.applied, Outcome.not_applied, Outcome.mismatch, Outcome.partial
UNKNOWN, NOOP = Outcome.unknown, Outcome.noop


def send_and_verify(
    desk: Desk, ticket: int, *faults: dict[str, Any], clients: Clients | None = None
) -> tuple[Receipt, ChangePlan]:
    """Plan and approve on a well-behaved sandbox, then send with these faults and read back without them."""
    plan, approval = desk.plan(ticket)
    desk.faults(*faults)
    writer = desk.writer(clients=clients)
    intent, receipt = writer.send(plan, approval)
    assert receipt.outcome in (UNKNOWN, NOT_APPLIED), "nothing is called done before it is read back"
    desk.faults()
    return writer.verify(intent, receipt), plan


@pytest.mark.parametrize(
    ("sentence", "ticket", "fault", "outcome", "applied"),
    [
        ("all is well", 1002, None, APPLIED, 1),
        ("the tool refuses", 1025, None, NOT_APPLIED, 0),
        ("success is only said", 1026, None, MISMATCH, 1),
        ("applied, and the answer is lost", 1027, None, APPLIED, 1),
        ("applied, and the connection is gone", 1002, {"do": "lost_answer"}, APPLIED, 1),
        ("applied, and the answer is cut in two", 1002, {"do": "truncated_json"}, APPLIED, 1),
        ("applied, and a login page answers", 1002, {"do": "html"}, APPLIED, 1),
        ("applied, and a 500 answers", 1002, {"do": "500", "applied": True}, APPLIED, 1),
        ("applied, and a gateway answers 502", 1002, {"do": "502", "applied": True}, APPLIED, 1),
        ("applied, and a gateway answers 504", 1002, {"do": "504", "applied": True}, APPLIED, 1),
        ("cut before anything was done", 1002, {"do": "cut"}, NOT_APPLIED, 0),
        ("a gateway answers in its place", 1002, {"do": "502"}, NOT_APPLIED, 0),
        ("the service is down for maintenance", 1002, {"do": "503"}, NOT_APPLIED, 0),
        ("too many requests", 1002, {"do": "429", "retry_after": "1"}, NOT_APPLIED, 0),
        ("too many requests, for a day", 1002, {"do": "429", "retry_after": "86400", "shape": "plain"}, NOT_APPLIED, 0),
        ("a redirect to elsewhere", 1002, {"do": "redirect"}, NOT_APPLIED, 0),
        ("an answer that is no JSON number", 1002, {"do": "nan"}, NOT_APPLIED, 0),
    ],
)
def test_a_write_is_called_what_the_read_back_shows(
    desk: Desk, sentence: str, ticket: int, fault: dict[str, Any] | None, outcome: Outcome, applied: int
) -> None:
    """One request leaves in every case; the outcome is that of the services, not of the answer."""
    receipt, plan = send_and_verify(desk, ticket, *([{**TOOL, **fault}] if fault is not None else []))
    assert receipt.outcome is outcome, sentence
    assert receipt.verified is (outcome is APPLIED), sentence
    assert desk.tool_requests() == 1, sentence
    assert desk.tool_writes() == applied, sentence
    assert desk.journal.open_intent(desk.writer().target_key(plan.target.key)) is None, sentence
    entries = desk.journal.entries()
    assert [entry.kind for entry in entries] == ["intent", "answer", "settled"], sentence
    assert entries[-1].payload["outcome"] == outcome.value, sentence
    assert desk.journal.first_broken_row() is None


def test_only_a_part_of_the_change_is_partial(desk: Desk) -> None:
    """The plan is set and the seats are not: neither done nor undone, and the fields are named."""
    desk.change(set_subscription={"name": "A-S00010002", "force_associate": "partly"})
    receipt, _ = send_and_verify(desk, 1002)
    assert receipt.outcome is PARTIAL
    assert {check.field for check in receipt.checks if check.state is CheckState.differs} == {"seats_in_subscription"}
    assert desk.tool_requests() == 1


def test_an_answer_that_comes_too_late_is_not_waited_for_and_not_asked_for_again(desk: Desk) -> None:
    """The deadline passes while the service works; what it did is found by reading back."""
    with impatient(desk.settings, 0.5) as clients:
        receipt, _ = send_and_verify(desk, 1002, {**TOOL, "do": "latency", "seconds": 3}, clients=clients)
    assert receipt.answered.startswith("no usable answer: CustomersDot took longer than 0.5 s")
    assert receipt.outcome is APPLIED
    assert (desk.tool_requests(), desk.tool_writes()) == (1, 1)


def test_no_change_is_believed_only_after_the_request_cannot_be_on_its_way(desk: Desk) -> None:
    """Without an answer, a state that shows no change may still change: the time limit is waited for first."""
    plan, approval = desk.plan(1002)
    desk.faults({**TOOL, "do": "cut"})
    writer = desk.writer(in_flight=1.5)
    began = now()
    assert writer.verify(*writer.send(plan, approval)).outcome is NOT_APPLIED
    # The clock may be set meanwhile, in a virtual machine by tens of milliseconds now and then.
    assert now() - began >= writer.in_flight - timedelta(milliseconds=300)


@pytest.mark.parametrize("ticket", [1002, 1025])
def test_an_answer_needs_no_waiting(desk: Desk, ticket: int) -> None:
    """After success or a refusal nothing is on its way."""
    plan, approval = desk.plan(ticket)
    writer = desk.writer(in_flight=60)
    began = time.monotonic()
    writer.verify(*writer.send(plan, approval))
    assert time.monotonic() - began < 5


def test_audit_events_that_cannot_be_read_leave_it_unknown(desk: Desk) -> None:
    """No answer, no change to be seen, and nobody to ask whether the request arrived."""
    plan, approval = desk.plan(1002)
    desk.faults({**TOOL, "do": "cut"}, {"path": "*/audit-events*", "do": "nan"})
    writer = desk.writer(in_flight=0.2, sleep=lambda seconds: time.sleep(seconds / 10))
    assert writer.verify(*writer.send(plan, approval)).outcome is UNKNOWN
    assert [entry.kind for entry in desk.journal.entries()] == ["intent", "answer", "unsettled"]
    desk.faults()
    settled = desk.writer().settle_open(plan.target.key)
    assert settled is not None
    assert settled[1].outcome is NOT_APPLIED


def test_a_read_back_that_fails_leaves_the_target_taken(desk: Desk) -> None:
    """Unknown is said, nobody else may write to the group, and a later run settles it without sending."""
    plan, approval = desk.plan(1002)
    writer = desk.writer(in_flight=0.1)
    intent, receipt = writer.send(plan, approval)
    desk.faults({"system": "gitlab", "do": "502"})
    assert writer.verify(intent, receipt).outcome is UNKNOWN
    with pytest.raises(WriteInProgress, match="ada"):
        desk.writer().send(plan, approval.model_copy(update={"approved_by": "eve"}))
    desk.faults()
    settled = desk.writer().settle_open(plan.target.key)
    assert settled is not None
    assert settled[1].outcome is APPLIED
    assert settled[1].settled_from_journal
    assert (desk.tool_requests(), desk.tool_writes()) == (1, 1)
    assert desk.writer().settle_open(plan.target.key) is None


def test_an_approval_is_spent_once(desk: Desk) -> None:
    """The second use sends nothing, whatever became of the first."""
    plan, approval = desk.plan(1025)
    writer = desk.writer()
    writer.verify(*writer.send(plan, approval))
    with pytest.raises(GateClosed, match="spent"):
        desk.writer().send(plan, approval)
    assert desk.tool_requests() == 1


def test_a_service_that_refuses_connections_was_not_written_to(desk: Desk, unreachable: Clients) -> None:
    """Nothing can have left: that is certain without a read-back, and the target is free again at once."""
    receipt, plan = send_and_verify(desk, 1002, clients=unreachable)
    assert receipt.outcome is NOT_APPLIED
    assert "connection refused" in receipt.answered
    assert desk.tool_requests() == 0
    assert desk.journal.open_intent(desk.writer().target_key(plan.target.key)) is None
    receipt, _ = send_and_verify(desk, 1002)
    assert receipt.outcome is APPLIED


def test_a_change_that_somebody_else_made_is_not_called_ours(desk: Desk, unreachable: Clients) -> None:
    """No request left, and the change is there all the same."""
    plan, approval = desk.plan(1002)
    intent, receipt = desk.writer(clients=unreachable).send(plan, approval)
    arguments = {name: str(value) for name, value in plan.arguments.items()}
    desk.clients.customersdot.force_associate(
        arguments["namespace"], arguments["subscription_name"], arguments["zendesk_ticket_url"], key="another"
    )
    assert desk.writer().verify(intent, receipt).outcome is NOOP


def test_an_answer_that_the_journal_cannot_keep_is_settled_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The change is made, then the disk is full: the sentence says so, and the next run reads it back."""
    plan, approval = desk.plan(1002)
    effect = EFFECTS[plan.action]

    def send_and_lose_the_journal(clients: Clients, given: Any, key: str) -> Any:
        assert effect.send is not None
        answer = effect.send(clients, given, key)
        with desk.journal._engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE entries RENAME TO elsewhere")
        return answer

    monkeypatch.setitem(EFFECTS, plan.action, replace(effect, send=send_and_lose_the_journal))
    with pytest.raises(BadSettings, match="a change that may have been made"):
        desk.writer(in_flight=0.1).send(plan, approval)
    with desk.journal._engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO entries")
    settled = desk.writer().settle_open(plan.target.key)
    assert settled is not None
    assert settled[1].outcome is APPLIED
    assert desk.tool_requests() == 1


@pytest.fixture
def somebody() -> Iterator[psutil.Process]:
    """Another process, alive until the test ends it."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield psutil.Process(process.pid)
        process.kill()


def begun_by(desk: Desk, holder: psutil.Process, plan: ChangePlan, approval_id: str) -> Intent:
    """An intent that another process has recorded."""
    mine = Intent(
        id="theirs",
        target=desk.writer().target_key(plan.target.key),
        plan=plan.model_dump(mode="json"),
        run_id="20261123T080000.000000Z",
        operator="grace",
        host=socket.gethostname(),
        pid=holder.pid,
        process_started=holder.create_time(),
        in_flight_until="2026-11-23T00:00:00+00:00",
    )
    desk.journal.begin(mine, approval_id)
    return mine


def test_a_holder_that_lives_is_left_alone(desk: Desk, somebody: psutil.Process) -> None:
    """Whoever comes second is told who holds the group; once that process has ended, its write is settled."""
    plan, approval = desk.plan(1002)
    begun_by(desk, somebody, plan, "another")
    named = rf"held by grace \(run 20261123T080000.000000Z, process {somebody.pid} on "
    with pytest.raises(WriteInProgress, match=named):
        desk.writer().settle_open(plan.target.key)
    with pytest.raises(WriteInProgress, match=named):
        desk.writer().send(plan, approval)
    somebody.kill()
    somebody.wait(5)
    settled = desk.writer().settle_open(plan.target.key)
    assert settled is not None
    assert settled[1].outcome is NOT_APPLIED
    assert desk.tool_requests() == 0


def test_a_holder_that_has_given_up_holds_nobody_up(desk: Desk, somebody: psutil.Process) -> None:
    """A notebook that could not tell the outcome stays open for hours; others may settle its write meanwhile."""
    plan, _ = desk.plan(1002)
    intent = begun_by(desk, somebody, plan, "another")
    desk.journal.left_open(intent, "the read-back failed")
    settled = desk.writer().settle_open(plan.target.key)
    assert settled is not None
    assert settled[1].outcome is NOT_APPLIED
    assert somebody.is_running()


def test_the_same_group_on_another_instance_is_another_target(desk: Desk) -> None:
    """An open write on one installation does not block the same number on another."""
    plan, approval = desk.plan(1002)
    desk.writer().send(plan, approval)
    elsewhere = replace(desk.writer(), origin="https://customers.example.com")
    assert elsewhere.settle_open(plan.target.key) is None
