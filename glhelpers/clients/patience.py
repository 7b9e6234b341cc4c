"""Writes that a limiter turned away: 429 means that nothing was carried out, so they are sent when there is room again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glhelpers.clients.answer import Answer
from glhelpers.clients.retry import LONGEST_WAIT
from glhelpers.clients.transport import Transport

__all__ = ["write_patiently"]

_FIRST_WAIT = 0.5


def write_patiently(
    transport: Transport,
    method: str,
    call: str,
    path: str,
    *,
    sleep: Callable[[float], None] | None,
    **parts: Any,
) -> Answer:
    """
    Send a write; after a 429 wait as long as `Retry-After` says and send it again, for a minute in all.

    Nothing else is ever sent again.  Raises `RateLimited` where more patience is asked for than that, and at
    once without a `sleep`.
    """
    if sleep is None:
        return transport.write(method, call, path, **parts)
    waited, step = 0.0, _FIRST_WAIT
    while True:
        answer = transport.write(method, call, path, accept=(429,), **parts)
        wait = max(step, _asked(answer.headers.get("retry-after", "")))
        if answer.status != 429 or waited + wait > LONGEST_WAIT:
            break
        sleep(wait)
        waited, step = waited + wait, 2 * step
    if answer.status == 429:
        transport.reject(call, answer)
    return answer


def _asked(retry_after: str) -> float:
    """The seconds asked for; 0 where there is no plain number."""
    plain = retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 9
    return float(retry_after) if plain else 0.0
