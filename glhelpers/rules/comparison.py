"""Another copy of the handbook page against the fingerprints: what changed, and which rules rest on it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from glhelpers.rules.fingerprints import Base, Mark, mark_of
from glhelpers.rules.markdown_page import Page
from glhelpers.rules.rule import Rule

__all__ = ["Comparison", "Fresh", "Heading", "Kind", "Traced", "compare"]

# Shares of common runs of words.  On the page itself, two different paragraphs reach 0.2 at most, apart from
# one pair of twins (0.5), which its own texts keep apart: equal texts are matched first, then the most similar.
_SIMILAR, _SIMILAR_ELSEWHERE = 0.22, 0.3
# Two paragraphs this short need not have a run of words in common to be one and the same instruction.
_SHORT = 12


class Kind(StrEnum):
    """What became of a paragraph."""

    unchanged = "unchanged"
    moved = "moved"
    changed = "changed"
    vanished = "vanished"


@dataclass(frozen=True)
class Traced:
    """A paragraph of the base, what became of it, where it is now, and the ids of the rules that rest on it."""

    id: str
    kind: Kind
    was: str
    anchor: str | None
    line: int | None
    likeness: float
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Fresh:
    """A paragraph of the page that the base does not have; `opening` are its first words."""

    anchor: str
    line: int
    opening: str


@dataclass(frozen=True)
class Heading:
    """An anchor that the page no longer has; `now` where its paragraphs stand together under a new one."""

    was: str
    now: str | None
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """All paragraphs of the base, in its order; the new ones of the page; the anchors that are gone."""

    paragraphs: tuple[Traced, ...]
    fresh: tuple[Fresh, ...]
    headings: tuple[Heading, ...]

    @property
    def differs(self) -> bool:
        """Whether anything but looks has changed."""
        return bool(self.fresh or self.headings or self.alarming)

    @property
    def alarming(self) -> tuple[Traced, ...]:
        """The paragraphs that did not stay as they were."""
        return tuple(traced for traced in self.paragraphs if traced.kind is not Kind.unchanged)


def compare(base: Base, page: Page, rules: Iterable[Rule[Any]]) -> Comparison:
    """
    What became of each paragraph of the base on this page, and what is new there.

    A paragraph is unchanged only if its text is the same, in the same section, in the same order
    among those that are still there.  A section with a new heading but the same paragraphs is one
    line among `headings`, not many moves.
    """
    every = tuple(rules)
    marks = [mark_of(passage, at) for at, passage in enumerate(page.passages)]
    pairs = _pair(base.paragraphs, marks)
    renamed = _renamed(base, page, pairs, marks)
    steady = _in_order(pairs, base.paragraphs)
    traced = []
    for id, mark in base.paragraphs.items():
        at = pairs.get(id)
        kind, likeness = Kind.vanished, 0.0
        if at is not None:
            likeness = _likeness(mark, marks[at])
            at_home = marks[at].anchor == renamed.get(mark.anchor, mark.anchor) and id in steady
            same = mark.sha256 == marks[at].sha256
            kind = Kind.changed if not same else Kind.unchanged if at_home else Kind.moved
        traced.append(
            Traced(
                id=id,
                kind=kind,
                was=mark.anchor,
                anchor=None if at is None else marks[at].anchor,
                line=None if at is None else page.passages[at].line,
                likeness=likeness,
                rules=_ids(rule for rule in every if id in rule.rests_on),
            )
        )
    return Comparison(tuple(traced), _fresh(page, pairs.values()), _headings(base, page, renamed, every))


def _pair(base: Mapping[str, Mark], marks: Sequence[Mark]) -> dict[str, int]:
    """Which paragraph of the page each of the base is: the same text first, then the likest, then short ones by place."""
    pairs: dict[str, int] = {}
    for same_section in (True, False):
        for id, mark in base.items():
            if id not in pairs and (at := _twin(mark, marks, pairs, same_section)) is not None:
                pairs[id] = at
    taken = set(pairs.values())
    free = [at for at in range(len(marks)) if at not in taken]
    likest = sorted(
        (-score, abs(mark.position - at), id, at)
        for id, mark in base.items()
        if id not in pairs
        for at in free
        if (score := _likeness(mark, marks[at]))
        >= (_SIMILAR if mark.anchor == marks[at].anchor else _SIMILAR_ELSEWHERE)
    )
    for _, _, id, at in likest:
        if id not in pairs and at not in taken:
            pairs[id] = at
            taken.add(at)
    _pair_by_place(base, marks, pairs)
    return pairs


def _twin(mark: Mark, marks: Sequence[Mark], pairs: Mapping[str, int], same_section: bool) -> int | None:
    """The first paragraph of the page with this very text that is not taken yet."""
    taken = set(pairs.values())
    return next(
        (
            at
            for at, other in enumerate(marks)
            if other.sha256 == mark.sha256 and at not in taken and (other.anchor == mark.anchor or not same_section)
        ),
        None,
    )


def _pair_by_place(base: Mapping[str, Mark], marks: Sequence[Mark], pairs: dict[str, int]) -> None:
    """A short paragraph is the one that now stands between the same two neighbours."""
    ids = list(base)
    for nth, id in enumerate(ids):
        if id in pairs or len(base[id].shingles) > _SHORT:
            continue
        before = pairs.get(ids[nth - 1]) if nth else -1
        after = pairs.get(ids[nth + 1]) if nth + 1 < len(ids) else len(marks)
        if before is None or after != before + 2 or len(marks[before + 1].shingles) > _SHORT:
            continue
        if before + 1 not in pairs.values():
            pairs[id] = before + 1


def _likeness(one: Mark, other: Mark) -> float:
    """The share of runs of words that two paragraphs have in common, from 0 to 1; 1 for the same text."""
    if one.sha256 == other.sha256:
        return 1.0
    ours, theirs = set(one.shingles), set(other.shingles)
    return 2 * len(ours & theirs) / (len(ours) + len(theirs))


def _renamed(base: Base, page: Page, pairs: Mapping[str, int], marks: Sequence[Mark]) -> dict[str, str]:
    """Anchors that are gone, with the new anchor under which all that is left of their paragraphs stands."""
    renamed: dict[str, str] = {}
    for gone in (anchor for anchor in base.sections if anchor not in page.anchors):
        now = {marks[pairs[id]].anchor for id, mark in base.paragraphs.items() if mark.anchor == gone and id in pairs}
        if len(now) == 1 and (anchor := now.pop()) not in base.sections and anchor not in renamed.values():
            renamed[gone] = anchor
    return renamed


def _in_order(pairs: Mapping[str, int], base: Mapping[str, Mark]) -> set[str]:
    """The most paragraphs that stand in the same order as before: the others are those that moved."""
    tops: list[int] = []
    chains: list[tuple[str, ...]] = []
    for id in base:
        if id in pairs:
            length = bisect_left(tops, pairs[id])
            chain = (*chains[length - 1], id) if length else (id,)
            tops[length : length + 1] = [pairs[id]]
            chains[length : length + 1] = [chain]
    return set(chains[-1]) if chains else set()


def _fresh(page: Page, taken: Iterable[int]) -> tuple[Fresh, ...]:
    known = set(taken)
    return tuple(
        Fresh(passage.anchor, passage.line, " ".join(passage.text.split()[:8]))
        for at, passage in enumerate(page.passages)
        if at not in known
    )


def _headings(base: Base, page: Page, renamed: Mapping[str, str], rules: Sequence[Rule[Any]]) -> tuple[Heading, ...]:
    """The anchors that are gone, each with the rules that name it or rest on a paragraph under it."""
    return tuple(
        Heading(
            gone,
            renamed.get(gone),
            _ids(
                rule
                for rule in rules
                if rule.anchor == gone
                or any(base.paragraphs[id].anchor == gone for id in rule.rests_on if id in base.paragraphs)
            ),
        )
        for gone in base.sections
        if gone not in page.anchors
    )


def _ids(rules: Iterable[Rule[Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule.id for rule in rules))
