"""Clear, then associate: whatever fails or dies in between, the group has the old subscription, the new one, or an alarm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dying_replacement import replace_and_die
from processes import Child

from glhelpers.actions.clear import collect_clear, plan_clear
from glhelpers.actions.reading import Reader
from glhelpers.actions.replace import Replacement
from glhelpers.gates.decision import grant
from glhelpers.models.change import Approval, ChangePlan, Outcome, PlanFile
from glhelpers.models.request import ClearParameters
from glhelpers.rules.clear_subscription import POLICY
from glhelpers.rules.rule import evaluate
from tests.actions.conftest import ALL_CASES, Desk

OLD, NEW = "premium", "ultimate"
APPLIED, NOT_APPLIED, PUT_BACK = Outcome.applied, Outcome.not_applied, Outcome.put_back


def planned(desk: Desk, ticket: int = 1610) -> tuple[ChangePlan, Approval]:
    """The plan of a case of clear_subscription, and a colleague's approval."""
    asked = ClearParameters.model_validate({name: str(value) for name, value in ALL_CASES[ticket].parameters.items()})
    facts = collect_clear(desk.clients, asked, Reader())
    plan = plan_clear(facts, evaluate(POLICY, facts), "sandbox")
    file = PlanFile(plan=plan, digest=plan.digest, requested_by="ada", planned_at=datetime.now(UTC))
    approval = grant(file, typed=plan.target.typed, approver="bob", now=datetime.now(UTC), lasts=timedelta(hours=1))
    return plan, approval


def plan_on(desk: Desk, plan: ChangePlan) -> str | None:
    """The plan that GitLab.com shows on the group."""
    return desk.clients.gitlab.gitlab_subscription(int(plan.target.id)).plan.code


def killed(desk: Desk, point: str, plan: ChangePlan, approval: Approval) -> int | None:
    """How a process ends that is killed at this point."""
    return Child(lambda: replace_and_die(point, plan, approval, desk.journal_url)).wait(timeout=60)


@pytest.mark.parametrize(
    ("ticket", "point", "outcome", "on", "requests"),
    [
        (1610, "begin", None, OLD, 0),
        (1610, "sending 0", NOT_APPLIED, OLD, 0),
        (1610, "request 0", NOT_APPLIED, OLD, 0),
        (1610, "answered 0", PUT_BACK, OLD, 2),
        (1610, "sending 1", PUT_BACK, OLD, 2),
        (1610, "request 1", PUT_BACK, OLD, 2),
        (1610, "answered 1", APPLIED, NEW, 2),
        (1610, "settle", APPLIED, NEW, 2),
        (1610, "never", None, NEW, 2),
        (1612, "answered 1", PUT_BACK, OLD, 3),
        (1612, "sending 2", PUT_BACK, OLD, 3),
        (1612, "answered 2", PUT_BACK, OLD, 3),
        (1612, "settle", PUT_BACK, OLD, 3),
    ],
)
def test_wherever_it_dies_the_next_run_leaves_nobody_on_free(
    desk: Desk, ticket: int, point: str, outcome: Outcome | None, on: str, requests: int
) -> None:
    """The old or the new subscription is on the group; no request was sent twice; the target is free again."""
    plan, approval = planned(desk, ticket)
    ended = killed(desk, point, plan, approval)
    assert ended == (0 if point == "never" else -9)
    settled = desk.writer().settle_open(plan.target.key)
    assert (settled[1].outcome if settled is not None else None) is outcome
    assert plan_on(desk, plan) == on
    assert desk.tool_requests() == requests
    rows = desk.control("GET", "writes")["writes"]
    keys = [row["idempotency_key"] for row in rows if "support-tools" in row["path"]]
    assert len(keys) == len(set(keys))
    assert desk.journal.open_intent(desk.writer().target_key(plan.target.key)) is None
    assert desk.writer().settle_open(plan.target.key) is None
    assert desk.journal.first_broken_row() is None


def test_between_the_requests_the_group_is_on_free_and_somebody_else_is_told_who_holds_it(desk: Desk) -> None:
    """A killed process leaves the group on Free: that is what the next run mends, and the receipt says for how long."""
    plan, approval = planned(desk)
    assert killed(desk, "sending 1", plan, approval) == -9
    assert plan_on(desk, plan) == "free"
    settled = desk.writer().settle_open(plan.target.key)
    assert settled is not None
    receipt = settled[1]
    assert receipt.settled_from_journal
    assert receipt.seconds_on_free is not None
    assert receipt.seconds_on_free > 0
    assert [step.action for step in receipt.steps] == ["clear_subscription", "force_associate"]
    assert receipt.steps[-1].says.startswith("Put A-S00020610 back")


FAULTS: dict[str, dict[str, Any]] = {
    "502, not carried out": {"do": "502"},
    "502, carried out": {"do": "502", "applied": True},
    "cut before": {"do": "cut"},
    "answer lost": {"do": "lost_answer"},
    "429": {"do": "429", "shape": "plain"},
    "no JSON": {"do": "truncated_json"},
}
TOOLS = ("clear-subscription", "force-associate")


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_request_that_goes_wrong_never_leaves_the_group_on_free(desk: Desk, fault: str, tool: str) -> None:
    """Each fault on each of the two requests, once: old or new, and the receipt says which."""
    plan, approval = planned(desk)
    desk.faults({"method": "POST", "path": f"*/support-tools/{tool}", "times": 1, **FAULTS[fault]})
    receipt = Replacement(desk.writer()).carry_out(plan, approval)
    on = plan_on(desk, plan)
    assert (receipt.outcome, on) in {(APPLIED, NEW), (PUT_BACK, OLD), (NOT_APPLIED, OLD)}
    assert not receipt.left_on_free
    assert desk.journal.open_intent(desk.writer().target_key(plan.target.key)) is None


def test_when_the_way_back_fails_too_the_state_is_told_exactly(desk: Desk) -> None:
    """Both associations are refused: the group is on Free, the receipt says so, and for engineers what is on it."""
    desk.change(set_subscription={"name": "A-S00020612", "force_associate": "refused", "refusal": "no"})
    plan, approval = planned(desk, 1612)
    receipt = Replacement(desk.writer()).carry_out(plan, approval)
    assert receipt.outcome is Outcome.partial
    assert receipt.left_on_free
    assert receipt.seconds_on_free is None
    assert receipt.state is not None
    assert "is on Free: Plan free, Seats in subscription none" in receipt.state


def test_a_group_that_cannot_be_read_stays_taken_until_it_can(desk: Desk) -> None:
    """GitLab.com goes away between the two requests: nothing is guessed, and the next run brings it to an end."""
    plan, approval = planned(desk)
    answered = desk.writer().journal.answered

    def then_gitlab_goes_away(*given: Any, **named: Any) -> None:
        answered(*given, **named)
        desk.faults({"system": "gitlab", "do": "503"}, {"path": "*/force-associate", "do": "502"})

    receipt = _with(
        desk, "answered", then_gitlab_goes_away, lambda writer: Replacement(writer).carry_out(plan, approval)
    )
    assert receipt.outcome is Outcome.unknown
    assert desk.journal.open_intent(desk.writer().target_key(plan.target.key)) is not None
    desk.faults()
    settled = desk.writer().settle_open(plan.target.key)
    assert settled is not None
    assert settled[1].outcome is PUT_BACK
    assert plan_on(desk, plan) == OLD


def _with(desk: Desk, name: str, call: Callable[..., Any], act: Callable[..., Any]) -> Any:
    """Act with a writer whose journal has this call in place of its own."""
    writer = desk.writer()
    patched = replace(writer)
    original = getattr(writer.journal, name)
    setattr(patched.journal, name, call)
    try:
        return act(patched)
    finally:
        setattr(patched.journal, name, original)
