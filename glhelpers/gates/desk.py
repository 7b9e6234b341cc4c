"""Where a person carries out a change in admin pages: the form to fill in, and what the page answered."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import ipywidgets as widgets

from glhelpers.errors import GateClosed, GlhelpersError, RunbookContractError
from glhelpers.gates.copying import link, rows_to_copy, spoken, status_line
from glhelpers.models.form import AnswerKind, ManualAnswer, ManualForm, one_line

__all__ = ["ManualDesk"]

_MARKS = {"waiting": "▢", "ready": "▶", "finished": "✔", "ended": "✘"}


class ManualDesk:
    """
    Shows one form at a time and keeps what a person says that the page answered.

    After success the next form comes; after anything else none does, but for `on_failure`, the way
    back, where an earlier form had succeeded already. An answer recorded is final, and nothing is ever
    answered by default or by waiting. `on_answer` keeps each answer before the next form is shown; where
    it raises a `GlhelpersError`, the answer is not recorded.
    """

    def __init__(
        self,
        forms: Sequence[ManualForm],
        operator: str,
        clock: Callable[[], datetime],
        on_failure: ManualForm | None = None,
        on_answer: Callable[[ManualAnswer], None] = lambda answer: None,
    ) -> None:
        if not forms:
            raise RunbookContractError("There is no form to fill in.")
        if not operator.strip():
            raise GateClosed("An answer needs the name of a person.", next_step="Set GLHELPERS_OPERATOR.")
        self._forms, self._operator, self._clock = list(forms), operator, clock
        self._way_back, self._on_answer = on_failure, on_answer
        self._answers: list[ManualAnswer] = []
        self._form: ManualForm | None = None
        self.state = "waiting"
        wide, words = widgets.Layout(width="min(100%, 44em)"), {"description_width": "15em"}
        self.card, self.message = widgets.HTML(), spoken()
        self.answer = widgets.Dropdown(
            description="What did the page answer?",
            options=[("choose…", "")],
            layout=wide,
            style=words,
            tooltip="What the page showed after you pressed its button",
        )
        self.text = widgets.Textarea(
            description="Its exact text",
            placeholder="paste what the page says, word for word",
            layout=wide,
            style=words,
            tooltip="The exact text that the page showed; needed for an error",
        )
        self.button = widgets.Button(
            description="Record the answer",
            disabled=True,
            button_style="primary",
            layout=widgets.Layout(width="auto", max_width="100%", align_self="flex-start"),
            tooltip="An answer that is recorded cannot be changed",
        )
        self.box = widgets.VBox([self.card, self.answer, self.text, self.button, self.message])
        self.box.add_class("glh-desk")
        self._show(self._forms[0], "")
        self.answer.observe(self._changed, names="value")
        self.text.observe(self._changed, names="value")
        self.button.on_click(self._pressed)

    def take(self) -> tuple[ManualAnswer, ...] | None:
        """What the pages answered, in order; None as long as an answer is outstanding."""
        return tuple(self._answers) if self._form is None else None

    def _show(self, form: ManualForm, reason: str) -> None:
        self._form = form
        self.answer.options = (
            ("choose…", ""),
            (f"success: {form.success}", "success"),
            ("an error text", "refused"),
            ("I pressed it and no usable answer came (blank page, time-out, 502)", "no_answer"),
            ("I did not press the button", "not_done"),
        )
        self.answer.value, self.text.value, self.button.disabled = "", "", True
        self.card.value = self._card(form, reason)
        self._wait()

    def _card(self, form: ManualForm, reason: str) -> str:
        number = "" if len(self._forms) == 1 else f"Form {len(self._answers) + 1} of {len(self._forms)}: "
        if form is self._way_back:
            number = "The way back: "
        note = rows_to_copy([("Line for the admin note", form.note)]) if form.note is not None else ""
        then = "".join(f"<li>{html.escape(line)}</li>" for line in form.read_back)
        return (
            f'<div class="glh" role="group" aria-label="{html.escape(form.title)}">{self._so_far()}'
            f'<div class="glh-card glh-warn"><h3>{html.escape(number + form.title)}</h3>'
            + (f'<p role="alert"><strong>{html.escape(reason)}</strong></p>' if reason else "")
            + f"<p><strong>Mind:</strong> {html.escape(form.warning)}</p>"
            f"<p>1. {link(form.url, 'Open the admin page')} ({html.escape(form.place)}).</p>"
            f"<p>2. Check that its fields hold exactly this:</p>{rows_to_copy((f.label, f.value) for f in form.fields)}"
            f"<p>3. Press <strong>{html.escape(form.button)}</strong>. If it worked, the page shows "
            f"<code>{html.escape(form.success)}</code>. Then tell below what it showed.</p>"
            + (f"<p>Afterwards:</p><ul>{then}</ul>" if then else "")
            + f"{note}</div></div>"
        )

    def _so_far(self) -> str:
        lines = "".join(
            f"<li><code>{html.escape(answer.action)}</code>: {html.escape(answer.says)} "
            f"({html.escape(answer.answered_by)}, {answer.answered_at.isoformat(timespec='seconds')})</li>"
            for answer in self._answers
        )
        return f'<ol aria-label="Answers recorded">{lines}</ol>' if lines else ""

    def _changed(self, change: dict[str, Any]) -> None:
        if self._form is None:
            return
        lacking = self._lacking()
        self.button.disabled = lacking is not None
        if lacking is not None:
            self._wait(lacking)
        else:
            self._say("ready", "Press the button to record this answer; it cannot be changed afterwards.")

    def _lacking(self) -> str | None:
        """What is still needed before the answer can be recorded, in one sentence."""
        if self.answer.value == "":
            return "Choose what the page answered."
        if self.answer.value == "refused" and not one_line(self.text.value):
            return "An error needs its text, word for word."
        return None

    def _wait(self, lacking: str = "Choose what the page answered.") -> None:
        self._say("waiting", f"Nothing is recorded yet. {lacking}")

    def _say(self, state: str, text: str) -> None:
        self.state = state
        self.message.value = status_line("desk", state, _MARKS[state], text)

    def _pressed(self, button: widgets.Button) -> None:
        """One click records one answer: what a second click message finds is the next form, without an answer."""
        form = self._form
        if form is None:
            return
        lacking = self._lacking()
        if lacking is not None:
            self._wait(lacking)
            return
        kind: AnswerKind = self.answer.value
        answer = ManualAnswer(
            action=form.action,
            kind=kind,
            text=self.text.value,
            answered_by=self._operator,
            answered_at=self._clock(),
        )
        try:
            self._on_answer(answer)  # what could not be kept is not recorded: the button can be pressed again
        except GlhelpersError as failure:
            self._wait(str(failure))
            return
        self._answers.append(answer)
        self._go_on(form, answer)

    def _go_on(self, form: ManualForm, answer: ManualAnswer) -> None:
        done = len(self._answers)
        going_back = form is self._way_back
        if answer.kind == "success" and not going_back and done < len(self._forms):
            self._show(self._forms[done], "")
        elif answer.kind != "success" and not going_back and done > 1 and self._way_back is not None:
            self._show(self._way_back, _why_back(form, answer))
        else:
            self._finish()

    def _finish(self) -> None:
        self._form = None
        self.answer.disabled = self.text.disabled = self.button.disabled = True
        self.card.value = f'<div class="glh" role="group" aria-label="Answers recorded">{self._so_far()}</div>'
        through = len(self._answers) == len(self._forms) and all(told.kind == "success" for told in self._answers)
        state = "finished" if through else "ended"
        self._say(state, f"Recorded for {self._operator}. Run the next cell: it reads back what can be read.")


def _why_back(form: ManualForm, answer: ManualAnswer) -> str:
    """Why the way back is shown; after a page that did not answer it may be the wrong way."""
    why = f"{form.title} did not succeed ({answer.says})."
    if answer.kind != "no_answer":
        return f"{why} Put back what was there before."
    look = " ".join(form.read_back)
    return (
        f"{why} It may have worked all the same: look first. If you find this, do not press the button below, and say "
        f"so: {look} Otherwise put back what was there before."
    )
