"""
The write that happens once: claim, record the intent, send, record the answer, read back, settle.

Promise: never more than one request per approval; success is reported only after a read-back found
it; what cannot be told is reported as unknown, and keeps the target taken.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from glhelpers.actions.effects import effect_of
from glhelpers.actions.journal import Intent, Journal, me
from glhelpers.actions.readback import checks_of, classify, shape_of
from glhelpers.clients.clients import Clients
from glhelpers.clock import now
from glhelpers.errors import RunbookContractError, ServiceError, WriteInProgress
from glhelpers.models.change import Approval, ChangePlan, Check, Outcome, Receipt

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
    by_hand: bool = False
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], datetime] = now

    def target_key(self, plan_target: str) -> str:
        """The target's name in the journal: the same namespace on another instance is another target."""
        return f"{self.origin}|{plan_target}"

    def version_of(self, plan: ChangePlan) -> int:
        """What the journal has last told of the plan's target; to be asked before the facts are read that it rests on."""
        return self.journal.latest_row_about(self.target_key(plan.target.key))

    def send(self, plan: ChangePlan, approval: Approval, seen: int | None = None) -> tuple[Intent, Receipt]:
        """
        Spend the approval and send the one request.

        The receipt's outcome is UNKNOWN (or NOT_APPLIED where nothing can have left) until
        `verify` has read back.  Raises `GateClosed` for a spent approval, `WriteInProgress` for a
        target that another run holds, `WrittenMeanwhile` for one that was written to since `seen`.
        """
        intent = self.begin(plan, approval, seen)
        sent_at = self.clock()
        answer = self.request(plan.action, plan.arguments, intent.id)
        self.journal.answered(intent, answer)
        return intent, Receipt(
            action=plan.action,
            outcome=Outcome.unknown if answer["sent"] else Outcome.not_applied,
            answered=answer["says"],
            audit_event_id=answer.get("audit_event_id"),
            sent_at=sent_at,
            answered_at=self.clock(),
        )

    def begin(self, plan: ChangePlan, approval: Approval, seen: int | None = None) -> Intent:
        """Spend the approval and take the target, durably; nothing is sent yet."""
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
            approved_by=approval.approved_by,
            approved_in=f"note {approval.note} on {approval.issue}" if approval.note is not None else "",
            break_glass=approval.break_glass or "",
        )
        self.journal.begin(intent, approval.id, seen)
        return intent

    def request(self, action: str, arguments: Mapping[str, str | int], key: str) -> dict[str, Any]:
        """Send one request, once, and say in plain values what came back."""
        send = effect_of(action).send
        if send is None:
            raise RunbookContractError(f"No service takes {action!r} from a program; a person does it in a page.")
        try:
            answer = send(self.clients, arguments, key)
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
            self.wait_out(plan, intent)
        for attempt in range(_LOOKS):
            try:
                checks = self.read_back(plan, receipt.answered_by if succeeded else None)
            except ServiceError as error:
                self.journal.left_open(intent, f"the read-back failed: {error.message}")
                return receipt.model_copy(update={"outcome": Outcome.unknown})
            shape = shape_of(plan, checks, by_hand=self.by_hand)
            if shape == "after" or refused or attempt == _LOOKS - 1:
                break
            self.sleep(_PAUSE)
        # By hand nothing travels any more once the page has been left: a state without a change is believed.
        idle = self.by_hand and shape == "before" and receipt.settled_from_journal
        outcome = classify(shape, succeeded, refused or idle, self._tool_acted(plan, intent, succeeded or refused))
        receipt = receipt.model_copy(update={"outcome": outcome, "checks": checks})
        if outcome is Outcome.unknown:
            self.journal.left_open(intent, "no answer, and the state does not tell whether the request was carried out")
        else:
            self.journal.settle(intent, outcome.value, [check.model_dump(mode="json") for check in checks])
        return receipt

    def _nothing_left(self, plan: ChangePlan, intent: Intent, receipt: Receipt) -> Receipt:
        """No request left: whatever a read-back shows, if it can be made at all, was done by somebody else."""
        try:
            checks = self.read_back(plan)
        except ServiceError:
            checks = ()
        outcome = (
            Outcome.noop if checks and shape_of(plan, checks, by_hand=self.by_hand) == "after" else Outcome.not_applied
        )
        self.journal.settle(intent, outcome.value, [check.model_dump(mode="json") for check in checks])
        return receipt.model_copy(update={"outcome": outcome, "checks": checks})

    def _tool_acted(self, plan: ChangePlan, intent: Intent, answered: bool) -> bool | None:
        """Whether the audit events hold our request; None if they cannot be read or need not be."""
        if answered:
            return None
        effect = effect_of(plan.action)
        if effect.repeatable and not self.by_hand:
            return False
        try:
            return self.has_acted(plan, effect.audit_action, intent.id)
        except ServiceError:
            return None

    def has_acted(self, plan: ChangePlan, action: str | None, key: str) -> bool | None:
        """Whether the Support Audit Events hold the request with this key; None if they hold no such actions."""
        if action is None or self.by_hand:
            return None
        id = int(plan.target.id) if plan.target.kind == "namespace" else None
        events = self.clients.customersdot.audit_events(namespace_id=id, action=action)
        return any(event.idempotency_key == key for event in events)

    def read_back(self, plan: ChangePlan, told_by: str | None = None) -> tuple[Check, ...]:
        """The plan's fields as they are now; what only CustomersDot tells is `told_by`'s word where it is worked by hand."""
        found = effect_of(plan.action).read_back(self.clients, plan, by_hand=self.by_hand)
        return checks_of(plan, found, told_by if self.by_hand else None)

    def settle_open(self, target: str) -> tuple[ChangePlan, Receipt] | None:
        """
        Settle what an earlier run left open on this target, without sending anything again.

        One thing is sent: the way back of a plan of two requests that was cut off between them, which
        its approval covers and without which the group would stay on Free.

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
        if plan.steps:
            from glhelpers.actions.replace import Replacement

            return plan, Replacement(self).settle(plan, intent)
        receipt = Receipt(
            action=plan.action,
            outcome=Outcome.unknown if answer is None or answer["sent"] else Outcome.not_applied,
            answered=answer["says"] if answer is not None else "no usable answer: the run ended before it came",
            audit_event_id=answer.get("audit_event_id") if answer is not None else None,
            settled_from_journal=True,
        )
        return plan, self.verify(intent, receipt)

    def wait_out(self, plan: ChangePlan, intent: Intent) -> None:
        """Wait until the change shows, or until its request cannot be on its way any more."""
        while (left := intent.in_flight_for()) > 0:
            try:
                if shape_of(plan, self.read_back(plan), by_hand=self.by_hand) == "after":
                    return
            except ServiceError:
                pass  # asked again below, and once more by `verify`, which reports it
            self.sleep(min(1.0, left))
