"""Fingerprints: what they are made of, what they keep, and when they cannot be made."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from harbour import PARAGRAPHS, TEXT, base, edited

from glhelpers.actions.catalogue import CATALOGUE
from glhelpers.errors import BadParameter
from glhelpers.rules import handbook
from glhelpers.rules.fingerprints import Base, as_json, load_base, make_base
from glhelpers.rules.fingerprints import __file__ as module_file
from glhelpers.rules.markdown_page import normalised, parse, slug
from glhelpers.rules.paragraphs import PARAGRAPHS as REAL_PARAGRAPHS
from glhelpers.rules.policies import POLICIES

STORED = Path(module_file).with_name("fingerprints.json")


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Clear Subscription", "clear-subscription"),
        ("Customer self-serve: associating, then using", "customer-self-serve-associating-then-using"),
        ("  Room  around ", "room--around"),
        ("What's new? (2026)", "whats-new-2026"),
        ("snake_case & more", "snake_case--more"),
        ("Über uns", "über-uns"),
        ("Own anchor {#my-own}", "my-own"),
    ],
)
def test_a_heading_has_the_anchor_of_the_site(heading: str, anchor: str) -> None:
    """Small letters, hyphens for spaces, no punctuation."""
    assert slug(heading) == anchor


def test_equal_headings_are_numbered() -> None:
    """The second gets a number, as on the site."""
    assert parse("# A\n\n## B\n\n# A\n\n# A\n").anchors == ("a", "b", "a-1", "a-2")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Don\u2019t  \u201cpay\u201d \u2013 yet\u2026", 'don\'t "pay" - yet...'),
        ("a\u00a0b\u200bc", "a bc"),
        ("( a ) .", "(a)."),
        ("\x1b[31mRed\x07", "[31mred"),
        ("STRASSE", "straße"),
    ],
)
def test_variants_of_type_are_one_text(one: str, other: str) -> None:
    """Quotes, dashes, spaces, letters of another case; and nothing that could steer a terminal."""
    assert normalised(one) == normalised(other)


def test_a_page_falls_into_its_paragraphs() -> None:
    """Prose, quotation, items of lists by themselves, nested ones too; each with its section and its line."""
    page = parse("Before.\n\n# One\n\n> Said.\n\n- a\n  - b\n\n    still b\n- c\n\n| d | e |\n|---|---|\n| f | g |\n")
    assert [(passage.anchor, passage.text, passage.line) for passage in page.passages] == [
        ("", "before.", 1),
        ("one", "said.", 5),
        ("one", "a", 7),
        ("one", "b", 8),
        ("one", "still b", 10),
        ("one", "c", 11),
        ("one", "d | e", 13),
        ("one", "f | g", 15),
    ]


def test_deep_lists_lose_nothing() -> None:
    """Sixty levels of quotation are still read to the end."""
    assert [passage.text for passage in parse("> " * 60 + "deep\n").passages] == ["deep"]


def test_boxes_of_the_site_are_looks() -> None:
    """The mark of a box is no text; what stands in it is."""
    page = parse('{{% alert title="Note" color="warning" %}}\nMind the gap.\n{{% /alert %}}\n')
    assert [passage.text for passage in page.passages] == ["mind the gap."]


def test_fingerprints_keep_no_word_and_no_order() -> None:
    """Only hexadecimal digits, anchors and ids are stored; runs of words are sorted."""
    for id, mark in base().paragraphs.items():
        assert re.fullmatch("[0-9a-f]{64}", mark.sha256), id
        assert all(re.fullmatch("[0-9a-f]{8}", run) for run in mark.shingles), id
        assert list(mark.shingles) == sorted(mark.shingles)


def test_fingerprints_survive_being_stored() -> None:
    """Written and read back they are the same, one line for each paragraph."""
    stored = as_json(base())
    assert Base.model_validate_json(stored) == base()
    assert len(stored.splitlines()) == len(PARAGRAPHS) + len(base().sections) + 6


REFUSED = {
    "a paragraph too many": (edited(("- The lamp turns red", "- Wait.\n- The lamp turns red")), "21 paragraphs"),
    "a paragraph too few": (edited(("1. Open the **List of berths**.\n", "")), "19 paragraphs"),
    "a paragraph in another section": (
        edited(("## The gate answers with silence", "\n"), ("## Assigning", "## The gate answers with silence\n\n## A")),
        "gate.cause should stand under",
    ),
    "two that changed places": (edited(("lamp turns green:", "lamp turns red:"), ("The lamp turns red: hang", "The lamp turns green: hang")), None),
}  # fmt: skip


@pytest.mark.parametrize(("text", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_fingerprints_are_refused_where_names_and_page_differ(text: str, says: str | None) -> None:
    """A count or a section that does not fit is a sentence; words alone may be new."""
    if says is None:
        assert make_base(parse(text), PARAGRAPHS, before=base()).paragraphs.keys() == PARAGRAPHS.keys()
    else:
        with pytest.raises(BadParameter, match=says):
            make_base(parse(text), PARAGRAPHS)


def test_fingerprints_are_refused_where_an_id_would_name_another_paragraph() -> None:
    """Two paragraphs that changed places keep their ids only if PARAGRAPHS changes, too."""
    green = "- The lamp turns green: look at the pier, then close the request.\n"
    swapped = parse(edited((green, ""), ("The skipper named", green + "\nThe skipper named")))
    with pytest.raises(BadParameter, match=r"belonged to force\.red"):
        make_base(swapped, PARAGRAPHS, before=base())
    order = sorted(PARAGRAPHS, key=lambda id: {"force.green": 10.5}.get(id, list(PARAGRAPHS).index(id)))
    made = make_base(swapped, {id: PARAGRAPHS[id] for id in order}, before=base())
    assert made.paragraphs["force.green"].sha256 == base().paragraphs["force.green"].sha256


def test_the_stored_fingerprints_are_those_of_the_named_paragraphs() -> None:
    """Same ids in the same order, same sections, and every anchor that rules may name is a heading."""
    stored = load_base()
    assert list(stored.paragraphs) == list(REAL_PARAGRAPHS)
    assert [mark.position for mark in stored.paragraphs.values()] == list(range(len(REAL_PARAGRAPHS)))
    for id, mark in stored.paragraphs.items():
        assert mark.anchor == REAL_PARAGRAPHS[id].anchor
    anchors = {getattr(handbook, name) for name in handbook.__all__ if name != "PAGE"}
    assert anchors == set(stored.sections)
    assert STORED.read_text(encoding="utf-8") == as_json(stored)


def test_rules_rest_on_paragraphs_that_are_named() -> None:
    """A rule's ids exist, and its anchor is the page's; `undo`, and what else says so, is about nothing on the page."""
    outside = {id for id, book in CATALOGUE.items() if not book.anchor}
    assert "undo" in outside
    for policy in POLICIES.values():
        for rule in policy.rules:
            assert set(rule.rests_on) <= set(REAL_PARAGRAPHS), rule.id
            assert rule.anchor in load_base().sections or (not rule.anchor and policy.runbook in outside), rule.id


def _make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "glhelpers.rules.fingerprints", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [(TEXT.encode(), "are named"), (b"\xff\xfe\x00", "UnicodeDecodeError"), (None, "FileNotFoundError")],
)
def test_the_maker_refuses_with_a_sentence(tmp_path: Path, content: bytes | None, says: str) -> None:
    """Another page, no text, no file: a sentence and exit code 1, no traceback; the target stays as it was."""
    source, target = tmp_path / "page.md", tmp_path / "out.json"
    if content is not None:
        source.write_bytes(content)
    target.write_text("as it was", encoding="utf-8")
    ended = _make(str(source), str(target))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert target.read_text(encoding="utf-8") == "as it was"


def test_the_maker_writes_a_file_or_prints(tmp_path: Path) -> None:
    """A page with as many paragraphs under the same headings as the real one is taken."""
    lines, section = [], None
    order = list(load_base().sections)
    for number, paragraph in enumerate(REAL_PARAGRAPHS.values()):
        while section != paragraph.anchor:
            section = order.pop(0)
            lines.append(f"# {section}")
        lines.append(f"Invented sentence number {number}.")
    source, target = tmp_path / "page.md", tmp_path / "out.json"
    source.write_text("\n\n".join(lines), encoding="utf-8")
    printed, written = _make(str(source)), _make(str(source), str(target))
    assert (printed.returncode, written.returncode, written.stdout) == (0, 0, ""), printed.stderr
    assert target.read_text(encoding="utf-8") == printed.stdout
    assert json.loads(printed.stdout)["paragraphs"].keys() == REAL_PARAGRAPHS.keys()
