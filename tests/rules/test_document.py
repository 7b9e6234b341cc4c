"""The page of rules is what the code says."""

from __future__ import annotations

from pathlib import Path

from glhelpers.rules.document import page


def test_the_page_of_rules_is_up_to_date() -> None:
    """docs/rules.md is what `python -m glhelpers.rules.document` prints."""
    assert (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8") == page()
