"""Texts as people read them: what a server says without codes that hide or reorder, JSON with an entry a line."""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import to_json

__all__ = ["clean_text", "one_line", "readable_json"]

_ESCAPES = re.compile(
    r"""
      \x1b[\]PX^_] .*? (?: \x07 | \x1b\\ | \x9c | $ )   # OSC, DCS, SOS, PM, APC with their payload
    | (?: \x1b\[ | \x9b ) [0-?]* [ -/]* [@-~]?           # CSI
    | \x1b [ -/]* [0-~]?                                 # all other escape sequences
    """,
    re.VERBOSE | re.DOTALL,
)
_RETURNS = re.compile(r"\r\n?|\x85|\u2028|\u2029")
_HIDDEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, joiners, fillers
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # zero width, bidi, annotation
    "\U000e0000-\U000e007f"  # tags
)
_UNSEEN = re.compile(f"[{_HIDDEN}]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_TO_CLEAN = re.compile(f"[{_HIDDEN}\u2028\u2029\ud800-\udfff]")


def clean_text(text: str) -> str:
    """
    The text without terminal escape sequences, control, bidi and zero-width characters.

    Newlines and tabs stay, every kind of line end becomes a newline, and half a surrogate pair
    becomes U+FFFD, so that the result can always be written as UTF-8.
    """
    if (text.isascii() and text.isprintable()) or not _TO_CLEAN.search(text):
        return text
    text = _RETURNS.sub("\n", _ESCAPES.sub("", text))
    return _SURROGATES.sub("\ufffd", _UNSEEN.sub("", text))


def one_line(text: str) -> str:
    """The cleaned text on one line, with runs of white space made one space."""
    return " ".join(clean_text(text).split())


def readable_json(value: Any) -> str:
    """
    A JSON value as a text for people, an entry a line, always the same for the same value; NaN is told as null.

    Raises `ValueError` for a text that holds half of a surrogate pair: see `clean_text`.
    """
    return to_json(value, indent=1, inf_nan_mode="null").decode()
