"""A signal that asks a process to end is taken as an interrupt, so that the folder of the run is finished first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["EndedBySignal", "ended_by_signals"]

_ASKED_TO_END = (signal.SIGTERM, signal.SIGHUP)
"""What a scheduler, a container or a closed terminal sends before it takes a process away."""


class EndedBySignal(KeyboardInterrupt):
    """Somebody asked this process to end; its text is the signal's name."""


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Within, such a signal raises `EndedBySignal` once; outside the main thread nothing is changed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        for other in _ASKED_TO_END:
            signal.signal(other, signal.SIG_IGN)
        raise EndedBySignal(signal.Signals(number).name)

    before = [(number, signal.signal(number, end)) for number in _ASKED_TO_END]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
