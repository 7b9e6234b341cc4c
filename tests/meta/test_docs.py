"""The pages of docs/ lead somewhere: their links hold, and their pictures are the ones that the tests take."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\((?!https?:|mailto:)([^)\s]+)\)")


def heading_ids(text: str) -> set[str]:
    """The anchors of a page, as GitLab makes them from its headings."""
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_pages_links_hold(page: Path) -> None:
    """Each link to a file names one that is there; each anchor a heading of its page."""
    broken = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in heading_ids(target.read_text(encoding="utf-8"))
        ):
            broken.append(link)
    assert broken == []


def test_pictures_are_shown_and_taken_by_the_tests() -> None:
    """No picture lies about unused, and each has a test that takes it again."""
    shown = {Path(link).name for page in PAGES for link in LINK.findall(page.read_text(encoding="utf-8"))}
    taken = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "browser").glob("*.py"))
    for picture in (ROOT / "docs" / "images").glob("*.png"):
        assert picture.name in shown
        assert picture.stem in taken or picture.stem.startswith("3"), picture.name  # 3x: named by their runbook
