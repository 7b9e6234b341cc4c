"""One write, whatever happens to it: what it is called afterwards, and that it never happens twice."""

from __future__ import annotations

from typing import Any

import pytest

from glhelpers.errors import GateClosed, WriteInProgress
from glhelpers.models.change import CheckState, Outcome

TOOL = "/adapter/v1/support-tools/force-associate"


def send_and_verify(desk: Any, ticket: int, faults: list[dict[str, Any]] | None = None) -> Any:
    """Plan and approve on a well-behaved sandbox, then send with these faults and read back without them."""
    plan, approval = desk.plan(ticket)
    desk.control("PUT", "faults", faults or [])
    writer = desk.writer()
    intent, receipt = writer.send(plan, approval)
    assert receipt.outcome in (Outcome.unknown, Outcome.not_applied)
    desk.control("PUT", "faults", [])
    return writer.verify(intent, receipt), plan


@pytest.mark.parametrize(
    ("sentence", "ticket", "fault", "outcome", "applied"),
    [
        ("all is well", 1002, None, Outcome.applied, 1),
        ("the tool refuses", 1025, None, Outcome.not_applied, 0),
        ("success is only said", 1026, None, Outcome.mismatch, 1),
        ("applied, and the answer is lost", 1027, None, Outcome.applied, 1),
        ("applied, and the connection is gone", 1002, {"do": "lost_answer"}, Outcome.applied, 1),
        ("applied, and the answer is cut in two", 1002, {"do": "truncated_json"}, Outcome.applied, 1),
        ("applied, and a login page answers", 1002, {"do": "html"}, Outcome.applied, 1),
        ("cut before anything was done", 1002, {"do": "cut"}, Outcome.not_applied, 0),
        ("a gateway answers in its place", 1002, {"do": "502"}, Outcome.not_applied, 0),
        ("too many requests", 1002, {"do": "429", "retry_after": "1"}, Outcome.not_applied, 0),
        ("a redirect to elsewhere", 1002, {"do": "redirect"}, Outcome.not_applied, 0),
        ("an answer that is no JSON number", 1002, {"do": "nan"}, Outcome.not_applied, 0),
    ],
)
def test_a_write_is_called_what_the_read_back_shows(
    desk: Any, sentence: str, ticket: int, fault: dict[str, Any] | None, outcome: Outcome, applied: int
) -> None:
    """One request leaves in every case; the outcome is that of the services, not of the answer."""
    faults = [{"method": "POST", "path": TOOL, **fault}] if fault is not None else []
    receipt, plan = send_and_verify(desk, ticket, faults)
    assert receipt.outcome is outcome, sentence
    assert desk.tool_requests() == 1, sentence
    assert desk.tool_writes() == applied, sentence
    assert desk.journal.open_intent(desk.writer().target_key(plan.target.key)) is None, sentence
    kinds = [entry.kind for entry in desk.journal.entries()]
    assert kinds == ["intent", "answer", "settled"], sentence
    assert desk.journal.first_broken_row() is None


def test_only_a_part_of_the_change_is_partial(desk: Any) -> None:
    """The plan is set and the seats are not: neither done nor undone."""
    desk.control("POST", "change", {"set_subscription": {"name": "A-S00010002", "force_associate": "partly"}})
    receipt, _ = send_and_verify(desk, 1002)
    assert receipt.outcome is Outcome.partial
    assert {check.field for check in receipt.checks if check.state is CheckState.differs} == {"seats_in_subscription"}


def test_a_read_back_that_fails_leaves_the_target_taken(desk: Any) -> None:
    """Unknown is said, nobody else may write to the group, and a later run settles it without sending."""
    plan, approval = desk.plan(1002)
    writer = desk.writer(in_flight=0.1)
    intent, receipt = writer.send(plan, approval)
    desk.control("PUT", "faults", [{"system": "gitlab", "do": "502"}])
    assert writer.verify(intent, receipt).outcome is Outcome.unknown
    with pytest.raises(WriteInProgress, match="ada"):
        desk.writer().send(plan, approval.model_copy(update={"approved_by": "eve"}))
    desk.control("PUT", "faults", [])
    settled = desk.writer().settle_open(plan.target.key)
    assert settled is not None
    assert settled[1].outcome is Outcome.applied
    assert settled[1].settled_from_journal
    assert desk.tool_requests() == 1
    assert desk.writer().settle_open(plan.target.key) is None


def test_an_approval_is_spent_once(desk: Any) -> None:
    """The second use sends nothing."""
    plan, approval = desk.plan(1002)
    writer = desk.writer()
    writer.verify(*writer.send(plan, approval))
    with pytest.raises(GateClosed, match="spent"):
        desk.writer().send(plan, approval)
    assert desk.tool_requests() == 1


def test_a_service_that_refuses_connections_was_not_written_to(desk: Any) -> None:
    """Nothing can have left, and the outcome says so without a read-back of the answer."""
    plan, approval = desk.plan(1002)
    writer = desk.writer()
    desk.clients.customersdot._transport._base = "http://127.0.0.1:1"
    desk.clients.customersdot._transport._origin = ("http", "127.0.0.1", 1)
    intent, receipt = writer.send(plan, approval)
    assert receipt.outcome is Outcome.not_applied
    assert desk.tool_requests() == 0
    assert intent.target.endswith("namespace:2002")
