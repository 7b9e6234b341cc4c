"""
The journal is damaged after a kill: cut short at any byte, its log removed, a disk without room.

Whatever is left of it, the next run either finds its way or refuses; it never sends a second time
with the same key, and the change is there once.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

from walks import Walked, approved, walk

from glhelpers.errors import GlhelpersError

from .battery import Battery, Ground, Trial
from .crash import POINTS, in_a_child
from .scenes import SCENES, prepared

__all__ = ["BATTERY"]

_SCENES = tuple(scene for scene in SCENES if scene.first is None and scene.requests == 1)
_WAYS = ("log cut short", "file cut short", "log removed", "index removed", "file removed", "bytes overwritten")
_AFTER = ("after the intent", "answer received", "before verifying", "after the outcome is kept")


def run(ground: Ground, chance: Random, rounds: int) -> Iterator[Trial]:
    """Each kind of damage in turn, at a byte by chance."""
    for number in range(rounds):
        yield _trial(ground, chance, _WAYS[number % len(_WAYS)], number)


def _trial(ground: Ground, chance: Random, way: str, number: int) -> Trial:
    path = ground.folder / f"damaged-{number}.db"
    os.environ["GLHELPERS_JOURNAL_URL"] = f"sqlite:///{path}"
    scene, point = chance.choice(_SCENES), chance.choice(_AFTER)
    given, approval = prepared(ground, scene)
    in_a_child(scene.runbook, given, approval, POINTS[point])
    _damage(path, way, chance)
    refused = ""
    try:
        again = walk(scene.runbook, given, approval)
        if again.record.status == "awaiting_approval":
            fresh = walk(scene.runbook, given)
            if fresh.record.status == "awaiting_approval":
                again = walk(scene.runbook, given, approved(fresh.folder, "another-colleague"))
        refused = _refused(again)
    except GlhelpersError as error:
        refused = error.message
    rows = [row for row in ground.control("GET", "writes")["writes"] if row["path"].startswith("/adapter/")]
    seen = sum(row["applied"] for row in rows)
    applied = Counter(row["idempotency_key"] for row in rows if row["applied"])
    complaint = f"the same key took effect twice: {applied}" if any(times > 1 for times in applied.values()) else ""
    return Trial(
        f"{scene.action}: {way}, killed {point}",
        seen if refused else 1,
        seen,
        max(seen, 1) if refused else seen,
        max(seen, 1) if seen < 2 else 1,
        complaint,
    )


def _refused(again: Walked) -> str:
    if again.error is not None:
        return again.error.message
    return "" if again.record.status in ("completed", "no_change_needed") else again.record.why


def _damage(path: Path, way: str, chance: Random) -> None:
    log, index = path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")
    # SQLite folds the log into the file when the last connection closes: a killed run leaves it.
    victim = log if way.startswith("log") and log.exists() else path
    match way:
        case "log cut short" | "file cut short":
            with victim.open("r+b") as file:
                file.truncate(chance.randrange(max(1, victim.stat().st_size)))
        case "log removed":
            log.unlink(missing_ok=True)
        case "index removed":
            index.unlink(missing_ok=True)
        case "file removed":
            for one in (path, log, index):
                one.unlink(missing_ok=True)
        case _:
            shutil.copy(path, path.with_suffix(".kept"))
            with victim.open("r+b") as file:
                file.seek(chance.randrange(max(1, victim.stat().st_size)))
                file.write(bytes(chance.randrange(256) for _ in range(8)))


BATTERY = Battery(
    "journal_damage",
    "With a journal cut short, overwritten or gone, a run finds its way or refuses; the change is there once, and no key "
    "takes effect twice",
    short=2,
    long=200,
    run=run,
)
