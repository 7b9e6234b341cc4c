"""
Which page a message comes from, and whether it was held up on its way.

JupyterLab keeps what is pressed while the connection is lost, and sends it when the connection is back.
A press that comes minutes late was meant for facts of then: it must open nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from IPython.core.getipython import get_ipython

from glhelpers import clock

__all__ = ["LATE_SECONDS", "PRESENCE", "Message", "Presence"]

LATE_SECONDS = 20.0
"""A message that took this much longer than the fastest one of its page was held up."""


@dataclass(frozen=True)
class Message:
    """The message that the kernel is acting on: the session of the page that sent it, and how late it came."""

    session: str
    late_seconds: float

    @property
    def held_up(self) -> bool:
        """Whether it waited for a connection, or behind other work, for long."""
        return self.late_seconds > LATE_SECONDS


@dataclass
class Presence:
    """
    What is known of the pages that speak to this kernel.

    A page's clock may be wrong: its fastest message says by how much, and only what is slower counts as late.
    """

    _fastest: dict[str, float] = field(default_factory=dict)

    def now(self) -> Message:
        """The message of this moment; without a kernel, one of nobody that is not late."""
        return self.heard(_parent_header())

    def heard(self, header: dict[str, Any]) -> Message:
        """A message by its header."""
        session, sent = str(header.get("session", "")), header.get("date")
        if not isinstance(sent, datetime):
            return Message(session, 0.0)
        aware = sent if sent.tzinfo is not None else sent.replace(tzinfo=UTC)
        took = (clock.now() - aware).total_seconds()
        fastest = self._fastest[session] = min(took, self._fastest.get(session, took))
        return Message(session, took - fastest)


def _parent_header() -> dict[str, Any]:
    kernel = getattr(get_ipython(), "kernel", None)
    parent = kernel.get_parent() if kernel is not None else {}
    header: dict[str, Any] = (parent or {}).get("header", {})
    return header


PRESENCE = Presence()
"""The pages of this process."""
