"""
The crew of a batch: so many runs side by side, each in a worker process that runs one at a time.

One at a time, since what must be masked is known to a whole process.  A worker that dies takes only
its own run with it: another takes its place, and the run is made again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType
from typing import Protocol

from glhelpers.batch.forks import HANDLED, context
from glhelpers.batch.ledger import Ended, Ledger, Pass
from glhelpers.batch.work import Job, begin_worker, lost, own_pid, work
from glhelpers.settings import Settings

__all__ = ["RUN_SECONDS", "Crew", "Feed", "Halt", "Place"]

RUN_SECONDS = 900.0
"""No run takes longer; its worker is then taken away. A cell has a limit of its own far below."""

_TRIES = 2
"""A run whose worker died is made so many times in all."""

_PATIENCE = {signal.SIGINT: 60.0, signal.SIGTERM: 5.0, signal.SIGHUP: 5.0}
"""Seconds that runs under way have after such a signal before they are cut off."""

_AFTER_DEADLINE = 60.0
_KERNEL_ENDS = 2.0
_TICK = 0.2


class Feed(Protocol):
    """What gives the crew its work; called from several threads."""

    def take(self) -> Job | None:
        """The next run, as soon as it may begin; None if there is nothing more to do."""

    def ended(self, job: Job, ended: Ended) -> None:
        """Learn how a run ended."""

    def halt(self) -> None:
        """Give no run out any more."""


class Halt:
    """Whether, and why, no new run may begin; and whether those under way are cut off."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.why = ""
        self.cut = threading.Event()
        self._say, self._until = say, float("inf")

    @property
    def asked(self) -> bool:
        """Whether no new run may begin."""
        return bool(self.why)

    def ask(self, why: str, patience: float) -> None:
        """Let no new run begin; cut those under way off after so many seconds, or at once when asked again."""
        if self.why:
            self.cut.set()
            return
        self.why, self._until = why, time.monotonic() + patience
        self._say(f"{why} No new run begins; those under way are brought to their end.")

    def look(self) -> None:
        """Cut off what has had its time."""
        if time.monotonic() >= self._until and not self.cut.is_set():
            self._say("What is still under way is cut off; its folders say so.")
            self.cut.set()

    @contextmanager
    def by_signals(self) -> Iterator[None]:
        """Within, Ctrl-C, SIGTERM and SIGHUP ask for a halt."""

        def heard(number: int, frame: FrameType | None) -> None:
            name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
            self.ask(f"The batch was stopped by {name}.", _PATIENCE[signal.Signals(number)])

        before = [(number, signal.signal(number, heard)) for number in _PATIENCE]
        try:
            yield
        finally:
            for number, handler in before:
                signal.signal(number, handler)


class Place(Protocol):
    """Where one run at a time is made."""

    def run(self, job: Job) -> Ended:
        """Make a run; how it ended."""

    def close(self) -> None:
        """Nothing more is to be run here."""


class _Seat:
    """A place for one run at a time, with a worker process that lives from run to run."""

    def __init__(self, settings: Settings, halt: Halt) -> None:
        self._settings, self._halt = settings, halt
        self._pool: ProcessPoolExecutor | None = None
        self._pid = 0

    def run(self, job: Job) -> Ended:
        """How the run ended; made again if its worker died."""
        for _ in range(_TRIES):
            try:
                return self._wait_for(self._begin(job))
            except BrokenProcessPool:
                self.close()
                # The kernel of the dead worker sees within a second that its owner is gone.
                time.sleep(_KERNEL_ENDS)
                if self._halt.asked:
                    break
        return lost(job, "The process that made the run died.")

    def close(self) -> None:
        """End the worker."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _begin(self, job: Job) -> Future[Ended]:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                1,
                mp_context=context(),
                initializer=begin_worker,
                initargs=(self._settings, dict(os.environ)),
            )
            self._pid = self._pool.submit(own_pid).result()
        return self._pool.submit(work, job)

    def _wait_for(self, future: Future[Ended]) -> Ended:
        end = time.monotonic() + RUN_SECONDS
        while True:
            try:
                return future.result(timeout=_TICK)
            except NotYet:
                if self._halt.cut.is_set():
                    self._signal(signal.SIGTERM)
                if time.monotonic() >= end:
                    self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, number)


class Crew:
    """Takes runs from a feed until there are none, so many at once."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        feed: Feed,
        halt: Halt,
        *,
        turn: Pass,
        jobs: int,
        began: Callable[[Job], None],
        ended: Callable[[Job, Ended], None],
        place: Callable[[], Place] | None = None,
    ) -> None:
        self._place = place or (lambda: _Seat(settings, halt))
        self._ledger, self._feed, self._halt = ledger, feed, halt
        self._turn, self._jobs, self._began, self._ended = turn, jobs, began, ended
        self._errors: list[BaseException] = []

    def run(self, *, seconds: float | None = None) -> None:
        """Run all there is; after `seconds` no new run begins. Raises what went wrong in the crew itself."""
        deadline = time.monotonic() + seconds if seconds is not None else float("inf")
        resource_tracker.ensure_running()  # whoever begins it has these signals unblocked
        threads = [threading.Thread(target=self._work) for _ in range(self._jobs)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(_TICK / 2)
            if time.monotonic() >= deadline and not self._halt.asked:
                self._halt.ask("The batch's deadline has passed.", _AFTER_DEADLINE)
            if self._halt.asked:
                self._feed.halt()
                self._halt.look()
        if self._errors:
            raise self._errors[0]

    def _work(self) -> None:
        # Blocked here and so in each worker from its first moment on, until it has handlers of its own.
        signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
        seat = self._place()
        try:
            while not self._halt.asked and (job := self._feed.take()) is not None:
                run = self._ledger.add_run(job.number, self._turn, job.approval, job.target)
                self._began(job)
                ended = seat.run(job)
                self._ledger.end_run(run, ended)
                self._feed.ended(job, ended)
                self._ended(job, ended)
        except BaseException as error:  # noqa: BLE001 (a full disk, say: the main thread tells it)
            self._errors.append(error)
            self._halt.ask("The batch cannot go on.", 0.0)
            self._feed.halt()
        finally:
            seat.close()
