"""Sheets of look-ups made by hand, as files: read with suspicion, written for their owner's eyes only."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from glhelpers.clients.wire import clean, strict_json
from glhelpers.errors import BadPlanFile
from glhelpers.models.sheet import PortalSheet

__all__ = ["load_sheet", "save_sheet"]

_LARGEST = 1_000_000
_DEEPEST = 20
_HELP = "See docs/by_hand.md for what a sheet of look-ups holds."


class _Loader(yaml.SafeLoader):
    """YAML without what a sheet never needs: aliases, keys that stand twice, days that are no text."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """One node; refuses an alias, with which a small file could become an endless one."""
        if self.check_event(yaml.AliasEvent):
            raise ValueError("it holds an alias (*name)")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """One mapping; refuses a key that stands twice, of which one would be lost without a word."""
        keys = [key.value for key, _ in node.value]
        if len({str(key) for key in keys}) != len(keys):
            raise ValueError(f"a key stands twice at line {node.start_mark.line + 1}")
        return dict(super().construct_mapping(node, deep))


def load_sheet(path: Path) -> PortalSheet:
    """
    The sheet in a YAML or JSON file of at most 1 MB.

    Raises `BadPlanFile`, which tells where the file is wrong and never repeats what stands there.
    """
    content = _content(path)
    try:
        value = _value(content)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise BadPlanFile(f"{path.name} is neither YAML nor JSON{where}.", next_step=_HELP) from None
    except RecursionError:
        raise BadPlanFile(f"{path.name} is nested too deeply.", next_step=_HELP) from None
    except ValueError as error:
        why = "a text in it is not UTF-8" if isinstance(error, UnicodeError) else _without_values(error)
        raise BadPlanFile(f"{path.name} cannot be read as a sheet: {why}.", next_step=_HELP) from None
    try:
        return PortalSheet.model_validate(value)
    except ValidationError as error:
        problems = "; ".join(sorted({_problem(item["loc"], item["type"], item["msg"]) for item in error.errors()})[:6])
    raise BadPlanFile(f"{path.name} is not a sheet of look-ups: {problems}.", next_step=_HELP)


def save_sheet(sheet: PortalSheet, path: Path) -> None:
    """Write the sheet as JSON, whole or not at all, readable by its owner only: it may hold a customer's address."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(sheet.model_dump_json(indent=1) + "\n")
    beside.replace(path)


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():  # a pipe or a device would be read for ever
            raise FileNotFoundError(None, "no such file")
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no such file"
        raise BadPlanFile(
            f"The sheet {clean(path.name) or 'of look-ups'} cannot be read ({why}).",
            next_step="Give the path of a sheet of what was looked up in CustomersDot.",
        ) from None
    if len(content) > _LARGEST:
        raise BadPlanFile(f"{path.name} is larger than {_LARGEST // 1_000_000} MB.", next_step=_HELP)
    return content


def _value(content: bytes) -> Any:
    text = content.decode("utf-8-sig")
    if text.lstrip().startswith("{"):
        return strict_json(text.encode())
    value = yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader, made narrower)
    return _plain(value, 0)


def _plain(value: Any, depth: int) -> Any:
    """The value as JSON would hold it: YAML turns an unquoted day into a date, which is text here."""
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    match value:
        case dict():
            return {key: _plain(item, depth + 1) for key, item in value.items()}
        case list():
            return [_plain(item, depth + 1) for item in value]
        case date():
            return value.isoformat()
        case float() if value != value or value in (float("inf"), float("-inf")):
            raise ValueError("a number in it is none")
        case _:
            return value


def _without_values(error: ValueError) -> str:
    """Only our own words: what a parser says may repeat what stands in the file."""
    known = str(error)
    ours = ("it ", "a key stands twice", "a number in it", "a number is too large", "nested too deeply")
    return known if known.startswith(ours) else "it is not sound"


_PROBLEMS = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of a sheet",
    "timezone_aware": "needs a time zone, such as Z at its end",
    "model_type": "must hold fields and their values",
    "dict_type": "must hold look-ups and what they told",
    "literal_error": "is not the format of a sheet",
}


def _problem(place: tuple[int | str, ...], kind: str, message: str) -> str:
    """What is wrong where; what stands below `lookups` begins with a key, which is not repeated."""
    name = clean(str(place[0]))[:60] if place else "the file"
    shown = "a field with an address for a name" if "@" in name else name
    said = message.removeprefix("Value error, ") if kind == "value_error" else "is not of the right kind"
    return f"{shown}: {_PROBLEMS.get(kind, said)}"
