"""One budget of requests for a host, shared by all processes of this machine: a small file under a lock."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["SharedPace"]

_FORM = struct.Struct("<d")
_FARTHEST = 600.0
"""Seconds ahead that a turn can lie at most; anything beyond was written before this machine was started anew."""


class SharedPace:
    """
    So many requests a second on the average, whichever process sends them, and as many at once after a pause.

    The file holds the time at which the bucket is full again.  Each request moves it by its share and
    waits for its own turn; a process that dies leaves nothing to be put right.
    """

    def __init__(
        self,
        folder: Path,
        base_url: str,
        per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        host = urlsplit(base_url).netloc.lower()
        self._path = folder / hashlib.sha256(host.encode()).hexdigest()[:16]
        self._share, self._burst = 1 / per_second, 1.0
        self._clock, self._sleep = clock, sleep

    def wait(self) -> None:
        """Return when the next request may go."""
        with self._full_at() as file:
            now = self._clock()
            full = self._read(file, now) + self._share
            os.pwrite(file, _FORM.pack(full), 0)
        if (owed := full - now - self._burst) > 0:
            self._sleep(owed)

    def hold(self, seconds: float) -> None:
        """Let nobody begin a request for so long; the service has asked for it."""
        with self._full_at() as file:
            now = self._clock()
            os.pwrite(file, _FORM.pack(max(self._read(file, now), now + self._burst + seconds)), 0)

    def _read(self, file: int, now: float) -> float:
        kept = os.pread(file, _FORM.size, 0)
        full = _FORM.unpack(kept)[0] if len(kept) == _FORM.size else now
        return now if not now <= full <= now + _FARTHEST else float(full)

    @contextlib.contextmanager
    def _full_at(self) -> Iterator[int]:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)
