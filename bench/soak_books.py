"""The small notebooks of a soak: each with a number of its own over many outputs, some with a misfortune in them."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

__all__ = ["CELLS", "CELL_SECONDS", "EXPECTED", "Kind", "Launch", "launches", "looked_at", "template"]

Kind = Literal["plain", "dies at start", "dies in a cell", "hangs", "prints a lot", "leaves a process"]

CELLS = 8
"""Cells that each show the number in three outputs."""

CELL_SECONDS = 3
"""The limit of a cell; only the one that hangs comes near it on a quiet machine."""

_LINES = 5000
_MARK = re.compile(r"launch-([0-9]{7})")

_OF_A_HUNDRED: dict[Kind, float] = {
    "plain": 88,
    "prints a lot": 5,
    "leaves a process": 3,
    "dies in a cell": 2,
    "dies at start": 1,
    "hangs": 1,
}

_MISFORTUNE: dict[Kind, str] = {
    "plain": "",
    "dies at start": "",
    "dies in a cell": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "hangs": "import time\nwhile True:\n    time.sleep(1)",
    "prints a lot": f"for line in range({_LINES}):\n    print(mark, line, 'x' * 80)",
    "leaves a process": "import subprocess\nsubprocess.Popen(['sleep', '600'])",
}

EXPECTED: dict[Kind, str] = {
    "plain": "whole",
    "dies at start": "no kernel",
    "dies in a cell": "died",
    "hangs": "cut off",
    "prints a lot": "whole",
    "leaves a process": "whole",
}
"""How a launch of each kind has to end."""


@dataclass(frozen=True)
class Launch:
    """One kernel to be launched."""

    number: int
    kind: Kind

    @property
    def mark(self) -> str:
        """What every output of this launch names, and none of another."""
        return f"launch-{self.number:07}"


def launches(count: int, seed: int) -> Iterator[Launch]:
    """So many launches; the same seed gives the same ones. From forty on, each kind is among them."""
    chance = random.Random(seed)
    kinds, weights = list(_OF_A_HUNDRED), list(_OF_A_HUNDRED.values())
    for number in range(1, count + 1):
        drawn = chance.choices(kinds, weights)[0]
        yield Launch(number, kinds[number // 6] if number % 6 == 0 and number <= 30 else drawn)


def template(kind: Kind, path: Path) -> Path:
    """The notebook of a kind, with a parameters cell; written once and shared by all launches of the kind."""
    show = "print(mark)\ndisplay({'text/html': f'<b>{mark}</b>', 'text/plain': mark}, raw=True)\nmark"
    cells = [new_code_cell("mark = 'none'", metadata={"tags": ["parameters"]})]
    cells += [new_code_cell(show) for _ in range(CELLS // 2)]
    cells += [new_code_cell(_MISFORTUNE[kind] or "None")]
    cells += [new_code_cell(show) for _ in range(CELLS - CELLS // 2)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def looked_at(path: Path, launch: Launch) -> str:
    """What is wrong with an executed notebook: `mixed` with another, `lost` outputs, or "" if it is as it should be."""
    if not path.is_file():
        return "" if EXPECTED[launch.kind] == "no kernel" else "lost"
    book: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    outputs = [cell.get("outputs", []) for cell in book["cells"]]
    if set(_MARK.findall(json.dumps([outputs, book["metadata"]]))) - {launch.mark[7:]}:
        return "mixed"
    # A kernel that was cut off in the middle has shown all that came before it.
    whole = {"whole": CELLS, "no kernel": 0}.get(EXPECTED[launch.kind], CELLS // 2)
    if sum(_shows(one, launch.mark) for one in outputs) != whole:
        return "lost"
    printed = "".join(map(_printed, outputs))
    return "lost" if launch.kind == "prints a lot" and printed.count(f"{launch.mark} ") != _LINES else ""


def _shows(outputs: list[dict[str, Any]], mark: str) -> bool:
    """Whether a cell's outputs name the launch in all three ways."""
    others = [part for part in outputs if part["output_type"] != "stream"]
    kinds = [part["output_type"] for part in others]
    return (
        kinds == ["display_data", "execute_result"]
        and all(mark in json.dumps(part) for part in others)
        and _printed(outputs) == f"{mark}\n"
    )


def _printed(outputs: list[dict[str, Any]]) -> str:
    """What a cell has printed; a kernel sends it in pieces, which may end within a line."""
    return "".join("".join(part["text"]) for part in outputs if part["output_type"] == "stream")
