"""A folder held against its seal: no byte is changed, lost or added unnoticed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from sealed import Sealed, states, verify
from walks import approved

from glhelpers.errors import BadParameter
from glhelpers.evidence.statement import ENVELOPE, MANIFEST
from glhelpers.evidence.verify import FileState, Seal, enough, examine, in_journal

FLIPS = 500


def test_a_whole_folder(folder: Path) -> None:
    """Every file is the same, and a trusted signer vouches for it."""
    looked = examine(folder)
    assert (looked.whole, looked.seal, looked.signer, enough(looked)) == (True, Seal.signed, "ada", True)
    assert {name for name, _ in looked.files} == {path.name for path in folder.iterdir()} - {ENVELOPE}
    code, said = verify(folder, "--require-signature")
    assert (code, "Signed by ada" in said, "Whole." in said) == (0, True, True)


def test_any_changed_byte_is_told(folder: Path) -> None:
    """
    Five hundred single bytes, put to any other value, over all files of an executed run: none goes unnoticed.

    Manifest and signature get as many as the large files.
    """
    chance, paths = Random(20261123), sorted(folder.iterdir())
    assert {"notebook.ipynb", "notebook.html", "record.json", "plan.json", MANIFEST, ENVELOPE} <= {
        p.name for p in paths
    }
    missed = []
    for number in range(FLIPS):
        path = paths[number % len(paths)]
        before = path.read_bytes()
        place = chance.randrange(len(before))
        path.write_bytes(before[:place] + bytes([before[place] ^ chance.randrange(1, 256)]) + before[place + 1 :])
        if enough(examine(folder)):
            missed.append((path.name, place))
        path.write_bytes(before)
    assert missed == []
    assert enough(examine(folder))


def _link(folder: Path) -> None:
    (folder / "record.json").rename(folder.parent / "elsewhere.json")
    (folder / "record.json").symlink_to(folder.parent / "elsewhere.json")


def _pipe(folder: Path) -> None:
    (folder / "record.json").unlink()
    os.mkfifo(folder / "record.json")


def _swap(folder: Path) -> None:
    (folder / "record.json").rename(folder / "x")
    (folder / "plan.json").rename(folder / "record.json")
    (folder / "x").rename(folder / "plan.json")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: (folder / "record.json").unlink(), {"record.json": "missing"}),
        (lambda folder: (folder / "extra.txt").write_text("x"), {"extra.txt": "added"}),
        (lambda folder: (folder / ".hidden").write_text("x"), {".hidden": "added"}),
        (lambda folder: (folder / "more").mkdir(), {"more": "added"}),
        (lambda folder: (folder / "plan.json").rename(folder / "plan2.json"), {"plan.json": "missing", "plan2.json": "added"}),
        (_swap, {"plan.json": "changed", "record.json": "changed"}),
        (lambda folder: os.truncate(folder / "notebook.html", 100), {"notebook.html": "changed"}),
        (lambda folder: os.truncate(folder / "notebook.html", 0), {"notebook.html": "changed"}),
        (lambda folder: os.truncate(folder / "summary.md", 10**11), {"summary.md": "changed"}),
        (lambda folder: (folder / "record.json").write_bytes((folder / "record.json").read_bytes() + b"\n"), {"record.json": "changed"}),
        (_link, {"record.json": "no ordinary file"}),
        (_pipe, {"record.json": "no ordinary file"}),
        (lambda folder: (folder / "approval.json").write_text("{}"), {"approval.json": "added"}),
        (lambda folder: (folder / "approval.json").symlink_to("/dev/zero"), {"approval.json": "added"}),
        (lambda folder: (folder / MANIFEST).unlink(), {MANIFEST: "missing"}),
        (lambda folder: (folder / MANIFEST).write_bytes((folder / MANIFEST).read_bytes() + b" "), {MANIFEST: "changed"}),
        (lambda folder: (folder / ENVELOPE).unlink(), {ENVELOPE: "missing"}),
        (lambda folder: (folder / ENVELOPE).write_bytes((folder / ENVELOPE).read_bytes() + b"\n"), {ENVELOPE: "changed"}),
        (lambda folder: os.truncate(folder / ENVELOPE, 300), {ENVELOPE: "changed"}),
        (lambda folder: os.truncate(folder / ENVELOPE, 10**11), {ENVELOPE: "changed"}),
    ],
    ids=["removed", "added", "hidden", "a folder", "renamed", "swapped", "cut short", "emptied", "huge", "a newline more",
         "a link", "a pipe", "a false approval", "a device as approval", "manifest gone", "manifest changed",
         "signature gone", "signature with a newline", "signature cut short", "signature huge"],
)  # fmt: skip
def test_what_else_can_happen_to_a_folder(folder: Path, change: Callable[[Path], Any], told: dict[str, str]) -> None:
    """Each is named by its file, in the table and as JSON, and ends with exit code 4."""
    change(folder)
    assert states(folder) == told
    code, said = verify(folder, "--allow-unsigned")
    assert (code, "Not as it was sealed." in said) == (4, True)
    assert all(f"│ {name} " in said and state in said for name, state in told.items())
    code, said = verify(folder, "--json")
    answer = json.loads(said)
    assert (code, answer["ok"], answer["whole"]) == (4, False, False)
    assert {name: state for name, state in answer["files"].items() if state != "same"} == told


def test_names_do_nothing_to_the_screen(folder: Path) -> None:
    """A file whose name holds codes of a terminal, or no text at all, is added, and its name is spelt out."""
    (folder / "\x1b[2Jgone\u202etxt").write_text("x")
    (folder / os.fsdecode(b"\xff.txt")).write_text("x")
    code, said = verify(folder)
    assert code == 4
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert said.count("added") == 2
    assert len([state for state in json.loads(verify(folder, "--json")[1])["files"].values() if state == "added"]) == 2


def test_the_manifest_of_another_run_does_not_fit(sealed: Sealed, folder: Path) -> None:
    """Both halves of the seal taken over from another folder: signed all right, but of other files."""
    for name in (MANIFEST, ENVELOPE):
        shutil.copy(sealed.other / name, folder / name)
    looked = examine(folder)
    assert looked.seal is Seal.signed
    assert not enough(looked)
    assert states(folder)["record.json"] == "changed"


@pytest.mark.parametrize("name", [MANIFEST, ENVELOPE])
def test_half_of_another_runs_seal_does_not_fit(sealed: Sealed, folder: Path, name: str) -> None:
    """Manifest or signature alone."""
    shutil.copy(sealed.other / name, folder / name)
    assert MANIFEST in states(folder)
    assert not enough(examine(folder))


def test_an_approval_of_its_plan_may_come_later(folder: Path) -> None:
    """`glhelpers approve` writes beside the plan of a run that waits; that is told, by whom, and is no damage."""
    approved(folder, "grace")
    assert states(folder) == {"approval.json": FileState.approved_since.value}
    code, said = verify(folder)
    assert (code, "Approved since by grace" in said) == (0, True)


def test_an_approval_of_another_plan_is_added(folder: Path, sealed: Sealed) -> None:
    """Nor may one come to a run that waits for none."""
    told = json.loads(approved(folder).read_text())
    (folder / "approval.json").write_text(json.dumps(told | {"plan_digest": "0" * 64}))
    assert states(folder) == {"approval.json": "added"}
    (folder / "approval.json").write_text(json.dumps(told | {"profile": "production"}))
    assert states(folder) == {"approval.json": "added"}


def test_a_run_that_was_given_an_approval_takes_no_other(sealed: Sealed, tmp_path: Path) -> None:
    """In the folder of a run that has written, an approval beside the seal is an added file."""
    folder = sealed.copy_of(sealed.written, tmp_path)
    assert enough(examine(folder))
    given = {"approval.json": "changed" if (folder / "approval.json").exists() else "added"}
    approved(folder)
    assert states(folder) == given


def test_the_journal_of_a_write_is_sealed_too(sealed: Sealed, tmp_path: Path) -> None:
    """The manifest names the write's intent and a digest over its rows: a journal that tells otherwise is told."""
    journal = tmp_path / "journal.db"
    with sa.create_engine(f"sqlite:///{sealed.root / 'state' / 'journal.db'}").connect() as source:
        source.exec_driver_sql(f"VACUUM INTO '{journal}'")
    predicate = examine(sealed.written).predicate
    assert predicate is not None
    assert predicate.journal is not None
    ((write),) = predicate.journal
    assert write.rows >= 3
    assert in_journal(f"sqlite:///{journal}", predicate) is None
    engine = sa.create_engine(f"sqlite:///{journal}")
    with engine.begin() as connection:
        for (trigger,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").all():
            connection.exec_driver_sql(f'DROP TRIGGER "{trigger}"')
        connection.exec_driver_sql("UPDATE entries SET payload = replace(payload, 'success', 'refused')")
    assert "not those that were sealed" in (in_journal(f"sqlite:///{journal}", predicate) or "")
    assert "has 0 of" in (in_journal(f"sqlite:///{tmp_path / 'empty.db'}", predicate) or "")


def test_the_journal_is_asked_for_by_an_option(sealed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    """`verify --journal`: exit code 4 where it tells otherwise; of a run that wrote nothing it has nothing to tell."""
    assert verify(sealed.written)[0] == 0
    code, said = verify(sealed.written, "--journal")
    assert (code, "has 0 of" in said) == (4, True)
    assert verify(sealed.waiting, "--journal")[0] == 0
    monkeypatch.setenv("GLHELPERS_STATE_DIR", str(sealed.root / "state"))
    assert verify(sealed.written, "--journal")[0] == 0


def test_what_is_no_folder_is_bad_input(tmp_path: Path) -> None:
    """A sentence, and not a verdict on evidence."""
    with pytest.raises(BadParameter, match="is no folder"):
        examine(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert examine(tmp_path / "empty").seal is Seal.absent
    assert verify(tmp_path / "empty", "--allow-unsigned")[0] == 4
