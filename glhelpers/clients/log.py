"""The log of a run's requests: which routes were asked with which result, and nothing that was said."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

__all__ = ["Logged", "RequestLog"]

for _talkative in ("httpx", "httpcore"):  # they log whole addresses, queries included, and headers of answers
    logging.getLogger(_talkative).setLevel(logging.WARNING)
_log = logging.getLogger("glhelpers.clients")


@dataclass(frozen=True)
class Logged:
    """A request as the log keeps it: no address, no header, no body."""

    service: str
    call: str
    status: int | None
    milliseconds: int
    request_id: str | None


@dataclass
class RequestLog:
    """All requests of one run, in the order of their ends."""

    rows: list[Logged] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, row: Logged) -> None:
        """Append one request."""
        with self._lock:
            self.rows.append(row)
        _log.debug("%s %s -> %s in %d ms", row.service, row.call, row.status, row.milliseconds)

    def count(self) -> int:
        """How many requests were sent, repeated reads included."""
        with self._lock:
            return len(self.rows)
