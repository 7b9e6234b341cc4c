"""
Two requests as one change: clear the old subscription, associate the new one, and never leave the group on Free.

Between the two the group has no plan.  If the second does not succeed, the way back puts the old
subscription on again; where that fails too, the receipt says exactly how the group was left.  What
a process that died has left half done, the next run brings to one of the same ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from glhelpers.actions.journal import Intent
from glhelpers.actions.readback import shape_of
from glhelpers.errors import ServiceError
from glhelpers.models.change import Approval, ChangePlan, Check, Outcome, PlannedStep, Receipt, StepReceipt

if TYPE_CHECKING:
    from glhelpers.actions.write import Writer
    from glhelpers.models.form import ManualAnswer

__all__ = ["Replacement", "key_of"]

Where = Literal["old", "free", "new", "other"]

_LOOKS = 4
_PAUSE = 0.4
_FREE = (None, "free", "default")
_BACK = 2
"""The way back stands in the journal as the request after the two of the plan."""


def key_of(intent: Intent, step: int) -> str:
    """The idempotency key of one request of a plan that has several."""
    return hashlib.sha256(f"{intent.id}|{step}".encode()).hexdigest()


@dataclass
class Replacement:
    """Carries out, or settles, a plan with two steps and a way back."""

    writer: Writer

    def carry_out(self, plan: ChangePlan, approval: Approval, seen: int | None = None) -> Receipt:
        """Send both requests, read back, and go back if the second one failed; the receipt is settled."""
        intent = self.writer.begin(plan, approval, seen)
        self._done: list[StepReceipt] = []
        first = self._request(plan.steps[0], intent, 0)
        if not first["success"]:
            where, checks = self._look(
                plan, {"old"} if first["refused"] else {"free"}, intent, answered=first["refused"]
            )
            if where != "free":
                return self._end_before(plan, intent, where, checks)
        second = self._request(plan.steps[1], intent, 1)
        known = second["success"] or second["refused"] or not second["sent"]
        where, checks = self._look(plan, {"new"}, intent, answered=known)
        return self._end(plan, intent, where, checks)

    def finish_by_hand(self, plan: ChangePlan, intent: Intent, answers: Sequence[ManualAnswer]) -> Receipt:
        """What a person did in admin pages, in the order of the forms: read back and settled; nothing is sent."""
        steps = [*plan.steps, *([plan.way_back] if plan.way_back else [])]
        says = {step.action: step.says for step in plan.steps}
        self._done = [
            StepReceipt(
                action=answer.action,
                says=steps[-1].says if number >= len(plan.steps) else says[answer.action],
                answered=answer.says,
                sent_at=answer.answered_at,
                answered_at=answer.answered_at,
            )
            for number, answer in enumerate(answers)
        ]
        where, checks = self._look(plan, {"new", "old"}, intent, answered=True)
        told = {"answered_by": answers[-1].answered_by}
        if len(answers) == 1:
            return self._end_before(plan, intent, where, checks).model_copy(update=told)
        went_back = len(answers) > len(plan.steps)
        ends: dict[Where | None, Outcome] = {
            "new": Outcome.applied,
            "old": Outcome.put_back if went_back else Outcome.not_applied,
            None: Outcome.unknown,
        }
        return self._receipt(plan, intent, ends.get(where, Outcome.partial), where, checks).model_copy(update=told)

    def settle(self, plan: ChangePlan, intent: Intent) -> Receipt:
        """Bring what a run left between two requests to an end; of all requests only the way back may be sent."""
        self._done = self._from_journal(plan, intent)
        answered = bool(self._done) and all(step.answered_at is not None for step in self._done)
        where, checks = self._look(plan, {"new", "old"}, intent, answered=answered)
        if len(self._done) == 0 or (where == "old" and len(self._done) < 2):
            return self._end_before(plan, intent, where, checks)
        return self._end(plan, intent, where, checks).model_copy(update={"settled_from_journal": True})

    def _request(self, step: PlannedStep, intent: Intent, number: int) -> dict[str, Any]:
        key, journal = key_of(intent, number), self.writer.journal
        journal.sending(intent, number, step.action, key)
        sent_at = self.writer.clock()
        answer = self.writer.request(step.action, step.arguments, key)
        journal.answered(intent, {**answer, "step": number})
        self._done.append(
            StepReceipt(
                action=step.action,
                says=step.says,
                answered=answer["says"],
                sent_at=sent_at,
                answered_at=self.writer.clock(),
                audit_event_id=answer.get("audit_event_id"),
            )
        )
        return answer

    def _from_journal(self, plan: ChangePlan, intent: Intent) -> list[StepReceipt]:
        """The requests of an earlier process: each that was about to leave may have left."""
        rows = self.writer.journal.entries(intent.id)
        answers = {row.payload["step"]: row for row in rows if row.kind == "answer" and "step" in row.payload}
        steps = [*plan.steps, *([plan.way_back] if plan.way_back else [])]
        done = []
        for row in (row for row in rows if row.kind == "sending"):
            number = int(row.payload["step"])
            answer = answers.get(number)
            done.append(
                StepReceipt(
                    action=steps[number].action,
                    says=steps[number].says,
                    answered=answer.payload["says"] if answer else "no usable answer: the run ended before it came",
                    sent_at=datetime.fromisoformat(row.at),
                    answered_at=datetime.fromisoformat(answer.at) if answer else None,
                    audit_event_id=answer.payload.get("audit_event_id") if answer else None,
                )
            )
        return done

    def _look(
        self, plan: ChangePlan, wanted: set[Where], intent: Intent, *, answered: bool
    ) -> tuple[Where | None, tuple[Check, ...]]:
        """Where the group stands; asked again for as long as a request without an answer may still arrive."""
        looks = 0
        while True:
            try:
                checks = self.writer.read_back(plan)
            except ServiceError:
                where, checks = None, ()
            else:
                where = _where(plan, checks, by_hand=self.writer.by_hand)
            left = 0.0 if answered else self._in_flight(intent)
            looks += 1
            if where in wanted or (looks >= _LOOKS and left <= 0):
                return where, checks
            self.writer.sleep(max(_PAUSE, min(1.0, left)))

    def _in_flight(self, intent: Intent) -> float:
        """For how many seconds the request that left last may still be on its way."""
        last = next((step.sent_at for step in reversed(self._done) if step.sent_at), None)
        since = last or datetime.fromisoformat(intent.in_flight_until) - self.writer.in_flight
        return max(0.0, (since + self.writer.in_flight - self.writer.clock()) / timedelta(seconds=1))

    def _end_before(self, plan: ChangePlan, intent: Intent, where: Where | None, checks: tuple[Check, ...]) -> Receipt:
        """The first request did not clear anything, or nobody can tell."""
        outcomes: dict[Where | None, Outcome] = {"old": Outcome.not_applied, None: Outcome.unknown, "new": Outcome.noop}
        return self._receipt(plan, intent, outcomes.get(where, Outcome.partial), where, checks)

    def _end(self, plan: ChangePlan, intent: Intent, where: Where | None, checks: tuple[Check, ...]) -> Receipt:
        went_back = any(step.says == _words(plan) for step in self._done)
        if where == "free" and plan.way_back is not None and not went_back and not self.writer.by_hand:
            answer = self._request(plan.way_back, intent, _BACK)
            known = answer["success"] or answer["refused"] or not answer["sent"]
            where, checks = self._look(plan, {"old"}, intent, answered=known)
            went_back = True
        ends: dict[Where | None, Outcome] = {
            "new": Outcome.applied,
            "old": Outcome.put_back if went_back else Outcome.not_applied,
            None: Outcome.unknown,
        }
        return self._receipt(plan, intent, ends.get(where, Outcome.partial), where, checks)

    def _receipt(
        self, plan: ChangePlan, intent: Intent, outcome: Outcome, where: Where | None, checks: tuple[Check, ...]
    ) -> Receipt:
        journal = self.writer.journal
        if outcome is Outcome.unknown:
            journal.left_open(intent, "the group could not be read back between two requests")
        else:
            journal.settle(intent, outcome.value, [check.model_dump(mode="json") for check in checks])
        last = self._done[-1] if self._done else None
        return Receipt(
            action=plan.action,
            outcome=outcome,
            answered=_said(self._done),
            sent_at=self._done[0].sent_at if self._done else None,
            answered_at=last.answered_at if last else None,
            audit_event_id=last.audit_event_id if last else None,
            checks=checks,
            steps=tuple(self._done),
            seconds_on_free=self._seconds_on_free(where) if _was_paid(plan) else None,
            left_on_free=where == "free" and _was_paid(plan),
            state=_state(plan, where, checks),
        )

    def _seconds_on_free(self, where: Where | None) -> float | None:
        """From the answer to the first request (its sending, where there was none) until the read-back."""
        if where in (None, "free") or len(self._done) < 2:
            return None
        first = self._done[0]
        since = first.answered_at or first.sent_at
        return round((datetime.now(UTC) - since).total_seconds(), 3) if since is not None else None


def _was_paid(plan: ChangePlan) -> bool:
    return next((change.before for change in plan.changes if change.field == "plan"), None) not in _FREE


def _words(plan: ChangePlan) -> str:
    return plan.way_back.says if plan.way_back else ""


def _where(plan: ChangePlan, checks: tuple[Check, ...], *, by_hand: bool) -> Where:
    """Whose subscription the group carries now: the old one, none, the new one, or something else."""
    shape = shape_of(plan, checks, by_hand=by_hand)
    if shape == "after":
        return "new"
    if shape == "before":
        return "old"
    found = {check.field: check for check in checks}
    here, target = found["plan"].found, plan.target.id
    new_linked = found["linked_namespace"].found == target if "linked_namespace" in found else False
    old_linked = found["old_linked_namespace"].found == target if "old_linked_namespace" in found else False
    if here in _FREE and not new_linked:
        return "free"
    same = found["seats_in_subscription"].found == found["seats_in_subscription"].before
    return "old" if here == found["plan"].before and same and old_linked else "other"


def _said(done: list[StepReceipt]) -> str:
    if not done:
        return "nothing was sent"
    return "; ".join(f"{step.says}: {step.answered}" for step in done)


def _state(plan: ChangePlan, where: Where | None, checks: tuple[Check, ...]) -> str:
    """How the group was left, in a sentence that an engineer can act on."""
    group = f"{plan.target.name} (id {plan.target.id})"
    if where is None:
        return f"{group} could not be read back."
    now = ", ".join(f"{check.label} {check.found if check.found is not None else 'none'}" for check in checks)
    words = {
        "new": "has the new subscription",
        "old": "has the old subscription",
        "free": "is on Free",
        "other": "is in a state that was not foreseen",
    }
    return f"{group} {words[where]}: {now}."
