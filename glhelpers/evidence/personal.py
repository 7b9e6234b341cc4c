"""
Personal data and who may read it: the policy of each destination, and pseudonyms that stay the same.

An address or a name is never looked up to be shown again: its pseudonym is a keyed hash, so that the
same person reads the same throughout a bundle, and who lacks the key cannot test a guess.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import Any
from urllib.parse import unquote

__all__ = [
    "BUILT_IN_KEY",
    "POLICY",
    "Destination",
    "Level",
    "Masking",
    "address_pseudonym",
    "bound_for",
    "forget_people",
    "is_person",
    "masking_at",
    "masking_now",
    "may_hold_name",
    "name_pseudonym",
    "names_are_known",
    "names_in",
    "people_in",
    "people_known",
    "pseudonym_key",
    "pseudonyms_in",
    "register_person",
    "stricter",
    "told_by",
    "use_policy",
    "use_pseudonym_key",
    "watch",
    "without_names",
]


class Level(StrEnum):
    """How much of a personal value is seen: all of it, a pseudonym, or only that there was one."""

    full = "full"
    masked = "masked"
    none = "none"


class Destination(StrEnum):
    """Where evidence is read."""

    disk = "disk"
    issue = "issue"
    ticket = "ticket"
    terminal = "terminal"


@dataclass(frozen=True)
class Masking:
    """
    The levels of one destination. A secret has no level: it is masked everywhere.

    With `domains` the domain of a masked address stays, since rules compare domains.
    """

    addresses: Level = Level.masked
    names: Level = Level.masked
    domains: bool = False


POLICY: Mapping[Destination, Masking] = {
    #                                addresses              names of persons
    Destination.disk: Masking(addresses=Level.masked, names=Level.masked),
    Destination.issue: Masking(addresses=Level.masked, names=Level.masked),
    Destination.ticket: Masking(addresses=Level.masked, names=Level.masked),
    Destination.terminal: Masking(addresses=Level.masked, names=Level.masked),
}
"""What holds unless a profile says otherwise (`masking` in the configuration file)."""

_policy: dict[Destination, Masking] = dict(POLICY)
_told: ContextVar[frozenset[str]] = ContextVar("told by", default=frozenset())
_bound: ContextVar[Destination] = ContextVar("bound for", default=Destination.disk)


def use_policy(levels: Mapping[str, Mapping[str, str]]) -> None:
    """Take over what a profile says, such as `{"issue": {"names": "none"}}`; the rest stays as in `POLICY`."""
    for destination, masking in POLICY.items():
        told = levels.get(destination.value, {})
        _policy[destination] = Masking(
            addresses=Level(told.get("addresses", masking.addresses)), names=Level(told.get("names", masking.names))
        )


def masking_at(destination: Destination) -> Masking:
    """The levels of a destination under the policy in force."""
    return _policy[destination]


def masking_now() -> Masking:
    """The levels of the destination that is being written for: the record on disk, unless `bound_for` says another."""
    return _policy[_bound.get()]


@contextmanager
def bound_for(destination: Destination) -> Iterator[Masking]:
    """All that is redacted in this block is meant for the destination."""
    token = _bound.set(destination)
    try:
        yield _policy[destination]
    finally:
        _bound.reset(token)


BUILT_IN_KEY = b"glhelpers.pseudonym/1"
_STRICT = (Level.full, Level.masked, Level.none)
_PERSONAL_KEYS = frozenset(
    "first_name last_name full_name real_name display_name author_name contact_name signatory".split()  # noqa: SIM905
)
# A display name made of such words alone tells nobody's name, and stands in ordinary sentences.
_ORDINARY = frozenset(
    re.findall(
        r"\w+",
        "a account accounts additional admin administrator an and associate billing bot buyer compute "
        "customer demo developer for free gitlab group guest license maintainer member minutes namespace new "
        "of old operations owed owner plan portal premium project renewals sales seats service subscription "
        "support system team test the ticket token trial ultimate units used user zendesk ",
    )
)
_WORD = re.compile(r"[^\W\d_][\w'’.-]*")
_WITHIN_A_WORD = frozenset("_'’.-")
_NOT_SMALL = re.compile(r"[^\W\d_a-z]")
_BETWEEN = r"(?:,?[\s\u00a0]|%20|\+|&nbsp;|&#160;)+"
_FARTHEST = 6
_MOST_WORDS = 4
_REMEMBERED = 2_000
_SHORTEST = 5
_PSEUDONYM = re.compile(r"(?<![\w-])name-[0-9a-f]{8}(?![\w-])")

_key = BUILT_IN_KEY
_learned = 0
_names: dict[str, None] = {}
_digests: set[str] = set()
_watched: list[Callable[[], Iterable[str] | None]] = []


def stricter(one: Masking, other: Masking) -> Masking:
    """The levels that satisfy both."""
    return Masking(
        addresses=max(one.addresses, other.addresses, key=_STRICT.index),
        names=max(one.names, other.names, key=_STRICT.index),
    )


def pseudonym_key() -> bytes:
    """The key in force: never to be shown."""
    return _key


def use_pseudonym_key(key: bytes) -> None:
    """
    Set the key of the pseudonyms.

    With the built-in key the same address has the same pseudonym everywhere; with a key of their
    own, a team makes sure that nobody outside can test a guess.
    """
    global _key
    _key = key
    _changed()
    _keyed.cache_clear()
    _possible_names.cache_clear()
    _digests.clear()
    _digests.update(name_pseudonym(name) for name in _names)


def address_pseudonym(local: str, domain: str) -> str:
    """The pseudonym of an address: the same for every way to write it."""
    address = f"{unquote(local)}@{domain}".casefold().lstrip("<\"'( \t\n")
    return f"person-{_keyed(address)[:6]}"


def name_pseudonym(name: str) -> str:
    """The pseudonym of a person's name, whatever its case, its spacing and which part stands first."""
    return f"name-{_keyed(' '.join(sorted(_plain(name).split())))[:8]}"


def register_person(name: str) -> None:
    """
    From now on this name is known to be a person's, wherever it stands.

    A name of one word is masked where it is told as a name, and left alone in other text: it may be
    an ordinary word.
    """
    words = _plain(name).split()
    short = len(words) < 2 or len(words) > _MOST_WORDS or len(_plain(name)) < _SHORTEST
    if short or _PSEUDONYM.fullmatch(name) or _ORDINARY.issuperset(words):
        return
    for known in (name, " ".join(reversed(name.split(None, 1)))):
        if known not in _names:
            _names[known] = None
            _digests.add(name_pseudonym(known))
            _changed()


def pseudonyms_in(texts: Iterable[str]) -> frozenset[str]:
    """The persons of a finished bundle, and those that this process knows, by their pseudonyms."""
    told = {one for text in texts if "name-" in text for one in _PSEUDONYM.findall(text)}
    return frozenset(told | _digests)


def forget_people() -> None:
    """Drop every name; for the end of a process that served several runs."""
    _names.clear()
    _digests.clear()
    _watched.clear()
    _changed()


def is_person(value: Mapping[Any, Any], key: str) -> bool:
    """Whether `key` of this JSON object tells a person's name, as users, members and authors have one."""
    if key in _PERSONAL_KEYS:
        return True
    return key == "name" and "username" in value and value.get("bot") is not True


def watch(names: Callable[[], Iterable[str] | None]) -> None:
    """
    Ask `names` for those that are new before each text; so a name is known from the moment it is heard.

    It is asked no more once it has answered None: its run is over.
    """
    _watched.append(names)


def names_in(value: Any) -> Iterator[str]:
    """Every name of a person in a JSON value."""
    match value:
        case dict():
            for key, item in value.items():
                if isinstance(item, str) and is_person(value, str(key)):
                    yield item
                else:
                    yield from names_in(item)
        case list() | tuple():
            for item in value:
                yield from names_in(item)


def people_known() -> tuple[int, frozenset[str]]:
    """Take in the names that were heard since, and tell what is known now by something that differs whenever it does."""
    for source in tuple(_watched):
        told = source()
        if told is None:
            with suppress(ValueError):  # another thread may have been first
                _watched.remove(source)
        for name in told or ():
            register_person(name)
    return _learned, _told.get()


def names_are_known() -> bool:
    """Whether this process has been told any name itself, rather than only the pseudonyms of those of a run."""
    return bool(_names)


def may_hold_name(text: str) -> bool:
    """Whether anything in a short text is written as a name; in most of a record's texts nothing is."""
    return bool(_possible_names(text))


def without_names(text: str, replace: Callable[[str], str]) -> str:
    """The text with every name replaced that this process has been told."""
    people_known()
    pattern = _pattern()
    if pattern is not None:
        text = pattern.sub(lambda match: replace(match[0]), text)
    for start, end in reversed(list(people_in(text, _told.get()))):
        text = f"{text[:start]}{replace(text[start:end])}{text[end:]}"
    return text


@contextmanager
def told_by(pseudonyms: frozenset[str]) -> Iterator[None]:
    """In this block the persons behind these pseudonyms are known too: those of a run that another process made."""
    token = _told.set(pseudonyms)
    try:
        yield
    finally:
        _told.reset(token)


def people_in(text: str, known: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Where names of known persons stand, told by their pseudonyms alone, as names are written: with capitals."""
    if not known:
        return
    found = -1
    for start, end, pseudonym in (_possible_names if len(text) <= _REMEMBERED else _looked_through)(text):
        if start != found and pseudonym in known:
            found = start
            yield start, end


def _looked_through(text: str) -> tuple[tuple[int, int, str], ...]:
    """Every run of words that could be a name: where it begins and ends, and the pseudonym that it would have."""
    possible = []
    for start in _capitals(text):
        words = islice(_WORD.finditer(text, start), _MOST_WORDS)
        last = next(words)
        window = last[0]
        for word in words:
            if word.start() - last.end() > _FARTHEST:
                break
            window, last = f"{window} {word[0]}", word
            if not word[0][0].islower() and not _ORDINARY.issuperset(_plain(window).split()):
                possible.append((start, word.start() + len(word[0].rstrip(".'’-")), name_pseudonym(window)))
    return tuple(possible)


def _capitals(text: str) -> Iterator[int]:
    """Where words begin that a name could begin with; most words of a page begin with a small letter."""
    found = [match.start() for match in _NOT_SMALL.finditer(text)]
    if len(found) < 2:
        return  # Most texts of a record end here.
    for start in found:
        if text[start].islower():
            continue
        if not _goes_on(text, start):
            yield start


def _goes_on(text: str, place: int) -> bool:
    """Whether a word that has begun before goes on here; digits before a letter begin none."""
    while place > 0:
        place -= 1
        sign = text[place]
        if not (sign.isalnum() or sign in _WITHIN_A_WORD):
            return False
        if sign.isalnum() and not sign.isdecimal():
            return True
    return False


_possible_names = lru_cache(maxsize=20_000)(_looked_through)


def _changed() -> None:
    global _learned
    _learned += 1
    _pattern.cache_clear()


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str] | None:
    """Names as they are told, and in capitals; another case may be an ordinary sentence."""
    if not _names:
        return None
    told = sorted({form for name in _names for form in (name, name.upper(), name.title())}, key=len, reverse=True)
    spelled = [_BETWEEN.join(re.escape(word) for word in name.split()) for name in told]
    return re.compile(rf"(?<!\w)(?:{'|'.join(spelled)})(?!\w)")


def _plain(name: str) -> str:
    """The words of a name, whatever stands between them."""
    text = unicodedata.normalize("NFC", unquote(name).replace("&nbsp;", " "))
    return " ".join(word.rstrip(".'’-") for word in _WORD.findall(text)).casefold()


@lru_cache(maxsize=20_000)
def _keyed(text: str) -> str:
    return hmac.new(_key, text.encode(), hashlib.sha256).hexdigest()
