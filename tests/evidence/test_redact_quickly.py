"""What makes redaction quick changes nothing of what it finds: each shortcut against the plain way."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glhelpers.evidence import personal
from glhelpers.evidence.patterns import EMAIL, SECRETS, Shape, may_hold_address, may_hold_secret
from glhelpers.evidence.redact import shapes_in
from glhelpers.evidence.text import clean_text

SIGNS = st.text("aBcDé É.'’-_12 \n<>/中日²xYz@&;gl:=", max_size=60) | st.text(max_size=60)
WORD = re.compile(r"[^\W\d_][\w'’.-]*")


def plainly(text: str) -> list[tuple[int, int, str]]:
    """Every run of up to four words that could be a name, by looking at each word in turn."""
    words = [(match.start(), match.end(), match[0]) for match in WORD.finditer(text)]
    found = []
    for index, (start, end, window) in enumerate(words):
        if window[0].islower() or len(re.findall(r"[^\W\d_a-z]", text)) < 2:
            continue
        for begin, stop, word in words[index + 1 : index + 4]:
            if begin - end > 6:
                break
            window, end = f"{window} {word}", stop
            if not word[0].islower() and not personal._ORDINARY.issuperset(personal._plain(window).split()):
                found.append((start, begin + len(word.rstrip(".'’-")), personal.name_pseudonym(window)))
    return found


@given(SIGNS)
def test_names_are_looked_for_at_capitals_only(text: str) -> None:
    """No word that could begin a name is passed over, and none is taken that another way would not take."""
    assert list(personal._looked_through(text)) == plainly(text)


@given(SIGNS)
def test_a_text_without_any_sign_of_an_address_holds_none(text: str) -> None:
    """The sign that is looked for first stands in every address."""
    assert may_hold_address(text) or EMAIL.search(text) is None


ADDRESSES = (
    "ana@example.com",
    "ana%40example.com",
    "ana&#64;example.com",
    "ana&#x40;example.com",
    "ana&commat;example.com",
    r"ana\u0040example.com",
    r"ana\x40example.com",
    "ana\uff20example.com",
    "ana [at] example.com",
    "ana(at)example.com",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_way_to_write_an_address_has_a_sign(address: str) -> None:
    """The pattern finds each of them, so the look before it must not keep it from doing so."""
    assert EMAIL.search(f"to {address}, please")
    assert may_hold_address(f"to {address}, please")
    assert may_hold_secret(f"to {address}, please")


@pytest.mark.parametrize("shape", SECRETS, ids=lambda shape: shape.kind)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_shape_that_matches_is_among_those_looked_for(shape: Shape, data: st.DataObject) -> None:
    """Neither a sign, a needle nor a telltale ever hides what the pattern itself would find."""
    text = data.draw(st.from_regex(shape.pattern))
    if shape.pattern.search(text):
        assert shape in list(shapes_in(text))
        assert may_hold_secret(text)


@given(SIGNS | st.text("\x1b[0m\x07a\u200b\u2028\r\n\x85\ud800 é"))
def test_a_text_that_is_left_alone_had_nothing_to_clean(text: str) -> None:
    """Cleaned is cleaned: once more changes nothing, and nothing hidden is left."""
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028\u2029\ud800-\udfff]", cleaned)
