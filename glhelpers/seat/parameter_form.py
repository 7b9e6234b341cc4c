"""The parameters of a runbook as a form: one typed field each, checked as one types, with what is wrong below it."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from glhelpers.gates.copying import spoken, status_line
from glhelpers.models.parameter_words import PARAMETERS, Words
from glhelpers.models.request import RunbookParameters, problems_in

__all__ = ["ParameterForm"]

_WIDE = "min(100%, 46em)"
_LABEL = {"description_width": "13em"}
_STYLE = """<style>
.glh-form h4{margin:10px 0 2px;line-height:1.3}
.glh-form .glh-problem{margin-left:13.5em;color:color-mix(in srgb,#dd2b0e 60%,var(--jp-ui-font-color1,#000));font-weight:600;line-height:1.3}
.glh-form .glh-wrong input,.glh-form .glh-wrong textarea,.glh-form .glh-wrong select{border:2px solid #dd2b0e}
.glh-form .widget-html-content{line-height:1.4}
.glh-form .glh-by-field{margin-left:13.75em}
.glh-form .glh-form-message{padding:4px 0;overflow-wrap:anywhere}
.glh-seat input:focus-visible,.glh-seat select:focus-visible,.glh-seat textarea:focus-visible,
.glh-seat button:focus-visible{outline:3px solid #428fdc;outline-offset:1px}
.glh-seat.jupyter-widgets-disconnected{opacity:.55}
</style>"""
_MARKS = {"ready": "✔", "mend": "✘", "running": "…", "stopped": "✘", "told": "✔", "ended": "■", "waits": "▢"}


class _Field:
    """One parameter: its widget, and the line below it that says what is wrong."""

    def __init__(self, name: str, value: str, needed: bool, changed: Callable[[dict[str, Any]], None]) -> None:
        self.name, self.words, self.needed = name, PARAMETERS[name], needed
        self.widget: Any = _widget(self.words, value, needed)
        self.message = spoken()
        self.box = widgets.VBox([self.widget, self.message])
        self.box.add_class(f"glh-field-{name}")
        self.widget.observe(changed, names="value")

    @property
    def value(self) -> str:
        """The answer as the parameter takes it, whether it was chosen in words or typed."""
        text = str(self.widget.value).strip()
        return next((value for value, words in self.words.proposed.items() if words == text), text)

    def fill(self, value: str) -> None:
        """Set the value; an answer that is none of the choices is left out."""
        if self.words.choices is None or value in ("", *self.words.choices):
            self.widget.value = self.words.proposed.get(value, value)

    def say(self, problem: str | None) -> None:
        """What is wrong, as a line that a screen reader speaks; nothing where nothing is."""
        said = "" if problem is None else f"✘ {html.escape(self.words.label)} {html.escape(problem)}."
        self.message.value = f'<div class="glh-problem" role="status" aria-live="polite">{said}</div>' if said else ""
        (self.box.add_class if said else self.box.remove_class)("glh-wrong")


def _widget(words: Words, value: str, needed: bool) -> Any:
    looks = {
        "description": words.label + (" *" if needed else ""),
        "layout": widgets.Layout(width=_WIDE),
        "style": _LABEL,
        "tooltip": words.hint,
    }
    if words.choices is not None:
        options = [("not given", ""), *((text, choice) for choice, text in words.choices.items())]
        return widgets.Dropdown(options=options, value=value if value in words.choices else "", **looks)
    if words.proposed:
        return widgets.Combobox(
            options=tuple(words.proposed.values()),
            value=words.proposed.get(value, value),
            ensure_option=False,
            placeholder=words.hint,
            **looks,
        )
    kind = widgets.Textarea if words.long else widgets.Text
    return kind(value=value, placeholder=words.hint, **({"rows": 2} if words.long else {}), **looks)


class ParameterForm:
    """
    Asks for the parameters of one runbook.

    `values` are those of the notebook's parameters cell.  `on_changed` is told all values after each change,
    `on_go` the press of the button that looks up, `on_ticket` the press of the one that reads the ticket.
    """

    def __init__(
        self,
        model: type[RunbookParameters],
        values: Mapping[str, str],
        *,
        on_changed: Callable[[dict[str, str]], None],
        on_go: Callable[[], None],
        on_ticket: Callable[[str], None],
    ) -> None:
        self._model, self._on_changed, self._quiet = model, on_changed, False
        needed = {name for name, info in model.model_fields.items() if info.is_required() or PARAMETERS[name].needed}
        self.fields = {
            name: _Field(name, values.get(name, ""), name in needed, self._changed)
            for name in _in_order(model.model_fields)
        }
        self.go = _button("Look up ▸", "Runs the steps below as far as the approval; nothing is written", "primary")
        self.clear = _button("Empty the form", "Takes all values out of the form", "")
        self.read_ticket = _button("Fill in from the ticket", "Reads the ticket and fills in what it names", "")
        self.more = _button("Show the fields that are seldom needed", "Approval files, sheets, tokens", "")
        self.message = spoken()
        self._seldom = widgets.VBox([field.box for field in self.fields.values() if field.words.seldom])
        self.read_ticket.add_class("glh-by-field")
        self.more.add_class("glh-by-field")
        self.box = widgets.VBox(
            [widgets.HTML(_STYLE), *self._groups(), self.more, self._seldom, self._row(), self.message]
        )
        self.box.add_class("glh-form")
        self._show_seldom(any(field.value for field in self.fields.values() if field.words.seldom))
        self.more.on_click(lambda button: self._show_seldom(self._seldom.layout.display == "none"))
        self.clear.on_click(lambda button: self.fill(dict.fromkeys(self.fields, "")))
        self.go.on_click(lambda button: on_go() if self.problems() == {} else self._check())
        self.read_ticket.on_click(lambda button: on_ticket(self.fields["ticket_url"].value))
        self.lets_go(False)
        self._check()

    def _groups(self) -> list[Any]:
        """The fields under the heading of what they are about; the button that reads the ticket stands by its link."""
        groups: dict[str, list[Any]] = {}
        for field in self.fields.values():
            if not field.words.seldom:
                groups.setdefault(field.words.about, []).append(field.box)
                if field.name == "ticket_url":
                    groups[field.words.about].append(self.read_ticket)
        return [
            part
            for about, boxes in groups.items()
            for part in (widgets.HTML(f"<h4>{html.escape(about)}</h4>"), widgets.VBox(boxes))
        ]

    def _row(self) -> Any:
        return widgets.HBox([self.go, self.clear], layout=widgets.Layout(flex_flow="row wrap"))

    def _show_seldom(self, shown: bool) -> None:
        self._seldom.layout.display = "" if shown else "none"
        self.more.description = f"{'Hide' if shown else 'Show'} the fields that are seldom needed"

    @property
    def values(self) -> dict[str, str]:
        """Every parameter with what stands in its field; empty means "not given"."""
        return {name: field.value for name, field in self.fields.items()}

    def problems(self) -> dict[str, str]:
        """What is wrong, by parameter; empty if a run can start."""
        missing = {field.name: "is missing" for field in self.fields.values() if field.needed and not field.value}
        return missing | dict(problems_in(self._model, dict(self.values)))

    def fill(self, values: Mapping[str, str]) -> None:
        """Set several fields at once; told as one change."""
        self._quiet = True
        try:
            for name, value in values.items():
                if name in self.fields:
                    self.fields[name].fill(value)
        finally:
            self._quiet = False
        self._changed({})

    def say(self, state: str, text: str) -> None:
        """A line below the form, in the words of `text`; `state` is one of ready, mend, running, stopped, told."""
        self.message.value = status_line("form", state, _MARKS[state], text)

    def lets_go(self, possible: bool) -> None:
        """Whether a press of the button can run the steps: only a page that takes part in it can."""
        self.go.layout.display = "" if possible else "none"

    def _changed(self, change: dict[str, Any]) -> None:
        if self._quiet:
            return
        self._check()
        self._on_changed(self.values)

    def _check(self) -> None:
        problems = self.problems()
        for name, field in self.fields.items():
            problem = problems.get(name)
            # A field that is still to be filled in is no mistake yet; its star says that it is needed.
            field.say(None if problem is not None and not field.value and field.needed else problem)
        self.go.disabled = bool(problems)
        self.read_ticket.disabled = "ticket_url" in problems or not self.fields["ticket_url"].value
        if problems:
            named = ", ".join(self.fields[name].words.label if name in self.fields else name for name in problems)
            self.say("mend", f"To look up, fill in or mend: {named}.")
        else:
            self.say("ready", "All that is needed is given. Looking up changes nothing.")


def _button(text: str, tooltip: str, style: str) -> Any:
    layout = widgets.Layout(width="auto", max_width="100%", align_self="flex-start")
    return widgets.Button(description=text, tooltip=tooltip, button_style=style, layout=layout)


def _in_order(names: Mapping[str, object]) -> list[str]:
    """The parameters in the order in which a person has them at hand: that of `PARAMETERS`."""
    return [name for name in PARAMETERS if name in names]
