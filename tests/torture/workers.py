"""
A worker dies with its notebook, and its task is given to another at once.

The real command in real processes with real kernels: `glhelpers run … --approval`, killed with -9
at any moment; the kernel may live on for seconds and still send.  Another worker gets the same task.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

from walks import walk

from glhelpers.actions.journal import Journal
from glhelpers.actions.journal_story import flaws, stories

from .battery import Battery, Ground, Trial
from .scenes import SCENES, Scene, prepared

__all__ = ["BATTERY"]

_LONGEST = 4.0
"""Seconds within which an undisturbed run of a notebook has finished."""

_SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
_SCENES = tuple(scene for scene in SCENES if scene.first is None)


def run(ground: Ground, chance: Random, rounds: int) -> Iterator[Trial]:
    """Kill a worker at a random moment, with each action in turn."""
    for number in range(rounds):
        yield _trial(
            ground, _SCENES[number % len(_SCENES)], chance.uniform(0.8, _LONGEST), chance.choice(_SIGNALS), number
        )


def _trial(ground: Ground, scene: Scene, moment: float, by: signal.Signals, number: int) -> Trial:
    os.environ["GLHELPERS_JOURNAL_URL"] = ground.new_journal_url()
    given, approval = prepared(ground, scene)
    task = ground.folder / f"task-{number}.json"
    task.write_text(json.dumps(given))
    first = _worker(scene, task, approval)
    try:
        first.wait(moment)
    except subprocess.TimeoutExpired:
        first.send_signal(by)
    second = _worker(scene, task, approval)
    codes = [first.wait(60), second.wait(60)]
    time.sleep(0.1)
    _let_orphans_end(ground.folder)
    last = walk(scene.runbook, given, approval)
    rows = [row for row in ground.control("GET", "writes")["writes"] if row["path"].startswith("/adapter/")]
    twice = [key for key, times in Counter(row["idempotency_key"] for row in rows).items() if times > 1]
    seen = sum(row["applied"] for row in rows)
    with closing(Journal(os.environ["GLHELPERS_JOURNAL_URL"])) as journal:
        told = stories(journal)
        still = [story.short_id for story in told if story.state == "open"]
        made = sum(story.state in ("APPLIED", "NOOP") for story in told)
        broken = flaws(journal)
    complaints = [
        f"a key was sent twice: {twice}" if twice else "",
        f"still open: {still}" if still else "",
        " ".join(broken),
        "" if last.record.complete else "the last record is not complete",
        "" if _tells_the_truth(scene, made, seen) else f"the journal tells {made} made, the service {seen}",
        f"another code than 0, 2, 3 or 4: {codes}" if codes[1] not in (0, 2, 3, 4) else "",
    ]
    return Trial(
        f"{scene.action}: worker ended by {by.name}, its task given to another",
        seen if scene.requests > 1 else made,
        seen,
        len(rows),
        scene.requests,
        "; ".join(text for text in complaints if text),
    )


def _tells_the_truth(scene: Scene, made: int, seen: int) -> bool:
    """One request: as many as the service counted. Two: made means both; put back means two of three."""
    return made == seen if scene.requests == 1 else (seen == scene.effects if made else seen in (0, 2))


def _worker(scene: Scene, task: Path, approval: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "glhelpers.cli", "run", scene.runbook, "--params", str(task)]
    return subprocess.Popen(
        [*command, "--approval", str(approval)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _let_orphans_end(folder: Path) -> None:
    """A kernel notices only after a while that its parent is gone; what it sends until then counts."""
    import psutil

    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if not any(_is_kernel_of(process, str(folder)) for process in psutil.process_iter()):
            return
        time.sleep(0.2)


def _is_kernel_of(process: object, folder: str) -> bool:
    import psutil

    assert isinstance(process, psutil.Process)
    try:
        return process.name() == "glh-kernel" and folder in str(process.environ().get("GLHELPERS_STATE_DIR"))
    except psutil.Error:
        return False


BATTERY = Battery(
    "workers",
    "A worker that is killed with its notebook, and another that is given its task, make one change between them, or none",
    short=1,
    long=40,
    run=run,
)
