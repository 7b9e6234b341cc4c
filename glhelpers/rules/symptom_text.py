"""Pasted text made comparable: noise taken off, numbers and paths masked, words in order with where sentences end."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["LONGEST", "Words", "read", "set_of"]

LONGEST = 200_000
"""No longer text is read: what is pasted is an error, not a log."""


def set_of(words: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(words.split())


# Words that people mistype; one slip is forgiven. Shorter words are too close to others.
_OFTEN_MISTYPED = set_of(
    "additional already allowed associate associated billing customer destination expired impersonate impersonating "
    "linking marketplace minutes namespace namespaces purchase reseller storage subscription subscriptions supported "
    "unlinked visible"
)
_LEAST_MISTYPED = 7
_STATUSES = frozenset({"401", "403", "404", "405", "422", "429", "500", "502", "503", "504"})
_COUNTED = re.compile(
    r"(?:seat|user|member|minute|license|licence|day|people|employee|student|developer|gb|mib|mb|usd|eur|unit)s?"
)
_COUNTERS = set_of(
    "ticket tickets order id ids number invoice room page line port pid seats users namespace uid customer case"
)
_ANSI = re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]")
_BLOCK_TAG = re.compile(r"</?(?:br|p|li|div|tr|td|th|h[1-6]|hr|ul|ol|table|pre|blockquote|title)\b[^<>]{0,300}>", re.I)
_TAG = re.compile(r"</?[A-Za-z!][^<>]{0,300}>")
_ESCAPED = re.compile(r"\\+[nrt]|\\+u0027")
_BULLET = re.compile(r"\s*(?:[-*•]|\d{1,3}[.)])\s")
_QUOTED = re.compile(r"(?:\s?[>|])+")
_PIECE = re.compile(r"[#$€£]\d+|\w+|[.!?;。！？]+(?=\s|$)|[,–—()]")
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘´`ʼ′", "'"))
_SUBSCRIPTION = re.compile(r"a-s\d{5,12}")
_PORTAL_HOST = re.compile(r"customers\.(?:staging\.)?gitlab\.com")
_DOTTED = re.compile(r"(?:namespaces|groups)/(?:[^/?#]+/)*[^/?#.]+(?:\.|%2e)(?!git\b|atom\b|json\b)[^/?#.]", re.I)


@dataclass(frozen=True)
class Words:
    """
    The words of a text in order. `sentence` numbers the sentence of each; `after_pause` holds the
    positions before which a comma or dash stands; `raw` is each word before slips were mended.
    """

    words: tuple[str, ...]
    raw: tuple[str, ...]
    sentence: tuple[int, ...]
    after_pause: frozenset[int]


def read(text: str) -> Words:
    """
    The words of `text`, lower case, without markup, control characters, accents and apostrophes.

    Addresses, paths, subscription names and numbers other than HTTP statuses become masks in
    capitals; the portal's address becomes the word `portal`.
    """
    raw: list[str] = []
    sentence: list[int] = []
    pauses: set[int] = set()
    number = 0
    for piece in _pieces(_cleaned(text)):
        if piece == ".":
            number += 1
        elif piece == ",":
            pauses.add(len(raw))
        else:
            raw.append(piece)
            sentence.append(number)
    masked = tuple(_without_count(raw, sentence, place) for place in range(len(raw)))
    return Words(tuple(map(_mended, masked)), masked, tuple(sentence), frozenset(pauses))


def _cleaned(text: str) -> str:
    text = html.unescape(html.unescape(text[:LONGEST]))
    text = _ANSI.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _ESCAPED.sub(lambda found: "'" if found[0].endswith("7") else " ", text)
    text = _TAG.sub(" ", _BLOCK_TAG.sub("\n\n", text))
    text = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES)).casefold()
    return "".join(map(_kept, text))


@lru_cache(maxsize=4096)
def _kept(char: str) -> str:
    """Invisible marks vanish, so that no word can be split by one; control characters part words."""
    kind = unicodedata.category(char)
    if kind == "Cc":
        return "\n" if char == "\n" else " "
    return "" if kind in ("Cf", "Cs", "Co", "Cn", "Mn") else char


def _pieces(text: str) -> Iterator[str]:
    """Words, `,` for a pause and `.` for the end of a sentence, of a paragraph or of an item in a list."""
    for quoted in text.split("\n"):
        line = _QUOTED.sub("", quoted, count=1) if quoted.lstrip()[:1] in (">", "|") else quoted
        if not line.strip() or _BULLET.match(line):
            yield "."
        for chunk in line.split():
            yield from _of_chunk(chunk)


def _of_chunk(chunk: str) -> Iterator[str]:
    body = chunk.strip("\"'()[]{}<>,;.!?")
    mask = _mask(body)
    if mask is None:
        for found in _PIECE.finditer(chunk.replace("'", "")):
            piece = found[0]
            yield _kind(piece)
        return
    yield from mask
    if chunk[-1] in ".!?;":
        yield "."
    elif chunk[-1] in ",)":
        yield ","


def _kind(piece: str) -> str:
    if piece[0].isalnum() or piece[0] == "_":
        return piece
    if piece[0] in "#$€£":
        return "NUM"
    return "," if piece in ",–—()" else "."


def _mask(body: str) -> tuple[str, ...] | None:
    """What stands for an address, a path or a subscription name; None where the chunk is plain words."""
    if _PORTAL_HOST.search(body):
        return ("portal", "impersonate") if "impersonat" in body else ("portal",)
    if _SUBSCRIPTION.fullmatch(body):
        return ("SUB",)
    if "@" in body[1:]:
        return ("MAIL",)
    if body.count("-") > 1:
        return ("NAME",)
    if "://" in body or body.startswith("/") or body.count("/") > 1 or ("/" in body and not _plain(body)):
        return ("DOTTED",) if _DOTTED.search(body[:500]) else ("PATH",)
    return None


def _plain(body: str) -> bool:
    """Whether the chunk is two words joined by a slash, such as EDU/OSS, rather than a path."""
    return all(part.replace("-", "").replace("'", "").isalpha() or part in _STATUSES for part in body.split("/"))


def _without_count(words: list[str], sentence: list[int], place: int) -> str:
    """The word at `place`; a number is masked unless it is an HTTP status and not a count of something."""
    word = words[place]
    if not word[0].isdecimal():
        return word
    status = word.removesuffix("s")
    follows = words[place + 1] if sentence[place : place + 2] == [sentence[place]] * 2 else ""
    before = words[place - 1] if place and sentence[place - 1] == sentence[place] else ""
    if status not in _STATUSES or _COUNTED.fullmatch(follows) or before in _COUNTERS:
        return "NUM"
    return status


@lru_cache(maxsize=4096)
def _mended(word: str) -> str:
    """The often mistyped word that is one slip away from this one, or the word as it is."""
    if not _LEAST_MISTYPED - 1 <= len(word) <= 15 or word.removesuffix("s") in _OFTEN_MISTYPED or not word.isalpha():
        return word
    near = {known for known in _OFTEN_MISTYPED if known[0] == word[0] and _one_slip(word, known)}
    return near.pop() if len(near) == 1 else word


def _one_slip(word: str, known: str) -> bool:
    """Whether one letter is wrong, missing or too many, or two neighbours are swapped."""
    if abs(len(word) - len(known)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(word, known, strict=False)) if a != b), min(len(word), len(known)))
    one, other = word[start:], known[start:]
    if len(one) == len(other):
        return one[1:] == other[1:] or (len(one) > 1 and one[:2] == other[1::-1] and one[2:] == other[2:])
    return one[1:] == other if len(one) > len(other) else one == other[1:]
