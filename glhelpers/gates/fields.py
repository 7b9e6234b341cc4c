"""One widget per field of a record, typed as the record has it; blank is "not told", never a guess."""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import ipywidgets as widgets
from pydantic import JsonValue
from pydantic.fields import FieldInfo

from glhelpers.errors import RunbookContractError

__all__ = ["NONE", "TypedField", "is_number"]

NONE = "-"
"""What a person types where the page shows that there is none, which is an answer; blank is the lack of one."""

_LONGEST = 300
_WHOLE = re.compile(r"-?[0-9]{1,15}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _text(text: str) -> JsonValue:
    if len(text) > _LONGEST or not text.isprintable():
        raise ValueError("is no short text in one line")
    return text


def _whole(text: str) -> JsonValue:
    if not _WHOLE.fullmatch(text):
        raise ValueError("is not a whole number")
    return int(text)


def _day(text: str) -> JsonValue:
    try:
        fits = bool(_DAY.fullmatch(text)) and bool(date.fromisoformat(text))
    except ValueError:
        fits = False
    if not fits:
        raise ValueError("is not a day such as 2026-11-23")
    return text


def _moment(text: str) -> JsonValue:
    try:
        fits = bool(_DAY.match(text)) and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        fits = False
    if not fits:
        raise ValueError("is not a time such as 2026-11-23T10:00:00Z")
    return text


def _several(one: Callable[[str], JsonValue]) -> Callable[[str], JsonValue]:
    return lambda text: [one(part.strip()) for part in text.split(",")]


_READERS: dict[Any, tuple[Callable[[str], JsonValue], str]] = {
    str: (_text, ""),
    int: (_whole, "a whole number"),
    date: (_day, "YYYY-MM-DD"),
    datetime: (_moment, "YYYY-MM-DDTHH:MM:SSZ"),
    tuple[int, ...]: (_several(_whole), "whole numbers, with commas between"),
    tuple[str, ...]: (_several(_text), "words, with commas between"),
}


def _bare(annotation: Any) -> tuple[Any, bool]:
    """The type without its trimmings, and whether there may be none."""
    if get_origin(annotation) in (Union, types.UnionType):
        (kind,) = [arm for arm in get_args(annotation) if arm is not type(None)]
        return _bare(kind)[0], True
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    return annotation, False


def is_number(info: FieldInfo) -> bool:
    """Whether a field holds a whole number."""
    return _bare(info.annotation)[0] is int


class TypedField:
    """A field of a record: its widget, what it tells, and what is wrong with it."""

    def __init__(self, name: str, info: FieldInfo, changed: Callable[[dict[str, Any]], None]) -> None:
        self.name, self.label, self.required = name, name.replace("_", " "), info.is_required()
        kind, self.optional = _bare(info.annotation)
        self._list = get_origin(kind) is tuple
        # An empty list is an answer ("there are none"), so a list that is left blank must not become one.
        self.required = self.required or self._list
        self._read: Callable[[str], JsonValue] | None = None
        looks = {
            "description": self.label,
            "layout": widgets.Layout(width="min(100%, 36em)"),
            "style": {"description_width": "15em"},
        }
        if kind is bool or get_origin(kind) is Literal:
            words = [("yes", True), ("no", False)] if kind is bool else [(str(arm), arm) for arm in get_args(kind)]
            none = [("none: the page shows so", NONE)] if self.optional else []
            self.widget: Any = widgets.Dropdown(options=[("not told", ""), *words, *none], **looks)
        elif kind in _READERS:
            self._read, hint = _READERS[kind]
            self.widget = widgets.Text(placeholder=self._hint(hint), tooltip=self._hint(hint), **looks)
        else:
            raise RunbookContractError(f"No widget is known for field {name!r}.")
        self.widget.observe(changed, names="value")

    def _hint(self, hint: str) -> str:
        none = f"{NONE}: the page shows none" if self.optional or self._list else ""
        return "; ".join(part for part in (hint, "needed" if self.required else "blank: not told", none) if part)

    @property
    def told(self) -> bool:
        """Whether the person said anything here."""
        return bool(self._given() != "")

    def value(self) -> JsonValue:
        """What was told; raises `ValueError` with the rest of a sentence that begins with the field's name."""
        given = self._given()
        if given == "":
            raise ValueError("is needed")
        if given == NONE and self.optional:
            return None
        if given == NONE and self._list:
            return []
        if self._read is None:
            told: JsonValue = given
            return told
        return self._read(str(given))

    def problem(self) -> str | None:
        """What is wrong, in a short sentence; None if nothing is. Only a needed field may not be blank."""
        if not self.told and not self.required:
            return None
        try:
            self.value()
        except ValueError as problem:
            return f"{self.label} {problem}"
        return None

    def _given(self) -> Any:
        given = self.widget.value
        return given.strip() if isinstance(given, str) else given
