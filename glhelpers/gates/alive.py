"""The gates that could still be pressed: all of them are closed when a page is loaded again or comes back."""

from __future__ import annotations

from typing import Any, Protocol
from weakref import WeakSet

import ipywidgets as widgets
from IPython.core.getipython import get_ipython

__all__ = ["Closable", "close_all", "keep", "watch_pages"]

_CONTROL = "jupyter.widget.control"
_RELOADED = "The page was loaded again, opened a second time, or lost its connection."


class Closable(Protocol):
    """What a gate can do here: forget what was typed and approved."""

    def go_stale(self, why: str) -> None:
        """Never open any more, and say why."""


_ALIVE: WeakSet[Any] = WeakSet()


def keep(gate: Closable) -> None:
    """Remember a gate for as long as somebody holds it; the ones before it are no longer the last word."""
    close_all("Another gate was made since.")
    _ALIVE.add(gate)
    watch_pages()


def close_all(why: str) -> None:
    """Close every gate that is alive."""
    for gate in list(_ALIVE):
        gate.go_stale(why)
    _ALIVE.clear()


def watch_pages() -> None:
    """
    Hear of every page that asks for the state of the widgets: it shows gates that it did not see being made.

    A page asks so when it is loaded and when its connection comes back; whatever else it asks is answered
    as before.
    """
    manager = getattr(getattr(get_ipython(), "kernel", None), "comm_manager", None)
    if manager is None:
        return
    if _CONTROL not in manager.targets:  # the widgets were imported before there was a kernel: it was forked since
        widgets.register_comm_target()
    answer = manager.targets[_CONTROL]
    if getattr(answer, "closes_gates", False):
        return

    def opened(comm: Any, message: dict[str, Any]) -> None:
        close_all(_RELOADED)
        answer(comm, message)

    opened.closes_gates = True  # type: ignore[attr-defined]
    manager.register_target(_CONTROL, opened)
