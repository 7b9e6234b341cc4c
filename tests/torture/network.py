"""
Every fault of the sandbox, on every kind of request of every change: reads, the write, the read-back.

A fault is put in the way, the approved run is made, the fault is taken away, and the run is made
again.  What must come out stands in `WRITES`; for reads the rule is that nothing is guessed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from random import Random
from typing import Any

from walks import Walked, approved, walk

from glhelpers.actions.journal import Journal
from glhelpers.actions.journal_story import flaws, stories

from .battery import Battery, Ground, Trial
from .scenes import SCENES, Scene, prepared

__all__ = ["BATTERY", "READS", "WRITES"]


@dataclass(frozen=True)
class Expected:
    """A fault on the one request that writes: whether the change is made by it, and how the run ends."""

    what: str
    fault: dict[str, Any] = field(hash=False)
    made: bool
    status: str


WRITES = (
    Expected("no fault", {}, True, "completed"),
    Expected("slow by half a second", {"do": "latency", "seconds": 0.5}, True, "completed"),
    Expected("a byte now and then", {"do": "slow_drip", "seconds": 0.01}, True, "completed"),
    Expected("applied, answer lost", {"do": "lost_answer"}, True, "completed"),
    Expected("applied, half an answer", {"do": "truncated_json"}, True, "completed"),
    Expected("applied, a page instead of an answer", {"do": "html"}, True, "completed"),
    Expected("applied, numbers as text", {"do": "wrong_type"}, True, "completed"),
    Expected("applied, 500", {"do": "500", "applied": True}, True, "completed"),
    Expected("applied, 502", {"do": "502", "applied": True}, True, "completed"),
    Expected("applied, 503", {"do": "503", "applied": True}, True, "completed"),
    Expected("applied, 504", {"do": "504", "applied": True}, True, "completed"),
    Expected("500", {"do": "500"}, False, "escalated"),
    Expected("502", {"do": "502"}, False, "escalated"),
    Expected("503", {"do": "503"}, False, "escalated"),
    Expected("504", {"do": "504"}, False, "escalated"),
    Expected("connection cut", {"do": "cut"}, False, "escalated"),
    Expected("429 without Retry-After", {"do": "429"}, False, "escalated"),
    Expected("429, Retry-After 2", {"do": "429", "retry_after": "2"}, False, "escalated"),
    Expected("429, Retry-After a day", {"do": "429", "retry_after": "86400"}, False, "escalated"),
    Expected("429, Retry-After nonsense", {"do": "429", "retry_after": "-1"}, False, "escalated"),
    Expected("429 in plain text", {"do": "429", "shape": "plain"}, False, "escalated"),
    Expected("redirect to another host", {"do": "redirect"}, False, "escalated"),
    Expected("NaN", {"do": "nan"}, False, "escalated"),
    Expected("50 MB", {"do": "huge"}, False, "escalated"),
)

READS: tuple[dict[str, Any], ...] = tuple(
    {"method": "GET", **fault}
    for fault in (
        {"do": "latency", "seconds": 0.3},
        {"do": "429"},
        {"do": "429", "retry_after": "1"},
        {"do": "429", "retry_after": "86400"},
        {"do": "500"},
        {"do": "502"},
        {"do": "503"},
        {"do": "504"},
        {"do": "cut"},
        {"do": "truncated_json"},
        {"do": "lost_answer"},
        {"do": "slow_drip", "seconds": 0.002},
        {"do": "nan"},
        {"do": "redirect"},
        {"do": "huge"},
        {"do": "html"},
        {"do": "wrong_type"},
    )
)
_TOOLS = {"system": "customersdot", "method": "POST", "times": 1}


def run(ground: Ground, chance: Random, rounds: int) -> Iterator[Trial]:
    """Faults on writes and on reads by turns; every pair of change and fault on the write comes up before any comes twice."""
    pairs = [(scene, row) for scene in SCENES for row in WRITES]
    chance.shuffle(pairs)
    for number in range(rounds):
        if number % 2 == 0:
            yield _on_the_write(ground, *pairs[(number // 2) % len(pairs)])
        else:
            yield _on_a_read(ground, chance, SCENES[(number // 2) % len(SCENES)], READS[(number // 2) % len(READS)])


def _begun(ground: Ground, scene: Scene) -> tuple[dict[str, str], Any, int]:
    os.environ["GLHELPERS_JOURNAL_URL"] = ground.new_journal_url()
    given, approval = prepared(ground, scene)
    return given, approval, len(_rows(ground))


def _rows(ground: Ground) -> list[dict[str, Any]]:
    return [row for row in ground.control("GET", "writes")["writes"] if row["path"].startswith("/adapter/")]


def _on_the_write(ground: Ground, scene: Scene, row: Expected) -> Trial:
    given, approval, before = _begun(ground, scene)
    paths = ("*/support-tools/*", "*/memberships")
    ground.control("PUT", "faults", [{**_TOOLS, "path": path, **row.fault} for path in paths] if row.fault else [])
    ran = walk(scene.runbook, given, approval)
    ground.control("PUT", "faults", [])
    made = sum(one["applied"] for one in _rows(ground)[before:])
    complaints = []
    if scene.requests == 1:
        if ran.record.status != row.status:
            complaints.append(f"ended {ran.record.status}, not {row.status}: {ran.record.why}")
        if bool(made) != row.made:
            complaints.append(f"{made} changes were made")
    elif ran.record.status not in ("completed", "escalated"):
        complaints.append(f"ended {ran.record.status}: {ran.record.why}")
    return _ended(ground, scene, given, approval, before, f"the write: {row.what}", ran, complaints)


def _on_a_read(ground: Ground, chance: Random, scene: Scene, fault: dict[str, Any]) -> Trial:
    """The fault strikes a read of the approved run by chance, once or from there on: before the write, or its read-back."""
    given, approval, before = _begun(ground, scene)
    after, lasting = chance.randrange(45), chance.random() < 0.5
    times = {} if lasting else {"times": 1}
    ground.control("PUT", "faults", [{**fault, "after": after, **times}])
    ran = walk(scene.runbook, given, approval)
    ground.control("PUT", "faults", [])
    made = sum(one["applied"] for one in _rows(ground)[before:])
    complaints = []
    if ran.record.status == "completed" and made != scene.effects:
        complaints.append(f"completed, but {made} changes were made")
    if ran.record.status not in ("completed", "failed", "stopped", "stale_plan", "escalated", "awaiting_approval"):
        complaints.append(f"ended {ran.record.status}: {ran.record.why}")
    what = f"read {after}{' and all after it' if lasting else ''}: {fault['do']}"
    return _ended(ground, scene, given, approval, before, what, ran, complaints)


def _ended(
    ground: Ground,
    scene: Scene,
    given: dict[str, str],
    approval: Any,
    before: int,
    what: str,
    ran: Walked,
    complaints: list[str],
) -> Trial:
    """With the fault gone, the run is made again; a change that was not made is planned and approved anew."""
    last, allowed = walk(scene.runbook, given, approval), scene.requests
    outcome = last.record.receipt.outcome if last.record.receipt is not None else None
    waiting = last.record.status in ("awaiting_approval", "stale_plan")
    if waiting or outcome in ("NOT_APPLIED", "PUT_BACK") or _left(ran, last):
        fresh = walk(scene.runbook, given)
        if fresh.record.status == "awaiting_approval":
            last, allowed = walk(scene.runbook, given, approved(fresh.folder, "another-colleague")), 2 * allowed
        else:
            last = fresh
    rows = _rows(ground)[before:]
    twice = [
        key
        for key, times in Counter(one["idempotency_key"] for one in rows if one["idempotency_key"]).items()
        if times > 1
    ]
    seen = sum(one["applied"] for one in rows)
    with closing(Journal(os.environ["GLHELPERS_JOURNAL_URL"])) as journal:
        complaints += [f"still open: {story.short_id}" for story in stories(journal) if story.state == "open"]
        complaints += flaws(journal)
    if twice:
        complaints.append(f"a key was sent twice: {twice}")
    if last.record.status not in ("completed", "no_change_needed"):
        complaints.append(f"in the end {last.record.status}: {last.record.why}")
    for one in (ran, last):
        said = f"{one.record.why} {one.record.next_step} {one.error or ''}"
        if "Traceback" in said or any(token in said for token in ground.sandbox.tokens.values()):
            complaints.append(f"said too much: {said[:80]}")
    single = scene.requests == 1
    return Trial(
        f"{scene.action}: {what}",
        scene.effects if single else seen,
        seen,
        len(rows),
        allowed if single else max(allowed, 0),
        "; ".join(complaints),
    )


def _left(ran: Walked, last: Walked) -> bool:
    """Whether the run after it found nothing to bring to an end, and did not make the change either."""
    return last.record.status in ("escalated", "failed") and ran.record.status != "completed"


BATTERY = Battery(
    "network",
    "Whatever the network or a service does to a read, a write or a read-back: a change that was made is found and never "
    "made twice, one that was not is not taken for made, and nothing is guessed",
    short=3,
    long=len(SCENES) * len(WRITES),
    run=run,
)
