"""Not too many requests at once: a bucket of them that fills up again steadily."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

__all__ = ["PER_SECOND", "Pace", "Paced"]

PER_SECOND = 20.0
"""Requests to one service; GitLab.com answers 33 a second to one user before it says 429."""


class Paced(Protocol):
    """What makes requests wait for their turn."""

    def wait(self) -> None:
        """Return when the next request may go."""

    def hold(self, seconds: float) -> None:
        """Learn that the service wants to be left alone for so long."""


class Pace:
    """So many requests per second on the average, and as many at once after a pause."""

    def __init__(
        self,
        per_second: float = PER_SECOND,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._per_second, self._clock, self._sleep = per_second, clock, sleep
        self._left, self._seen = per_second, clock()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next request may go; threads that wait go in the order in which they came."""
        with self._lock:
            now = self._clock()
            self._left = min(self._per_second, self._left + (now - self._seen) * self._per_second)
            self._seen = now
            self._left -= 1
            owed = -self._left / self._per_second
        if owed > 0:
            self._sleep(owed)

    def hold(self, seconds: float) -> None:
        """Nothing: whoever was turned away waits by itself, and nobody else shares this bucket."""
