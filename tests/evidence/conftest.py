"""Three runs written by hand: one that went to its end, one that a rule stopped, one that was cut off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode, v4

from glhelpers.evidence import redact, show
from glhelpers.models.change import (
    Approval,
    BasisItem,
    Change,
    ChangePlan,
    Check,
    CheckState,
    Outcome,
    Receipt,
    Target,
)
from glhelpers.models.fact import FactState, Source
from glhelpers.models.finding import Decision, Finding, Status, Verdict
from glhelpers.models.record import Draft, FactLine, Minutes, RunRecord, Seats, Step, StepState

START = datetime(2026, 11, 23, 4, 40, 23, 123456, tzinfo=UTC)
STEPS = ("collect", "check", "plan", "confirm", "apply", "verify", "record")
FORCE = "force-associate-saas-subscription"


def _at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def _plan() -> ChangePlan:
    return ChangePlan(
        runbook="force_associate",
        action="force_associate",
        profile="sandbox",
        target=Target(kind="namespace", id="4101", name="northwind-labs", typed="northwind-labs"),
        ticket_url="https://gitlab.zendesk.com/agent/tickets/401001",
        arguments={"namespace": "4101", "subscription_name": "A-S00041001"},
        changes=(
            Change(field="plan", label="Plan", before="free", after="premium"),
            Change(field="seats", label="Seats in subscription", before=0, after=10),
            Change(field="end_date", label="Subscription end", before=None, after="2027-11-22"),
            Change(field="owed", label="Seats owed", before=0, after=0, lags=True, note="stored, refreshed once a day"),
            Change(field="quota", label="Compute minutes a month", before=400, after=10000),
        ),
        basis=(BasisItem(name="seats_in_use", label="Seats in use", value=4),),
        consequences=("The group's plan becomes Premium at once.", "Compute minutes used this month stay as they are."),
        cannot_be_undone=("The stored high-water mark of seats used starts anew.",),
        second_person=(),
    )


def _facts() -> tuple[FactLine, ...]:
    def line(name: str, label: str, value: Any, source: Source, call: str, **more: Any) -> FactLine:
        state = more.pop("state", FactState.known)
        return FactLine(
            name=name, label=label, state=state, value=value, source=source, call=call, read_at=_at(1), **more
        )

    namespace = {
        "id": 4101,
        "name": "Northwind Labs",
        "path": "northwind-labs",
        "kind": "group",
        "full_path": "northwind-labs",
        "billable_members_count": 4,
        "seats_in_use": 4,
        "max_seats_used": 4,
        "plan": "free",
        "trial": False,
        "ci_minutes_usage": {"total_minutes_used": 250, "monthly_minutes_used": 250, "purchased_minutes_used": 0},
    }
    order = {"id": 7001, "customer_id": 9001, "subscription_name": "A-S00041001", "quantity": 10, "kind": "plan"}
    return (
        line("today", "Today, by the services' clock", "2026-11-23", Source.gitlab, "Date header"),
        line("namespace", "Namespace", namespace, Source.gitlab, "GET /namespaces/:id"),
        line("orders", "Orders of the subscription", [order], Source.customersdot, "GET /orders"),
        line("occupants", "What occupies the namespace", [], Source.derived, "orders of the namespace"),
        line("customer", "Customer", {"id": 9001, "email": "dana@example.com"}, Source.customersdot, "GET /customers"),
        line(
            "invoice_owner",
            "Invoice owner",
            "customer",
            Source.operator,
            "Zuora, looked up",
            told_by="sam.operator",
        ),
        line(
            "gitlab_subscription",
            "Subscription on GitLab.com",
            None,
            Source.gitlab,
            "GET /namespaces/:id/gitlab_subscription",
            state=FactState.unknown,
            why="GitLab.com answered 403: the token may not see billing.",
        ),
        line(
            "linked_member",
            "Membership of the linked user",
            None,
            Source.gitlab,
            "GET /groups/:id/members",
            state=FactState.absent,
            why="The linked user is no member of the group.",
        ),
    )


def _findings(*, stopped: bool) -> tuple[Finding, ...]:
    found = [
        Finding(
            rule="ticket_link",
            label="A ticket asks for it",
            stage="request",
            verdict=Verdict.proceed,
            reason="Ticket 401001 is open.",
            anchor=FORCE,
        ),
        Finding(
            rule="top_level",
            label="The namespace is a top-level group",
            stage="namespace",
            verdict=Verdict.proceed,
            reason="northwind-labs has no parent.",
            anchor=FORCE,
        ),
        Finding(
            rule="minutes_usage",
            label="Compute minutes used are not reset",
            stage="minutes",
            verdict=Verdict.warn,
            reason="250 of 400 minutes are used; they stay used under the new quota of 10000.",
            anchor=FORCE,
            next_step="Tell the customer that usage is not reset.",
        ),
    ]
    if stopped:
        found[2] = Finding(
            rule="plan_with_seats",
            label="The subscription is a plan with seats",
            stage="subscription",
            verdict=Verdict.stop,
            reason="A-S00041001 holds compute minutes, which are not associated this way.",
            anchor=FORCE,
            next_step="Use the section on compute minutes.",
        )
    return tuple(found)


def _steps(done: int, *, running: bool = False) -> tuple[Step, ...]:
    def state(index: int) -> StepState:
        if index < done:
            return StepState.done
        return StepState.running if running and index == done else StepState.not_run

    return tuple(
        Step(
            name=name,
            state=state(index),
            started_at=_at(index) if state(index) is not StepState.not_run else None,
            ended_at=_at(index + 0.5) if state(index) is StepState.done else None,
        )
        for index, name in enumerate(STEPS)
    )


def _record(**fields: Any) -> RunRecord:
    common: dict[str, Any] = {
        "run_id": "20261123T044023.123456Z",
        "runbook": "force_associate",
        "profile": "sandbox",
        "production": False,
        "operator": "kim.expert",
        "parameters": {
            "namespace": "northwind-labs",
            "subscription_name": "A-S00041001",
            "ticket_url": "https://gitlab.zendesk.com/agent/tickets/401001",
            "customer_email": "dana@example.com",
            "approval": None,
        },
        "started_at": START,
        "facts": _facts(),
        "versions": {"glhelpers": "0.1.0", "python": "3.11", "rules": "2026-07"},
    }
    return RunRecord(**{**common, **fields})


@pytest.fixture(autouse=True)
def _no_live_secrets() -> Any:
    """Secrets that a test registers do not outlive it."""
    yield
    redact.forget_secrets()


@pytest.fixture
def completed() -> RunRecord:
    """Written, read back and found in place; one stored figure lags."""
    plan = _plan()
    approval = Approval(
        plan_digest=plan.digest,
        profile="sandbox",
        target="namespace:4101",
        requested_by="kim.expert",
        approved_by="robin.second",
        approved_at=_at(60),
        expires_at=_at(3660),
    )
    checks = (
        Check(field="plan", label="Plan", before="free", expected="premium", found="premium", state=CheckState.ok),
        Check(field="seats", label="Seats in subscription", before=0, expected=10, found=10, state=CheckState.ok),
        Check(field="in_use", label="Seats in use (stored)", before=4, expected=4, found=0, state=CheckState.pending),
    )
    receipt = Receipt(
        action="force_associate",
        outcome=Outcome.applied,
        answered="success",
        sent_at=_at(61),
        answered_at=_at(62),
        audit_event_id=31,
        checks=checks,
    )
    return _record(
        status=Status.completed,
        why="A-S00041001 is associated with northwind-labs, and GitLab.com shows it.",
        complete=True,
        ended_at=_at(70),
        steps=_steps(7),
        findings=_findings(stopped=False),
        decision=Decision(
            status=None,
            stage=None,
            why="Nothing stands against the association.",
            path=(
                ("request", Verdict.proceed),
                ("namespace", Verdict.proceed),
                ("minutes", Verdict.warn),
            ),
        ),
        plan=plan,
        plan_digest=plan.digest,
        approval=approval,
        receipt=receipt,
        seats=Seats(
            seats_in_subscription=0,
            seats_in_use=4,
            max_seats_used=12,
            seats_owed=0,
            new_seats=10,
            needed_low=4,
            needed_high=6,
            owed_if_carried_over=2,
            owed_if_reset=0,
        ),
        minutes=Minutes(
            quota_before=400, quota_after=10000, used=250, used_of_additional=0, additional=1000, additional_after=1000
        ),
        drafts=(
            Draft(
                kind="reply",
                audience="customer",
                title="Reply: your subscription is linked",
                body="Hi,\n\nyour group **northwind-labs** is on Premium now.\n\n/close is not a command here.\n",
            ),
        ),
        notices=("The Zendesk app shown in older guides is gone; this run took its place.",),
    )


@pytest.fixture
def stopped() -> RunRecord:
    """A rule said stop; nothing was planned or written."""
    return _record(
        status=Status.stopped,
        why="A-S00041001 holds compute minutes, which are not associated this way.",
        next_step="Use the section on compute minutes.",
        complete=True,
        ended_at=_at(5),
        steps=(*_steps(2)[:6], Step(name="record", state=StepState.done, started_at=_at(4), ended_at=_at(5))),
        findings=_findings(stopped=True),
        decision=Decision(
            status=Status.stopped,
            stage="subscription",
            why="A-S00041001 holds compute minutes.",
            next_step="Use the section on compute minutes.",
            deciding=("plan_with_seats",),
            path=(("request", Verdict.proceed), ("namespace", Verdict.proceed), ("subscription", Verdict.stop)),
        ),
    )


@pytest.fixture
def incomplete() -> RunRecord:
    """The kernel died while the write was under way."""
    plan = _plan()
    return _record(
        status=Status.failed,
        why="The run ended before its last step.",
        complete=False,
        steps=_steps(4, running=True),
        findings=_findings(stopped=False),
        plan=plan,
        plan_digest=plan.digest,
    )


@pytest.fixture
def executed(completed: RunRecord) -> NotebookNode:
    """A notebook as papermill leaves it: six cells ran, the last was never reached though called completed."""
    book = v4.new_notebook()
    book.cells.append(v4.new_markdown_cell("# Force Associate\n\nLook up, judge, plan, ask, write once, check."))
    pictures = {
        "collect": show.facts_table(completed.facts),
        "check": show.findings_table(completed.findings),
        "plan": show.plan_card(completed.plan) if completed.plan else "",
        "verify": show.receipt_card(completed.receipt) if completed.receipt else "",
        "seats": show.seats_picture(completed.seats) if completed.seats else "",
    }
    for number, (name, html) in enumerate(pictures.items(), 1):
        cell = v4.new_code_cell(f"run.{name}()", execution_count=number)
        cell.outputs = [v4.new_output("display_data", {"text/html": html, "text/plain": f"<{name}>"})]
        cell.metadata = nbformat.from_dict({"tags": [f"step:{name}"], "papermill": {"status": "completed"}})
        book.cells.append(cell)
    last = v4.new_code_cell("run.record()", metadata={"tags": ["step:record"], "papermill": {"status": "completed"}})
    book.cells.append(last)
    book.metadata = nbformat.from_dict(
        {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "papermill": {
                "input_path": "/home/kim/runbooks/force_associate.ipynb",
                "output_path": "/home/kim/out.ipynb",
                "parameters": {"approval": "/home/kim/approvals/approval.json", "customer_email": "dana@example.com"},
                "environment_variables": {"HOME": "/home/kim"},
                "exception": None,
            },
            "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"a": {"password": "hunter2hunter2"}}}},
        }
    )
    return book


@pytest.fixture
def poison() -> Any:
    """Puts a hostile text behind every free text of a record."""

    def poisoned(record: RunRecord, text: str) -> RunRecord:
        return RunRecord.model_validate(_poisoned(record.model_dump(mode="json"), text))

    return poisoned


_FREE = {"why", "next_step", "label", "reason", "value", "call", "told_by", "title", "body", "audience", "name"}
_FREE |= {"before", "answered", "operator", "rule", "anchor", "note", "error", "namespace", "approved_by"}


def _poisoned(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {
            key: item + text if isinstance(item, str) and key in _FREE else _poisoned(item, text)
            for key, item in value.items()
        }
    return [_poisoned(item, text) for item in value] if isinstance(value, list) else value
