"""
Long histories of one group, by chance: plans, approvals, applies, kills, drift, faults, second operators, undoing.

After every step the sandbox's own log is held against the journal; a complaint names the seed and
the steps that led there.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from walks import Walked, approved, walk

from glhelpers.actions.journal import Journal
from glhelpers.actions.journal_story import flaws, stories
from glhelpers.batch.settling import settle_open_writes
from glhelpers.batch.undoing import undo_parameters
from glhelpers.errors import GlhelpersError
from glhelpers.settings import load_settings

from .battery import Battery, Ground, Trial
from .crash import POINTS, in_a_child
from .scenes import SCENES, Scene

__all__ = ["BATTERY"]

_STEPS = 12
_BY_ACTION = {scene.action: scene for scene in SCENES}
_SCENES = (_BY_ACTION["force_associate"], _BY_ACTION["clear_subscription"], _BY_ACTION["replace_subscription"])
_FAULTS: tuple[dict[str, Any], ...] = (
    {"do": "lost_answer"},
    {"do": "cut", "applied": True},
    {"do": "cut"},
    {"do": "502"},
    {"do": "429"},
    {"do": "truncated_json", "applied": True},
    {"do": "html", "applied": True},
    {"do": "500", "applied": True},
)
_WRITE = {"system": "customersdot", "method": "POST", "path": "*/support-tools/*", "times": 1}


@dataclass
class _Life:
    """What is at hand at a moment of a history."""

    scene: Scene
    steps: list[str] = field(default_factory=list)
    approvals: list[tuple[str, dict[str, str], Path]] = field(default_factory=list)
    done: list[Path] = field(default_factory=list)
    allowed: int = 0


def run(ground: Ground, chance: Random, rounds: int) -> Iterator[Trial]:
    """So many histories of a dozen steps."""
    for _ in range(rounds):
        yield _history(ground, chance)


def _history(ground: Ground, chance: Random) -> Trial:
    os.environ["GLHELPERS_JOURNAL_URL"] = ground.new_journal_url()
    ground.fresh_world()
    life, complaint = _Life(chance.choice(_SCENES)), ""
    for _ in range(_STEPS):
        step = chance.choice(
            (_plan, _plan, _apply, _apply, _apply, _apply_old, _killed, _faulty, _drift, _undo, _settle)
        )
        name = step.__name__.strip("_")
        life.steps.append(name)
        try:
            step(ground, chance, life)
        except GlhelpersError as refused:
            life.steps[-1] += f" ({type(refused).__name__})"
        ground.control("PUT", "faults", [])
        complaint = _wrong(ground)
        if complaint:
            complaint += f"; after {', '.join(life.steps)}"
            break
    settle_open_writes(load_settings())
    rows = _rows(ground)
    twice = sum(times - 1 for times in Counter(row["idempotency_key"] for row in rows).values())
    seen, made = sum(row["applied"] for row in rows), _told(ground)
    return Trial(
        f"{life.scene.action}: a history of {_STEPS} steps",
        made,
        seen,
        len(rows),
        len(rows) - twice,
        complaint or _open_or_lying(made, seen, life),
    )


def _open_or_lying(made: int, seen: int, life: _Life) -> str:
    return (
        "" if made == seen else f"the journal tells of {made} changes, the service of {seen}; {', '.join(life.steps)}"
    )


def _rows(ground: Ground) -> list[dict[str, Any]]:
    return [row for row in ground.control("GET", "writes")["writes"] if row["path"].startswith("/adapter/")]


def _told(ground: Ground) -> int:
    """How many requests took effect, by the journal's word."""
    with closing(Journal(os.environ["GLHELPERS_JOURNAL_URL"])) as journal:
        told = stories(journal)
    made = 0
    for story in told:
        if not story.plan.steps:
            made += story.state in ("APPLIED", "PARTIAL")
            continue
        # Replaced: cleared and put on; put back: cleared and put on again; in between only what was sent is certain.
        made += {"APPLIED": 2, "PUT_BACK": 2}.get(story.state, 0)
    return made


def _wrong(ground: Ground) -> str:
    """What must never be, at any moment: a key sent twice, a request without an intent, a broken chain."""
    rows = _rows(ground)
    twice = [key for key, times in Counter(row["idempotency_key"] for row in rows).items() if times > 1]
    with closing(Journal(os.environ["GLHELPERS_JOURNAL_URL"])) as journal:
        broken, entries = flaws(journal), journal.entries()
    keys = {entry.intent_id for entry in entries if entry.kind == "intent"}
    keys |= {str(entry.payload["key"]) for entry in entries if entry.kind == "sending"}
    # A fault that strikes before a request is read leaves no key in the service's log.
    strays = [
        row["path"] for row in rows if row["idempotency_key"] not in keys and (row["idempotency_key"] or row["applied"])
    ]
    said = [f"a key was sent twice: {twice}" if twice else "", f"sent without an intent: {strays}" if strays else ""]
    return "; ".join(text for text in [*said, *broken] if text)


def _plan(ground: Ground, chance: Random, life: _Life) -> None:
    planned = walk(life.scene.runbook, life.scene.given)
    _keep_approval(chance, life, life.scene.runbook, life.scene.given, planned)


def _keep_approval(chance: Random, life: _Life, runbook: str, given: dict[str, str], planned: Walked) -> None:
    if planned.record.status == "awaiting_approval":
        life.approvals.append((runbook, given, approved(planned.folder, f"colleague-{chance.randrange(99)}")))


def _applied(life: _Life, chosen: tuple[str, dict[str, str], Path]) -> None:
    ended = walk(*chosen)
    if ended.record.status == "completed":
        life.done.append(ended.folder)


def _apply(ground: Ground, chance: Random, life: _Life) -> None:
    if life.approvals:
        _applied(life, life.approvals[-1])


def _apply_old(ground: Ground, chance: Random, life: _Life) -> None:
    if life.approvals:
        _applied(life, chance.choice(life.approvals))


def _killed(ground: Ground, chance: Random, life: _Life) -> None:
    if life.approvals:
        runbook, given, approval = life.approvals[-1]
        points = [point for point in POINTS if point != "request on its way"]
        in_a_child(runbook, given, approval, POINTS[chance.choice(points)])


def _faulty(ground: Ground, chance: Random, life: _Life) -> None:
    ground.control("PUT", "faults", [{**_WRITE, **chance.choice(_FAULTS)}])
    _apply(ground, chance, life)


def _drift(ground: Ground, chance: Random, life: _Life) -> None:
    group = life.scene.given["namespace"]
    change = {"group": group, "count": 1}
    ground.control("POST", "change", {chance.choice(("add_members", "remove_members")): change})


def _undo(ground: Ground, chance: Random, life: _Life) -> None:
    if life.done:
        given = undo_parameters(chance.choice(life.done), load_settings())
        _keep_approval(chance, life, "undo", given, walk("undo", given))
        if life.approvals:
            _applied(life, life.approvals[-1])


def _settle(ground: Ground, chance: Random, life: _Life) -> None:
    settle_open_writes(load_settings())


BATTERY = Battery(
    "history",
    "Whatever happens to one group in whatever order, no key is sent twice, nothing is sent without an intent, and the "
    "journal tells what the service did",
    short=1,
    long=150,
    run=run,
)
