"""HTML from a notebook's outputs made safe: what is not on a short list of tags and attributes is dropped."""

from __future__ import annotations

import re
from collections import OrderedDict
from functools import cache

import nh3

from glhelpers.evidence.personal import pseudonym_key
from glhelpers.evidence.redact import knowledge, live_forms, redact_text
from glhelpers.evidence.render import stylesheet

__all__ = ["safe_html"]

_TAGS = frozenset(
    """
    a b blockquote br caption code dd details div dl dt em h1 h2 h3 h4 h5 h6 hr i li ol p pre s small span
    strong sub summary sup table tbody td tfoot th thead tr ul svg title desc g rect line text circle path
    """.split()  # noqa: SIM905 - reads best as words
)
_SHAPE = {"x", "y", "x1", "x2", "y1", "y2", "width", "height", "rx", "fill", "fill-opacity", "stroke", "font-size"}
_SHAPE |= {"stroke-width", "stroke-dasharray", "text-anchor", "font-weight", "cx", "cy", "r", "d"}
_ATTRIBUTES = {
    "*": {"class", "role", "aria-label", "aria-current"},
    "a": {"href"},
    "td": {"colspan", "rowspan", "data-h"},
    "th": {"colspan", "rowspan", "scope"},
    "details": {"open"},
    "svg": {"viewBox", "role", "fill", "font-size", "font-family"},
    **{tag: _SHAPE for tag in ("g", "rect", "line", "text", "circle", "path")},
}
_CLASS = re.compile(r"glh(?:-[a-z]+)?")
_PAINT = re.compile(r"#[0-9a-f]{3,8}|none|currentColor", re.IGNORECASE)


def _allowed(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "class":
        return " ".join(name for name in value.split() if _CLASS.fullmatch(name)) or None
    if attribute in ("fill", "stroke"):
        return value if _PAINT.fullmatch(value) else None
    return value


_CLEANER = nh3.Cleaner(
    tags=set(_TAGS),
    clean_content_tags={"script", "style", "iframe", "object", "template", "noscript"},
    attributes=_ATTRIBUTES,
    attribute_filter=_allowed,
    url_schemes={"https"},
    link_rel="noreferrer noopener",
    strip_comments=True,
)


_REMEMBERED = 128
"""Fragments whose safe form is remembered: those of a few runs. A run's page shows what its notebook shows."""

_safe: OrderedDict[tuple[str, object], str] = OrderedDict()


def safe_html(fragment: str) -> str:
    """
    The redacted fragment with only plain structure, our own classes and simple shapes left.

    Nothing in it loads, runs, styles or frames anything; links go to https addresses only.  What is safe
    already stays as it is, so it is looked through once, for as long as nothing more is known that must not
    be seen.
    """
    # Our own style goes anyway; it is half of what there is to look through.
    bare, known = fragment.replace(_own_style(), ""), (knowledge(), live_forms(), pseudonym_key())
    kept = _safe.get((bare, known))
    if kept is None:
        kept = _CLEANER.clean(redact_text(bare))
        for text in (bare, kept):
            _safe[text, known] = kept
        while len(_safe) > _REMEMBERED:
            _safe.popitem(last=False)
    return kept


@cache
def _own_style() -> str:
    return f"<style>{stylesheet()}</style>"
