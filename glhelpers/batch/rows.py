"""The tickets of a batch, read from CSV or JSON lines: each a run's typed parameters, or what is wrong with it."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from glhelpers.actions.catalogue import CATALOGUE
from glhelpers.errors import BadParameter
from glhelpers.models.request import LONGEST, parse_parameters, problems_in, ticket_number

__all__ = ["Problem", "Row", "read_rows"]

_RUNBOOK = "runbook"
_LONGEST_LINE = 200_000
_LONGEST_CELL = 100_000
_FORMULA = ("=", "+", "-", "@")
_OTHER_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"PK\x03\x04": "a spreadsheet's own form"}
_SAVE_AS = "save it as CSV in UTF-8, with commas between the cells"


@dataclass(frozen=True)
class Problem:
    """What is wrong in one place: the line (from 1), the column or field if it is one, and a sentence's end."""

    line: int
    column: str
    says: str

    @property
    def sentence(self) -> str:
        """The problem as a person reads it."""
        where = f"line {self.line}" + (f", {self.column}" if self.column else "")
        return f"{where}: {self.says}"


@dataclass(frozen=True)
class Row:
    """One run that is asked for: where it stands in the file, the runbook, its parameters as they were given."""

    line: int
    runbook: str
    given: dict[str, str]

    @property
    def key(self) -> str:
        """The same for two rows if and only if they ask for the same run."""
        asked = parse_parameters(CATALOGUE[self.runbook].parameters, dict(self.given), self.runbook)
        content = json.dumps([self.runbook, asked.model_dump(mode="json")], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def ticket(self) -> int | None:
        """The number of its Zendesk ticket, if it names one."""
        return ticket_number(self.given.get("ticket_url", "").strip())

    @property
    def subject(self) -> str:
        """What the run is about, as far as the row says: the group, else the account, else the subscription."""
        names = ("namespace", "customer_id", "customer_email", "subscription_name")
        return next((self.given[name].strip() for name in names if self.given.get(name, "").strip()), "")

    def is_of_shard(self, number: int, of: int) -> bool:
        """Whether shard `number` (from 1) of so many runs it; rows about one subject always share a shard."""
        digest = hashlib.sha256((self.subject or self.key).lower().encode()).digest()
        return int.from_bytes(digest[:8]) % of == number - 1


def read_rows(path: Path, runbook: str = "") -> Iterator[Row | Problem]:
    """
    Every row of the file, or what is wrong with it, in the order of the file; nothing is kept in memory.

    `runbook` is the one for rows that name none.  Raises `BadParameter` for a file that cannot be read at all.
    """
    if runbook and runbook not in CATALOGUE:
        raise BadParameter(f"There is no runbook {runbook[:60]!r}.", next_step="`glhelpers runbooks` lists them.")
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".jsonl"):
        raise BadParameter(f"{path.name} is neither .csv nor .jsonl.", next_step="Name a CSV or JSON lines file.")
    try:
        if not path.is_file():  # a pipe or a device would be read for ever
            raise FileNotFoundError(None, "no such file")
        with path.open("rb") as file:
            yield from (_of_csv if suffix == ".csv" else _of_json_lines)(file, runbook)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no such file"
        raise BadParameter(f"The tickets file {path.name} cannot be read ({why}).", next_step="Check it.") from None


class _NotText(Exception):
    """A line is no text; `problem` says what it is."""

    def __init__(self, line: int, says: str) -> None:
        super().__init__(says)
        self.problem = Problem(line, "", says)


def _lines(file: BinaryIO) -> Iterator[str]:
    """The lines of a file in UTF-8, with or without a byte order mark."""
    number = 0
    while raw := file.readline(_LONGEST_LINE + 1):
        number += 1
        if number == 1:
            for mark, encoding in _OTHER_ENCODINGS.items():
                if raw.startswith(mark):
                    raise _NotText(1, f"the file is in {encoding}, not UTF-8; {_SAVE_AS}")
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if len(raw) > _LONGEST_LINE:
            raise _NotText(number, f"the line is longer than {_LONGEST_LINE:,} characters")
        if b"\0" in raw:
            raise _NotText(number, "the line holds a NUL character, as no text does")
        try:
            yield raw.decode("utf-8")
        except UnicodeDecodeError:
            raise _NotText(number, f"the line is not in UTF-8; {_SAVE_AS}") from None


def _of_csv(file: BinaryIO, runbook: str) -> Iterator[Row | Problem]:
    csv.field_size_limit(_LONGEST_CELL)
    reader, line = csv.reader(_lines(file), strict=True), 1
    try:
        header = [name.strip() for name in next(reader, [])]
        problems = list(_wrong_in_header(header, runbook))
        yield from problems
        if problems:
            return
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield from _of_cells(line, header, cells, runbook)
            line = reader.line_num + 1
    except _NotText as error:
        yield error.problem
    except csv.Error as error:
        yield Problem(line, "", _csv_says(str(error)))  # where the cell begins, not where the file ends


def _csv_says(error: str) -> str:
    if "field larger" in error:
        return f"a cell is longer than {_LONGEST_CELL:,} characters"
    if "unexpected end" in error:
        return "a quote is opened and never closed"
    if "new-line" in error:
        return "the line ends with a bare carriage return; save the file with ordinary line ends"
    return "the quotes are not as CSV has them: a quote within a cell is doubled, and the cell stands in quotes"


def _wrong_in_header(header: list[str], runbook: str) -> Iterator[Problem]:
    if not any(header):
        yield Problem(1, "", "there is no header; the first line names the columns")
        return
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        yield Problem(1, "", f"the cells are not parted by commas; {_SAVE_AS}")
        return
    known = {name for book in CATALOGUE.values() for name in book.parameters.model_fields} - {"approval"}
    for number, name in enumerate(header, 1):
        shown = f"column {number}" + (f" ({name[:40]})" if name.isidentifier() else "")
        if not name:
            yield Problem(1, shown, "the column has no name")
        elif name in header[: number - 1]:
            yield Problem(1, shown, "the column stands there twice")
        elif name == "approval":
            yield Problem(1, shown, "an approval is given by `glhelpers approve`, not in the list of tickets")
        elif name != _RUNBOOK and name not in known:
            yield Problem(1, shown, "no runbook has a parameter of this name")
    if _RUNBOOK not in header and not runbook:
        yield Problem(1, "", "there is no column `runbook`; add it, or give --runbook")


def _of_cells(line: int, header: list[str], cells: list[str], runbook: str) -> Iterator[Row | Problem]:
    if len(cells) != len(header):
        yield Problem(line, "", f"the line has {len(cells)} cells, the header {len(header)}")
        return
    given = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()}
    yield from _checked(line, given, runbook)


def _of_json_lines(file: BinaryIO, runbook: str) -> Iterator[Row | Problem]:
    try:
        for line, text in enumerate(_lines(file), 1):
            if text.strip():
                yield from _of_object(line, text, runbook)
    except _NotText as error:
        yield error.problem


def _of_object(line: int, text: str, runbook: str) -> Iterator[Row | Problem]:
    twice: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in found]
        twice.extend(name for name in dict.fromkeys(names) if names.count(name) > 1)
        return dict(found)

    try:
        value = json.loads(text, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        yield Problem(line, "", "this is no JSON")
        return
    if not isinstance(value, dict):
        yield Problem(line, "", "this is no JSON object of names and texts")
        return
    wrong = [Problem(line, _shown(name), "the field stands there twice") for name in twice]
    wrong += [
        Problem(line, _shown(name), "must be text")
        for name, item in value.items()
        if isinstance(item, (bool, float, list, dict))
    ]
    if "approval" in value:
        wrong.append(Problem(line, "approval", "an approval is given by `glhelpers approve`"))
    yield from wrong
    if not wrong:
        yield from _checked(line, {name: str(item) for name, item in value.items() if item not in (None, "")}, runbook)


def _checked(line: int, given: dict[str, str], runbook: str) -> Iterator[Row | Problem]:
    """The row, or everything that is wrong with its values; a value is never repeated, since it may be a token."""
    named = given.pop(_RUNBOOK, runbook)
    if named not in CATALOGUE:
        says = "there is no such runbook; `glhelpers runbooks` lists them" if named else "is missing; or give --runbook"
        yield Problem(line, _RUNBOOK, says)
        return
    wrong = [
        Problem(line, _shown(name), f"begins with {value[0]!r}, as a formula does; begin it otherwise")
        for name, value in given.items()
        if value.startswith(_FORMULA)
    ]
    told = {problem.column for problem in wrong}
    for name, says in problems_in(CATALOGUE[named].parameters, dict(given)):
        if name not in told:
            wrong.append(Problem(line, _shown(name), _about(name, says, given)))
    yield from wrong
    if not wrong:
        yield Row(line, named, given)


def _about(name: str, says: str, given: dict[str, str]) -> str:
    long = len(given.get(name, "")) > LONGEST
    return f"is longer than {LONGEST} characters" if long else says


def _shown(name: str) -> str:
    return name[:60] if name.isidentifier() and name.isascii() else "a field with a malformed name"
