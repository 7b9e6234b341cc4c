"""The gate's face in JupyterLab: the plan, a text to type, one button; it fails closed."""

from __future__ import annotations

import html
import shlex
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from glhelpers.errors import GateClosed, GlhelpersError
from glhelpers.gates import alive
from glhelpers.gates.copying import rows_to_copy, spoken
from glhelpers.gates.decision import grant, refusal
from glhelpers.gates.files import read_approval
from glhelpers.gates.from_issue import approving_line
from glhelpers.gates.presence import PRESENCE
from glhelpers.models.change import Approval, ChangePlan, PlanFile

__all__ = ["STATES", "ConfirmGate"]

STATES = {
    "closed": ("▢", "Closed"),
    "armed": ("▶", "Armed"),
    "approved": ("✔", "Approved, not sent yet"),
    "spent": ("■", "Being applied"),
    "applied": ("★", "Applied"),
    "refused": ("✘", "Refused"),
    "stale": ("◌", "Stale"),
}
"""Each state with its sign and its word: colour is never the only difference."""

_ENDED = ("approved", "spent", "applied", "stale")
_AGAIN = "Run this cell again to be asked anew."

_STYLE = """<style>
.glh-gate{border:2px dashed var(--jp-border-color1,#888);border-radius:8px;padding:10px 14px;margin:6px 0}
.glh-gate .glh-gate-message{padding:6px 10px;margin-top:6px;border:2px dashed currentColor;border-radius:4px;
 line-height:1.45;overflow-wrap:anywhere;color:var(--jp-ui-font-color1,inherit)}
.glh-gate .glh-asked{line-height:1.45;margin:6px 0}
.glh-gate .glh-copy th,.glh-gate .glh-copy td{text-align:left;vertical-align:top;line-height:1.6;padding:2px 12px 2px 0}
.glh-gate .glh-copy th{white-space:nowrap}.glh-gate .glh-copy code{overflow-wrap:anywhere}
.glh-gate .glh-copy button{line-height:1.6;height:auto;padding:0 10px}
.glh-gate .glh-gate-armed{border:4px solid #c17d10}
.glh-gate .glh-gate-approved{border:5px double #2da160}
.glh-gate .glh-gate-spent{border:2px solid #428fdc}
.glh-gate .glh-gate-applied{border:2px solid #2da160;border-left-width:14px}
.glh-gate .glh-gate-refused{border:2px solid #dd2b0e;border-left-width:14px}
.glh-gate .glh-gate-stale{border:2px dotted currentColor;text-decoration:line-through;text-decoration-thickness:1px}
.glh-gate .glh-gate-stale strong,.glh-gate .glh-gate-stale span{display:inline-block;text-decoration:none}
.glh-gate.jupyter-widgets-disconnected::before{content:"◌ STALE ⚡ The kernel of this gate has ended: nothing can be approved here.";
 font-weight:700;font-family:inherit;color:var(--jp-ui-font-color1,inherit)}
.glh-gate.jupyter-widgets-disconnected>*{opacity:.55;pointer-events:none}
.glh-gate.jupyter-widgets-disconnected .glh-gate-message{display:none}
.glh-gate input:focus-visible,.glh-gate button:focus-visible{outline:3px solid #428fdc;outline-offset:2px}
</style>"""


class ConfirmGate:
    """
    Asks one person about one plan.

    The answer lives in this object only: running the cell again makes a new gate without an answer,
    and `take` hands an approval out once.  Nothing is ever answered by default or by waiting.  It hears
    only the page that it was made for, and nothing that was held up on the way.

    `find_note` looks for a colleague's note on the issue; `on_apply` runs the steps that follow, where the
    page can (`can_apply`).
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
        find_note: Callable[[], Approval] | None = None,
        on_apply: Callable[[], bool] = lambda: False,
        can_apply: Callable[[], bool] = lambda: False,
        ticket: str = "",
        plan_path: Path | None = None,
    ) -> None:
        self._file, self._operator, self._lasts, self._clock, self._spent = file, operator, lasts, clock, spent
        self._on_approved, self._find_note = on_approved, find_note
        self._on_apply, self._can_apply = on_apply, can_apply
        self._approval: Approval | None = None
        self._noted: Approval | None = None
        self._page = PRESENCE.now().session
        self.state = "closed"
        self._make_controls(file.plan)
        if plan_path is not None:
            self.second.value = str(plan_path.with_name("approval.json"))
        head = widgets.HTML(_STYLE + card + self._for_the_second_person(plan_path) + self._asked(ticket))
        self.box = widgets.VBox([head, self.typed, self.look, self.second, self.button, self.apply, self.message])
        self.box.add_class("glh-gate")
        self._say("closed", self._instruction())
        alive.keep(self)

    def _make_controls(self, plan: ChangePlan) -> None:
        """The fields and buttons, in the order in which the keyboard reaches them."""
        two, target = bool(plan.second_person), plan.target
        self.typed = _text("Type the target", target.typed, f"Type {target.typed} to arm the button")
        self.look = _button("Look for a colleague's note on the issue", "Reads the notes of the issue", "")
        self.look.layout.display = "" if two and self._find_note is not None else "none"
        self.second = _text(
            "Approval file",
            "path of the approval.json that a second person made",
            "What a second person was given by glhelpers approve",
            shown=two,
        )
        self.button = _button(
            f"Approve this change to {target.name}",
            "Nothing is sent yet: the next cell applies what you approve here",
            "danger",
        )
        self.apply = _button(
            "Apply it now ▸", "Runs the cells below: sends the change once and reads it back", "warning"
        )
        self.button.disabled, self.apply.layout.display = True, "none"
        self.message = spoken()
        self.typed.observe(self._typing, names="value")
        self.second.observe(self._typing, names="value")
        self.button.on_click(self._pressed)
        self.look.on_click(self._looked)
        self.apply.on_click(self._go_on)

    def _for_the_second_person(self, plan_path: Path | None) -> str:
        """What to hand a colleague, where the plan needs one: a command, and a line for the issue."""
        plan = self._file.plan
        if not plan.second_person:
            return ""
        rows = [] if plan_path is None else [("In a terminal here", f"glhelpers approve {shlex.quote(str(plan_path))}")]
        if self._find_note is not None:
            rows.append(("Or as a note on the issue", approving_line(plan.digest)))
        return f"<h3>For the second person</h3>{rows_to_copy(rows)}" if rows else ""

    def _asked(self, ticket: str) -> str:
        """Who is asked, for which ticket, and where it would happen."""
        plan = self._file.plan
        where = plan.profile if plan.profile == "sandbox" else f"{plan.profile}, which is not the sandbox"
        for_ticket = f" for ticket {html.escape(ticket)}" if ticket else ""
        return (
            f'<p class="glh-asked">You are asked as <strong>{html.escape(self._operator)}</strong>{for_ticket}, on profile '
            f"<strong>{html.escape(where)}</strong>. The facts are of {self._file.planned_at:%H:%M:%S} UTC; they are read "
            "again before anything is sent.</p>"
        )

    def _instruction(self) -> str:
        target = self._file.plan.target.typed
        if self._file.plan.second_person:
            why = "; ".join(self._file.plan.second_person)
            note = ", or write the note on the issue, which the button finds" if self._find_note is not None else ""
            return (
                f"Not approved. This plan needs a second person ({why}): they run the command above, which makes the "
                f"approval file{note}. Then type {target}."
            )
        return f"Not approved, nothing will be written. Type {target} to arm the button."

    def _armed(self) -> str:
        if self._file.plan.second_person and self._noted is None:
            return "The button is armed. It takes your colleague's approval from the file; while there is none, it refuses."
        return "The button is armed. Read the change once more before you press it."

    def _say(self, state: str, text: str) -> None:
        self.state = state
        sign, word = STATES[state]
        self.message.value = (
            f'<div class="glh-gate-message glh-gate-{state}" role="status" aria-live="polite">'
            f"<strong>{sign} {word.upper()}</strong> <span>{html.escape(text)}</span></div>"
        )

    def _heard(self) -> bool:
        """Whether this message may move the gate; one of another page, or one held up, closes it for good."""
        message = PRESENCE.now()
        if message.session != self._page:
            self.go_stale("This came from another page than the one that the gate was made for.")
        elif message.held_up:
            self.go_stale(f"This was pressed {message.late_seconds:.0f} seconds before it arrived.")
        else:
            return True
        return False

    def _typing(self, change: dict[str, Any]) -> None:
        if self.state in _ENDED or not self._heard():
            return
        fits = self.typed.value == self._file.plan.target.typed
        self.button.disabled = not fits
        if fits:
            self._say("armed", self._armed())
        else:
            self._say("closed", self._instruction())

    def _looked(self, button: widgets.Button) -> None:
        """A colleague's note, if there is one that counts: it stands in for the file."""
        if self.state in _ENDED or self._find_note is None or not self._heard():
            return
        try:
            self._noted = self._find_note()
        except GlhelpersError as none:
            self._noted = None
            self._say("closed", str(none))
            return
        self.second.layout.display = "none"
        self._say("closed", f"{self._noted.approved_by} has approved this plan in a note. Type the target to go on.")
        self._typing({})

    def _pressed(self, button: widgets.Button) -> None:
        """One click is one approval: a second click message finds the gate approved and does nothing."""
        if self.state in _ENDED or not self._heard():
            return
        self.button.disabled = True
        try:
            self._approval = self._decide()
        except GlhelpersError as closed:
            self._refuse(closed)
            return
        self._lock()
        until = self._approval.expires_at.isoformat(timespec="minutes")
        self._say("approved", f"{self._approval.approved_by} approved until {until}. Run the next cell to apply it.")
        self.apply.layout.display = "" if self._can_apply() else "none"
        self._on_approved(self._approval)

    def _refuse(self, closed: GlhelpersError) -> None:
        """Say why; where a colleague's approval is still to come, the same press can be tried again."""
        plan = self._file.plan
        again = bool(plan.second_person) and self.typed.value == plan.target.typed
        self._say("refused", f"{closed} Once it is there, press the button again." if again else str(closed))
        self.button.disabled = not again

    def _go_on(self, button: widgets.Button) -> None:
        """A second press before the first one's cells have run would run them twice: it does nothing."""
        if self.state == "approved" and not self.apply.disabled and self._heard():
            self.apply.disabled = True
            self._on_apply()

    def _decide(self) -> Approval:
        plan = self._file.plan
        if plan.second_person:
            if self.typed.value != plan.target.typed:
                raise GateClosed("What was typed is not the target.", next_step="Type the target again.")
            if self._noted is not None:
                return self._noted
            approval = read_approval(Path(self.second.value.strip()))
            why = refusal(plan, approval, now=self._clock(), spent_at=self._spent(approval.id))
            if why is not None:
                raise GateClosed(why, next_step="Have the plan approved again.")
            return approval
        return grant(self._file, typed=self.typed.value, approver=self._operator, now=self._clock(), lasts=self._lasts)

    def _lock(self) -> None:
        self.typed.disabled = self.second.disabled = self.look.disabled = self.button.disabled = True

    def go_stale(self, why: str) -> None:
        """Forget what was typed and approved, for good; what was handed out already is not taken back here."""
        if self.state in ("spent", "applied", "stale"):
            return
        self._approval = self._noted = None
        self._lock()
        self.apply.layout.display = "none"
        self._say("stale", f"{why} Nothing is approved here. {_AGAIN}")

    def conclude(self, state: str, text: str) -> None:
        """What came of the approval: `applied`, `refused` or `stale`, in a sentence."""
        self.apply.layout.display = "none"
        self._lock()
        self._say(state, text)

    def take(self) -> Approval | None:
        """The approval, once; None if nobody has approved, if it was taken before, or if it was asked for too late."""
        if self._approval is not None and PRESENCE.now().held_up:
            self.go_stale("The cell was run long before the kernel heard of it.")
        approval, self._approval = self._approval, None
        if approval is not None:
            self._say("spent", "The approval has been used; it opens no gate again.")
        return approval


def _text(label: str, hint: str, tooltip: str, *, shown: bool = True) -> widgets.Text:
    layout = {"width": "min(100%, 44em)"} if shown else {"display": "none"}
    return widgets.Text(
        description=label,
        placeholder=hint,
        tooltip=tooltip,
        layout=widgets.Layout(**layout),
        style={"description_width": "11em"},
    )


def _button(text: str, tooltip: str, style: str) -> widgets.Button:
    layout = widgets.Layout(width="auto", max_width="100%", align_self="flex-start")
    return widgets.Button(description=text, tooltip=tooltip, button_style=style, layout=layout)
