"""A batch as it is seen while it runs: a bar with counts in a terminal, one plain line a run elsewhere."""

from __future__ import annotations

import threading
import time
from collections import Counter
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from glhelpers.batch.ledger import Ended
from glhelpers.batch.run_batch import Watcher
from glhelpers.batch.work import Job
from glhelpers.evidence.redact import redact_text
from glhelpers.evidence.words import STATUS_SIGNS
from glhelpers.models.finding import Status

__all__ = ["Shown"]

_COLOUR = {"good": "green", "calm": "blue", "warn": "yellow", "bad": "red"}
_LONGEST = 160


class Shown(Watcher):
    """Done, running, by status, rate and time left; safe to be called from several threads."""

    def __init__(self, console: Console) -> None:
        self._console, self._lock = console, threading.Lock()
        self._counts: Counter[str] = Counter()
        self._running, self._done, self._to_do, self._began = 0, 0, 0, time.monotonic()
        columns = (
            SpinnerColumn(),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[states]}"),
            TimeElapsedColumn(),
        )
        # In a pipe a moving bar would be noise.
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
        self._task = self._bar.add_task("runs", total=None, states="")

    def __enter__(self) -> Shown:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def opens(self, rows: int, to_do: int) -> None:
        """Say how much there is."""
        self._to_do, self._began = to_do, time.monotonic()
        self._console.print(f"The list is valid: {rows} in all, {to_do} to run now.", highlight=False)
        self._bar.update(self._task, total=to_do)

    def began(self, job: Job) -> None:
        """One more is running."""
        with self._lock:
            self._running += 1
            self._refresh()

    def ended(self, job: Job, ended: Ended) -> None:
        """One more has ended."""
        with self._lock:
            self._running -= 1
            self._done += 1
            self._counts[ended.status] += 1
            self._refresh()
            tone = _COLOUR[STATUS_SIGNS[Status(ended.status)].tone]
            if not self._console.is_terminal or tone == "red":
                self._say(job, ended, tone)

    def says(self, sentence: str) -> None:
        """Show a sentence above the bar."""
        self._console.print(f"[bold yellow]![/] {escape(sentence)}", highlight=False)

    def _say(self, job: Job, ended: Ended, tone: str) -> None:
        ticket = f" ticket {job.row.ticket}" if job.row.ticket else ""
        about = redact_text(job.row.subject)
        why = redact_text(ended.why)
        # Where a notebook is mixed up, nobody shall overlook it, and nothing of the sentence is cut.
        short = why if why.startswith("MIXED UP") or len(why) <= _LONGEST else f"{why[: _LONGEST - 1]}…"
        self._console.print(
            f"{self._done}/{self._to_do}  [bold {tone}]{ended.status}[/]  line {job.row.line}{ticket} "
            f"{escape(about)}: {escape(short)}",
            highlight=False,
        )

    def _refresh(self) -> None:
        passed = max(time.monotonic() - self._began, 0.001)
        rate = self._done / passed
        states = "  ".join(
            f"[{_COLOUR[STATUS_SIGNS[status].tone]}]{status.value} {self._counts[status.value]}[/]"
            for status in Status
            if self._counts[status.value]
        )
        left = f", {_clock((self._to_do - self._done) / rate)} left" if self._done else ""
        words = f"running {self._running}  {states}  {rate * 60:.0f} a minute{left}"
        self._bar.update(self._task, completed=self._done, states=words)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes}:{rest:02}"
