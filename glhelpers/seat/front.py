"""The line to JupyterLab's page: what the page's own half (`labextension/`) is told, and what it tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython.core.getipython import get_ipython

__all__ = ["TARGET", "Front"]

TARGET = "glhelpers.seat"
"""The comm target that a page greets; a kernel without a run does not know it."""


class Front:
    """
    The pages that show this kernel's notebook, by the session that each speaks in.

    A page that has no half of ours never greets: nothing is sent then, and every runbook works by its cells.
    """

    def __init__(self) -> None:
        self._comms: dict[str, Any] = {}
        self._greeting: Callable[[], dict[str, Any]] = dict
        self._on_joined: Callable[[], None] = lambda: None
        self._on_told: Callable[[dict[str, Any]], None] = lambda told: None

    def listen(self) -> None:
        """Let pages greet from now on."""
        manager = getattr(getattr(get_ipython(), "kernel", None), "comm_manager", None)
        if manager is not None:
            manager.register_target(TARGET, self._opened)

    def serve(
        self,
        greeting: Callable[[], dict[str, Any]],
        on_joined: Callable[[], None],
        on_told: Callable[[dict[str, Any]], None],
    ) -> None:
        """Whom the pages speak with from now on: the last seat that was opened."""
        self._greeting, self._on_joined, self._on_told = greeting, on_joined, on_told

    @property
    def there(self) -> bool:
        """Whether a page takes part."""
        return bool(self._comms)

    def tell(self, told: dict[str, Any], session: str | None = None) -> bool:
        """Tell one page, or all; False if there is none to tell."""
        comms = (
            list(self._comms.values()) if session is None else [self._comms[session]] if session in self._comms else []
        )
        for comm in comms:
            comm.send(told)
        return bool(comms)

    def _opened(self, comm: Any, message: dict[str, Any]) -> None:
        session = str(message.get("header", {}).get("session", ""))
        self._comms[session] = comm
        comm.on_msg(lambda said: self._on_told(said["content"]["data"]))
        comm.on_close(lambda said: self._comms.pop(session, None))
        comm.send(self._greeting())
        self._on_joined()
