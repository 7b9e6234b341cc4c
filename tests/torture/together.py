"""Sixteen operators at one target at the same moment, each with an approval of their own."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

from walks import approved, walk

from glhelpers.actions.journal import Journal
from glhelpers.actions.journal_story import flaws, stories
from glhelpers.errors import GateClosed, GlhelpersError, WriteInProgress
from glhelpers.runbook import open_runbook

from .battery import Battery, Ground, Trial
from .scenes import SCENES, Scene

__all__ = ["BATTERY"]

_OPERATORS = 16
_SCENES = tuple(scene for scene in SCENES if scene.first is None)


def run(ground: Ground, chance: Random, rounds: int) -> Iterator[Trial]:
    """Let all plan, then apply at once; by turns with approvals of their own and with one for all."""
    for number in range(rounds):
        shared = number % 4 == 3
        yield _trial(ground, _SCENES[number % len(_SCENES)], shared, slow=chance.random() < 0.5)


def _trial(ground: Ground, scene: Scene, shared: bool, slow: bool) -> Trial:
    os.environ["GLHELPERS_JOURNAL_URL"] = ground.new_journal_url()
    ground.fresh_world()
    planned = walk(scene.runbook, scene.given)
    approvals = [approved(planned.folder)] * _OPERATORS if shared else _approvals(scene)
    if slow:
        ground.control("PUT", "faults", [{"system": "customersdot", "method": "POST", "do": "latency", "seconds": 0.2}])
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(_OPERATORS), context.SimpleQueue()
    crowd = [
        context.Process(target=_apply, args=(scene, approval, barrier, results, number))
        for number, approval in enumerate(approvals)
    ]
    for one in crowd:
        one.start()
    told = [results.get() for _ in crowd]
    for one in crowd:
        one.join(30)
    return _judged(ground, scene, shared, slow, told)


def _approvals(scene: Scene) -> list[Path]:
    """Each operator has planned alone, and had the plan approved by another colleague."""
    return [approved(walk(scene.runbook, scene.given).folder, f"colleague-{n}") for n in range(_OPERATORS)]


def _apply(scene: Scene, approval: Path, barrier: Any, results: Any, number: int) -> None:
    os.environ["GLHELPERS_OPERATOR"] = f"operator-{number}"
    run = open_runbook(scene.runbook, scene.given | {"approval": str(approval)})
    try:
        for step in (run.look_up, run.check, run.plan, run.confirm):
            step()
    except GlhelpersError as error:
        results.put((type(error).__name__, error.message))
        barrier.wait(30)
        return
    barrier.wait(30)
    try:
        for step in (run.apply, run.verify, run.record):
            step()
        receipt = run.known.receipt
        sent = receipt is not None and not receipt.settled_from_journal
        results.put(("wrote" if sent else str(run.known.status), run.known.why))
    except (WriteInProgress, GateClosed) as error:
        results.put((type(error).__name__, error.message))
    except GlhelpersError as error:
        results.put(("error", error.message))


def _judged(ground: Ground, scene: Scene, shared: bool, slow: bool, told: list[tuple[str, str]]) -> Trial:
    seen, requests = ground.writes()
    ways = Counter(how for how, _ in told)
    with closing(Journal(os.environ["GLHELPERS_JOURNAL_URL"])) as journal:
        states = [story.state for story in stories(journal)]
        broken = flaws(journal)
    held = [says for how, says in told if how == "WriteInProgress"]
    complaints = [
        "" if ways["wrote"] == 1 else f"{ways['wrote']} wrote",
        "" if states == ["APPLIED"] else f"the journal tells {states}",
        "" if all("is held by" in says or "still running" in says for says in held) else "not told who holds it",
        f"errors: {[says for how, says in told if how == 'error'][:2]}" if ways["error"] else "",
        " ".join(broken),
    ]
    what = "one approval" if shared else "an approval each"
    return Trial(
        f"{scene.action}: {_OPERATORS} at once, {what}{', slow service' if slow else ''}",
        scene.effects,
        seen,
        requests,
        scene.effects,
        "; ".join(text for text in complaints if text),
    )


BATTERY = Battery(
    "together",
    "Of sixteen operators at one target one writes; the others are told who holds it, or that it is done",
    short=1,
    long=40,
    run=run,
)
