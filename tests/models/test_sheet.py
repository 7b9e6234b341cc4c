"""A sheet of look-ups made by hand: what its keys may be, and how a file that is none is refused."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from glhelpers.clients.sheet_file import load_sheet, save_sheet
from glhelpers.errors import BadPlanFile, GlhelpersError, OperatorError
from glhelpers.models.form import LONGEST_ANSWER, ManualAnswer
from glhelpers.models.sheet import PortalSheet, parse_key, sheet_key

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
HEAD = "read_by: ada\nread_at: 2026-11-23T10:00:00Z\n"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("subscription:A-S00010002", "subscription:A-S00010002"),
        ("subscription: A-S00010002 ", "subscription:A-S00010002"),
        ("orders:subscription_name=A-S00010002", "orders:subscription_name=A-S00010002"),
        ("orders:gl_namespace_id=100", "orders:gl_namespace_id=100"),
        ("customer:5001", "customer:5001"),
        ("customers:email=Ann@Example.com", "customers:email=ann@example.com"),
        ("customers:email=ann,bob@example.com", "customers:email=ann,bob@example.com"),
        ("customers:uid=7,email=Ann@example.com", "customers:email=ann@example.com,uid=7"),
        ("portal_status", "portal_status"),
        ("audit_events:action=unlink, namespace_id=100", "audit_events:namespace_id=100,action=unlink"),
    ],
)
def test_a_key_has_one_spelling(written: str, kept: str) -> None:
    """Order, spaces and the case of an address make no difference."""
    kind, by = parse_key(written)
    assert sheet_key(kind.name, dict(by)) == kept
    assert list(PortalSheet(read_by="ada", read_at=NOW, lookups={written: None}).lookups) == [kept]


@pytest.mark.parametrize(
    "key",
    [
        "",
        "subscriptoin:A-S00010002",
        "subscription",
        "subscription:",
        "portal_status:now",
        "orders:A-S00010002",
        "orders:name=A-S00010002",
        "orders:gl_namespace_id=",
        "customers:secret@example.com",
        "customers:uid=7,uid=8",
        "customer:5\n001",
        "x" * 400,
    ],
)
def test_a_key_that_names_no_look_up_is_refused_unseen(key: str) -> None:
    """A mistyped key would be a look-up that nobody finds; it may hold an address, so it is not repeated."""
    with pytest.raises(ValidationError) as refused:
        PortalSheet(read_by="ada", read_at=NOW, lookups={"portal_status": None, key: None})
    said = str(refused.value)
    assert "look-up number 2" in said
    assert "secret" not in said


def test_a_look_up_stands_once() -> None:
    """Two spellings of one key would leave open which of them counts."""
    with pytest.raises(ValidationError, match="number 2 stands there twice"):
        PortalSheet(
            read_by="ada",
            read_at=NOW,
            lookups={"customers:email=a@example.com": [], "customers:email=A@example.com": []},
        )


def test_addresses_do_not_show_in_the_sheet_s_own_words() -> None:
    """A traceback or a log that shows the object shows no customer."""
    sheet = PortalSheet(read_by="ada", read_at=NOW, lookups={"customers:email=a@example.com": []})
    assert "example.com" not in repr(sheet) + str(sheet)


def test_yaml_and_json_hold_the_same(tmp_path: Path) -> None:
    """A day without quotes is a day, whichever way it is written."""
    told = {"subscription:A-S00010002": {"name": "A-S00010002", "start_date": "2026-01-01", "seats": 5}}
    as_yaml, as_json = tmp_path / "sheet.yaml", tmp_path / "sheet.json"
    as_yaml.write_text(
        f"{HEAD}lookups:\n  subscription:A-S00010002:\n    name: A-S00010002\n    start_date: 2026-01-01\n    seats: 5\n"
    )
    as_json.write_text(json.dumps({"read_by": "ada", "read_at": NOW.isoformat(), "lookups": told}))
    assert load_sheet(as_yaml) == load_sheet(as_json) == PortalSheet(read_by="ada", read_at=NOW, lookups=told)


def test_a_sheet_is_saved_for_its_owner_only(tmp_path: Path) -> None:
    """It may hold a customer's address; and what is saved reads back the same."""
    sheet = PortalSheet(read_by="ada", read_at=NOW, lookups={"customers:email=a@example.com": [{"id": 1}]})
    path = tmp_path / "sheets" / "sheet.json"
    save_sheet(sheet, path)
    save_sheet(sheet, path)
    assert load_sheet(path) == sheet
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["sheet.json"]


REFUSED: list[tuple[str | bytes, str]] = [
    ("", "must hold fields"),
    ("- a", "must hold fields"),
    ("a: [", "neither YAML nor JSON at line 1"),
    ("read_by: ada\nread_at: 2026-11-23T10:00:00\n", "read_at: needs a time zone"),
    ("read_at: 2026-11-23T10:00:00Z\n", "read_by: is missing"),
    ("read_by: ' '\nread_at: 2026-11-23T10:00:00Z\n", "read_by: must be the name of a person"),
    (f"{HEAD}looksup: {{}}\n", "looksup: is not a field of a sheet"),
    (f"{HEAD}secret@example.com: 1\n", "is not a field of a sheet"),
    (f"{HEAD}lookups: []\n", "must hold look-ups"),
    (f"{HEAD}lookups:\n  secret@example.com: 1\n", "look-up number 1"),
    (f"{HEAD}format: glhelpers.portal-sheet/2\n", "is not the format of a sheet"),
    ("a: &x [*x]", "an alias"),
    ("a: 1\na: 2", "stands twice"),
    ('{"a": 1, "a": 2}', "stands twice"),
    ('{"a": NaN}', "not sound"),
    ("a: .nan", "a number in it is none"),
    ("a: 2026-02-31", "not sound"),
    ("a: !!python/object/apply:os.system [true]", "neither YAML nor JSON"),
    ("a: \x00", "neither YAML nor JSON"),
    (b"\xff\xfe\xff", "not UTF-8"),
    ("[" * 100_000, "nested too deeply"),
    ("{" * 100_000, "cannot be read"),
    ("x" * 1_000_001, "larger than 1 MB"),
]


@pytest.mark.parametrize(("content", "said"), REFUSED, ids=range(len(REFUSED)))
def test_a_file_that_is_no_sheet_is_refused_with_a_sentence(content: str | bytes, said: str, tmp_path: Path) -> None:
    """Wrong in form, in content or in size: a sentence for the person who wrote it, and nothing of what stands there."""
    path = tmp_path / "sheet.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(OperatorError) as refused:
        load_sheet(path)
    assert said in refused.value.message
    assert refused.value.next_step
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("place", ["", ".", "/dev/zero", "missing.yaml", "a\x00b", "x" * 5000])
def test_a_path_that_is_no_file_is_refused_with_a_sentence(place: str) -> None:
    """A folder, a device, a name that no file can have."""
    with pytest.raises(BadPlanFile, match="cannot be read"):
        load_sheet(Path(place))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Nobody will ever write into it."""
    os.mkfifo(tmp_path / "sheet.yaml")
    with pytest.raises(BadPlanFile, match="cannot be read"):
        load_sheet(tmp_path / "sheet.yaml")


@given(content=st.binary(max_size=200) | st.text(alphabet="ab:{}[]-\n \"'&*!|>?%#,01.", max_size=60).map(str.encode))
def test_no_file_breaks_the_reader(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Any bytes are a sheet or a sentence."""
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    try:
        load_sheet(path)
    except GlhelpersError as refused:
        assert refused.next_step  # noqa: PT017 (either end is right)


@pytest.mark.parametrize(
    ("kind", "text", "says", "sent"),
    [
        ("success", "{:success=>true}", "success", True),
        ("refused", "unable to associate", "refused: unable to associate", True),
        ("no_answer", "504 Gateway Time-out", "no usable answer: 504 Gateway Time-out", True),
        ("not_done", "", "not sent: the button was not pressed", False),
    ],
)
def test_an_answer_speaks_as_a_receipt_does(kind: Any, text: str, says: str, sent: bool) -> None:
    """The same words as for a request that a program sends."""
    answer = ManualAnswer(action="unlink", kind=kind, text=text, answered_by="ada", answered_at=NOW)
    assert (answer.says, answer.sent) == (says, sent)


@given(text=st.text())
def test_an_answer_s_text_is_one_clean_short_line(text: str) -> None:
    """Whatever was pasted: no control character, no mark that turns the writing round, at most 500 characters."""
    kept = ManualAnswer(action="unlink", kind="refused", text=text, answered_by="ada", answered_at=NOW).text
    assert len(kept) <= LONGEST_ANSWER
    assert kept == kept.strip()
    assert all(char.isprintable() for char in kept)
    assert not {"\n", "\x1b", "\u202e", "\u2028"} & set(kept)
