"""
`kill -9` at every step of apply, for each action, and at moments nobody has chosen.

A child process makes the change and is killed on the way.  Then the same run is started again, as
an operator would; if the change had not been made, a new plan is approved and applied.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

from walks import Walked, approved, walk

from glhelpers.actions.journal import Journal
from glhelpers.actions.journal_story import flaws, stories
from glhelpers.actions.write import Writer
from glhelpers.evidence.folder import RunFolder

from .battery import Battery, Ground, Trial
from .scenes import SCENES, Scene, prepared

__all__ = ["BATTERY", "POINTS", "in_a_child"]

_LATE = 0.25
"""Seconds for which a slow service holds a request, so that a process can die while it is on its way."""

_LONGEST = 0.5
"""Seconds within which an undisturbed run has finished; random kills are spread over them."""


def _die(*_: Any, **__: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def _before(owner: type, name: str, nth: int = 0) -> None:
    """The nth call of this method is the process's last moment, and is not made."""
    call, left = getattr(owner, name), iter(range(nth, -1, -1))

    def deadly(*given: Any, **named: Any) -> Any:
        return _die() if next(left, -1) == 0 else call(*given, **named)

    setattr(owner, name, deadly)


def _after(owner: type, name: str) -> None:
    """This call is made, and nothing after it."""
    call = getattr(owner, name)

    def deadly(*given: Any, **named: Any) -> Any:
        call(*given, **named)
        _die()

    setattr(owner, name, deadly)


def _soon(seconds: float) -> Callable[[], None]:
    return lambda: threading.Timer(seconds, _die).start()


POINTS: dict[str, Callable[[], None]] = {
    "before the intent": lambda: _before(Journal, "begin"),
    "after the intent": lambda: _after(Journal, "begin"),
    "request on its way": lambda: None,
    "answer received": lambda: _before(Journal, "answered"),
    "before verifying": lambda: _after(Journal, "answered"),
    "before the outcome is kept": lambda: _before(Journal, "settle"),
    "after the outcome is kept": lambda: _after(Journal, "settle"),
    "before the record": lambda: _before(RunFolder, "finalise"),
}
_OF_TWO: dict[str, Callable[[], None]] = {
    "second request about to leave": lambda: _before(Journal, "sending", 1),
    "second request sent, not answered": lambda: _before(Journal, "answered", 1),
    "between the requests": lambda: _before(Writer, "request", 1),
}


def run(ground: Ground, chance: Random, rounds: int) -> Iterator[Trial]:
    """Every point of every action in turn, in an order by the seed; then as many kills at random moments."""
    points = [(scene, point) for scene in SCENES for point in (*POINTS, *(_OF_TWO if scene.requests > 1 else ()))]
    chance.shuffle(points)
    for number in range(rounds):
        scene, point = points[number % len(points)] if number % 2 == 0 else (chance.choice(SCENES), "")
        if number % 2 == 0 and number // 2 < len(points):
            scene, point = points[number // 2]
        yield _trial(ground, scene, point, chance.uniform(0, _LONGEST))


def _trial(ground: Ground, scene: Scene, point: str, moment: float) -> Trial:
    os.environ["GLHELPERS_JOURNAL_URL"] = ground.new_journal_url()
    given, approval = prepared(ground, scene)
    made_before = ground.writes()[0]
    if point in ("", "request on its way"):
        slow = {
            "system": "customersdot",
            "method": "POST",
            "path": "*/support-tools/*",
            "do": "latency",
            "seconds": _LATE,
        }
        ground.control("PUT", "faults", [slow, {**slow, "path": "*/memberships"}])
    deadly = POINTS.get(point) or _OF_TWO.get(point) or _soon(moment)
    code = in_a_child(
        scene.runbook, given, approval, _on_its_way(ground, deadly) if point == "request on its way" else deadly
    )
    ground.control("PUT", "faults", [])
    again = walk(scene.runbook, given, approval)
    allowed, last = scene.requests, again
    if _is_to_do(again):
        last = _once_more(scene, given)
        allowed += scene.requests
    return _judged(ground, scene, point or f"at {moment:.2f} s", code, made_before, allowed, last, again)


def _on_its_way(ground: Ground, deadly: Callable[[], None]) -> Callable[[], None]:
    """Die as soon as the intent is kept and the request has had time to leave."""

    def arm() -> None:
        call = Journal.begin

        def begin(*given: Any, **named: Any) -> Any:
            call(*given, **named)
            threading.Timer(_LATE / 2, _die).start()

        setattr(Journal, "begin", begin)  # noqa: B010 (of this process only)

    return arm


def _is_to_do(again: Walked) -> bool:
    """Whether the change has not been made and the old approval opens nothing any more."""
    outcome = again.record.receipt.outcome if again.record.receipt is not None else None
    return again.record.status in ("awaiting_approval", "stale_plan") or outcome in ("PUT_BACK", "NOT_APPLIED")


def _once_more(scene: Scene, given: dict[str, str]) -> Walked:
    fresh = walk(scene.runbook, given)
    if fresh.record.status != "awaiting_approval":
        return fresh
    return walk(scene.runbook, given, approved(fresh.folder, "another-colleague"))


def in_a_child(runbook: str, given: dict[str, str], approval: Path, arm: Callable[[], None]) -> int | None:
    def live() -> None:
        arm()
        walk(runbook, given, approval)

    child = multiprocessing.get_context("fork").Process(target=live)
    child.start()
    child.join(30)
    if child.is_alive():
        child.kill()
        child.join()
    return child.exitcode


def _judged(
    ground: Ground,
    scene: Scene,
    point: str,
    code: int | None,
    made_before: int,
    allowed: int,
    last: Walked,
    again: Walked,
) -> Trial:
    rows = [row for row in ground.control("GET", "writes")["writes"] if row["path"].startswith("/adapter/")]
    rows = rows[made_before:]
    seen = sum(row["applied"] for row in rows)
    twice = [key for key, times in Counter(row["idempotency_key"] for row in rows).items() if times > 1]
    with closing(Journal(os.environ["GLHELPERS_JOURNAL_URL"])) as journal:
        open_now = [story.short_id for story in stories(journal) if story.state == "open"]
        broken = flaws(journal)
    ended = last.record.status in ("completed", "no_change_needed")
    complaints = [
        "" if code in (-9, 0) else f"the child ended with {code}",
        f"a key was sent twice: {twice}" if twice else "",
        f"still open: {open_now}" if open_now else "",
        " ".join(broken),
        "" if ended else f"ended {last.record.status}: {last.record.why}",
        "" if again.record.complete and last.record.complete else "the record of the run after is not complete",
    ]
    # Replaced subscriptions that were put back have been cleared and associated once more on the way.
    expected = scene.effects if scene.requests == 1 else seen
    return Trial(
        f"{scene.action}: killed {point}" if code == -9 else f"{scene.action}: not hit {point}",
        expected,
        seen,
        len(rows),
        allowed if scene.requests == 1 else max(allowed, len(rows) if not twice else 0),
        "; ".join(text for text in complaints if text),
    )


BATTERY = Battery(
    "crash",
    "Killed anywhere, a change is made once or not at all, the journal tells which, and the next run brings it to an end",
    short=2,
    long=300,
    run=run,
)
