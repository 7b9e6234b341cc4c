"""A Markdown page as sections and paragraphs, each paragraph with its text freed of everything cosmetic."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

__all__ = ["Page", "Passage", "normalised", "parse", "slug"]

_TYPOGRAPHIC = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
    }
)
_FRONT_MATTER = re.compile(r"---[ \t]*\n.*?\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
# Hugo's boxes: the box is looks, its content is text.
_BOX = re.compile(r"\{\{[%<]\s*/?\s*(?:alert|note|warning|tip|panel)\b[^{}]*[%>]\}\}")
_OWN_ANCHOR = re.compile(r"\s*\{#([\w-]+)\}\s*$")


@dataclass(frozen=True)
class Passage:
    """One paragraph as it stands on a page: the anchor of its section, its normalised text, its first line's number."""

    anchor: str
    text: str
    line: int


@dataclass(frozen=True)
class Page:
    """A page's anchors of headings and its paragraphs, both in the order of the page."""

    anchors: tuple[str, ...]
    passages: tuple[Passage, ...]


def parse(markdown: str) -> Page:
    """
    The sections and paragraphs of a page.

    A paragraph is what has words of its own: prose, a quoted paragraph, a list item (each nested
    one by itself), a row of a table, a block of code or HTML.  Headings are not; the front matter
    is left out.  What stands before the first heading has the anchor "".
    """
    source = markdown.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if front := _FRONT_MATTER.match(source):
        source = "\n" * front.group().count("\n") + source[front.end() :]
    # The default depth of nesting is so low that a long list of lists would lose its end in silence.
    reader = MarkdownIt("commonmark", {"maxNesting": 200}).enable("table")
    anchors: list[str] = []
    passages: list[Passage] = []
    for is_heading, text, line in _pieces(reader.parse(_BOX.sub("", source))):
        if is_heading:
            anchors.append(_unused(slug(text), anchors))
        elif plain := normalised(text):
            passages.append(Passage(anchors[-1] if anchors else "", plain, line))
    return Page(tuple(anchors), tuple(passages))


def slug(heading: str) -> str:
    """The anchor that the handbook's site gives a heading; one written behind it as `{#name}` goes first."""
    if own := _OWN_ANCHOR.search(heading):
        return own.group(1)
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def normalised(text: str) -> str:
    """The words and signs that carry meaning: one spacing, one case, one kind of quote and dash."""
    # Soft hyphens, joiners and the like are looks; and control characters must not reach a terminal.
    shown = "".join(sign for sign in text if sign.isspace() or unicodedata.category(sign)[0] != "C")
    plain = unicodedata.normalize("NFKC", shown.translate(_TYPOGRAPHIC)).translate(_TYPOGRAPHIC).casefold()
    # Folding the case can take letters apart again.
    plain = unicodedata.normalize("NFKC", plain)
    plain = re.sub(r"\s+([.,;:!?)\]])", r"\1", plain)
    plain = re.sub(r"([(\[])\s+", r"\1", plain)
    return " ".join(plain.split())


def _unused(anchor: str, taken: Sequence[str]) -> str:
    """The anchor itself, or with the lowest free number behind it."""
    candidate, number = anchor, 0
    while candidate in taken:
        number += 1
        candidate = f"{anchor}-{number}"
    return candidate


def _pieces(tokens: Iterable[Token]) -> Iterator[tuple[bool, str, int]]:
    """The page's texts in order: is it a heading, the text, its line; the cells of a table's row are one text."""
    heading, line = False, 1
    row: list[str] | None = None
    for token in tokens:
        line = token.map[0] + 1 if token.map else line
        if token.type in ("heading_open", "heading_close"):
            heading = token.nesting == 1
        elif token.type == "tr_open":
            row = []
        elif token.type == "tr_close":
            yield False, " | ".join(row or []), line
            row = None
        elif token.type == "inline" and row is not None:
            row.append(_words(token))
        elif token.type == "inline":
            yield heading, _words(token), line
        elif token.type in ("fence", "code_block"):
            yield False, token.content, line
        elif token.type == "html_block":
            yield False, html.unescape(_TAG.sub(" ", _COMMENT.sub("", token.content))), line


def _words(inline: Token) -> str:
    """The text of a line of Markdown: without emphasis, without the targets of links, without tags."""
    parts = []
    for child in inline.children or ():
        if child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type == "html_inline":
            parts.append(" " if child.content.lower().startswith("<br") else "")
        else:
            # Text, code, or the words that stand for an image; marks of emphasis and links have no content.
            parts.append(child.content)
    return "".join(parts)
