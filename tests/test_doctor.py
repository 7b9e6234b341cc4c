"""What the doctor says when something is missing, wrong or down."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from glhelpers.batch.doctor import Row, examine
from glhelpers.sandbox_process import Running

SERVICES = ("GITLAB", "CUSTOMERSDOT", "ZENDESK")


def _rows() -> dict[str, Row]:
    return {row.what: row for row in examine()}


def test_the_doctor_finds_all_well(on_sandbox: Running) -> None:
    """On a sandbox everything is in order."""
    assert [row.what for row in examine() if not row.well] == []


@pytest.mark.parametrize(
    ("token", "how", "mend"),
    [(None, "no token", "Set GLHELPERS_{}_TOKEN"), ("wrong", "answered 401", "renew it and set GLHELPERS_{}_TOKEN")],
)
def test_the_doctor_without_a_good_token(
    token: str | None, how: str, mend: str, on_sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence for each service, with the variable to set."""
    for service in SERVICES:
        if token is None:
            monkeypatch.delenv(f"GLHELPERS_{service}_TOKEN")
        else:
            monkeypatch.setenv(f"GLHELPERS_{service}_TOKEN", token)
    rows = _rows()
    for what, variable in {"GitLab.com": "GITLAB", "CustomersDot": "CUSTOMERSDOT", "Zendesk": "ZENDESK"}.items():
        assert not rows[what].well
        assert how in rows[what].how
        assert mend.format(variable) in rows[what].mend
    assert rows["journal"].well


def test_the_doctor_when_nothing_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence for each service, soon."""
    for service in SERVICES:
        monkeypatch.setenv(f"GLHELPERS_{service}_URL", "http://127.0.0.1:1")
        monkeypatch.setenv(f"GLHELPERS_{service}_TOKEN", "x")
    began, rows = time.monotonic(), _rows()
    for what in ("GitLab.com", "GitLab.com token", "CustomersDot", "Zendesk"):
        assert not rows[what].well
        assert "cannot be reached" in rows[what].how
        assert "connection refused" in rows[what].how
        assert "Check the network" in rows[what].mend
    assert time.monotonic() - began < 10
    assert all("\n" not in row.how + row.mend for row in rows.values())


def test_the_doctor_names_settings_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without settings there is one row, and it says why."""
    monkeypatch.setenv("GLHELPERS_PROFILE", "nowhere")
    (row,) = examine()
    assert (row.what, row.well) == ("settings", False)
    assert "nowhere" in row.how


def test_the_doctor_says_when_the_journal_is_no_journal(
    on_sandbox: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A journal that cannot be opened is a row that is not well, not a traceback."""
    (tmp_path / "state").mkdir(exist_ok=True)
    (tmp_path / "state" / "journal.db").write_bytes(b"this is no database at all" * 100)
    assert not _rows()["journal"].well


def test_the_doctor_sees_a_changed_journal(on_sandbox: Running, tmp_path: Path) -> None:
    """A journal whose chain is broken is not well."""
    assert _rows()["journal"].well
    with closing(sqlite3.connect(tmp_path / "state" / "journal.db")) as database, database:
        database.execute(
            "INSERT INTO entries (at, kind, intent_id, target, payload, previous, hash) "
            "VALUES ('2026-11-23', 'intent', 'i', 't', '{}', 'p', 'h')"
        )
    row = _rows()["journal"]
    assert (row.well, "Row 1 does not follow" in row.how, bool(row.mend)) == (False, True, True)
