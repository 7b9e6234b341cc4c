"""
No secret and no personal address leaves a run: texts are masked, and a scanner tells where one still stands.

A token in use is registered and found exactly, in every encoding; others are known by their shape.
An e-mail address becomes a pseudonym that is the same for the same address.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from pydantic import SecretStr

from glhelpers.evidence.patterns import EMAIL, SECRETS, SUSPICIOUS, masked
from glhelpers.evidence.text import clean_text

__all__ = [
    "SecretHit",
    "find_secrets",
    "find_secrets_in_json",
    "forget_secrets",
    "redact_json",
    "redact_text",
    "register_secret",
    "use_pseudonym_key",
]

_SHORTEST_LIVE = 6
_LIVE = "token in use"
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_TELLTALE = re.compile(rb"gl(?:pat|oas|dt|rtr?|cbt|ptt|ft|imt|agent|wt|soat|ffct)-[\w=.\-]{12,}|GR1348941[\w-]{12,}")
_SECRET_KEYS = re.compile(
    r"(?:private[_-]?|access[_-]?|refresh[_-]?|job[_-]?)?token|password|passwd|secret|client_secret"
    r"|(?:proxy-)?authorization|(?:set-)?cookie|private-token|x-[\w-]*token",
    re.IGNORECASE,
)

_live_forms: dict[str, None] = {}
_key = b"glhelpers.pseudonym/1"


@dataclass(frozen=True)
class SecretHit:
    """One secret found: of what kind and where, never which."""

    kind: str
    where: str


def register_secret(secret: SecretStr) -> None:
    """From now on this very text is masked wherever it stands, in whatever usual encoding."""
    for form in _forms(secret.get_secret_value()):
        _live_forms[form] = None


def forget_secrets() -> None:
    """Drop every registered secret; for the end of a process that served several operators."""
    _live_forms.clear()


def use_pseudonym_key(key: bytes) -> None:
    """
    Set the key of the pseudonyms.

    With the built-in key the same address has the same pseudonym everywhere; with a key of their
    own, a team makes sure that nobody outside can test a guess.
    """
    global _key
    _key = key


def redact_text(text: str) -> str:
    """The cleaned text with every secret masked and every e-mail address replaced by its pseudonym."""
    text = clean_text(text)
    if not (_live_forms or SUSPICIOUS.search(text)):
        return text
    for form in sorted(_live_forms, key=len, reverse=True):
        if form in text:
            text = text.replace(form, masked(_LIVE))
    for shape in SECRETS:
        text = shape.pattern.sub(partial(_without_secret, shape.kind), text)
    text = _ENCODED.sub(lambda match: masked("encoded token") if _hides_token(match[0]) else match[0], text)
    return EMAIL.sub(lambda match: f"{_pseudonym(match)}@…", text)


def redact_json(value: Any) -> Any:
    """The same JSON value with every text in it redacted, names of keys included."""
    match value:
        case str():
            return redact_text(value)
        case Mapping():
            return {redact_text(str(key)): _redact_entry(str(key), item) for key, item in value.items()}
        case list() | tuple():
            return [redact_json(item) for item in value]
        case _:
            return value


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


def _redact_entry(key: str, item: Any) -> Any:
    if isinstance(item, str) and item and _SECRET_KEYS.fullmatch(key):
        return masked(key.lower())
    return redact_json(item)


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
            yield _LIVE, start
    for shape in SECRETS:
        for match in shape.pattern.finditer(text):
            yield shape.kind, match.start("secret")
    for match in _ENCODED.finditer(text):
        if _hides_token(match[0]):
            yield "encoded token", match.start()
    for match in EMAIL.finditer(text):
        yield "e-mail address", match.start()


def _without_secret(kind: str, match: re.Match[str]) -> str:
    begin, end = match.start("secret") - match.start(), match.end("secret") - match.start()
    return f"{match[0][:begin]}{masked(kind)}{match[0][end:]}"


def _pseudonym(match: re.Match[str]) -> str:
    address = f"{match['local']}@{match['domain']}".casefold()
    return f"person-{hmac.new(_key, address.encode(), hashlib.sha256).hexdigest()[:6]}"


def _hides_token(encoded: str) -> bool:
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
    yield from (value, quote(value, safe=""), quote_plus(value), html.escape(value), json.dumps(value)[1:-1], raw.hex())
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        inner = encoded[(0, 2, 3)[shift] :]
        inner = inner if (shift + len(raw)) % 3 == 0 else inner[:-1]
        yield inner
        yield inner.replace("+", "-").replace("/", "_")
