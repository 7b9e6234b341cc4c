"""Strings that only a machine makes up: told from words by their mixture, and from our own digests by their place."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

from glhelpers.evidence.scan_read import Piece

__all__ = ["our_values", "random_strings"]

_CANDIDATE = re.compile(r"[A-Za-z0-9+_~-]{20,}")
_HEX = re.compile(r"(?:[0-9a-f]{32,}|[0-9A-F]{32,})")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_DIGEST = re.compile(r"(?:sha\d{1,3}[:-])?[0-9a-f]{32,128}|[A-Za-z0-9+/_-]{40,100}={0,2}", re.IGNORECASE)

# What this package writes, and what the services name a request, an account or a file by.
_OUR_KEYS = re.compile(
    r"(?:[\w-]+_)?digest|(?:[\w-]+_)?sha(?:256|512)|idempotency_key|(?:x-)?request[-_]id|correlation[-_]id|etag|keyid|sig|signature"
    r"|public_key|previous|chain|zuora_account_id|billing_account",
    re.IGNORECASE,
)
# Words and paths after which a row of hex digits is a digest or an id that anybody may see.
_BEFORE = re.compile(
    r"(?:digest|sha-?(?:1|256|512)|checksum|fingerprint|request|correlation|idempotency[ _-]key|commit|revision|zuora|account"
    r"|uploads|blob|tree|compare|raw|signature|signed|content)(?:[ _-]?(?:ids?|of its order|is|was|key))*"
    r"[\s\"'`:=/>(,|*\\]{0,6}(?:\s?and\s)?\Z",
    re.IGNORECASE,
)
_LOOK_BACK = 48
# What is decoded and looked at by itself, or is public by its nature.
_APART = re.compile(
    r"data:[\w.+-]*/?[\w.+-]*(?:;[\w=.-]+)*;base64,[A-Za-z0-9+/=\s]+"
    r"|-----BEGIN (?:PUBLIC KEY|CERTIFICATE|SSH SIGNATURE)-----[^\0]*?-----END [A-Z ]+-----"
    r"|\bssh-(?:ed25519|rsa)\s+AAAA[A-Za-z0-9+/=]+|\bSHA256:[A-Za-z0-9+/]{43}"
)
_LEAST_HEX_ENTROPY = 3.0
_LEAST_ENTROPY = 3.4


def our_values(pieces: Iterable[Piece]) -> frozenset[str]:
    """Digests and ids of this bundle, told by the name they stand under; they may be shown anywhere in it."""
    told = {piece.text for piece in pieces if _OUR_KEYS.fullmatch(piece.key) and _DIGEST.fullmatch(piece.text.strip())}
    return frozenset(value.strip().casefold() for value in told)


def random_strings(text: str, ours: frozenset[str]) -> Iterator[tuple[str, int]]:
    """Kind and start of every string that looks made by a machine and is not one of ours."""
    apart = [match.span() for match in _APART.finditer(text)] if "-" in text or ":" in text else []
    for match in _CANDIDATE.finditer(text):
        word, start = match[0], match.start()
        if not any(sign.isdigit() for sign in word) or any(begin <= start < end for begin, end in apart):
            continue
        kind = _kind(word)
        if kind is None or any(word.casefold() in value for value in ours):
            continue
        if kind == "long hex string" and _BEFORE.search(text[max(0, start - _LOOK_BACK) : start]):
            continue
        yield kind, start


def _kind(word: str) -> str | None:
    if _UUID.fullmatch(word) or "[masked" in word:
        return None
    if found := _HEX.search(word):
        return "long hex string" if _entropy(found[0]) >= _LEAST_HEX_ENTROPY else None
    if _entropy(word) < _LEAST_ENTROPY:
        return None
    solid = [part for part in re.split(r"[^A-Za-z0-9]+", word) if part]
    whole = "".join(solid)
    digits, upper = sum(sign.isdigit() for sign in whole), sum(sign.isupper() for sign in whole)
    changes = _changes(whole)
    if upper >= 2 and len(whole) - digits - upper >= 2:
        return "random string" if changes >= (0.3 if digits >= 2 else 0.4) and len(whole) >= 18 else None
    return (
        "random string"
        if any(len(part) >= 20 and _changes(part) >= 0.35 and _entropy(part) >= _LEAST_ENTROPY for part in solid)
        else None
    )


def _changes(word: str) -> float:
    """How often the kind of character changes from one to the next: seldom in words, often in what is drawn by lot."""
    kinds = ["9" if sign.isdigit() else "A" if sign.isupper() else "a" for sign in word]
    return sum(one != other for one, other in pairwise(kinds)) / max(1, len(word) - 1)


def _entropy(word: str) -> float:
    """Shannon's measure in bits a character."""
    counted = Counter(word).values()
    return -sum(count / len(word) * math.log2(count / len(word)) for count in counted)
