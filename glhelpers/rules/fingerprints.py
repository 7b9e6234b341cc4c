"""
Fingerprints of the handbook page's paragraphs: enough to notice a change, too little to read the text.

`python -m glhelpers.rules.fingerprints PAGE.md [FILE]` makes them for the ids of rules/paragraphs.py.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from importlib.resources import files

from pydantic import ValidationError

from glhelpers.errors import BadParameter, GlhelpersError
from glhelpers.models.base import OwnModel, Texts
from glhelpers.rules.markdown_page import Page, Passage, parse
from glhelpers.rules.paragraphs import PARAGRAPHS, Paragraph

__all__ = ["Base", "Mark", "as_json", "load_base", "make_base", "mark_of"]

_SHINGLE = 3
_WORD = re.compile(r"\w+(?:[.']\w+)*")


class Mark(OwnModel):
    """
    One paragraph's fingerprint: where it stands, the hash of its text, the hashes of its runs of words.

    The hashes of the runs are sorted, so that their order does not give the text's away.
    """

    anchor: str
    position: int
    sha256: str
    shingles: Texts


class Base(OwnModel):
    """The page that the rules were written from: the anchors of its headings, a mark for each paragraph id."""

    sections: Texts
    paragraphs: dict[str, Mark]


def mark_of(passage: Passage, position: int) -> Mark:
    """The fingerprint of a paragraph that is the page's `position`-th, counted from 0."""
    words = ["", "", *_WORD.findall(passage.text), "", ""]
    runs = {" ".join(words[at : at + _SHINGLE]) for at in range(len(words) - _SHINGLE + 1)}
    return Mark(
        anchor=passage.anchor,
        position=position,
        sha256=_hash(passage.text),
        shingles=tuple(sorted(_hash(run)[:8] for run in runs)),
    )


def make_base(page: Page, paragraphs: Mapping[str, Paragraph] = PARAGRAPHS, before: Base | None = None) -> Base:
    """
    The fingerprints of a page whose paragraphs are, in order, those named.

    Raises `BadParameter` where they cannot be: another number of paragraphs, one in another
    section, or one whose text had another id in the fingerprints of `before`.
    """
    if len(page.passages) != len(paragraphs):
        raise BadParameter(
            f"The page has {len(page.passages)} paragraphs, {len(paragraphs)} are named.",
            next_step="Bring PARAGRAPHS in glhelpers/rules/paragraphs.py in line with the page, in its order.",
        )
    marks = {id: mark_of(passage, at) for at, (id, passage) in enumerate(zip(paragraphs, page.passages, strict=True))}
    had = {mark.sha256: id for id, mark in before.paragraphs.items()} if before else {}
    for passage, (id, mark) in zip(page.passages, marks.items(), strict=True):
        if mark.anchor != paragraphs[id].anchor:
            raise BadParameter(
                f"Paragraph {id} should stand under {paragraphs[id].anchor!r}, line {passage.line} is under {mark.anchor!r}.",
                next_step="Bring PARAGRAPHS and the anchors of glhelpers/rules/handbook.py in line with the page.",
            )
        if had.get(mark.sha256, id) != id and had[mark.sha256] in paragraphs:
            raise BadParameter(
                f"The text of line {passage.line} belonged to {had[mark.sha256]} so far, the order makes it {id}.",
                next_step="Put the entries of PARAGRAPHS into the order of the page.",
            )
    return Base(sections=page.anchors, paragraphs=marks)


def load_base() -> Base:
    """The fingerprints that come with the package."""
    stored = files("glhelpers.rules").joinpath("fingerprints.json").read_text(encoding="utf-8")
    return Base.model_validate_json(stored)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def as_json(base: Base) -> str:
    """The fingerprints as they are stored: a line for each paragraph, so that a difference is easy to see."""
    lines = [f'  "{id}": {mark.model_dump_json()}' for id, mark in base.paragraphs.items()]
    sections = ",\n".join(f"  {json.dumps(anchor)}" for anchor in base.sections)
    return f'{{\n "sections": [\n{sections}\n ],\n "paragraphs": {{\n' + ",\n".join(lines) + "\n }\n}\n"


def _main(source: str, target: str | None = None) -> None:
    """Make the fingerprints of the page `source`; print them, or write them to `target`."""
    try:
        with open(source, encoding="utf-8") as file:
            page = parse(file.read())
        made = as_json(make_base(page, before=_stored()))
        if target is None:
            sys.stdout.write(made)
            return
        with open(target, "w", encoding="utf-8") as file:
            file.write(made)
    except (OSError, UnicodeDecodeError) as error:
        raise BadParameter(
            f"The fingerprints of {source} cannot be made: a file cannot be read or written ({type(error).__name__}).",
            next_step="Name the Markdown file of the page, and perhaps the file to write to.",
        ) from None


def _stored() -> Base | None:
    try:
        return load_base()
    except (FileNotFoundError, ValidationError):
        # The very first fingerprints, or a shell that has emptied the file to write the new ones into it.
        return None


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("Name the Markdown file of the page, and perhaps the file to write to.")
    try:
        _main(*sys.argv[1:])
    except GlhelpersError as wrong:
        sys.exit(str(wrong))
