"""Secrets and personal values in many texts at once: as they stand, and as they read once decoded or put together."""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate
from urllib.parse import unquote

from glhelpers.evidence.patterns import EMAIL
from glhelpers.evidence.personal import Level, Masking, people_in
from glhelpers.evidence.redact import LIVE, hides_token, live_forms, shapes_in
from glhelpers.evidence.scan_rules import second_opinion
from glhelpers.evidence.text import clean_text

__all__ = ["Found", "found_in"]

Found = tuple[int, str, int]
"""Index of the text, kind of the hit, line in the text."""

_APART = "\n\0\n"
_TAG = re.compile(r"</?(?:a|b|br|code|em|font|i|kbd|mark|s|small|span|strong|sub|sup|tt|u|wbr)\b[^<>\0]{0,500}>", re.I)
_ESCAPE = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([nrt\"'/]))")
_PLAIN = {"n": "\n", "r": "\n", "t": "\t"}
# Between two pieces of a string in a program, a list or a shell: "glpat-" + "…", 'g','l', and a line broken by a backslash.
_SEAM = re.compile(r"""\\?["']\s*(?:\+|,|\.|\\)?\s*(?:[bfru]{0,2}\\?["'])|\\\n\s*""")
_BROKEN = re.compile(r"(?<=[\w=-])[ \t]*\n[ \t│|>]*(?=[\w=-])")
_SPELLED = re.compile(r"(?<![^\s,;|])(?:[\w.=-][\s,;|]{1,2}){19,}[\w.=-](?![^\s,;|])")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[ :]?){16,}")
_SHORTEST_PART = 12
_DEEPEST = 3
_MOST_UNPACKED = 1_000_000
_JOINED_KINDS = ("GitLab token", "JSON web token", "private key")


def found_in(
    texts: Sequence[str], masking: Masking, people: frozenset[str] = frozenset(), *, decode: bool = True
) -> Iterator[Found]:
    """
    Everything in these texts that the destination may not see.

    The whole is searched at once, since nearly all texts hold nothing; hits may come more than once.
    Without `decode` the texts are only taken as they stand.
    """
    search = partial(_search, masking, people)
    whole = _APART.join(clean_text(text).replace("\0", "") for text in texts)
    yield from _located(whole, search(whole))
    if not decode:
        return
    decoded = _decoded(whole)
    yield from _again(whole, decoded, search)
    for change in (_without_tags, _without_seams, _unbroken, _unspelled):
        yield from _again(decoded, change(decoded), _search_joined)
    yield from _packed(decoded, search)


def _search(masking: Masking, people: frozenset[str], text: str) -> Iterator[tuple[str, int]]:
    yield from _live(text)
    for shape in shapes_in(text):
        for match in shape.pattern.finditer(text):
            if shape.holds(match["secret"]):
                yield shape.kind, match.start("secret")
    yield from second_opinion(text)
    if masking.addresses is not Level.full:
        yield from (("e-mail address", match.start()) for match in EMAIL.finditer(text))
    if masking.names is not Level.full:
        yield from (("name of a person", start) for start, _ in people_in(text, people))


def _search_joined(text: str) -> Iterator[tuple[str, int]]:
    """What is put together only proves something where the shape leaves no doubt."""
    yield from _live(text)
    for shape in shapes_in(text):
        if shape.kind in _JOINED_KINDS:
            for match in shape.pattern.finditer(text):
                if sum(sign.isdigit() for sign in match["secret"]) >= 2:
                    yield shape.kind, match.start("secret")


def _live(text: str) -> Iterator[tuple[str, int]]:
    for form in live_forms():
        start = text.find(form)
        while start >= 0:
            yield LIVE, start
            start = text.find(form, start + 1)
        for part in _parts(form):
            start = text.find(part)
            while start >= 0:
                yield f"part of a {LIVE}", start
                start = text.find(part, start + 1)


def _parts(form: str) -> Iterator[str]:
    """Halves that a shortened output may leave; words are no proof, so a part has letters and digits."""
    for part in {form[:_SHORTEST_PART], form[-_SHORTEST_PART:], form[len(form) // 2 - 6 : len(form) // 2 + 6]}:
        mixed = sum(sign.isdigit() for sign in part) >= 2 and sum(sign.isalpha() for sign in part) >= 2
        if len(form) > _SHORTEST_PART and len(part) == _SHORTEST_PART and mixed:
            yield part


def _located(whole: str, hits: Iterable[tuple[str, int]]) -> Iterator[Found]:
    starts: list[int] | None = None
    for kind, at in hits:
        if starts is None:
            lengths = [len(text) + len(_APART) for text in whole.split(_APART)]
            starts = [0, *accumulate(lengths)]
        index = bisect_right(starts, at) - 1
        yield index, kind, whole.count("\n", starts[index], at) + 1


def _again(before: str, after: str, search: Callable[[str], Iterator[tuple[str, int]]]) -> Iterator[Found]:
    """Search those texts again that a decoding has changed."""
    if before == after:
        return
    pairs = zip(before.split(_APART), after.split(_APART), strict=False)
    changed = [(index, new) for index, (old, new) in enumerate(pairs) if old != new]
    text = _APART.join(new for _, new in changed)
    for position, kind, line in _located(text, search(text)):
        yield changed[min(position, len(changed) - 1)][0], kind, line


def _decoded(whole: str) -> str:
    """Entities, percent signs, escapes and look-alike letters resolved, twice, as nested encodings need it."""
    for _ in range(2):
        for decode in (html.unescape, _unquoted, _unescaped):
            whole = decode(whole)
    if not whole.isascii():
        whole = unicodedata.normalize("NFKC", whole)
    return _APART.join(clean_text(text.replace("\0", "")) for text in whole.split(_APART))


def _unquoted(text: str) -> str:
    return unquote(text) if "%" in text else text


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_one_escape, text) if "\\" in text else text


def _one_escape(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    if code:
        return chr(int(code, 16)).replace("\0", " ")
    return _PLAIN.get(match[3], match[3])


def _without_tags(text: str) -> str:
    return _TAG.sub("", text) if "<" in text else text


def _without_seams(text: str) -> str:
    return _SEAM.sub("", text)


def _unbroken(text: str) -> str:
    return _APART.join(_BROKEN.sub("", one) if "\n" in one else one for one in text.split(_APART))


def _unspelled(text: str) -> str:
    return _SPELLED.sub(lambda match: re.sub(r"[\s,;|]", "", match[0]), text)


def _packed(text: str, search: Callable[[str], Iterator[tuple[str, int]]]) -> Iterator[Found]:
    """What base64 and hex digits hold, also wrapped in one another."""
    for index, one in enumerate(text.split(_APART)):
        layer = one
        for _ in range(_DEEPEST):
            layer = _APART.join(_unpacked(layer))
            if not layer:
                break
            yield from ((index, f"{kind}, encoded", 1) for kind in {kind: None for kind, _ in search(layer)})


def _unpacked(text: str) -> Iterator[str]:
    for match in _BASE64.finditer(text):
        word = match[0]
        if hides_token(word):
            yield "glpat-" + "0" * 20
        for offset in range(4):
            if (decoded := _as_text(word.rstrip("=")[offset:])) is not None:
                yield decoded
    for match in _HEX.finditer(text):
        try:
            decoded = bytes.fromhex(re.sub("[ :]", "", match[0])).decode("ascii")
        except (ValueError, UnicodeDecodeError):
            continue
        if decoded.isprintable():
            yield decoded


def _as_text(word: str) -> str | None:
    """Base64 that holds readable text; of a random word the bytes are none."""
    word = word.replace("-", "+").replace("_", "/")[: len(word) // 4 * 4]
    try:
        raw = base64.b64decode(word, validate=True)
        if raw.startswith(b"\x1f\x8b"):
            raw = zlib.decompressobj(31).decompress(raw, _MOST_UNPACKED)
        text = raw.decode("utf-8")
    except (binascii.Error, ValueError, zlib.error):
        return None
    return text if len(text) >= 8 and all(sign.isprintable() or sign in "\n\r\t" for sign in text) else None
