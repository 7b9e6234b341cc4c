"""Whether to ask again, and when: a pure decision. A write is never repeated."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from threading import Lock

__all__ = ["ATTEMPTS", "LONGEST_WAIT", "RetryBudget", "wait_before_retry"]

ATTEMPTS = 3
"""A read is sent so many times at most."""

LONGEST_WAIT = 60.0
"""A service that asks for more patience than this, in seconds, ends the run instead."""

_RETRIED = frozenset({429, 502, 503, 504, 520, 521, 522, 523, 524})
"""Those from 520 on come from the network in front of GitLab.com, which then did not reach it."""


def wait_before_retry(
    method: str, status: int | None, retry_after: str | None, attempt: int, jitter: float
) -> float | None:
    """
    Seconds to wait before the next attempt, or None to give up.

    `status` None means that no answer came; `attempt` counts from 1; `jitter` is between 0 and 1.
    A `Retry-After` that is missing or no plain number of seconds means exponential backoff.
    """
    if method != "GET" or attempt >= ATTEMPTS:
        return None
    if status is not None and status not in _RETRIED:
        return None
    backoff: float = 0.2 * 2 ** (attempt - 1) * (0.5 + jitter)
    if retry_after is not None and retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 9:
        asked = float(retry_after)
        return None if asked > LONGEST_WAIT else max(asked, 0.05)
    return backoff


@dataclass
class RetryBudget:
    """Retries of one run in all: a tenth of its requests, or ten, whichever is more."""

    requests: int = 0
    retries: int = 0
    waited: float = 0.0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def count_request(self) -> None:
        """A request is about to be sent for the first time."""
        with self._lock:
            self.requests += 1

    def take(self, wait: float) -> bool:
        """Whether one more retry with this wait is within the budget; if so, it is taken."""
        with self._lock:
            if self.retries >= max(10, self.requests // 10) or self.waited + wait > LONGEST_WAIT:
                return False
            self.retries += 1
            self.waited += wait
            return True


def jitter() -> float:
    """A random share that keeps many runs from asking again in step."""
    return random.random()  # noqa: S311 (not a secret)
