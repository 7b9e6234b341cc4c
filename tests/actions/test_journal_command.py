"""`glhelpers journal`: what an operator finds, settles and exports after a run has died."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from glhelpers.cli import app
from glhelpers.errors import GlhelpersError
from tests.actions.conftest import Desk

Ask = Callable[..., Result]


@pytest.fixture
def ask(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run a `glhelpers journal` command on the desk's journal and services; what is typed may be given."""
    monkeypatch.setenv("GLHELPERS_JOURNAL_URL", desk.journal_url)
    monkeypatch.setenv("GLHELPERS_OPERATOR", "carol")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str, typed: str = "") -> Result:
        return CliRunner().invoke(app, ["journal", *words], input=typed, catch_exceptions=True)

    return run


def died(desk: Desk, point: str) -> str:
    """Let a writer die at a point; the short id of its write."""
    plan, approval = desk.plan(1002)
    assert desk.child(point, plan, approval).wait(timeout=60) == -9
    return desk.journal.entries()[0].intent_id[:12]


def test_an_open_write_is_listed_shown_and_settled(desk: Desk, ask: Ask) -> None:
    """The request had arrived; the read-back finds the change, and nothing is sent again."""
    id = died(desk, "answer received")
    listed = ask("list", "--open")
    assert listed.exit_code == 0
    assert id in listed.stdout
    assert "open" in listed.stdout
    assert "fox-university (namespace:2002)" in listed.stdout
    shown = ask("show", id)
    assert "Plan: free -> ultimate" in shown.stdout
    assert f"glhelpers journal settle {id}" in shown.stdout
    settled = ask("settle")
    assert settled.exit_code == 0, settled.output
    assert "APPLIED" in settled.stdout
    assert (desk.tool_writes(), desk.tool_requests()) == (1, 1)
    assert "No write fits." in ask("list", "--open").stdout
    assert "Nothing is open." in ask("settle").stdout
    assert "The chain of 2 rows is whole." in ask("list").stdout


def test_what_cannot_be_read_back_stays_open(desk: Desk, ask: Ask) -> None:
    """GitLab.com does not answer: exit code 4, the reason in a sentence, and the target stays taken."""
    id = died(desk, "after intent")
    desk.faults({"system": "gitlab", "do": "503"})
    settled = ask("settle", id)
    assert settled.exit_code == 4
    assert "open" in settled.stdout
    desk.faults()
    assert ask("settle", id).exit_code == 0
    assert "NOT_APPLIED" in ask("list").stdout


@pytest.mark.parametrize(
    ("typed", "because", "word", "refused"),
    [
        ("fox-university\n", "seen in the admin page", "applied", None),
        ("fox-university\n", "seen in the admin page", "not-applied", None),
        ("fox-universit\n", "seen in the admin page", "applied", "nothing is settled"),
        ("\n", "seen in the admin page", "applied", "nothing is settled"),
        ("fox-university\n", "seen", "applied", "reason"),
        ("fox-university\n", " " * 20, "applied", "reason"),
        ("fox-university\n", "seen in the admin page", "maybe", "cannot be settled"),
    ],
)
def test_a_persons_word_settles_what_no_read_back_can(
    desk: Desk, ask: Ask, typed: str, because: str, word: str, refused: str | None
) -> None:
    """With the target typed to the letter and a reason; the name stands in the journal, beside the word."""
    id = died(desk, "after intent")
    desk.faults({"system": "gitlab", "do": "503"})
    while (open_write := desk.journal.open_intent(desk.writer().target_key("namespace:2002"))) is not None:
        if open_write.in_flight_for() <= 0:
            break
    answer = ask("settle", id, "--as", word, "--because", because, typed=typed)
    if refused is not None:
        assert isinstance(answer.exception, GlhelpersError)
        assert refused in answer.exception.message
        assert desk.journal.open_intent(desk.writer().target_key("namespace:2002")) is not None
        return
    assert answer.exit_code == 0, answer.output
    entry = desk.journal.entries()[-1]
    assert entry.payload["outcome"] == {"applied": "APPLIED", "not-applied": "NOT_APPLIED"}[word]
    assert entry.payload["told"] == {"by": "carol", "reason": because}
    assert "by the word of carol: seen in the admin page" in ask("show", id).stdout


def test_a_read_back_stands_above_a_persons_word(desk: Desk, ask: Ask) -> None:
    """Where the services tell, it is not what the person says."""
    id = died(desk, "answer received")
    answer = ask("settle", id, "--as", "not-applied", "--because", "seen in the admin page", typed="fox-university\n")
    assert answer.exit_code == 0, answer.output
    assert "told" not in desk.journal.entries()[-1].payload
    assert desk.journal.entries()[-1].payload["outcome"] == "APPLIED"


def test_an_export_can_be_checked_by_anybody(desk: Desk, ask: Ask, tmp_path: Path) -> None:
    """Each line holds the text that its hash is over; a masked one says so by its hash."""
    died(desk, "before settling")
    to = tmp_path / "journal.jsonl"
    assert ask("export", "--out", str(to)).exit_code == 0
    previous, rows = "0" * 64, [json.loads(line) for line in to.read_text().splitlines()]
    assert [row["kind"] for row in rows] == ["intent", "answer"]
    for row in rows:
        content = [row[name] for name in ("seq", "at", "kind", "intent_id", "target", "payload", "previous")]
        assert row["previous"] == previous
        previous = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        assert row["hash"] == previous
    again = ask("export", "--out", str(to))
    assert isinstance(again.exception, GlhelpersError)
    assert len(ask("export", "--masked").stdout.splitlines()) == 2


def test_a_changed_journal_is_said(desk: Desk, ask: Ask) -> None:
    """The list shows it in words and by its exit code."""
    died(desk, "before settling")
    with closing(sqlite3.connect(desk.journal_url.removeprefix("sqlite:///"))) as other:
        other.execute("DROP TRIGGER entries_UPDATE")
        other.execute("UPDATE entries SET at = '2020-01-01T00:00:00+00:00' WHERE seq = 2")
        other.commit()
    listed = ask("list")
    assert listed.exit_code == 4
    assert "Row 2 does not follow" in listed.stdout


def test_a_journal_without_writes_says_so(ask: Ask) -> None:
    """A new operator sees that nothing was written, not an empty table."""
    listed = ask("list")
    assert (listed.exit_code, "Nothing was ever written." in listed.stdout) == (0, True)
