"""The notebook of a new runbook: the cells that every runbook has, as nbformat keeps them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["notebook_text"]

_STEPS: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    (
        "Look up",
        "Read what GitLab.com, CustomersDot and Zendesk know. Nothing is written.",
        ("step:look up",),
        "look_up",
    ),
    (
        "Check",
        "Put the rules to the facts: all of them, the first stage that does not pass decides.",
        ("step:check",),
        "check",
    ),
    ("Plan", "This runbook plans nothing.", ("step:plan",), "plan"),
    ("Confirm", "There is nothing to confirm.", ("step:confirm", "gate"), "confirm"),
    ("Apply", "Nothing is sent.", ("step:apply", "writes"), "apply"),
    ("Verify", "There is nothing to read back.", ("step:verify",), "verify"),
    ("Record", "Close the record, with the way on and the drafted texts.", ("step:record",), "record"),
)

_HIDDEN = ("parameters", "setup")
"""Cells whose code is folded away: the form stands for them."""


def notebook_text(id: str, title: str, intro: str, parameters: Sequence[str], examples: Mapping[str, str]) -> str:
    """The file's content; its parameters cell holds all `parameters`, those of `examples` with their values."""
    values = [f"{name} = {json.dumps(examples.get(name, ''))}" for name in parameters]
    setup = ["from glhelpers.runbook import open_runbook", "", f'run = open_runbook("{id}", globals())', "run"]
    parts: list[tuple[str, tuple[str, ...]]] = [
        (f"# {title}\n\n{intro}", ()),
        (
            "## Form\n\nFill it in and press **Look up**; nothing is read before that. The first cell below holds the same "
            "values under the names by which papermill sets them.",
            (),
        ),
        ("\n".join(values), ("parameters",)),
        ("\n".join(setup), ("setup",)),
    ]
    for number, (name, says, tags, method) in enumerate(_STEPS, 1):
        parts += [(f"## {number} {name}\n\n{says}", ()), (f"run.{method}()", tags)]
    stem = id.replace("_", "-")
    cells = [_cell(f"{stem}-{number:02}", text, tags) for number, (text, tags) in enumerate(parts)]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    book = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def _cell(id: str, text: str, tags: tuple[str, ...]) -> dict[str, Any]:
    source = text.splitlines(keepends=True)
    if not tags:
        return {"cell_type": "markdown", "id": id, "metadata": {}, "source": source}
    hidden = {"jupyter": {"source_hidden": True}} if tags[0] in _HIDDEN else {}
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": id,
        "metadata": {**hidden, "tags": list(tags)},
        "outputs": [],
        "source": source,
    }
