"""Where a known wording stands in a text, and whether the text affirms it: phrases word by word, then key words in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from glhelpers.rules.symptom_denial import is_denied
from glhelpers.rules.symptom_text import Words, read, set_of

__all__ = ["Found", "Pattern", "Phrase", "TextIndex", "keys", "phrase"]

_LONGEST_ENDING = 6
_MEAN_NOTHING = set_of(
    "the a an our my their his her its your this that these those any some is are was were be been being has have "
    "had to in on at of with as it so just still yet even currently now already all actually completely new paid "
    "active existing saas gitlab com premium ultimate top level root customer customers company companys SUB PATH "
    "NAME NUM and or also only both either up out but shown listed displayed there does do did can"
)


class Found(NamedTuple):
    """A wording found. `exact` tells a known phrase without a slip; `quote` holds known words only."""

    exact: bool
    quote: str


@dataclass(frozen=True)
class Phrase:
    """A text that is known word by word; a word of `unless` in the same sentence defeats it."""

    words: tuple[str, ...]
    unless: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Pattern:
    """
    Key words that stand in one sentence in this order, no more than `gap` other words between two.

    Each element is a choice of words; one that ends in `*` is the beginning of a word.  Where the
    pattern is `tight`, only words that carry no meaning of their own may stand between: "see the
    subscription", not "see the invoice of the subscription".  A word of `unless` in the same
    sentence defeats the pattern; of each choice in `beside` a word must stand somewhere in the text.
    """

    elements: tuple[frozenset[str], ...]
    gap: int
    tight: bool
    unless: frozenset[str]
    beside: tuple[frozenset[str], ...]


def phrase(text: str, *, unless: str = "") -> Phrase:
    """The phrase as it is compared."""
    return Phrase(read(text).words, frozenset(unless.split()))


def keys(text: str, *, gap: int = 3, tight: bool = False, unless: str = "", beside: str = "") -> Pattern:
    """A pattern written as `word|other stem* word`; words of `unless` and `beside` parted by blanks, choices by `;`."""
    elements = tuple(frozenset(element.split("|")) for element in text.split())
    choices = tuple(frozenset(choice.split()) for choice in beside.split(";") if choice.strip())
    return Pattern(elements, gap, tight, frozenset(unless.split()), choices)


class TextIndex:
    """A text in which many wordings are looked for; time grows with the text, not with its square."""

    def __init__(self, text: str) -> None:
        self._text: Words = read(text)
        self._places: dict[str, list[int]] = {}
        for place, word in enumerate(self._text.words):
            self._places.setdefault(word, []).append(place)
        self._by_beginning: dict[str, list[str]] = {}
        for word in self._places:
            self._by_beginning.setdefault(word[:3], []).append(word)

    def find(self, wordings: Sequence[Phrase | Pattern]) -> Found | None:
        """
        The best place at which the text affirms one of these wordings of one thing, or None.

        Where one wording is denied, so is every other that overlaps it: half of a denied sentence
        affirms nothing.
        """
        spans = [(wording, span) for wording in wordings for span in self._spans(wording)]
        denied = {
            place
            for wording, span in spans
            if is_denied(self._text, span, quoted=isinstance(wording, Phrase))
            for place in range(span[0], span[-1] + 1)
        }
        hits = [
            Found(self._is_exact(wording, span), self._quote(span))
            for wording, span in spans
            if denied.isdisjoint(range(span[0], span[-1] + 1))
        ]
        return next((hit for hit in hits if hit.exact), hits[0] if hits else None)

    def _spans(self, wording: Phrase | Pattern) -> Iterator[tuple[int, ...]]:
        return self._of_phrase(wording) if isinstance(wording, Phrase) else self._of_pattern(wording)

    def _is_exact(self, wording: Phrase | Pattern, span: tuple[int, ...]) -> bool:
        return isinstance(wording, Phrase) and self._text.raw[span[0] : span[-1] + 1] == wording.words

    def _quote(self, span: tuple[int, ...]) -> str:
        words = self._text.words
        return "".join(
            words[place] if before is None else f"{' ' if place == before + 1 else ' … '}{words[place]}"
            for before, place in zip((None, *span), span, strict=False)
        )

    def _of_phrase(self, wanted: Phrase) -> Iterator[tuple[int, ...]]:
        length = len(wanted.words)
        defeated = self._sentences_with(wanted.unless)
        for place in self._places.get(wanted.words[0], ()):
            same = self._text.words[place : place + length] == wanted.words
            ends = {self._text.sentence[place], self._text.sentence[min(place + length, len(self._text.words)) - 1]}
            if same and len(ends) == 1 and not ends & defeated:
                yield tuple(range(place, place + length))

    def _of_pattern(self, wanted: Pattern) -> Iterator[tuple[int, ...]]:
        if not all(self._of_choice(choice) for choice in wanted.beside):
            return
        sentence = self._text.sentence
        defeated = self._sentences_with(wanted.unless)
        ways: dict[int, tuple[int, ...]]
        ways = {place: (place,) for place in self._of_choice(wanted.elements[0]) if sentence[place] not in defeated}
        for element in wanted.elements[1:]:
            reached: dict[int, tuple[int, ...]] = {}
            for place in self._of_choice(element):
                for before in range(place - 1, place - wanted.gap - 2, -1):
                    if before in ways and sentence[before] == sentence[place]:
                        reached[place] = (*ways[before], place)
                        break
                    if wanted.tight and before >= 0 and self._text.words[before] not in _MEAN_NOTHING:
                        break
            ways = reached
        yield from ways.values()

    def _sentences_with(self, words: frozenset[str]) -> set[int]:
        return {self._text.sentence[place] for place in self._of_choice(words)}

    def _of_choice(self, choice: frozenset[str]) -> list[int]:
        words = [word for option in choice for word in self._known(option)]
        return sorted({place for word in words for place in self._places[word]})

    def _known(self, option: str) -> Iterator[str]:
        if not option.endswith("*"):
            if option in self._places:
                yield option
            return
        stem = option[:-1]
        for word in self._by_beginning.get(stem[:3], ()):
            if word.startswith(stem) and len(word) - len(stem) <= _LONGEST_ENDING:
                yield word
