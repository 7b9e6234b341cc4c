"""HTML from a notebook's outputs made safe: what is not on a short list of tags and attributes is dropped."""

from __future__ import annotations

import re

import nh3

from glhelpers.evidence.redact import redact_text

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


def safe_html(fragment: str) -> str:
    """
    The redacted fragment with only plain structure, our own classes and simple shapes left.

    Nothing in it loads, runs, styles or frames anything; links go to https addresses only.
    """
    return _CLEANER.clean(redact_text(fragment))
