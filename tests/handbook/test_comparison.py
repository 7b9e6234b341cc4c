"""A newer page against the fingerprints: every kind of change is told, looks are not."""

from __future__ import annotations

import pytest
from harbour import RULES, TEXT, base, edited

from glhelpers.rules.comparison import Comparison, compare
from glhelpers.rules.markdown_page import parse

CREW = "- When a crew is larger than its berth allows, and nobody wants to pay for a wider one now, the berth may be given all the same; the surplus shows on next year's bill.\n"
GATE = TEXT[TEXT.index("## The gate answers") : TEXT.index("## Assigning a berth")]


def compared(text: str) -> Comparison:
    """This text against the fingerprints of the page."""
    return compare(base(), parse(text), RULES)


def told(comparison: Comparison) -> dict[str, tuple[str, tuple[str, ...]]]:
    """What the comparison says of each paragraph that is not as it was: its kind, and the rules on it."""
    return {traced.id: (traced.kind.value, traced.rules) for traced in comparison.alarming}


COSMETIC = {
    "nothing at all": TEXT,
    "another front matter": edited(("title: Giving a boat its berth", "title: Berths\nweight: 3")),
    "no front matter": TEXT[TEXT.index("## Boats") :],
    "lines of Windows, and a byte order mark": "\ufeff" + TEXT.replace("\n", "\r\n"),
    "a line broken elsewhere": edited(("who may dive will look", "who may\n  dive will look")),
    "a broken line joined": edited(("the skipper's name\ninto the book", "the skipper's name into the book")),
    "a link that leads elsewhere": edited(("/members", "https://example.com/people?tab=members#all")),
    "a link taken away": edited(("[taken away](/lever#notice)", "taken away")),
    "less emphasis": edited(("**take the card out completely**", "take the card out completely")),
    "more emphasis": edited(("the public quay", "the _public_ **quay**")),
    "code in other quotes": edited(("```Change berth```", "`Change berth`")),
    "curly quotes and long dashes": TEXT.replace("skipper's", "skipper’s").replace("year's", "year’s"),
    "capital letters": edited(("may **look at** their berth", "MAY **LOOK AT** their berth")),
    "another icon": edited(('<i class="fas fa-anchor"></i>', '<i class="fa-solid fa-ship"></i>&nbsp;')),
    "two spaces": edited(("Read the bill", "Read  the bill")),
    "a comment for editors": TEXT + "\n<!-- Who owns this page? -->\n",
    "items with other marks": TEXT.replace("\n1. ", "\n1) "),
    "a list with room between its items": TEXT.replace("\n- The lamp", "\n\n- The lamp"),
    "headings a level deeper": TEXT.replace("\n## ", "\n### "),
}


@pytest.mark.parametrize("text", COSMETIC.values(), ids=COSMETIC.keys())
def test_looks_do_not_alarm(text: str) -> None:
    """Whatever changes nothing about the words changes nothing about the answer."""
    found = compared(text)
    assert not found.differs, (told(found), found.fresh, found.headings)


CHANGED = {
    "a word more": (("may be given all the same", "may not be given all the same"), "force.crew", ("crew-fits",)),
    "one letter of a number": (("Reading the [number", "Reading the 2 [number"), "gate.verify", ("skipper-has-a-card",)),
    "the words of a link": (("[the lever](/lever)", "[the button](/lever)"), "force.rescue", ()),
    "the words in code": (("`~Divers wanted`", "`~Swimmers wanted`"), "force.red", ("lamp-is-read",)),
    "a short step in other words": (("Open the **List of berths**", "Take the **Book of piers**"), "finds.open", ("list-is-open",)),
    "a short step in quite other words": (("Do as fits:", "Either:"), "finds.choose", ()),
    "a sentence dropped": ((" Otherwise the berth is lost at the next tide, or falls back to the public quay.", ""), "force.skipper", ("skipper-has-a-card",)),
    "struck through": (("**Agreed**", "~~Agreed~~"), "finds.agree", ()),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "id", "rules"), CHANGED.values(), ids=CHANGED.keys())
def test_changed_words_are_told_with_the_rules_on_them(edit: tuple[str, str], id: str, rules: tuple[str, ...]) -> None:
    """A reworded paragraph is `changed`, alone, with exactly the rules that rest on it."""
    found = compared(edited(edit))
    assert told(found) == {id: ("changed", rules)}
    assert (found.fresh, found.headings) == ((), ())


def test_a_rewritten_paragraph_is_recognised() -> None:
    """Half of the words new and in another order: still the same paragraph, with how like it is."""
    crew = "- If there are more sailors than the berth allows, and nobody wants to pay for a wider one now, force it; the surplus shows on the bill of the year after.\n"
    found = compared(edited((CREW, crew)))
    assert told(found) == {"force.crew": ("changed", ("crew-fits",))}
    assert 0.3 < found.alarming[0].likeness < 0.8


def test_a_moved_paragraph_is_told() -> None:
    """The same words later in the same section: moved, and no other paragraph with it."""
    found = compared(edited((CREW, ""), ("- The lamp turns red", CREW + "- The lamp turns red")))
    assert told(found) == {"force.crew": ("moved", ("crew-fits",))}


def test_a_paragraph_in_another_section_is_told() -> None:
    """The same words under another heading: moved, with the place where they are now."""
    found = compared(edited((CREW, ""), ("### The skipper finds", CREW + "\n### The skipper finds")))
    assert told(found) == {"force.crew": ("moved", ("crew-fits",))}
    moved = found.alarming[0]
    assert (moved.was, moved.anchor) == ("assigning-a-berth-by-force", "moving-in-alone")


def test_a_moved_and_reworded_paragraph_is_changed() -> None:
    """New words weigh more than a new place."""
    crew = CREW.replace("nobody wants", "no owner wants")
    found = compared(edited((CREW, ""), ("### The skipper finds", crew + "\n### The skipper finds")))
    assert told(found) == {"force.crew": ("changed", ("crew-fits",))}
    assert found.alarming[0].anchor == "moving-in-alone"


def test_a_moved_section_is_told() -> None:
    """A section at another place of the page: its paragraphs moved, those of the others did not."""
    found = compared(TEXT.replace(GATE, "") + "\n" + GATE)
    assert told(found) == {
        "gate.cause": ("moved", ()),
        "gate.verify": ("moved", ("skipper-has-a-card",)),
        "gate.empty": ("moved", ()),
    }
    assert found.headings == ()


def test_a_vanished_paragraph_is_told() -> None:
    """Words that are nowhere any more, with the rule that has lost its ground."""
    found = compared(edited((CREW, "")))
    assert told(found) == {"force.crew": ("vanished", ("crew-fits",))}
    assert found.alarming[0].anchor is None


def test_a_vanished_section_is_told() -> None:
    """Its paragraphs and its heading are gone."""
    found = compared(TEXT.replace(GATE, ""))
    assert {id: kind for id, (kind, _) in told(found).items()} == dict.fromkeys(
        ("gate.cause", "gate.verify", "gate.empty"), "vanished"
    )
    assert [(heading.was, heading.now, heading.rules) for heading in found.headings] == [
        ("the-gate-answers-with-silence", None, ("skipper-has-a-card",))
    ]


def test_a_new_paragraph_is_told() -> None:
    """Where it stands and how it begins."""
    found = compared(
        edited(
            (
                "- The lamp turns green",
                "- The lamp flickers: count to ten before you do anything.\n- The lamp turns green",
            )
        )
    )
    assert told(found) == {}
    assert [(new.anchor, new.opening) for new in found.fresh] == [
        ("assigning-a-berth-by-force", "the lamp flickers: count to ten before you")
    ]
    assert TEXT.splitlines()[found.fresh[0].line - 1].startswith("- The lamp turns green")


@pytest.mark.parametrize(
    "added",
    [
        "```\nturn the lever\n```",
        "<p>Turn the lever.</p>",
        "| a | b |\n|---|---|\n",
        "> Turn the lever.",
        "    turn it",
    ],
)
def test_new_text_of_any_shape_is_told(added: str) -> None:
    """Code, HTML, a table or a quotation is text of the page, too."""
    found = compared(f"{TEXT}\n{added}\n")
    assert (told(found), len(found.fresh)) == ({}, 1)


def test_a_split_paragraph_is_told() -> None:
    """One half is the changed paragraph, the other is new."""
    found = compared(edited(("card of that pier. Otherwise", "card of that pier.\n\nOtherwise")))
    assert told(found) == {"force.skipper": ("changed", ("skipper-has-a-card",))}
    assert len(found.fresh) == 1


def test_a_renamed_heading_is_one_line() -> None:
    """Its paragraphs are as they were; the rules whose link is broken are named once."""
    found = compared(edited(("## Assigning a berth by force", "## Berths by force")))
    assert told(found) == {}
    assert [(heading.was, heading.now, heading.rules) for heading in found.headings] == [
        ("assigning-a-berth-by-force", "berths-by-force", ("crew-fits", "lamp-is-read", "skipper-has-a-card"))
    ]


def test_a_renamed_heading_without_paragraphs_of_its_own_is_told() -> None:
    """A rule may name an anchor that only has sections under it."""
    found = compared(edited(("## Moving in alone", "## Doing it alone")))
    assert [(heading.was, heading.rules) for heading in found.headings] == [("moving-in-alone", ("moves-in-alone",))]


def test_a_quite_different_page_shares_nothing() -> None:
    """All vanished, all new, all headings gone: no paragraph is taken for another."""
    found = compared("# Recipes\n\nBoil six potatoes until they are soft.\n\nPeel them, add salt and some butter.\n")
    assert {kind for kind, _ in told(found).values()} == {"vanished"}
    assert (len(told(found)), len(found.fresh)) == (len(base().paragraphs), 2)
