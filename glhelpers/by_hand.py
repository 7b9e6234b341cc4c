"""
A run where a person acts in admin pages: what is still to look up, the forms to fill in, what the pages answered.

The plan, the gate, the journal, the read-back and the evidence are the same as where a program acts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from glhelpers.actions.effects import effect_of
from glhelpers.actions.forms import form_for
from glhelpers.actions.journal import Intent, Journal
from glhelpers.actions.replace import Replacement, key_of
from glhelpers.actions.write import Writer
from glhelpers.models.change import ChangePlan, Outcome, PlannedStep, Receipt
from glhelpers.models.form import ManualAnswer, ManualForm
from glhelpers.settings import Settings

if TYPE_CHECKING:
    from glhelpers.gates.desk import ManualDesk

__all__ = ["Desk", "needs_a_person"]


def needs_a_person(plan: ChangePlan, settings: Settings) -> bool:
    """Whether no program can send this plan: CustomersDot is worked by hand, or there is an admin page only."""
    return settings.by_hand or (not plan.steps and effect_of(plan.action).send is None)


@dataclass
class Desk:
    """One approved plan on its way through admin pages: the forms, the person's answers, the receipt."""

    plan: ChangePlan
    intent: Intent
    settings: Settings
    journal: Journal
    clock: Callable[[], datetime]

    def __post_init__(self) -> None:
        from glhelpers.gates.desk import ManualDesk  # widgets are only needed where a person sits

        way_back = self.plan.way_back
        self.widget: ManualDesk = ManualDesk(
            [self._form(step) for step in _steps(self.plan)],
            self.settings.operator,
            self.clock,
            on_failure=self._form(way_back) if way_back is not None else None,
            on_answer=self._keep,
        )
        self._kept = 0

    @property
    def box(self) -> Any:
        """The widget to show."""
        return self.widget.box

    def finish(self, writer: Writer) -> Receipt | None:
        """The receipt, read back as far as it can be; None as long as an answer is outstanding."""
        answers = self.widget.take()
        if answers is None:
            return None
        if self.plan.steps:
            return Replacement(writer).finish_by_hand(self.plan, self.intent, answers)
        return writer.verify(self.intent, _receipt(self.plan, answers))

    def _form(self, step: PlannedStep) -> ManualForm:
        urls = {"customersdot": self.settings.customersdot.base_url, "gitlab": self.settings.gitlab.base_url}
        extra = {"day": self.clock().date().isoformat()} if step.action == "reset_usage" else {}
        return form_for(step.action, {**step.arguments, **extra}, urls)

    def _keep(self, answer: ManualAnswer) -> None:
        """Journal each answer before the next form is shown."""
        number = self._kept
        self.journal.sending(self.intent, number, answer.action, key_of(self.intent, number))
        told = {
            "says": answer.says,
            "sent": answer.sent,
            "success": answer.kind == "success",
            "refused": answer.kind in ("refused", "not_done"),
            "answered_by": answer.answered_by,
            "step": number,
        }
        self.journal.answered(self.intent, told)
        self._kept += 1


def _steps(plan: ChangePlan) -> Sequence[PlannedStep]:
    return plan.steps or (PlannedStep(action=plan.action, arguments=plan.arguments, says=plan.action),)


def _receipt(plan: ChangePlan, answers: Sequence[ManualAnswer]) -> Receipt:
    answer = answers[-1]
    return Receipt(
        action=plan.action,
        outcome=Outcome.unknown if answer.sent else Outcome.not_applied,
        answered=answer.says,
        answered_by=answer.answered_by,
        sent_at=answer.answered_at,
        answered_at=answer.answered_at,
    )
