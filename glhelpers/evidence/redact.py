"""
No secret and no personal address leaves a run: texts are masked, and a scanner tells where one still stands.

A token in use is registered and found exactly, in every encoding; others are known by their shape.
An e-mail address and the name of a person become a pseudonym that is the same for the same person,
as far as the policy of the destination says so.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from pydantic import BaseModel, SecretStr

from glhelpers.evidence.patterns import (
    EMAIL,
    SECRET_KEY,
    SECRET_PAIR,
    SECRETS,
    Shape,
    masked,
    may_hold_address,
    may_hold_secret,
)
from glhelpers.evidence.personal import (
    Level,
    Masking,
    address_pseudonym,
    forget_people,
    is_person,
    masking_now,
    may_hold_name,
    name_pseudonym,
    names_are_known,
    people_known,
    pseudonym_key,
    use_pseudonym_key,
    without_names,
)
from glhelpers.evidence.text import clean_text
from glhelpers.models.base import Personal

__all__ = [
    "LIVE",
    "SecretHit",
    "find_secrets",
    "find_secrets_in_json",
    "forget_secrets",
    "hides_token",
    "knowledge",
    "live_forms",
    "masked_fields",
    "redact_json",
    "redact_text",
    "register_secret",
    "shapes_in",
    "use_pseudonym_key",
]

LIVE = "token in use"
"""The kind of a hit on a registered secret."""

_SHORTEST_LIVE = 6
_REMEMBERED = 2_000
"""Characters of the longest text whose redaction is remembered: a page of a run is made once."""
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_TELLTALE = re.compile(rb"gl(?:pat|oas|dt|rtr?|cbt|ptt|ft|imt|agent|wt|soat|ffct)-[\w=.\-]{12,}|GR1348941[\w-]{12,}")

_MASKED_NAME = re.compile(r"name-[0-9a-f]{8}(?![\w-])|\[name\]")
_MASKED_ADDRESS = re.compile(r"(?<![\w-])person-[0-9a-f]{6}@(?:…|[\w.-]+\w)")

_live_forms: dict[str, None] = {}
_longest_first: tuple[str, ...] = ()
_shortest_form = 0


@dataclass(frozen=True)
class SecretHit:
    """One secret found: of what kind and where, never which."""

    kind: str
    where: str


def register_secret(secret: SecretStr) -> None:
    """From now on this very text is masked wherever it stands, in whatever usual encoding."""
    global _longest_first, _shortest_form
    new = [form for form in _forms(secret.get_secret_value()) if form not in _live_forms]
    if new:
        _live_forms.update(dict.fromkeys(new))
        _longest_first = tuple(sorted(_live_forms, key=len, reverse=True))
        _shortest_form = len(_longest_first[-1])
        _forget_texts()


def forget_secrets() -> None:
    """Drop every registered secret and name; for the end of a process that served several operators."""
    global _longest_first, _shortest_form
    _live_forms.clear()
    _longest_first, _shortest_form = (), 0
    _forget_texts()
    forget_people()


def _forget_texts() -> None:
    _look_with.cache_clear()
    _nameless_with.cache_clear()
    _without_secrets_once.cache_clear()


def live_forms() -> Sequence[str]:
    """Every way in which a registered secret may be written; never to be shown."""
    return tuple(_live_forms)


def knowledge() -> object:
    """All that decides how a text is redacted now: equal to a former answer only if every text comes out the same."""
    return masking_now(), people_known(), len(_live_forms)


def redact_text(text: str, masking: Masking | None = None) -> str:
    """
    The cleaned text with every secret masked, and addresses and names as the destination's policy says.

    Without `masking`, those of the destination that is being written for: the record on disk, unless
    `bound_for` says another.
    """
    return _look_with(masking or masking_now(), people_known())(text)


@lru_cache(maxsize=64)
def _look_with(masking: Masking, known: tuple[int, frozenset[str]]) -> Callable[[str], str]:
    """
    What redacts a text by these levels, as long as no more is known than now.

    A run writes its record many times over: what has not changed since is not looked through again.
    """
    once = lru_cache(maxsize=20_000)(partial(_redacted, masking=masking, known=known))
    nameless = _nameless_with(masking, pseudonym_key())

    def look(text: str) -> str:
        if len(text) > _REMEMBERED:
            return _redacted(text, masking, known)
        kept = nameless(text) if not names_are_known() else None
        return kept if kept is not None else once(text)

    return look


@lru_cache(maxsize=64)
def _nameless_with(masking: Masking, key: bytes) -> Callable[[str], str | None]:
    """What redacts a short text that cannot hold a name, which is the same in every run; None for one that can."""

    @lru_cache(maxsize=20_000)
    def nameless(text: str) -> str | None:
        text = _cleaned(text, masking)
        if masking.names is not Level.full and may_hold_name(text):
            return None
        return _without_secrets(text, masking)

    return nameless


def _redacted(text: str, masking: Masking, known: tuple[int, frozenset[str]]) -> str:
    """The text redacted by all that is known; `known` is here for the one that remembers."""
    text = _cleaned(text, masking)
    if masking.names is not Level.full:
        text = without_names(text, partial(_name, masking.names))
    if len(text) > _REMEMBERED:
        return _without_secrets(text, masking)
    return _without_secrets_once(text, masking, pseudonym_key())


def _cleaned(text: str, masking: Masking) -> str:
    return _without_pseudonyms(clean_text(text), masking)


def _without_secrets(text: str, masking: Masking) -> str:
    """What does not depend on the persons of a run, so is the same for every run of a batch."""
    if len(text) >= _shortest_form:
        for form in _longest_first:
            if form in text:
                text = text.replace(form, masked(LIVE))
    if not may_hold_secret(text):
        return text
    for shape in shapes_in(text):
        text = shape.pattern.sub(partial(_without_secret, shape), text)
    text = _ENCODED.sub(lambda match: masked("encoded token") if hides_token(match[0]) else match[0], text)
    if masking.addresses is Level.full or not may_hold_address(text):
        return text
    return EMAIL.sub(partial(_address, masking), text)


@lru_cache(maxsize=20_000)
def _without_secrets_once(text: str, masking: Masking, key: bytes) -> str:
    """The same, remembered for as long as the key of pseudonyms stays."""
    return _without_secrets(text, masking)


def _without_pseudonyms(text: str, masking: Masking) -> str:
    """What was masked before, for a destination that sees not even that two values are the same."""
    if masking.names is Level.none:
        text = _MASKED_NAME.sub("[name]", text)
    return _MASKED_ADDRESS.sub("[address]", text) if masking.addresses is Level.none else text


def redact_json(value: Any, masking: Masking | None = None) -> Any:
    """The same JSON value with every text in it redacted, names of keys included."""
    masking = masking or masking_now()
    return _redact_value(value, masking, _look_with(masking, people_known()))


def _redact_value(value: Any, masking: Masking, look: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return look(value)
    if isinstance(value, (dict, Mapping)):  # the first is told much quicker, and nearly always it is that
        return {look(str(key)): _redact_entry(value, str(key), item, masking, look) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        if len(value) == 2 and (pair := _redacted_pair(value[0], value[1], look)) is not None:
            return pair
        return [_redact_value(item, masking, look) for item in value]
    return value


def _redacted_pair(name: Any, item: Any, look: Callable[[str], str]) -> list[str] | None:
    """A name and a secret that stand together, as headers and queries are told; None if it is no such pair."""
    if isinstance(name, str) and isinstance(item, str) and item and SECRET_PAIR.fullmatch(name):
        return [look(name), masked(look(name.lower()))]
    return None


def masked_fields(value: BaseModel, leave_out: Collection[str] = ()) -> dict[str, Any]:
    """The model as plain JSON without some fields; those of persons, which say so themselves, by the policy in force."""
    masking, plain = masking_now(), value.model_dump(mode="json", exclude=set(leave_out))
    for name, field in type(value).model_fields.items():
        if not isinstance(plain.get(name), str):
            continue
        if Personal.name in field.metadata and masking.names is not Level.full:
            plain[name] = _name(masking.names, plain[name])
        elif Personal.address in field.metadata:
            plain[name] = redact_text(plain[name], masking)
    return plain


def shapes_in(text: str) -> Iterator[Shape]:
    """The shapes that a text may hold: those of which it has a telling part."""
    lower = text.lower()
    for shape in SECRETS:
        for needle in shape.needles:  # plain loops: this is asked of every text of a run
            if needle in lower:
                if shape.telltale is None or shape.telltale.search(text) is not None:
                    yield shape
                break


def find_secrets(text: str) -> list[SecretHit]:
    """Every secret and e-mail address that still stands in the text, told by line; empty if there is none."""
    hits = dict.fromkeys(
        SecretHit(kind, f"line {clean.count(chr(10), 0, start) + 1}")
        for clean in _readings(text)
        for kind, start in _found(clean)
    )
    return list(hits)


def find_secrets_in_json(value: Any, where: str = "") -> list[SecretHit]:
    """The same for decoded JSON, where a secret cannot hide behind escapes; told by the path to the value."""
    if isinstance(value, str):
        return [SecretHit(hit.kind, f"{where or 'the value'}, {hit.where}") for hit in find_secrets(value)]
    if isinstance(value, Mapping):
        return [hit for key, item in value.items() for hit in _find_in_entry(str(key), item, where)]
    if isinstance(value, (list, tuple)):
        return [hit for index, item in enumerate(value) for hit in find_secrets_in_json(item, f"{where}[{index}]")]
    return []


def _find_in_entry(key: str, item: Any, where: str) -> list[SecretHit]:
    in_key = [SecretHit(hit.kind, f"a key of {where or 'the file'}") for hit in find_secrets(key)]
    place = f"{where}.{redact_text(key)}" if where else redact_text(key)
    return in_key + find_secrets_in_json(item, place)


def _redact_entry(owner: Mapping[Any, Any], key: str, item: Any, masking: Masking, look: Callable[[str], str]) -> Any:
    if isinstance(item, str) and item and _is_secret_key(key):
        return masked(look(key.lower()))
    if isinstance(item, str) and item and masking.names is not Level.full and is_person(owner, key):
        return _name(masking.names, look(item))
    return _redact_value(item, masking, look)


@lru_cache(maxsize=5_000)
def _is_secret_key(key: str) -> bool:
    return SECRET_KEY.fullmatch(key) is not None


def _readings(text: str) -> Iterator[str]:
    """The text as it stands, and as a browser or a URL parser would read it."""
    clean = clean_text(text)
    yield clean
    for decoded in (html.unescape(clean), unquote(clean)):
        if decoded != clean:
            yield clean_text(decoded)


def _found(text: str) -> Iterator[tuple[str, int]]:
    for form in _live_forms:
        if (start := text.find(form)) >= 0:
            yield LIVE, start
    for shape in shapes_in(text):
        for match in shape.pattern.finditer(text):
            if shape.holds(match["secret"]):
                yield shape.kind, match.start("secret")
    for match in _ENCODED.finditer(text):
        if hides_token(match[0]):
            yield "encoded token", match.start()
    for match in EMAIL.finditer(text):
        yield "e-mail address", match.start()


def _without_secret(shape: Shape, match: re.Match[str]) -> str:
    if not shape.holds(match["secret"]):
        return match[0]
    begin, end = match.start("secret") - match.start(), match.end("secret") - match.start()
    return f"{match[0][:begin]}{masked(shape.kind)}{match[0][end:]}"


def _address(masking: Masking, match: re.Match[str]) -> str:
    if masking.addresses is Level.none:
        return "[address]"
    return f"{address_pseudonym(match['local'], match['domain'])}@{match['domain'] if masking.domains else '…'}"


def _name(level: Level, name: str) -> str:
    if _MASKED_NAME.fullmatch(name):
        return name
    return "[name]" if level is Level.none else name_pseudonym(name)


def hides_token(encoded: str) -> bool:
    """Whether base64 text holds a token, at whichever of the four places its groups may begin."""
    standard = encoded.rstrip("=").replace("-", "+").replace("_", "/")
    for offset in range(4):
        part = standard[offset:]
        try:
            decoded = base64.b64decode(part[: len(part) // 4 * 4])
        except binascii.Error:
            continue
        if _TELLTALE.search(decoded):
            return True
    return False


def _forms(value: str) -> Iterator[str]:
    """The secret as it is and as it looks encoded; the ends of base64 depend on what stands around them."""
    if len(value) < _SHORTEST_LIVE:
        return
    raw = value.encode()
    yield from (value, quote(value, safe=""), quote_plus(value), html.escape(value), json.dumps(value)[1:-1])
    yield from (raw.hex(), raw.hex().upper())
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        inner = encoded[(0, 2, 3)[shift] :]
        inner = inner if (shift + len(raw)) % 3 == 0 else inner[:-1]
        yield inner
        yield inner.replace("+", "-").replace("/", "_")
