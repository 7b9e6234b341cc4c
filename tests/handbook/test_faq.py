"""The questions about the page: each answered shortly, by a runbook that exists, with a section that the page has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from glhelpers.actions.catalogue import CATALOGUE
from glhelpers.rules import handbook
from glhelpers.rules.start_here import WAYS

DOCS = Path(__file__).parents[2] / "docs"
QUESTIONS = (DOCS / "faq.md").read_text(encoding="utf-8").split("\n## ")[1:]
ANCHORS = {getattr(handbook, name) for name in handbook.__all__ if name != "PAGE"}
WAY = re.compile(r"Runbook: \[`(\w+)`\]\(\.\./runbooks/(\w+)\.ipynb\) · Handbook: \[[^\]]+\]\(([^#)]+)#([\w-]+)\)")


def test_there_are_enough_and_not_too_many() -> None:
    """Twelve to twenty, each asked once, and every runbook that the page began with has one."""
    asked = [question.splitlines()[0] for question in QUESTIONS]
    assert 12 <= len(set(asked)) == len(asked) <= 20
    named = {found[1] for question in QUESTIONS if (found := WAY.search(question))}
    assert named >= {*WAYS, "start_here"}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda text: text.splitlines()[0][:40])
def test_an_answer_is_short_and_leads_on(question: str) -> None:
    """Two to five sentences, then the runbook and the section of the page."""
    asked, _, answer, _, way = question.strip().splitlines()
    assert asked.endswith("?")
    sentences = [part for part in re.split(r"(?<=[.?!])\s+(?=[A-Z`*])", answer) if part]
    assert 2 <= len(sentences) <= 5, sentences
    found = WAY.fullmatch(way)
    assert found is not None
    assert found[1] == found[2]
    assert found[1] in CATALOGUE
    assert (found[3], found[4] in ANCHORS) == (handbook.PAGE, True)
