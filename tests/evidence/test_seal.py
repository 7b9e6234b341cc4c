"""The seal: any changed, missing or added byte is told, and so is who vouches for the rest."""

from __future__ import annotations

import base64
import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from typer.testing import CliRunner
from walks import approved, walk

from glhelpers.batch.attach import attach_run
from glhelpers.cli import app
from glhelpers.errors import BadParameter, BadPlanFile, BadSettings, GlhelpersError
from glhelpers.evidence.folder import RunFolder, read_record
from glhelpers.evidence.keys import make_key, own_signer, trust, trusted_signers
from glhelpers.evidence.seal import ENVELOPE, MANIFEST, FileState, Seal, examine, seal
from glhelpers.sandbox.world_file import DEMO, load_world
from glhelpers.sandbox_process import Running, start_sandbox
from glhelpers.settings import load_settings

CASE = {case.ticket: case for case in load_world(DEMO).cases}[1002]
GIVEN = {name: str(value) for name, value in CASE.parameters.items()}
FLIPS = 500


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with a key, its public half, and the sealed folder of a run that waits for approval."""
    place = tmp_path_factory.mktemp("origin")
    sandbox = start_sandbox()
    with pytest.MonkeyPatch.context() as patch:
        for service, url in sandbox.urls.items():
            patch.setenv(f"GLHELPERS_{service.upper()}_URL", url)
            patch.setenv(
                f"GLHELPERS_{service.upper()}_TOKEN", sandbox.tokens["admin" if service == "gitlab" else service]
            )
        for name, path in (("STATE_DIR", "state"), ("RUNS_DIR", "runs"), ("TRUSTED_SIGNERS", "signers")):
            patch.setenv(f"GLHELPERS_{name}", str(place / path))
        patch.setenv("GLHELPERS_SIGNING_KEY", str(place / "key.pem"))
        make_key("ada", place / "key.pem")
        walk("force_associate", GIVEN).folder.rename(place / "sealed")
    assert sandbox.process is not None
    sandbox.process.communicate(timeout=5)
    return place


@pytest.fixture
def keys(origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A key of one's own in a file, trusted here."""
    shutil.copytree(origin / "signers", tmp_path / "signers")
    shutil.copy(origin / "key.pem", tmp_path / "key.pem")
    monkeypatch.setenv("GLHELPERS_TRUSTED_SIGNERS", str(tmp_path / "signers"))
    monkeypatch.setenv("GLHELPERS_SIGNING_KEY", str(tmp_path / "key.pem"))
    return tmp_path / "key.pem"


@pytest.fixture
def folder(origin: Path, keys: Path, tmp_path: Path) -> Path:
    """A copy of the sealed folder."""
    to = tmp_path / "runs" / read_record(origin / "sealed").run_id
    shutil.copytree(origin / "sealed", to)
    return to


def states(folder: Path) -> dict[str, FileState]:
    """What is not as it was."""
    return {name: state for name, state in examine(folder).files if state is not FileState.same}


def test_a_run_is_sealed_and_signed(folder: Path) -> None:
    """Every file stands in the manifest, beside versions of package, rules and runbook; a trusted signer vouches."""
    looked = examine(folder)
    assert (looked.whole, looked.seal, looked.signer) == (True, Seal.signed, "ada")
    assert {name for name, _ in looked.files} == {path.name for path in folder.iterdir()} - {MANIFEST, ENVELOPE}
    assert {"answers.json", "record.json", "notebook.html", "summary.md", "plan.json"} <= {
        name for name, _ in looked.files
    }
    told = looked.predicate
    assert told["status"] == "awaiting_approval"
    assert told["plan_digest"] == read_record(folder).plan_digest
    assert all(len(told[name]) == 64 for name in ("rules_sha256", "runbook_sha256"))


def test_any_flipped_bit_is_told(folder: Path, tmp_path: Path) -> None:
    """Five hundred single bits over all files, manifest and signature included: none goes unnoticed."""
    chance, copy = Random(5), tmp_path / "copy"
    shutil.copytree(folder, copy)
    paths = sorted(copy.iterdir())
    for number in range(FLIPS):
        path = paths[number % len(paths)]
        before = path.read_bytes()
        place = chance.randrange(len(before))
        path.write_bytes(before[:place] + bytes([before[place] ^ 1 << chance.randrange(8)]) + before[place + 1 :])
        try:
            looked = examine(copy)
            told = not looked.whole or looked.seal is not Seal.signed
        except BadPlanFile:
            told = True
        assert told, (path.name, place)
        path.write_bytes(before)
    assert examine(copy).whole


def _link(folder: Path) -> None:
    (folder / "record.json").rename(folder.parent / "elsewhere.json")
    (folder / "record.json").symlink_to(folder.parent / "elsewhere.json")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: (folder / "record.json").unlink(), {"record.json": "missing"}),
        (lambda folder: (folder / "extra.txt").write_text("x"), {"extra.txt": "added"}),
        (lambda folder: (folder / ".hidden").write_text("x"), {".hidden": "added"}),
        (lambda folder: (folder / "more").mkdir(), {"more": "added"}),
        (lambda folder: (folder / "plan.json").rename(folder / "plan2.json"), {"plan.json": "missing", "plan2.json": "added"}),
        (lambda folder: os.truncate(folder / "notebook.html", 100), {"notebook.html": "changed"}),
        (_link, {"record.json": "changed"}),
        (lambda folder: (folder / "approval.json").write_text("{}"), {"approval.json": "added"}),
    ],
    ids=["removed", "added", "hidden", "a folder", "renamed", "cut short", "a link", "a false approval"],
)  # fmt: skip
def test_what_else_can_happen_to_a_folder(folder: Path, change: Callable[[Path], Any], told: dict[str, str]) -> None:
    """Each is named by its file."""
    change(folder)
    assert states(folder) == told
    assert not examine(folder).whole


def test_an_approval_of_its_plan_may_come_later(folder: Path) -> None:
    """`glhelpers approve` writes beside the plan of a run that waits; that is told, and is no damage."""
    approved(folder)
    looked = examine(folder)
    assert states(folder) == {"approval.json": FileState.approved_since}
    assert looked.whole


def _other_bytes(told: dict[str, Any]) -> None:
    told["payload"] = base64.b64encode(base64.b64decode(told["payload"]) + b" ").decode()


@pytest.mark.parametrize(
    ("change", "seal_is"),
    [
        (lambda told: told.update(payloadType="text/plain"), Seal.broken),
        (_other_bytes, Seal.broken),
        (lambda told: told.update(signatures=[]), Seal.broken),
        (lambda told: told["signatures"].append(told["signatures"][0]), Seal.broken),
        (lambda told: told["signatures"][0].update(sig=base64.b64encode(b"x" * 64).decode()), Seal.broken),
        (lambda told: told["signatures"][0].update(keyid="f" * 64), Seal.unknown),
        (lambda told: told.clear(), Seal.broken),
    ],
    ids=["payload type", "other bytes", "no signature", "two", "another signature", "another key", "empty"],
)  # fmt: skip
def test_a_signature_that_does_not_fit(folder: Path, change: Callable[[dict[str, Any]], Any], seal_is: Seal) -> None:
    """Nothing but the one signature over exactly these bytes counts."""
    path = folder / ENVELOPE
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))
    assert examine(folder).seal is seal_is


def test_a_manifest_of_another_run_does_not_fit(keys: Path, on_sandbox: Running) -> None:
    """Both halves of the seal taken over from another folder: every file differs."""
    first, second = walk("force_associate", GIVEN).folder, walk("force_associate", GIVEN).folder
    for name in (MANIFEST, ENVELOPE):
        shutil.copy(first / name, second / name)
    looked = examine(second)
    assert looked.seal is Seal.signed
    assert not looked.whole


def test_an_unknown_signer_is_told_and_can_be_trusted(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another machine the key is not known, until somebody trusts it by hand."""
    public = tmp_path / "signers" / "ada.pub"
    monkeypatch.setenv("GLHELPERS_TRUSTED_SIGNERS", str(tmp_path / "auditor"))
    assert examine(folder).seal is Seal.unknown
    trust(public, "ada-of-support")
    assert (examine(folder).seal, examine(folder).signer) == (Seal.signed, "ada-of-support")
    with pytest.raises(BadParameter, match="there already"):
        trust(public, "ada-of-support")


def test_who_seals_anew_is_another_signer(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed folder can be sealed again by whoever has a key, but not in somebody else's name."""
    (folder / "record.json").write_text((folder / "record.json").read_text().replace("awaiting_approval", "completed"))
    record = read_record(folder)
    monkeypatch.setenv("GLHELPERS_SIGNING_KEY", str(tmp_path / "eve.pem"))
    monkeypatch.setenv("GLHELPERS_TRUSTED_SIGNERS", str(tmp_path / "of-eve"))
    make_key("ada", tmp_path / "eve.pem")
    seal(RunFolder(folder, folder, record.run_id), record, own_signer())
    assert examine(folder).seal is Seal.signed
    monkeypatch.setenv("GLHELPERS_TRUSTED_SIGNERS", str(tmp_path / "signers"))
    assert examine(folder).seal is Seal.unknown


def test_without_a_key_it_is_said(on_sandbox: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifest is there, the command says that nobody has signed, and asks to be told that this is fine."""
    monkeypatch.setenv("GLHELPERS_TRUSTED_SIGNERS", str(tmp_path / "signers"))
    folder = walk("force_associate", GIVEN).folder
    assert (examine(folder).whole, examine(folder).seal) == (True, Seal.unsigned)
    shown = CliRunner().invoke(app, ["evidence", "verify", str(folder)])
    assert (shown.exit_code, "Nobody has signed" in shown.stdout) == (4, True)
    assert CliRunner().invoke(app, ["evidence", "verify", str(folder), "--allow-unsigned"]).exit_code == 0


def test_the_command_names_what_differs(folder: Path) -> None:
    """File by file, by exit code, and as JSON."""
    assert CliRunner().invoke(app, ["evidence", "verify", str(folder)]).exit_code == 0
    (folder / "summary.md").write_text("All is well.")
    shown = CliRunner().invoke(app, ["evidence", "verify", str(folder)])
    assert shown.exit_code == 4
    assert "✘ summary.md: changed" in shown.stdout
    assert "Not as it was sealed." in shown.stdout
    told = json.loads(CliRunner().invoke(app, ["evidence", "verify", str(folder), "--json"]).stdout)
    assert (told["whole"], told["files"]["summary.md"], told["signer"]) == (False, "changed", "ada")


@pytest.mark.parametrize("text", ["{", "[]", '{"_type": 1}', '{"subject": 7}', "[" * 5000])
def test_a_manifest_that_is_none_is_one_sentence(folder: Path, text: str) -> None:
    """Whatever stands there."""
    (folder / MANIFEST).write_text(text)
    with pytest.raises(BadPlanFile, match="not a manifest"):
        examine(folder)


def test_a_changed_folder_is_not_attached(folder: Path, on_sandbox: Running) -> None:
    """Evidence that was changed since is refused before anything is sent."""
    (folder / "record.json").write_text((folder / "record.json").read_text() + " ")
    with pytest.raises(BadPlanFile, match=r"not as it was sealed: record\.json"):
        attach_run(folder, "", load_settings(), notebook=None, dry_run=False)


class Safe(KeyringBackend):
    """A keyring that keeps secrets, for as long as the test lasts."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[(service, username)] = password


def test_a_key_in_the_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made once, used without a word, never shown; a second one does not take its place."""
    before = keyring.get_keyring()
    monkeypatch.setenv("GLHELPERS_TRUSTED_SIGNERS", str(tmp_path / "signers"))
    keyring.set_keyring(Safe())
    try:
        shown = CliRunner().invoke(app, ["evidence", "keygen", "--name", "ada"])
        assert shown.exit_code == 0, shown.output
        assert "PRIVATE" not in shown.output
        signer = own_signer()
        assert signer is not None
        assert signer.public_key.keyid in trusted_signers()
        with pytest.raises(BadParameter, match="holds a signing key already"):
            make_key("bob", None)
    finally:
        keyring.set_keyring(before)


def test_a_key_file_is_its_owners_alone(keys: Path, tmp_path: Path) -> None:
    """Made with mode 0600 and never over another file; readable by others, or no key at all, it is refused."""
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    with pytest.raises(GlhelpersError):
        make_key("bob", keys)
    keys.chmod(0o640)
    with pytest.raises(BadSettings, match="can be read by others"):
        own_signer()
    keys.chmod(0o600)
    keys.write_text("no key")
    with pytest.raises(BadSettings, match="no Ed25519 key"):
        own_signer()
    keys.unlink()
    with pytest.raises(BadSettings, match="cannot be read"):
        own_signer()


def test_a_key_that_cannot_be_used_stops_a_run_before_it_reads(keys: Path, on_sandbox: Running) -> None:
    """Not when the change is made and its evidence is to be sealed."""
    keys.chmod(0o644)
    with pytest.raises(BadSettings, match="can be read by others"):
        walk("force_associate", GIVEN)
