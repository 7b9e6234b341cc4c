"""What holds for every page, edited in every way."""

from __future__ import annotations

import textwrap
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from glhelpers.rules.comparison import Kind, compare
from glhelpers.rules.fingerprints import make_base
from glhelpers.rules.markdown_page import Page, normalised, parse
from glhelpers.rules.paragraphs import Paragraph

WORDS = ("seats", "group", "order", "minutes", "owner", "not", "quota", "term", "plan", "link", "may", "be", "has")
# Few words, so that equal and similar paragraphs happen all the time.
sentences = st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(" ".join)
pages = st.lists(st.tuples(st.sampled_from(("one", "two", "three")), sentences), min_size=1, max_size=12)


def _markdown(rows: list[tuple[str, str]]) -> str:
    """The rows as a page, a heading wherever the section changes."""
    lines, last = [], None
    for section, text in rows:
        if section != last:
            lines.append(f"## {section}")
        lines.append(text)
        last = section
    return "\n\n".join(lines)


def _named(page: Page) -> dict[str, Paragraph]:
    return {f"p{at}": Paragraph(f"p{at}", passage.anchor, "") for at, passage in enumerate(page.passages)}


@given(pages)
def test_a_page_is_as_it_was_against_itself(rows: list[tuple[str, str]]) -> None:
    """No page alarms about itself, be it ever so repetitive."""
    page = parse(_markdown(rows))
    assert not compare(make_base(page, _named(page)), page, ()).differs


@given(pages, pages)
def test_every_paragraph_is_told_once(old: list[tuple[str, str]], new: list[tuple[str, str]]) -> None:
    """Each of the base has one end, each of the page is one of them or new; unchanged means the very same words."""
    before, after = parse(_markdown(old)), parse(_markdown(new))
    found = compare(make_base(before, _named(before)), after, ())
    assert [traced.id for traced in found.paragraphs] == list(_named(before))
    here = [traced.line for traced in found.paragraphs if traced.line is not None]
    assert Counter([*here, *(fresh.line for fresh in found.fresh)]) == Counter(
        passage.line for passage in after.passages
    )
    texts = {passage.line: passage.text for passage in after.passages}
    for traced, passage in zip(found.paragraphs, before.passages, strict=True):
        same = traced.line is not None and texts[traced.line] == passage.text
        assert same == (traced.kind in (Kind.unchanged, Kind.moved))
    differ = [(p.anchor, p.text) for p in before.passages] != [(p.anchor, p.text) for p in after.passages]
    assert found.differs or not differ


@given(pages, st.randoms(use_true_random=False))
def test_shuffled_paragraphs_only_move(rows: list[tuple[str, str]], random: object) -> None:
    """In another order nothing is changed, vanished or new."""
    one = [("one", text) for _, text in rows]
    other = one.copy()
    random.shuffle(other)  # type: ignore[attr-defined]
    page = parse(_markdown(one))
    found = compare(make_base(page, _named(page)), parse(_markdown(other)), ())
    assert not found.fresh
    assert {traced.kind for traced in found.paragraphs} <= {Kind.unchanged, Kind.moved}


@given(pages, st.integers(min_value=8, max_value=60), st.booleans())
def test_looks_never_alarm(rows: list[tuple[str, str]], width: int, strong: bool) -> None:
    """Lines broken anywhere, every paragraph strong, capital letters: the page is as it was."""
    page = parse(_markdown(rows))
    styled = [
        (section, textwrap.fill(f"**{text.upper()}**" if strong else text, width, break_long_words=False))
        for section, text in rows
    ]
    assert not compare(make_base(page, _named(page)), parse(_markdown(styled)), ()).differs


@given(st.text())
@settings(max_examples=300)
def test_a_text_made_plain_stays_plain(text: str) -> None:
    """Making it plain a second time changes nothing, whatever signs it has."""
    assert normalised(normalised(text)) == normalised(text)


@given(st.text(alphabet="#->|`*_[]()<!{%} \n1.ab\t", max_size=300))
@settings(max_examples=300)
def test_any_text_is_a_page(text: str) -> None:
    """Odd Markdown is read without an error, and is as it was against itself."""
    page = parse(text)
    assert not compare(make_base(page, _named(page)), page, ()).differs
