"""Where a person tells what CustomersDot's admin pages show: a section per look-up, typed, saved as a sheet."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import ipywidgets as widgets
from pydantic import JsonValue, TypeAdapter, ValidationError

from glhelpers.clients.manual import MissingLookup
from glhelpers.errors import GateClosed, GlhelpersError
from glhelpers.gates.copying import link, rows_to_copy, spoken, status_line
from glhelpers.gates.fields import TypedField, is_number
from glhelpers.models.namespace import TokenInfo
from glhelpers.models.sheet import PortalGroups, PortalSheet, parse_key

__all__ = ["LookUpForm", "beside", "merged"]

_MARKS = {"open": "▢", "told": "✔", "mend": "✘", "saved": "✔", "unsaved": "▢", "failed": "✘"}
_MOST_ROWS = 3
_TELLING: Mapping[type, tuple[str, str, JsonValue]] = {
    PortalGroups: ("the page answers 502", "502", {"status": 502}),
    TokenInfo: ("the token is expired or revoked", "expired", {"error": "invalid_token"}),
}
"""Failures that tell something: in words, as a choice, and as the adapter answers them."""


def beside(shown: str, form: LookUpForm) -> widgets.VBox:
    """What a cell shows, as HTML of our own making, with the form below it."""
    return widgets.VBox([widgets.HTML(shown), form.box])


def merged(old: PortalSheet | None, told: Mapping[str, JsonValue], by: str, now: datetime) -> PortalSheet:
    """
    The old sheet with what was told now.

    Where a part of the old one stays, the sheet names both persons and the earlier time, so that no
    look-up seems fresher than it is.
    """
    kept = {key: value for key, value in old.lookups.items() if key not in told} if old is not None else {}
    if old is None or not kept:
        return PortalSheet(read_by=by, read_at=now, lookups=dict(told))
    people = old.read_by.split(" and ")
    names = " and ".join(people if by in people else [*people, by])
    return PortalSheet(read_by=names, read_at=min(old.read_at, now), lookups={**kept, **told})


class _Row:
    """The fields of one record; what it was looked up by is known and not asked for."""

    def __init__(self, lookup: MissingLookup, title: str, changed: Callable[[dict[str, Any]], None]) -> None:
        self._model = lookup.model
        _, by = parse_key(lookup.key)
        self._known: dict[str, JsonValue] = {
            name: int(value) if is_number(lookup.model.model_fields[name]) and value.isdigit() else value
            for name, value in by.items()
            if name in lookup.model.model_fields
        }
        self.fields = {
            name: TypedField(name, info, changed)
            for name, info in lookup.model.model_fields.items()
            if name not in self._known
        }
        head = widgets.HTML(f"<strong>{html.escape(title)}</strong>")
        self.box = widgets.VBox([head, *(field.widget for field in self.fields.values())])

    def problem(self) -> str | None:
        """The first thing that is wrong; None if nothing is."""
        for field in self.fields.values():
            if (problem := field.problem()) is not None:
                return problem
        try:
            TypeAdapter(self._model).validate_python(self.value())
        except ValidationError as error:
            return f"{'.'.join(str(part) for part in error.errors()[0]['loc']) or 'the record'} does not fit"
        return None

    def value(self) -> dict[str, JsonValue]:
        """What is known and what was told; what was left blank is not in it."""
        return self._known | {name: field.value() for name, field in self.fields.items() if field.told}


class _Section:
    """One look-up: where to make it, what the page shows, and its rows."""

    def __init__(self, lookup: MissingLookup, changed: Callable[[], None]) -> None:
        self.lookup, self._tell_form = lookup, changed
        self._rows: list[_Row] = []
        self.shows = widgets.Dropdown(
            description="What does it show?",
            options=_choices(lookup),
            layout=widgets.Layout(width="min(100%, 36em)"),
            style={"description_width": "15em"},
            tooltip=f"What the page shows for: {lookup.label}",
        )
        self.message, self._place = spoken(), widgets.VBox([])
        _, by = parse_key(lookup.key)
        head = (
            f'<div class="glh" role="group" aria-label="{html.escape(lookup.label)}"><h3>{html.escape(lookup.label)}</h3>'
            f"<p>{link(lookup.url, 'Open the admin page')}</p>"
            f"{rows_to_copy((name.replace('_', ' '), value) for name, value in by.items())}</div>"
        )
        self.box = widgets.VBox([widgets.HTML(head), self.shows, self._place, self.message])
        self.shows.observe(self._changed, names="value")
        self._say()

    @property
    def rows(self) -> list[_Row]:
        """The rows that are to be filled in, as many as were chosen."""
        return self._rows[: int(self.shows.value)] if self.shows.value in ("1", "2", "3") else []

    def problem(self) -> str | None:
        """What is still to be mended; None if nothing is, or if the look-up was not made."""
        for number, row in enumerate(self.rows, 1):
            if (problem := row.problem()) is not None:
                return f"row {number}: {problem}" if self.lookup.many else problem
        ids = [str(row.value().get("id")) for row in self.rows]
        if self.lookup.many and len(set(ids)) < len(ids):
            return "two rows have the same id"
        return None

    @property
    def told(self) -> bool:
        """Whether the person said what the page shows, and said it well."""
        return self.shows.value != "" and self.problem() is None

    def value(self) -> JsonValue:
        """What the adapter would have answered."""
        telling = _TELLING.get(self.lookup.model)
        if telling is not None and self.shows.value == telling[1]:
            return telling[2]
        if self.shows.value == "none":
            return [] if self.lookup.many else None
        values: list[JsonValue] = [dict(row.value()) for row in self.rows]
        return values if self.lookup.many else values[0]

    def _changed(self, change: dict[str, Any]) -> None:
        wanted = int(self.shows.value) if self.shows.value in ("1", "2", "3") else 0
        while len(self._rows) < wanted:
            title = f"Row {len(self._rows) + 1}" if self.lookup.many else "As the page shows it"
            self._rows.append(_Row(self.lookup, title, self._typed))
        self._place.children = tuple(row.box for row in self.rows)
        self._typed(change)

    def _typed(self, change: dict[str, Any]) -> None:
        self._say()
        self._tell_form()

    def _say(self) -> None:
        problem = self.problem()
        if self.shows.value == "":
            state, text = "open", "Not looked up."
        elif problem is not None:
            state, text = "mend", f"{problem[0].upper()}{problem[1:]}."
        else:
            state, text = "told", "Ready to be saved; what is left blank counts as not told."
        self.message.value = status_line("lookup", state, _MARKS[state], text)


class LookUpForm:
    """
    Asks a person for what nobody looked up yet, and hands a new sheet to `on_saved`.

    Nothing is told by default: a section whose page was not opened stays out of the sheet, a field left
    blank is not told.
    """

    def __init__(
        self,
        missing: Sequence[MissingLookup],
        operator: str,
        clock: Callable[[], datetime],
        on_saved: Callable[[PortalSheet], None],
        sheet: PortalSheet | None = None,
    ) -> None:
        if not operator.strip():
            raise GateClosed("A look-up needs the name of a person.", next_step="Set GLHELPERS_OPERATOR.")
        self._operator, self._clock, self._on_saved, self._sheet = operator, clock, on_saved, sheet
        self.sections = {lookup.key: _Section(lookup, self._changed) for lookup in missing}
        self.button = widgets.Button(
            description="Save what was looked up",
            disabled=True,
            button_style="primary",
            layout=widgets.Layout(width="auto", max_width="100%", align_self="flex-start"),
            tooltip="Saves the sheet with your name and the time; nothing is sent to CustomersDot",
        )
        self.message = spoken()
        self.box = widgets.VBox([*(section.box for section in self.sections.values()), self.button, self.message])
        self.box.add_class("glh-lookups")
        self.state = "unsaved"
        self._changed()
        self.button.on_click(self._pressed)

    def _changed(self) -> None:
        lacking = self._lacking()
        self.button.disabled = lacking is not None
        self._say("unsaved", lacking or f"{self._counted()} can be saved, as read by {self._operator}.")

    def _lacking(self) -> str | None:
        """Why nothing can be saved yet, in one sentence."""
        if not self.sections:
            return "Nothing is missing: every look-up was made."
        wrong = [section.lookup.label for section in self.sections.values() if section.problem() is not None]
        if wrong:
            return f"To mend first: {', '.join(wrong)}."
        if not any(section.told for section in self.sections.values()):
            return f"{len(self.sections)} look-ups are missing. Open a page and choose what it shows."
        return None

    def _counted(self) -> str:
        return f"{sum(section.told for section in self.sections.values())} of {len(self.sections)} look-ups"

    def _say(self, state: str, text: str) -> None:
        self.state = state
        self.message.value = status_line("lookups", state, _MARKS[state], text)

    def _pressed(self, button: widgets.Button) -> None:
        """The kernel does not know that a button is disabled; what cannot be saved is not."""
        lacking = self._lacking()
        if lacking is not None:
            self._say("unsaved", lacking)
            return
        told = {key: section.value() for key, section in self.sections.items() if section.told}
        sheet = merged(self._sheet, told, self._operator, self._clock())
        try:
            self._on_saved(sheet)
        except (GlhelpersError, OSError) as failure:
            why = str(failure) if isinstance(failure, GlhelpersError) else failure.strerror or "the disk refused it"
            self._say("failed", f"The sheet was not saved: {why}")
            return
        self._sheet = sheet
        self._say("saved", f"{self._counted()} saved, read by {self._operator}. Run the cells from the look-up again.")


def _choices(lookup: MissingLookup) -> list[tuple[str, str]]:
    rows = [("1 row", "1"), ("2 rows", "2"), (f"{_MOST_ROWS} rows", "3")] if lookup.many else [("as told below", "1")]
    telling = _TELLING.get(lookup.model)
    failures = [telling[:2]] if telling is not None else []
    return [("choose… (not looked up)", ""), *rows, ("the page says there is none", "none"), *failures]
