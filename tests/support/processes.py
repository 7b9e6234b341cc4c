"""Processes that tests begin and kill, and whether they have ended, as the system tells it on a loaded machine."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable

import psutil

__all__ = ["Child", "gone", "lives"]


class Child:
    """A process of its own that does this one thing; forked, since to start Python anew costs more than most of it."""

    def __init__(self, do: Callable[[], object]) -> None:
        self._process = multiprocessing.get_context("fork").Process(target=do)
        self._process.start()

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """How it has ended, if it has: -9 for a `kill -9`."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int | None:
        """How it ends within these seconds."""
        self._process.join(timeout)
        return self.poll()


def lives(number: int) -> bool:
    """Whether it runs; what has ended may keep its number until somebody asks how, and no test can make that be done."""
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def gone(*numbers: int) -> bool:
    """Whether these processes have ended, within the seconds that a loaded machine may take."""
    until = time.monotonic() + 15
    while any(lives(number) for number in numbers):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
