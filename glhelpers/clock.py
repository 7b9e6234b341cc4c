"""What time it is: now, unless this process replays a run of the past and can reach no service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["go_back_to", "now"]

_back = timedelta(0)


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC) - _back


def go_back_to(moment: datetime) -> None:
    """From now on it is `moment` and later; only a replay does that, whose answers come from a file."""
    global _back
    _back = datetime.now(UTC) - moment
