"""The gate's face in JupyterLab: the plan, a text to type, one button; it fails closed."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from glhelpers.errors import GateClosed, GlhelpersError
from glhelpers.gates.decision import grant, refusal
from glhelpers.gates.files import read_approval
from glhelpers.models.change import Approval, PlanFile

__all__ = ["ConfirmGate"]

_MARKS = {"closed": "▢", "armed": "▶", "approved": "✔", "refused": "✘", "spent": "■"}


class ConfirmGate:
    """
    Asks one person about one plan.

    The answer lives in this object only: running the cell again makes a new gate without an answer,
    and `take` hands an approval out once.  Nothing is ever answered by default or by waiting.
    """

    def __init__(
        self,
        file: PlanFile,
        *,
        card: str,
        operator: str,
        lasts: timedelta,
        clock: Callable[[], datetime],
        spent: Callable[[str], str | None],
        on_approved: Callable[[Approval], None] = lambda approval: None,
    ) -> None:
        self._file, self._operator, self._lasts, self._clock, self._spent = file, operator, lasts, clock, spent
        self._on_approved = on_approved
        self._approval: Approval | None = None
        self.state = "closed"
        wide = widgets.Layout(width="min(100%, 44em)")
        self.typed = widgets.Text(
            description="Type the target",
            placeholder=file.plan.target.typed,
            layout=wide,
            style={"description_width": "11em"},
            tooltip=f"Type {file.plan.target.typed} to arm the button",
        )
        self.second = widgets.Text(
            description="Approval file",
            placeholder="path of the approval.json that a second person made",
            layout=wide if file.plan.second_person else widgets.Layout(display="none"),
            style={"description_width": "11em"},
        )
        self.button = widgets.Button(
            description=f"Approve this change to {file.plan.target.name}",
            disabled=True,
            button_style="danger",
            layout=widgets.Layout(width="auto", max_width="100%"),
            tooltip="Nothing is sent yet: the next cell applies what you approve here",
        )
        self.message = widgets.HTML()
        self.box = widgets.VBox([widgets.HTML(card), self.typed, self.second, self.button, self.message])
        self.box.add_class("glh-gate")
        self._say("closed", self._instruction())
        self.typed.observe(self._typing, names="value")
        self.second.observe(self._typing, names="value")
        self.button.on_click(self._pressed)

    def _instruction(self) -> str:
        target = self._file.plan.target.typed
        if self._file.plan.second_person:
            why = "; ".join(self._file.plan.second_person)
            return (
                f"Not approved. This plan needs a second person ({why}): they run `glhelpers approve` on plan.json. "
                f"Then give their file and type {target}."
            )
        return f"Not approved, nothing will be written. Type {target} to arm the button."

    def _say(self, state: str, text: str) -> None:
        self.state = state
        self.message.value = (
            f'<div class="glh-gate-message glh-gate-{state}" role="status" aria-live="polite">'
            f"<strong>{_MARKS[state]} {state.upper()}</strong> {html.escape(text)}</div>"
        )

    def _typing(self, change: dict[str, Any]) -> None:
        if self.state in ("approved", "spent"):
            return
        fits = self.typed.value == self._file.plan.target.typed
        self.button.disabled = not fits
        if fits:
            self._say("armed", "The button is armed. Read the change once more before you press it.")
        else:
            self._say("closed", self._instruction())

    def _pressed(self, button: widgets.Button) -> None:
        """One click is one approval: a second click message finds the gate approved and does nothing."""
        if self.state in ("approved", "spent"):
            return
        self.button.disabled = True
        try:
            self._approval = self._decide()
        except GlhelpersError as closed:
            self._say("refused", str(closed))
            return
        self.typed.disabled = self.second.disabled = True
        until = self._approval.expires_at.isoformat(timespec="minutes")
        self._say("approved", f"{self._approval.approved_by} approved until {until}. Run the next cell to apply it.")
        self._on_approved(self._approval)

    def _decide(self) -> Approval:
        plan = self._file.plan
        if plan.second_person:
            if self.typed.value != plan.target.typed:
                raise GateClosed("What was typed is not the target.", next_step="Type the target again.")
            approval = read_approval(Path(self.second.value.strip()))
            why = refusal(plan, approval, now=self._clock(), spent_at=self._spent(approval.id))
            if why is not None:
                raise GateClosed(why, next_step="Have the plan approved again.")
            return approval
        return grant(self._file, typed=self.typed.value, approver=self._operator, now=self._clock(), lasts=self._lasts)

    def take(self) -> Approval | None:
        """The approval, once; None if nobody has approved or it was taken before."""
        approval, self._approval = self._approval, None
        if approval is not None:
            self._say("spent", "The approval has been used; it opens no gate again.")
        return approval
