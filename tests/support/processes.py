"""Whether processes have ended, as the system tells it on a loaded machine."""

from __future__ import annotations

import time

import psutil

__all__ = ["gone", "lives"]


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
