"""
Server data that is wrong or hostile, in every field of every answer that a runbook reads.

One key of one answer is given another value by the sandbox, over real HTTP.  The run must end with
a status, write nothing, plan nothing else than without it, and leave evidence in which nothing acts.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from random import Random
from typing import Any

from walks import Walked, walk

from glhelpers.errors import GlhelpersError
from glhelpers.evidence.markdown import note_markdown
from glhelpers.evidence.page import html_page
from glhelpers.sandbox.world_file import DEMO, load_world

from .battery import Battery, Ground, Trial

__all__ = ["BATTERY", "VALUES"]

VALUES: tuple[dict[str, Any], ...] = (
    {"value": "<script>alert(1)</script>"},
    {"value": '"><img src=x onerror=alert(1)>'},
    {"value": "javascript:alert(1)"},
    {"value": "[click](javascript:alert(1)) ![x](https://elsewhere.example/x.png)"},
    {"value": "\x1b[2J\x1b[31mred\x1b]8;;https://elsewhere.example\x07link\x1b]8;;\x07"},
    {"value": "=cmd|' /C calc'!A0"},
    {"value": "+1+1"},
    {"value": "@all and @everybody"},
    {"value": "first\n/close\n/label ~bug\n@all"},
    {"value": "\u202egnp.exe\u202c\u200b\u2066"},
    {"value": '| a | b |\n|---|---|\n```mermaid\ngraph TD; A-->B; click A "javascript:alert(1)"\n```'},
    {"value": "]]></svg><script>1</script>`${7*7}`{{7*7}}{% raw %}"},
    {"value": "a" * 200_000},
    {"value": ""},
    {"value": " "},
    {"value": None},
    {"value": True},
    {"value": -1},
    {"value": 0},
    {"value": 1.5},
    {"value": 10**30},
    {"value": []},
    {"value": {}},
    {"value": {"deep": {"deeper": ["<script>"]}}},
    {"value": ["<script>alert(1)</script>"] * 1000},
    {"raw": "NaN"},
    {"raw": "Infinity"},
    {"raw": "1e999"},
    {"raw": '"a", "id": 999999'},
    {"raw": "[" * 3000 + "]" * 3000},
    {"value": "2026-13-45"},
    {"value": "1"},
    {"gone": True},
)
"""A value for the key, JSON text as it stands, or no such key at all."""

_CASES = tuple(case for case in load_world(DEMO).cases if case.tour)
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_Place = tuple[int, str, str, str]


class _Inert(HTMLParser):
    """Collects what could act on its own in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.active: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "object", "embed", "base", "form", "link"):
            self.active.append(f"<{tag}>")
        for name, value in attrs:
            target = (value or "").strip().casefold()
            if name.startswith("on") or target.startswith(("javascript:", "vbscript:", "data:text")):
                self.active.append(f"{name}={target[:30]}")
            if name in ("src", "srcset", "poster") and not target.startswith("data:image"):
                self.active.append(f"{name}={target[:30]}")


def run(ground: Ground, chance: Random, rounds: int) -> Iterator[Trial]:
    """First the answers as they are, then so many of them with one key made hostile, each value and place in turn."""
    ground.control("PUT", "faults", [])
    clean: dict[int, Walked] = {}
    places: list[_Place] = []
    for case in _CASES:
        given = {name: str(value) for name, value in case.parameters.items()}
        os.environ["GLHELPERS_JOURNAL_URL"] = ground.new_journal_url()
        ground.fresh_world()
        clean[case.ticket] = walk(case.runbook, given)
        places += [(case.ticket, *place) for place in _places(clean[case.ticket])]
    chance.shuffle(places)
    ground.say(f"{len(places)} places")
    for number in range(rounds):
        yield _trial(ground, places[number % len(places)], VALUES[number % len(VALUES)], clean)


def _places(ran: Walked) -> list[tuple[str, str, str]]:
    """System, path and key of all that was answered."""
    heard = json.loads((ran.folder / "answers.json").read_text())["heard"]
    found = {
        (one["service"], one["path"], key)
        for one in heard
        if one["method"] == "GET" and (one["status"] or 500) < 300
        for key in _keys(one["body"])
    }
    return sorted(found)


def _keys(value: Any) -> set[str]:
    if isinstance(value, list):
        return {key for item in value for key in _keys(item)}
    if isinstance(value, dict):
        return set(value) | {key for item in value.values() for key in _keys(item)}
    return set()


def _trial(ground: Ground, place: _Place, value: dict[str, Any], clean: dict[int, Walked]) -> Trial:
    ticket, system, path, key = place
    (case,) = [case for case in _CASES if case.ticket == ticket]
    given = {name: str(text) for name, text in case.parameters.items()}
    os.environ["GLHELPERS_JOURNAL_URL"] = ground.new_journal_url()
    ground.fresh_world()
    rule = {"system": system, "method": "GET", "path": path.replace("[", "[[]"), "do": "rewrite", "key": key, **value}
    ground.control("PUT", "faults", [rule])
    complaints, status = [], "refused"
    try:
        ran = walk(case.runbook, given)
        status = str(ran.record.status)
        complaints += _of_the_run(ran, clean[ticket])
    except GlhelpersError as error:
        complaints += [f"says {error.message[:80]!r}"] if _INVISIBLE.search(str(error)) else []
    ground.control("PUT", "faults", [])
    attempts = int(ground.control("GET", "writes")["attempts"])
    shown = json.dumps(value)[:40]
    return Trial(
        f"{case.runbook}: {key} of {path} is {shown}: {status}", 0, attempts, attempts, 0, "; ".join(complaints)
    )


def _of_the_run(ran: Walked, clean: Walked) -> Iterator[str]:
    record = ran.record
    unforeseen = [step.error for step in record.steps if step.error and "unforeseen" in step.error]
    if unforeseen:
        yield f"crashed: {unforeseen}"
    if ran.error is not None and "nforeseen" in ran.error.message:
        yield ran.error.message
    if record.plan is not None and clean.record.plan is not None:
        meant = clean.record.plan
        if record.plan.target.id != meant.target.id or dict(record.plan.arguments) != dict(meant.arguments):
            yield f"another plan: {record.plan.target.id} {dict(record.plan.arguments)}"
    elif record.plan is not None:
        yield "a plan, where there was none"
    yield from _of_the_evidence(record)


def _of_the_evidence(record: Any) -> Iterator[str]:
    texts = json.dumps(record.model_dump(mode="json"), ensure_ascii=False)
    if found := _INVISIBLE.search(texts):
        yield f"the record holds U+{ord(found[0]):04X}"
    page = _Inert()
    page.feed(html_page(record, None))
    if page.active:
        yield f"the page could act: {page.active[:3]}"
    note = note_markdown(record, {})
    outside = re.sub(r"```.*?```|`[^`\n]*`", "", note, flags=re.DOTALL)
    if any(line.lstrip().startswith("/") for line in note.splitlines()):
        yield "the note has a quick action"
    if re.search(r"(?<![\\\w.])@(?:all|everybody)\b", outside):
        yield "the note mentions somebody"
    # A backslash before it makes it plain text in Markdown.
    if re.search(r"(?<!\\)(?:\]\(\s*javascript:|<script|<img)", outside, re.IGNORECASE):
        yield "the note holds active text"


BATTERY = Battery(
    "hostile",
    "Whatever a service answers, the run ends with a status, writes nothing, plans nothing else, and its evidence is inert",
    short=4,
    long=1500,
    run=run,
)
