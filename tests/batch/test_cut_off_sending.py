"""A kernel killed while it sends a change: nobody heard the answer, and the next run settles it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cut_off import DRIPPING_ANSWER, inside, kernel_of

pytestmark = pytest.mark.notebook

Until = Callable[[Callable[[], Any]], Any]


@pytest.mark.parametrize(
    ("ticket", "ends", "told"),
    [(1002, "completed", 0), (1026, "verification_failed", 2)],
    ids=["the change was made", "the tool accepted it and did nothing"],
)
def test_a_kernel_killed_while_the_change_is_sent_is_settled_by_the_next_run(
    desk: Any, until: Until, ticket: int, ends: str, told: int
) -> None:
    """Nobody heard the answer: the record does not deny the change, and the next run reads it back and sends nothing."""
    approval = desk.approved(desk.run(ticket))
    desk.misbehave(DRIPPING_ANSWER)
    process = desk.begin("run", "force_associate", *desk.words(ticket), "--approval", str(approval))
    until(lambda: inside(desk.settings.runs_dir, "apply") and desk.writes() == 1)
    kernel_of(process).kill()
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 3
    assert "A change may have been sent: run again, it reads the state back first." in out
    desk.misbehave()
    settled = desk.run(ticket).record
    assert settled.status == ends
    assert settled.receipt is not None
    assert settled.receipt.settled_from_journal
    assert "An earlier run sent this change and did not record its end; it was read back here." in settled.notices
    assert desk.writes() == 1
    assert desk.attempts() == 1 + told
