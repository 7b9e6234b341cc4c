"""The invented page, names for its paragraphs, rules that rest on them, and its fingerprints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from glhelpers.rules.fingerprints import Base, make_base
from glhelpers.rules.markdown_page import parse
from glhelpers.rules.paragraphs import Paragraph
from glhelpers.rules.rule import Rule, passes

PAGE = Path(__file__).parents[1] / "handbook" / "page.md"
TEXT = PAGE.read_text(encoding="utf-8")

_SECTIONS = {
    "boats-that-a-club-has-brought": ("club.look", "club.self"),
    "the-gate-answers-with-silence": ("gate.cause", "gate.verify", "gate.empty"),
    "assigning-a-berth-by-force": (
        "force.lever",
        "force.when",
        "force.crew",
        "force.rescue",
        "force.green",
        "force.red",
        "force.skipper",
    ),
    "the-skipper-finds-the-berth": (
        "finds.when",
        "finds.walk",
        "finds.open",
        "finds.choose",
        "finds.bring",
        "finds.another",
        "finds.agree",
    ),
    "the-skipper-does-not-find-the-berth": ("finds-not.name",),
}
PARAGRAPHS = {id: Paragraph(id, anchor, f"Our words on {id}.") for anchor, ids in _SECTIONS.items() for id in ids}


def rule_on(id: str, anchor: str, *rests_on: str) -> Rule[Any]:
    """A rule that rests on these paragraphs."""
    return Rule(id, f"Rule {id}", "stage", anchor, "words", (), lambda facts: passes("fine"), rests_on)


RULES = (
    rule_on("crew-fits", "assigning-a-berth-by-force", "force.crew"),
    rule_on("lamp-is-read", "assigning-a-berth-by-force", "force.green", "force.red"),
    rule_on("skipper-has-a-card", "assigning-a-berth-by-force", "force.skipper", "gate.verify"),
    rule_on("list-is-open", "the-skipper-finds-the-berth", "finds.open"),
    rule_on("moves-in-alone", "moving-in-alone", "club.self"),
)


def base() -> Base:
    """The fingerprints of the page as it stands in the file."""
    return make_base(parse(TEXT), PARAGRAPHS)


def edited(*edits: tuple[str, str]) -> str:
    """The page with each first text replaced by the second; every first text must be there exactly once."""
    text = TEXT
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text
