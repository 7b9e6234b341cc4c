"""Bytes from outside, read with suspicion: strict JSON, short clean error texts, safe path segments."""

from __future__ import annotations

import base64
import json
import math
import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn
from urllib.parse import quote

from glhelpers.errors import BadParameter

__all__ = ["Secrets", "clean", "path_of", "problem_in", "strict_json"]

_LARGEST_NUMBER = 2**53 - 1
"""Larger whole numbers are not the same on every machine that reads JSON; no id and no figure comes near."""
_LONGEST_NUMBER = 20
_DEEPEST = 40
_SHOWN = 200
_LOOKED_AT = 4000
_SHORTEST = 6
_TOKEN_LIKE = re.compile(
    r"(?:\w{1,40}-)?gl[a-z]{2,5}-[\w.=-]{10,}|(?i:bearer|basic)\s+\S+|[0-9a-f]{64}|eyJ[\w-]+\.[\w.-]+"
)


class Secrets:
    """The tokens in use, in the forms in which a service may repeat them; never shown, not even by `vars`."""

    __slots__ = ("_forms", "_lock")

    def __init__(self) -> None:
        self._forms: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def add(self, value: str) -> None:
        """From now on, this one is masked too, unless it is so short that ordinary words hold it."""
        if len(value) < _SHORTEST:
            return
        forms = {value, quote(value, safe=""), base64.b64encode(value.encode()).decode()}
        with self._lock:
            self._forms |= forms

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._forms, key=len, reverse=True))

    def __repr__(self) -> str:
        return "Secrets()"


def path_of(template: str, *segments: str | int) -> str:
    """
    A request path: each `{}` of the template takes one segment, percent-encoded as a whole.

    Raises `BadParameter` for a segment that could change the route: empty, `.` or `..` parts,
    control characters, more than 255 bytes.
    """
    encoded = [_segment(str(segment)) for segment in segments]
    if template.count("{}") != len(encoded):
        raise ValueError("the template and its segments do not fit")
    return template.format(*encoded)


def _segment(text: str) -> str:
    parts_bad = any(part in ("", ".", "..") for part in text.split("/"))
    signs_bad = any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in text)
    if parts_bad or signs_bad or len(text.encode()) > 255:
        raise BadParameter("A name cannot be part of an address.", next_step="Check the parameter's spelling.")
    return quote(text, safe="")


def strict_json(body: bytes) -> Any:
    """
    The JSON value in `body`.

    Raises `ValueError` for what a lenient reader lets pass: NaN, a number without end, a key twice,
    deep nesting, half a character, a text that is not UTF-8.
    """
    try:
        value = json.loads(
            body.decode("utf-8"),
            parse_constant=_refuse,
            parse_float=_finite,
            parse_int=_exact,
            object_pairs_hook=_once,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _depth(value) > _DEEPEST:
        raise ValueError("nested too deeply")
    if b"\\u" in body:
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair cannot be written anywhere
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _exact(text: str) -> int:
    value = int(text) if len(text) < _LONGEST_NUMBER else _LARGEST_NUMBER + 1
    if abs(value) > _LARGEST_NUMBER:
        raise ValueError("a number is too large")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value


def _depth(value: Any) -> int:
    level, layer = 0, [value]
    while layer and level <= _DEEPEST + 1:
        level += 1
        layer = [
            inner
            for item in layer
            if isinstance(item, (dict, list))
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return level


def clean(text: str, secrets: Iterable[str] = ()) -> str:
    """Text of a server for one line of a message: no control or direction marks, no token, not long."""
    visible = " ".join("".join(_shown(char) for char in text[:_LOOKED_AT]).split())
    for secret in secrets:
        visible = visible.replace(secret, "[masked]")
    masked = _TOKEN_LIKE.sub("[masked]", visible)
    return masked if len(masked) <= _SHOWN else masked[: _SHOWN - 1] + "…"


def _shown(char: str) -> str:
    """Marks without a width vanish, lest they hide a token; other control characters become a space."""
    kind = unicodedata.category(char)
    return "" if kind == "Cf" else " " if kind[0] == "C" else char


def problem_in(body: bytes, secrets: Iterable[str] = ()) -> str:
    """What an error answer says in words, from any of the shapes GitLab, CustomersDot and Zendesk use; may be empty."""
    try:
        value = strict_json(body)
    except ValueError:
        return ""
    if not isinstance(value, dict):
        return ""
    parts = [
        _words(value[key]) for key in ("message", "error", "error_description", "errors", "description") if key in value
    ]
    scope = value.get("scope")
    if value.get("error") == "insufficient_scope" and isinstance(scope, str):
        parts.append(f"scope needed: {scope}")
    return clean("; ".join(part for part in parts if part), secrets)


def _words(value: Any) -> str:
    match value:
        case str():
            return value
        case dict():
            return ", ".join(f"{key} {_words(item)}" for key, item in value.items())
        case list():
            return ", ".join(_words(item) for item in value)
        case _:
            return str(value)
