"""From paragraph to test: the page is up to date, and leads nowhere to nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from glhelpers.actions.catalogue import CATALOGUE
from glhelpers.batch.coverage import gaps, page, rows
from glhelpers.rules.paragraphs import PARAGRAPHS
from glhelpers.rules.policies import POLICIES

ROOT = Path(__file__).parents[2]


def test_the_page_of_coverage_is_up_to_date() -> None:
    """docs/coverage.md is what `python -m glhelpers.batch.coverage` prints."""
    assert (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8") == page(ROOT)


def test_nothing_is_left_without_a_row() -> None:
    """Each paragraph has a rule or what else stands for it; each rule a paragraph; each row a cell that exists."""
    assert gaps(ROOT) == ()
    assert {row.paragraph.id for row in rows(ROOT)} == set(PARAGRAPHS)


def test_every_policy_of_a_runbook_is_listed() -> None:
    """The handbook check and docs/rules.md look through the policies that runbooks run with, and no others."""
    at_work = [id(policy) for book in CATALOGUE.values() for policy in book.policies]
    assert sorted(map(id, POLICIES.values())) == sorted(at_work)


def test_elsewhere_it_says_where_to_run_it(tmp_path: Path) -> None:
    """In another folder there is nothing to read: one sentence."""
    ended = subprocess.run(
        [sys.executable, "-m", "glhelpers.batch.coverage"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.endswith("is not the repository. Run this where runbooks/ and tests/ are.\n")


def test_a_notebook_or_a_text_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Without notebooks and texts, every cell and every text that rows name is a gap."""
    told = gaps(tmp_path)
    assert "Notebook force_associate has no cell step:check." in told
    assert "There is no text escalation." in told
