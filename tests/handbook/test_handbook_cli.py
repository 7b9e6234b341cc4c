"""`glhelpers handbook check`: what a person and a CI job are told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from harbour import PAGE, PARAGRAPHS, TEXT, base, edited
from typer.testing import CliRunner

from glhelpers.batch.handbook import check_page
from glhelpers.errors import BadParameter
from glhelpers.handbook_cli import handbook_app
from glhelpers.rules.fingerprints import Base, as_json
from glhelpers.rules.paragraphs import PARAGRAPHS as REAL_PARAGRAPHS

RED = "- The lamp turns red: hang out the `~Divers wanted` flag, and those who may dive will look.\n"


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    """Fingerprints of the invented page; one paragraph has the id of a real one, on which real rules rest."""
    invented = base()
    named = {"force.minutes" if id == "force.skipper" else id: mark for id, mark in invented.paragraphs.items()}
    file = tmp_path / "marks.json"
    file.write_text(as_json(Base(sections=invented.sections, paragraphs=named)), encoding="utf-8")
    return file


def check(text: str | bytes, marks: Path, *options: str) -> Result:
    """The command on a page with this text."""
    page = marks.with_name("page.md")
    page.write_bytes(text if isinstance(text, bytes) else text.encode())
    return CliRunner().invoke(handbook_app, ["check", str(page), "--fingerprints", str(marks), *options])


def test_an_unchanged_page_ends_with_0(marks: Path) -> None:
    """One line, and the exit code of success."""
    ended = check(TEXT, marks)
    assert (ended.exit_code, ended.exception) == (0, None)
    assert ended.output == f"✔ All {len(PARAGRAPHS)} paragraphs are as they were when the rules were written.\n"


def test_a_changed_page_ends_with_4_and_names_the_rules(marks: Path) -> None:
    """Changed text, the rules on it with their runbook, text without a rule, new text with its line."""
    ended = check(
        edited(
            ("must hold a card of that pier", "must hold two cards of that pier"),
            (RED, ""),
            ("## Assigning a berth by force", "Nobody has thought of this before: paint the hull yellow.\n\n## Berths by force"),
        ),
        marks,
    )  # fmt: skip
    assert ended.exit_code == 4
    said = " ".join(ended.output.replace("│", " ").split())
    assert "Not as it was (18 of 20 paragraphs are)" in said
    for words in ("changed", "vanished", "heading", "force.minutes", "force.red", "no rule", "line 20"):
        assert words in said, words
    assert "now #berths-by-force" in said
    assert "reset-spares-additional-units (force_associate)" in said
    assert "nobody has thought of this before: paint the …" in said


@pytest.mark.parametrize(
    ("text", "kinds", "new"),
    [
        (TEXT, {}, 0),
        (edited(("Open the **List", "Go to the **List")), {"finds.open": "changed"}, 0),
        (edited((RED, ""), ("The skipper named", RED + "\nThe skipper named")), {}, 0),
        (edited((RED, ""), ("### The skipper finds", RED + "\n### The skipper finds")), {"force.red": "moved"}, 0),
        (edited((RED, "")), {"force.red": "vanished"}, 0),
        (TEXT + "\nSomething else is asked of everybody from today on.\n", {}, 1),
    ],
    ids=["unchanged", "changed", "set apart only", "moved", "vanished", "new"],
)
def test_other_programs_get_json(text: str, kinds: dict[str, str], new: int, marks: Path) -> None:
    """The same as one object; the exit code says 4 exactly where it differs."""
    ended = check(text, marks, "--json")
    told = json.loads(ended.output)
    assert {entry["id"]: entry["kind"] for entry in told["paragraphs"]} == kinds
    assert (len(told["new"]), told["headings"], told["unchanged"]) == (new, [], len(PARAGRAPHS) - len(kinds))
    assert told["differs"] is bool(kinds or new)
    assert ended.exit_code == (4 if told["differs"] else 0)


def test_json_names_rules_with_their_runbooks(marks: Path) -> None:
    """A rule at work in a runbook says so."""
    told = json.loads(check(edited(("named in the papers must", "must")), marks, "--json").output)
    (entry,) = told["paragraphs"]
    assert entry["id"] == "force.minutes"
    rules = {rule["id"]: rule["runbooks"] for rule in entry["rules"]}
    assert "force_associate" in rules["quota-is-as-bought"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "has no paragraph"),
        (b"# Only a heading\n", "has no paragraph"),
        (b"\xff\xfe\x00", "no text in UTF-8"),
        (b"word " * 200_001, "larger than a handbook page"),
    ],
    ids=["empty", "no text", "binary", "too large"],
)
def test_a_bad_page_is_a_sentence(text: bytes, says: str, marks: Path) -> None:
    """It is the operator's to mend: exit code 2 once shown by the command line, with what to do."""
    error = check(text, marks).exception
    assert isinstance(error, BadParameter)
    assert says in error.message
    assert (error.exit_code, bool(error.next_step)) == (2, True)


def test_a_page_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    """No file, a folder, and fingerprints that are none."""
    with pytest.raises(BadParameter, match="There is no file"):
        check_page(tmp_path / "none.md")
    with pytest.raises(BadParameter, match="cannot be read"):
        check_page(tmp_path)
    (tmp_path / "no.json").write_text("{}", encoding="utf-8")
    ended = CliRunner().invoke(handbook_app, ["check", str(PAGE), "--fingerprints", str(tmp_path / "no.json")])
    assert "holds no fingerprints" in str(ended.exception)


def test_a_hostile_page_steers_no_terminal(marks: Path) -> None:
    """Control characters and rich's own markup in the page are shown as text or not at all."""
    ended = check(TEXT + "\nBefore \x1b[2J[red]after[/red] [/] and so on for ever.\n", marks)
    assert "\x1b[2J" not in ended.output
    assert "[red]after[/red] [/]" in ended.output


def test_the_packages_own_fingerprints_are_used_without_an_option() -> None:
    """Against the real page's fingerprints, the invented page is another page altogether."""
    told = json.loads(CliRunner().invoke(handbook_app, ["check", str(PAGE), "--json"]).output)
    assert {entry["kind"] for entry in told["paragraphs"]} == {"vanished"}
    assert len(told["paragraphs"]) == len(REAL_PARAGRAPHS)


@pytest.mark.parametrize(("page", "code"), [(PAGE, 4), (PAGE.with_name("none.md"), 2)], ids=["another page", "no page"])
def test_the_command_line_ends_with_its_code(page: Path, code: int) -> None:
    """As a process of its own: 4 where the page differs, 2 with a sentence where there is none."""
    ended = subprocess.run(
        [sys.executable, "-m", "glhelpers.cli", "handbook", "check", str(page)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == code
    assert "Traceback" not in ended.stderr
    assert ("There is no file" in ended.stderr) is (code == 2)
