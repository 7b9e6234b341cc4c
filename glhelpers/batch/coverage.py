"""
Which rule, cell and test stands for each paragraph of the handbook page.

`python -m glhelpers.batch.coverage` prints docs/coverage.md; run it in the repository, whose
notebooks and tables of cases it reads.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import yaml

from glhelpers.actions.catalogue import CATALOGUE
from glhelpers.batch.covers import COVERS, Cover
from glhelpers.errors import BadParameter
from glhelpers.rules import handbook
from glhelpers.rules.paragraphs import PARAGRAPHS, Paragraph
from glhelpers.rules.rule import Rule

__all__ = ["Row", "gaps", "page", "rows"]

_HEAD = """# From paragraph to test

Made by `python -m glhelpers.batch.coverage`; do not edit.

Every paragraph of [the handbook page]({page}), told in our words, with the rules that rest on it, the cell of the notebook in which they show, and cases that they decide or in which they are looked at. Where a paragraph needs no judgement, the row says what stands for it instead. How a newer page is checked: [handbook.md](handbook.md).
"""
_SHOWN = 3


@dataclass(frozen=True)
class Case:
    """A row of a table of cases: where it stands, and the rules and texts that it names."""

    table: str
    runbook: str | None
    sentence: str
    rules: frozenset[str]
    drafts: frozenset[str]
    completes: bool


@dataclass(frozen=True)
class Row:
    """One line of the page: a paragraph, a rule on it or what else stands for it, the cell, the cases."""

    paragraph: Paragraph
    stands: str
    runbook: str
    cell: str
    cases: tuple[Case, ...]


def rows(root: Path) -> tuple[Row, ...]:
    """All rows, in the order of the handbook page; a paragraph may have none, which `gaps` then tells."""
    cases = tuple(_cases(root))
    return tuple(row for paragraph in PARAGRAPHS.values() for row in _of(paragraph, cases))


def gaps(root: Path) -> tuple[str, ...]:
    """What is not as it must be, in sentences: paragraphs, rules, cells or texts that lead to nothing."""
    made = rows(root)
    told = {row.paragraph.id for row in made}
    found = [f"Paragraph {id} has neither a rule nor a cover." for id in PARAGRAPHS if id not in told]
    found += [
        gap
        for book in CATALOGUE.values()
        if book.anchor
        for rule in _rules(book.id)
        for gap in _ungrounded(book.id, rule)
    ]
    for runbook, cell in dict.fromkeys((row.runbook, row.cell) for row in made):
        if runbook not in CATALOGUE:
            found.append(f"Covers name runbook {runbook}, which is not in the catalogue.")
        elif cell not in _tags(root / "runbooks" / f"{runbook}.ipynb"):
            found.append(f"Notebook {runbook} has no cell {cell}.")
    return (*found, *_missing_texts(root))


def _ungrounded(runbook: str, rule: Rule[Any]) -> Iterator[str]:
    """What is wrong with the ground that a rule names."""
    name = f"Rule {rule.id} of {runbook}"
    if not rule.rests_on:
        yield f"{name} rests on no paragraph."
    yield from (f"{name} rests on {id}, which is no paragraph." for id in rule.rests_on if id not in PARAGRAPHS)
    with_text = {paragraph.anchor for paragraph in PARAGRAPHS.values()}
    under = {PARAGRAPHS[id].anchor for id in rule.rests_on if id in PARAGRAPHS}
    # A section that only has sections under it has no paragraph to rest on.
    if under and rule.anchor in with_text - under:
        yield f"{name} names section {rule.anchor}, but rests on no paragraph of it."


def page(root: Path) -> str:
    """The page as Markdown: a table for each section."""
    made = rows(root)
    lines = [_HEAD.format(page=handbook.PAGE)]
    for anchor in dict.fromkeys(paragraph.anchor for paragraph in PARAGRAPHS.values()):
        lines += [f"## [{anchor}]({handbook.PAGE}#{anchor})\n", "| paragraph | rule | runbook cell | test cases |"]
        lines.append("|---|---|---|---|")
        last = None
        for row in (row for row in made if row.paragraph.anchor == anchor):
            words = f"`{row.paragraph.id}`" + ("" if row.paragraph.id == last else f": {row.paragraph.summary}")
            lines.append(f"| {words} | {row.stands} | {_cell(row)} | {_shown(row.cases)} |")
            last = row.paragraph.id
        lines.append("")
    return "\n".join(lines)


def _of(paragraph: Paragraph, cases: tuple[Case, ...]) -> Iterator[Row]:
    for book in CATALOGUE.values():
        own = [case for case in cases if case.runbook == book.id]
        for rule in _rules(book.id):
            if paragraph.id in rule.rests_on:
                named = tuple(case for case in own if rule.id in case.rules)
                yield Row(paragraph, f"`{rule.id}`", book.id, "step:check", named)
    for cover in COVERS.get(paragraph.id, ()):
        shown = tuple(case for case in cases if case.runbook == cover.runbook and _shows(case, cover))
        yield Row(paragraph, cover.words, cover.runbook, f"step:{cover.step}", shown)


def _shows(case: Case, cover: Cover) -> bool:
    return cover.draft in case.drafts if cover.draft else case.completes


def _rules(runbook: str) -> tuple[Rule[Any], ...]:
    """The rules of a runbook, each once, though several of its policies may have it."""
    every = [rule for policy in CATALOGUE[runbook].policies for rule in policy.rules]
    return tuple({rule.id: rule for rule in every}.values())


def _cases(root: Path) -> Iterator[Case]:
    """Every row of every table: first those that run whole notebooks, then those of the rules alone."""
    for folder in ("tests/cases", "tests/rules/tables"):
        for file in sorted((root / folder).glob("*.yaml")):
            table = yaml.safe_load(file.read_text(encoding="utf-8"))
            runbook = max((id for id in CATALOGUE if file.stem.startswith(id)), key=len, default=None)
            for row in table["rows"] if isinstance(table, dict) else table:
                yield Case(
                    table=f"{folder}/{file.name}",
                    runbook=runbook,
                    sentence=str(row["case"]),
                    rules=frozenset((*_list(row.get("deciding")), *_list(row.get("by")), *row.get("findings", {}))),
                    drafts=frozenset(_list(row.get("drafts"))),
                    completes=row.get("expect") == "completed",
                )


def _list(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _tags(notebook: Path) -> frozenset[str]:
    if not notebook.is_file():
        return frozenset()
    cells = nbformat.read(notebook, as_version=4).cells
    return frozenset(tag for cell in cells for tag in cell.metadata.get("tags", ()))


def _missing_texts(root: Path) -> tuple[str, ...]:
    folder = root / "glhelpers" / "actions" / "templates"
    drafts = dict.fromkeys(cover.draft for covers in COVERS.values() for cover in covers if cover.draft)
    return tuple(f"There is no text {draft}." for draft in drafts if not (folder / f"{draft}.md.j2").is_file())


def _cell(row: Row) -> str:
    return f"[{row.runbook}](../runbooks/{row.runbook}.ipynb) `{row.cell}`"


def _shown(cases: tuple[Case, ...]) -> str:
    """The first cases in words, and how many more there are, with their tables."""
    if not cases:
        return "–"
    words = "; ".join(case.sentence.replace("|", "\\|") for case in cases[:_SHOWN])
    tables = ", ".join(f"[{Path(table).parent.name}](../{table})" for table in dict.fromkeys(c.table for c in cases))
    more = f"; {len(cases) - _SHOWN} more" if len(cases) > _SHOWN else ""
    return f"{words}{more} ({tables})"


def _main() -> None:
    root = Path.cwd()
    if not (root / "runbooks").is_dir() or not (root / "tests").is_dir():
        raise BadParameter(f"{root} is not the repository.", next_step="Run this where runbooks/ and tests/ are.")
    sys.stdout.write(page(root))
    if found := gaps(root):
        sys.exit("\n".join(found))


if __name__ == "__main__":
    try:
        _main()
    except BadParameter as wrong:
        sys.exit(str(wrong))
