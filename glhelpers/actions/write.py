"""
The write that happens once: claim, record the intent, send, record the answer, read back, settle.

Promise: never more than one request per approval; success is reported only after a read-back found
it; what cannot be told is reported as unknown, and keeps the target taken.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from glhelpers.actions.effects import Found, effect_of
from glhelpers.actions.journal import Intent, Journal, me
from glhelpers.clients.clients import Clients
from glhelpers.errors import ServiceError, WriteInProgress
from glhelpers.models.change import Approval, Change, ChangePlan, Check, CheckState, Outcome, Receipt
from glhelpers.rules.occupancy import same_plan

__all__ = ["IN_FLIGHT", "Writer"]

IN_FLIGHT = timedelta(seconds=25)
"""How long a request may be on its way: above the transport's deadline for a whole answer."""

_NO_VERDICT = (408, 409, 425, 499)
"""Statuses below 500 that do not say that the request was not carried out: a time-out, or one like it under way."""

_LOOKS = 4
_PAUSE = 0.4
"""A read-back that does not show the change yet is repeated so many times, so many seconds apart."""


@dataclass
class Writer:
    """Applies plans of one run, against one set of services and one journal."""

    clients: Clients
    journal: Journal
    origin: str
    run_id: str
    operator: str
    in_flight: timedelta = IN_FLIGHT
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def target_key(self, plan_target: str) -> str:
        """The target's name in the journal: the same namespace on another instance is another target."""
        return f"{self.origin}|{plan_target}"

    def send(self, plan: ChangePlan, approval: Approval) -> tuple[Intent, Receipt]:
        """
        Spend the approval and send the one request.

        The receipt's outcome is UNKNOWN (or NOT_APPLIED where nothing can have left) until
        `verify` has read back.  Raises `GateClosed` for a spent approval, `WriteInProgress` for a
        target that another run holds.
        """
        host, pid, started = me()
        intent = Intent(
            id=hashlib.sha256(f"{plan.digest}|{approval.id}".encode()).hexdigest(),
            target=self.target_key(plan.target.key),
            plan=plan.model_dump(mode="json"),
            run_id=self.run_id,
            operator=self.operator,
            host=host,
            pid=pid,
            process_started=started,
            in_flight_until=(self.clock() + self.in_flight).isoformat(),
        )
        self.journal.begin(intent, approval.id)
        sent_at = self.clock()
        answer = self._send(plan, intent)
        self.journal.answered(intent, answer)
        return intent, Receipt(
            action=plan.action,
            outcome=Outcome.unknown if answer["sent"] else Outcome.not_applied,
            answered=answer["says"],
            audit_event_id=answer.get("audit_event_id"),
            sent_at=sent_at,
            answered_at=self.clock(),
        )

    def _send(self, plan: ChangePlan, intent: Intent) -> dict[str, Any]:
        try:
            answer = effect_of(plan).send(self.clients, plan, intent.id)
        except ServiceError as error:
            refused = error.status is not None and 400 <= error.status < 500 and error.status not in _NO_VERDICT
            says = f"refused: {error.message}" if refused else f"no usable answer: {error.message}"
            return {"says": says, "sent": error.sent, "success": False, "refused": refused}
        if answer.success:
            return {"says": "success", "sent": True, "success": True, "audit_event_id": answer.audit_event_id}
        says = f"refused: {answer.error or 'without a reason'}"
        return {"says": says, "sent": True, "success": False, "refused": True}

    def verify(self, intent: Intent, receipt: Receipt) -> Receipt:
        """Read back, classify, record the outcome. An outcome that cannot be told keeps the target taken."""
        plan = ChangePlan.model_validate(intent.plan)
        if receipt.outcome is Outcome.not_applied:
            return self._nothing_left(plan, intent, receipt)
        succeeded, refused = receipt.answered == "success", receipt.answered.startswith("refused")
        if not (succeeded or refused):
            # Nobody knows whether the request is still being worked on: what shows no change now may show it later.
            self._wait_out(plan, intent)
        for attempt in range(_LOOKS):
            try:
                checks = _checks(plan, effect_of(plan).read_back(self.clients, plan))
            except ServiceError as error:
                self.journal.left_open(intent, f"the read-back failed: {error.message}")
                return receipt.model_copy(update={"outcome": Outcome.unknown})
            shape = _shape(plan, checks)
            if shape == "after" or refused or attempt == _LOOKS - 1:
                break
            self.sleep(_PAUSE)
        outcome = _classify(shape, succeeded, refused, self._tool_acted(plan, intent, succeeded or refused))
        receipt = receipt.model_copy(update={"outcome": outcome, "checks": checks})
        if outcome is Outcome.unknown:
            self.journal.left_open(intent, "no answer, and the state does not tell whether the request was carried out")
        else:
            self.journal.settle(intent, outcome.value, [check.model_dump(mode="json") for check in checks])
        return receipt

    def _nothing_left(self, plan: ChangePlan, intent: Intent, receipt: Receipt) -> Receipt:
        """No request left: whatever a read-back shows, if it can be made at all, was done by somebody else."""
        try:
            checks = _checks(plan, effect_of(plan).read_back(self.clients, plan))
        except ServiceError:
            checks = ()
        outcome = Outcome.noop if checks and _shape(plan, checks) == "after" else Outcome.not_applied
        self.journal.settle(intent, outcome.value, [check.model_dump(mode="json") for check in checks])
        return receipt.model_copy(update={"outcome": outcome, "checks": checks})

    def _tool_acted(self, plan: ChangePlan, intent: Intent, answered: bool) -> bool | None:
        """Whether the audit events hold our request; None if they cannot be read or need not be."""
        if answered:
            return None
        try:
            events = self.clients.customersdot.audit_events(
                namespace_id=int(plan.target.id), action=effect_of(plan).audit_action
            )
        except ServiceError:
            return None
        return any(event.idempotency_key == intent.id for event in events)

    def settle_open(self, target: str) -> tuple[ChangePlan, Receipt] | None:
        """
        Settle what an earlier run left open on this target, without sending anything.

        Raises `WriteInProgress` while its holder lives and has not given it up.  Waits until the request cannot be on its
        way any more before a state that shows no change is believed.
        """
        intent = self.journal.open_intent(self.target_key(target))
        if intent is None:
            return None
        host, pid, started = me()
        mine = (intent.host, intent.pid) == (host, pid) and abs(intent.process_started - started) < 1
        if not mine and intent.holder_is_alive() and not self.journal.was_given_up(intent):
            raise WriteInProgress(
                f"A write to {target} is held by {intent.operator} (run {intent.run_id}, process {intent.pid} on "
                f"{intent.host}), which is still running.",
                next_step="Wait until that run has ended, then run again.",
            )
        plan, answer = ChangePlan.model_validate(intent.plan), self.journal.answer_of(intent)
        receipt = Receipt(
            action=plan.action,
            outcome=Outcome.unknown if answer is None or answer["sent"] else Outcome.not_applied,
            answered=answer["says"] if answer is not None else "no usable answer: the run ended before it came",
            audit_event_id=answer.get("audit_event_id") if answer is not None else None,
            settled_from_journal=True,
        )
        return plan, self.verify(intent, receipt)

    def _wait_out(self, plan: ChangePlan, intent: Intent) -> None:
        while (left := intent.in_flight_for()) > 0:
            try:
                if _shape(plan, _checks(plan, effect_of(plan).read_back(self.clients, plan))) == "after":
                    return
            except ServiceError:
                pass  # asked again below, and once more by `verify`, which reports it
            self.sleep(min(1.0, left))


def _checks(plan: ChangePlan, found: Found) -> tuple[Check, ...]:
    return tuple(
        Check(
            field=change.field,
            label=change.label,
            before=change.before,
            expected=change.after,
            found=found.get(change.field),
            state=_state(change, found),
        )
        for change in plan.changes
    )


def _state(change: Change, found: Found) -> CheckState:
    value = found.get(change.field)
    if value == change.after or (change.field == "plan" and _same(change.after, value)):
        return CheckState.ok
    if change.lags:
        return CheckState.pending
    if change.after is None:
        return CheckState.unknown
    return CheckState.differs


def _same(expected: object, found: object) -> bool:
    return isinstance(expected, str) and isinstance(found, str) and same_plan(expected, found)


def _shape(plan: ChangePlan, checks: tuple[Check, ...]) -> str:
    """`after`: all is as planned; `before`: nothing has moved; `between`: some of it has."""
    steady = {change.field for change in plan.changes if change.lags or change.after is None}
    counted = [check for check in checks if check.field not in steady]
    if all(check.state is CheckState.ok for check in counted):
        return "after"
    moving = [check for check in counted if check.before != check.expected]
    untouched = all(check.found == check.before for check in counted)
    return "before" if untouched and moving else "between"


def _classify(shape: str, succeeded: bool, refused: bool, acted: bool | None) -> Outcome:
    if shape == "after":
        return Outcome.applied
    if shape == "between":
        return Outcome.partial
    if succeeded:
        return Outcome.mismatch
    if refused:
        return Outcome.not_applied
    # No answer, nothing moved: only the audit events can say that the request never arrived.
    if acted is None:
        return Outcome.unknown
    return Outcome.mismatch if acted else Outcome.not_applied
