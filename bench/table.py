"""From single measurements to one line for each way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.ways import Way

__all__ = ["HEADS", "Line", "Taken", "cells", "lines"]

HEADS = (
    "way",
    "tickets",
    "median, s",
    "min–max, s",
    "ms a ticket",
    "CPU s a ticket",
    "peak memory, MB",
    "× papermill CLI",
    "× time of the floor",
)

_REFERENCE, _FLOOR = "papermill-cli", "floor-2"


@dataclass(frozen=True)
class Taken:
    """What one way took in one round for so many tickets; `wrong`, if its outputs are not what they should be."""

    way: Way
    tickets: int
    seconds: float
    cpu: float
    peak: float
    wrong: str = ""


@dataclass(frozen=True)
class Line:
    """All rounds of one way: seconds and figures a ticket, or in `wrong` why there are none."""

    way: Way
    tickets: int
    rounds: tuple[float, ...]
    cpu: float
    peak: float
    wrong: str

    @property
    def seconds(self) -> float:
        """The median of the rounds."""
        return median(self.rounds)

    @property
    def a_ticket(self) -> float:
        """Seconds a ticket."""
        return self.seconds / self.tickets


def lines(taken: Sequence[Taken]) -> list[Line]:
    """One line for each way, in the order in which they first ran."""
    ways = {one.way.name: one.way for one in taken}
    return [_line(way, [one for one in taken if one.way.name == name]) for name, way in ways.items()]


def _line(way: Way, rounds: Sequence[Taken]) -> Line:
    return Line(
        way=way,
        tickets=rounds[0].tickets,
        rounds=tuple(one.seconds for one in rounds),
        cpu=median(one.cpu / one.tickets for one in rounds),
        peak=max(one.peak for one in rounds),
        # A way that once gave a wrong output has no time worth comparing.
        wrong=next((one.wrong for one in rounds if one.wrong), ""),
    )


def cells(line: Line, all_lines: Sequence[Line]) -> list[str]:
    """The cells of a line; those of a way that failed say why instead."""
    if line.wrong:
        return [line.way.title, str(line.tickets), f"failed: {line.wrong}", *[""] * (len(HEADS) - 3)]
    return [
        line.way.title,
        str(line.tickets),
        f"{line.seconds:.2f}",
        f"{min(line.rounds):.2f}–{max(line.rounds):.2f}",
        f"{line.a_ticket * 1000:.0f}",
        f"{line.cpu:.2f}",
        f"{line.peak:.0f}" if line.peak else "–",
        _ratio(_named(_REFERENCE, all_lines), line),
        _ratio(line, _named(_FLOOR, all_lines)),
    ]


def _named(name: str, all_lines: Sequence[Line]) -> Line | None:
    return next((line for line in all_lines if line.way.name == name and not line.wrong), None)


def _ratio(above: Line | None, below: Line | None) -> str:
    return f"{above.a_ticket / below.a_ticket:.1f}" if above is not None and below is not None else "–"
