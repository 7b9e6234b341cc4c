"""A rehearsal at the seat: the ticket and the goal beside the form, a hint, and whether the right thing was done."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from glhelpers.errors import GlhelpersError
from glhelpers.gates.copying import link, spoken, status_line
from glhelpers.rehearsal.card import case_card
from glhelpers.rehearsal.case import Case
from glhelpers.rehearsal.session import judge_running
from glhelpers.rehearsal.verdict import Judged, Judgement

__all__ = ["TrainingPanel"]

_SIGNS = {Judged.right: "✔", Judged.not_yet: "…", Judged.wrong: "✘"}
_AFTER = {
    Judged.not_yet: "Stuck? The button beside shows a hint.",
    Judged.wrong: "A change cannot be taken out again: end the rehearsal, and start it anew in its terminal.",
}


class TrainingPanel:
    """
    The training case that is rehearsed on this sandbox.

    `on_ticket` is told the ticket's link when it is to be taken into the form.  Hint and verdict come only when
    they are asked for; the solution is told once the case is right.
    """

    def __init__(self, case: Case, runs_dir: Path, *, on_ticket: Callable[[str], None]) -> None:
        self._case, self._runs_dir = case, runs_dir
        self.ticket = _button("Take this ticket into the form", "Fills in what the ticket names", "")
        self.hint = _button("Show a hint", "Says where to look, not what to do", "")
        self.judge = _button("Was the right thing done?", "Goes by what was sent, and by your runs", "info")
        self.said = spoken()
        buttons = widgets.HBox([self.ticket, self.hint, self.judge], layout=widgets.Layout(flex_flow="row wrap"))
        self.box = widgets.VBox([widgets.HTML(case_card(case, begun=True)), buttons, self.said])
        self.box.add_class("glh-training")
        self.ticket.on_click(lambda button: on_ticket(case.ticket.url))
        self.hint.on_click(lambda button: self._say("hint", "?", case.hint))
        self.judge.on_click(lambda button: self._judge())

    def _judge(self) -> None:
        """As `glhelpers sandbox judge` does: it changes nothing, and may be asked at any time."""
        try:
            _, judgement = judge_running(self._case.id, self._runs_dir)
        except GlhelpersError as unknown:
            self._say("unknown", "○", str(unknown))
            return
        self._say(judgement.verdict.value, _SIGNS[judgement.verdict], self._case.title, self._why(judgement))

    def _why(self, judgement: Judgement) -> str:
        reasons = "".join(f"<li>{html.escape(reason)}</li>" for reason in judgement.reasons)
        if judgement.verdict is Judged.right:
            why = f"{html.escape(self._case.solution.says)} {link(self._case.section, 'Handbook')}"
        else:
            why = html.escape(_AFTER[judgement.verdict])
        return f"<ul>{reasons}</ul><p>{why}</p>"

    def _say(self, state: str, mark: str, text: str, more: str = "") -> None:
        told = status_line("training", state.replace(" ", "-"), mark, text)
        self.said.value = f'<div class="glh">{told}{more}</div>'


def _button(text: str, tooltip: str, style: str) -> Any:
    return widgets.Button(
        description=text, tooltip=tooltip, button_style=style, layout=widgets.Layout(width="auto", max_width="100%")
    )
