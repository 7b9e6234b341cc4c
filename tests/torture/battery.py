"""What the batteries have in common: the ground they run on, a trial, and how trials are counted."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal
from urllib.request import Request, urlopen

from glhelpers.sandbox_process import Running
from glhelpers.settings import Settings

__all__ = ["Battery", "Ground", "Score", "Trial", "fought"]

Database = Literal["sqlite", "postgresql"]


@dataclass(frozen=True)
class Trial:
    """
    One thing injected and what came of it, by the sandbox's own count.

    `expected` writes must have taken effect in the end, `seen` did; `requests` arrived, `allowed`
    were covered by approvals.  `complaint` says why the trial is not as promised.
    """

    injected: str
    expected: int
    seen: int
    requests: int
    allowed: int
    complaint: str = ""

    @property
    def lost(self) -> int:
        """Writes that should be there and are not."""
        return max(0, self.expected - self.seen)

    @property
    def doubled(self) -> int:
        """Requests beyond what the approvals allowed, or effects beyond what was meant."""
        return max(0, self.requests - self.allowed, self.seen - self.expected)


@dataclass
class Ground:
    """A sandbox for the whole battery, a folder of its own, and fresh journals in the chosen database."""

    sandbox: Running
    settings: Settings
    folder: Path
    database: Database
    fresh_journal: Callable[[Path], str]
    say: Callable[[str], None] = lambda text: None

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Use one of the sandbox's controls."""
        data = json.dumps(body).encode() if body is not None else None
        with urlopen(Request(f"{self.sandbox.urls['gitlab']}/__sandbox/{path}", data=data, method=method)) as answer:
            return json.loads(answer.read())

    def new_journal_url(self) -> str:
        """The address of a journal that holds nothing yet."""
        return self.fresh_journal(self.folder)

    def fresh_world(self) -> None:
        """The world as in its file, without faults, and nothing counted."""
        self.control("POST", "reset")
        self.control("PUT", "faults", [])

    def writes(self) -> tuple[int, int]:
        """How many changes took effect, and how many requests for one arrived (CustomersDot's only)."""
        told = self.control("GET", "writes")
        rows = [row for row in told["writes"] if row["path"].startswith("/adapter/")]
        return sum(row["applied"] for row in rows), len(rows)


@dataclass(frozen=True)
class Battery:
    """A promise, and trials that try to break it: `short` of them in `make test`, `long` in `make torture`."""

    name: str
    promise: str
    short: int
    long: int
    run: Callable[[Ground, Random, int], Iterator[Trial]]


@dataclass
class Score:
    """The trials of one battery, counted."""

    battery: Battery
    database: Database
    seed: int
    rounds: int = 0
    trials: int = 0
    expected: int = 0
    seen: int = 0
    requests: int = 0
    lost: int = 0
    doubled: int = 0
    seconds: float = 0.0
    complaints: list[str] = field(default_factory=list)
    injected: Counter[str] = field(default_factory=Counter)

    @property
    def held(self) -> bool:
        """Whether the promise held in every trial, of which there was at least one."""
        return self.trials > 0 and not (self.complaints or self.lost or self.doubled)

    def take(self, trial: Trial) -> None:
        """Count one trial."""
        self.trials += 1
        self.injected[trial.injected] += 1
        self.expected += trial.expected
        self.seen += trial.seen
        self.requests += trial.requests
        self.lost += trial.lost
        self.doubled += trial.doubled
        if trial.complaint or trial.lost or trial.doubled:
            self.complaints.append(f"{trial.injected}: {trial.complaint or trial}")


def fought(battery: Battery, ground: Ground, seed: int, rounds: int) -> Score:
    """Run a battery; the same seed makes the same trials."""
    score, began = Score(battery, ground.database, seed, rounds), time.monotonic()
    for trial in battery.run(ground, Random(seed), rounds):
        score.take(trial)
        ground.say(f"{battery.name}: {score.trials} trials, {len(score.complaints)} complaints")
    score.seconds = time.monotonic() - began
    return score
