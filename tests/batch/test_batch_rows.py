"""The list of tickets: what a row may hold, and every mistake told at once by line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from glhelpers.batch.rows import Problem, Row, read_rows
from glhelpers.errors import BadParameter

HEAD = "namespace,subscription_name,ticket_url\n"
GOOD = "fox-university,A-S00010002,https://gitlab.zendesk.com/agent/tickets/1002\n"


def told(folder: Path, content: str | bytes, name: str = "tickets.csv", runbook: str = "force_associate") -> list[str]:
    """What is said of a file: its problems as sentences, and its good rows as `line N is a run`."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [
        found.sentence if isinstance(found, Problem) else f"line {found.line} is a run"
        for found in read_rows(path, runbook)
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEAD + GOOD, ["line 2 is a run"]),
        ("\ufeff" + HEAD + GOOD, ["line 2 is a run"]),
        ((HEAD + GOOD).replace("\n", "\r\n"), ["line 2 is a run"]),
        (HEAD + "\n,,\n" + GOOD, ["line 4 is a run"]),
        (HEAD + '"fox-university","A-S00010002",""\n', ["line 2 is a run"]),
        ((HEAD + GOOD).replace(",ticket_url", ",symptom"), ["line 2, symptom: is not a parameter of this runbook"]),
        (HEAD + "fox university,A-S1,\n", ["line 2, namespace: is not a group path", "line 2, subscription_name: is"]),
        (HEAD + ",A-S00010002,\n", ["line 2, namespace: is missing"]),
        (HEAD + "=cmd(),A-S00010002,\n" + GOOD, ["line 2, namespace: begins with '='", "line 3 is a run"]),
        (HEAD + "@x,+1,-1\n", ["line 2, namespace: be", "line 2, subscription_name: be", "line 2, ticket_url: be"]),
        (HEAD + f"{'x' * 3000},A-S00010002,\n", ["line 2, namespace: is longer than 2000 characters"]),
        (HEAD + f'"{"x" * 150_000}",A-S00010002,\n', ["line 2: a cell is longer than 100,000 characters"]),
        (HEAD + "x" * 300_000 + "\n", ["line 2: the line is longer than 200,000 characters"]),
        (HEAD + "fox,A-S00010002\n", ["line 2: the line has 2 cells, the header 3"]),
        (HEAD + '"fox,A-S00010002,\n', ["line 2: a quote is opened and never closed"]),
        (HEAD + '"fox\n' + GOOD * 2, ["line 2: a quote is opened and never closed"]),
        (HEAD + '"fox"x,A-S00010002,\n', ["line 2: the quotes are not as CSV has them"]),
        (HEAD + '"two\nlines",A-S00010002,\n' + GOOD, ["line 2, namespace: holds control", "line 4 is a run"]),
        (HEAD + "fo\0x,A-S00010002,\n", ["line 2: the line holds a NUL character"]),
        ((HEAD + "fü,A-S00010002,\n").encode("latin-1"), ["line 2: the line is not in UTF-8"]),
        ((HEAD + GOOD).encode("utf-16"), ["line 1: the file is in UTF-16"]),
        (b"PK\x03\x04rest", ["line 1: the file is in a spreadsheet's own form"]),
        ((HEAD + GOOD).replace(",", ";"), ["line 1: the cells are not parted by commas"]),
        ((HEAD + GOOD).replace("\n", "\r"), ["line 1: the line ends with a bare carriage return"]),
        ("namespace,namespace\nfox,fox\n", ["line 1, column 2 (namespace): the column stands there twice"]),
        ("namespace,,x y\n", ["line 1, column 2: the column has no name", "line 1, column 3: no runbook has"]),
        ("namespace,approval\n", ["line 1, column 2 (approval): an approval is given by `glhelpers approve`"]),
        ("", ["line 1: there is no header"]),
    ],
)
def test_a_csv_file_is_taken_or_every_mistake_is_told(tmp_path: Path, content: str | bytes, said: list[str]) -> None:
    """Each problem names its line and column; a good row beside a bad one is still read."""
    found = told(tmp_path, content)
    assert len(found) == len(said), found
    for one, beginning in zip(found, said, strict=True):
        assert one.startswith(beginning)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"namespace": "fox", "subscription_name": "A-S00010002", "customer_id": 12}', "line 1 is a run"),
        ('{"namespace": "fox", "subscription_name": null}', "line 1, subscription_name: is missing"),
        ('{"namespace": "fox", "namespace": "cat"}', "line 1, namespace: the field stands there twice"),
        ('{"namespace": ["fox"]}', "line 1, namespace: must be text"),
        ('{"namespace": "\\ud800", "subscription_name": "A-S00010002"}', "line 1, namespace: "),
        (
            '{"na me": "fox", "namespace": "fox", "subscription_name": "A-S00010002"}',
            "line 1, a field with a malformed",
        ),
        ('{"approval": "x"}', "line 1, approval: an approval is given by"),
        ('["fox"]', "line 1: this is no JSON object"),
        ("[" * 100_000, "line 1: this is no JSON"),
        ('{"namespace": "fox"', "line 1: this is no JSON"),
        ('{"runbook": "nonsense"}', "line 1, runbook: there is no such runbook"),
    ],
)
def test_json_lines_are_taken_or_told_by_line_and_field(tmp_path: Path, line: str, said: str) -> None:
    """As CSV, with fields for columns."""
    assert told(tmp_path, line + "\n", "tickets.jsonl")[0].startswith(said)


def test_a_value_is_never_repeated(tmp_path: Path) -> None:
    """What was pasted into the wrong column may be a token."""
    said = told(tmp_path, HEAD + "secret token,secret-token,\n")
    assert len(said) == 2
    assert "secret" not in " ".join(said)


def test_each_row_may_name_its_runbook(tmp_path: Path) -> None:
    """Columns of one runbook are empty for the other; without a runbook a row says so."""
    head = "runbook,namespace,subscription_name,symptom\n"
    rows = "force_associate,fox,A-S00010002,\nstart_here,fox,,no_button\n,fox,A-S00010002,\n"
    assert told(tmp_path, head + rows, runbook="") == [
        "line 2 is a run",
        "line 3 is a run",
        "line 4, runbook: is missing; or give --runbook",
    ]
    assert "there is no column `runbook`" in told(tmp_path, HEAD + GOOD, runbook="")[0]


@pytest.mark.parametrize("name", ["tickets.xlsx", "none.csv", "folder.csv"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    """Another kind of file, no file, a folder: one sentence."""
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "tickets.xlsx").write_text(HEAD)
    with pytest.raises(BadParameter, match=r"is neither|cannot be read"):
        list(read_rows(tmp_path / name, "force_associate"))


def test_rows_about_one_group_share_a_shard_and_every_row_has_one() -> None:
    """However many parts: two tickets of one group never run on two machines."""
    rows = [Row(1, "force_associate", {"namespace": f"Group-{number}"}) for number in range(40)]
    for of in (1, 3, 7):
        parts = [[row for row in rows if row.is_of_shard(part, of)] for part in range(1, of + 1)]
        assert sum(map(len, parts)) == 40
        assert all(parts)
    other = Row(9, "clear_subscription", {"namespace": "group-7 "})
    assert [other.is_of_shard(part, 7) for part in range(1, 8)] == [
        rows[7].is_of_shard(part, 7) for part in range(1, 8)
    ]


def test_the_key_tells_two_runs_apart() -> None:
    """The same parameters in another order, or with blanks around them, are the same run; another ticket is another."""
    one = Row(1, "force_associate", {"namespace": "fox", "subscription_name": "A-S00010002"})
    same = Row(2, "force_associate", {"subscription_name": "A-S00010002", "namespace": " fox"})
    other = Row(3, "force_associate", {**one.given, "ticket_url": "x"})
    assert one.key == same.key != other.key
