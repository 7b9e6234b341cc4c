"""Adds a runbook to the two lists that name all of them; text in, text out, and a sentence where a list has another form."""

from __future__ import annotations

import re

from glhelpers.errors import RunbookContractError

__all__ = ["in_catalogue", "in_policies"]

_ACTIONS = re.compile(r"(?<=^from glhelpers\.actions import \(\n)(?:    \w+,\n)+(?=\)$)", re.MULTILINE)
_RULES = re.compile(r"^(?:from glhelpers\.rules import .+\n)+", re.MULTILINE)
_POLICY_IMPORTS = re.compile(r"(?<=^from glhelpers\.rules import \(\n)(?:    \w+,\n)+(?=\)$)", re.MULTILINE)
_LAST = "undo"
"""What is no section of the page stays last in every list."""


def in_catalogue(source: str, id: str, entry: str) -> str:
    """`actions/catalogue.py` with the runbook: its imports, its entry before the list, and its name in the list."""
    text = _named(source, _ACTIONS, f"    {id},\n", "catalogue.py")
    text = _named(text, _RULES, f"from glhelpers.rules import {id} as {id}_rules\n", "catalogue.py")
    text = _before(text, "CATALOGUE: dict[str, Runbook] = {\n", f"{entry.strip()}\n\n", "catalogue.py")
    return _before(text, f"        _{_LAST.upper()},\n", f"        _{id.upper()},\n", "catalogue.py")


def in_policies(source: str, id: str) -> str:
    """`rules/policies.py` with the runbook's policy: its import, and its row before the last."""
    text = _named(source, _POLICY_IMPORTS, f"    {id},\n", "policies.py")
    return _before(text, f'    "{_LAST}": {_LAST}.POLICY,\n', f'    "{id}": {id}.POLICY,\n', "policies.py")


def _named(text: str, block: re.Pattern[str], line: str, file: str) -> str:
    """The text with one more line in a block of imports, sorted by the first name that each line brings in."""
    found = block.search(text)
    if found is None:
        raise _other_form(file)
    lines = sorted([*found.group().splitlines(keepends=True), line], key=_first_name)
    return text[: found.start()] + "".join(lines) + text[found.end() :]


def _first_name(line: str) -> list[tuple[int, int | str]]:
    """Sorts as the linter does: numbers inside of names by their value."""
    name = line.rpartition(" import ")[2].strip(" ,\n").split(",")[0].split(" as ")[0]
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", name) if part]


def _before(text: str, mark: str, added: str, file: str) -> str:
    if text.count(mark) != 1:
        raise _other_form(file)
    return text.replace(mark, added + mark)


def _other_form(file: str) -> RunbookContractError:
    return RunbookContractError(
        f"{file} has another form than a new runbook can be added to; nothing was written.",
        next_step="Add it by hand; docs/writing_runbooks.md names the places.",
    )
