"""The seal itself: what the manifest says, that it comes last, and that a file which comes later leads to a new one."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sealed import GIVEN, Sealed
from walks import walk

from glhelpers import __version__
from glhelpers.actions.catalogue import notebook_path
from glhelpers.errors import BadPlanFile, BadSettings
from glhelpers.evidence.folder import RunFolder, read_record
from glhelpers.evidence.keys import make_key, own_signer
from glhelpers.evidence.scan import scan_bundle
from glhelpers.evidence.seal import rules_version, seal, take_in
from glhelpers.evidence.statement import ENVELOPE, MANIFEST
from glhelpers.evidence.verify import FileState, Seal, enough, examine, seal_sentence

NOTEBOOK = {"notebook.ipynb": b'{"cells": []}', "notebook.html": b"<p>Taken in</p>"}


@pytest.fixture(autouse=True)
def nobody_answers(ada: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no service to be reached."""
    for service in ("GITLAB", "CUSTOMERSDOT", "ZENDESK"):
        monkeypatch.setenv(f"GLHELPERS_{service}_URL", "http://127.0.0.1:9")
        monkeypatch.setenv(f"GLHELPERS_{service}_TOKEN", "of-nobody")


@pytest.fixture
def folder(sealed: Sealed, tmp_path: Path) -> Path:
    """A copy of a folder without an executed notebook, as JupyterLab leaves one."""
    return sealed.copy_of(sealed.other, tmp_path)


def manifest(folder: Path) -> dict[str, Any]:
    """The statement as anybody's JSON reader reads it."""
    told: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    return told


def test_the_manifest_is_an_in_toto_statement(sealed: Sealed) -> None:
    """Every file with its SHA-256 and size, beside the versions of package, rules and runbook."""
    told = manifest(sealed.waiting)
    assert told["_type"] == "https://in-toto.io/Statement/v1"
    files = {path.name for path in sealed.waiting.iterdir()} - {MANIFEST, ENVELOPE}
    assert {"answers.json", "notebook.html", "notebook.ipynb", "plan.json", "record.json", "summary.md"} == files
    assert {one["name"] for one in told["subject"]} == files
    for one in told["subject"]:
        content = (sealed.waiting / one["name"]).read_bytes()
        assert one["digest"]["sha256"] == hashlib.sha256(content).hexdigest()
        assert one["annotations"] == {"size": len(content)}
    record, run = read_record(sealed.waiting), told["predicate"]
    assert run["runbook_sha256"] == hashlib.sha256(notebook_path("force_associate").read_bytes()).hexdigest()
    assert (run["glhelpers"], run["rules_sha256"]) == (__version__, rules_version())
    assert (run["run_id"], run["status"], run["complete"]) == (record.run_id, "awaiting_approval", True)
    assert (run["profile"], run["operator"], run["plan_digest"]) == ("sandbox", "tester", record.plan_digest)
    assert (run["journal"], run["resealed"]) == ([], None)


def test_the_signature_is_dsse(sealed: Sealed) -> None:
    """Anybody's Ed25519 verifies it, over the encoding that DSSE describes, without a line of this package."""
    told = json.loads((sealed.waiting / ENVELOPE).read_text())
    payload, kind = base64.b64decode(told["payload"]), told["payloadType"]
    assert payload == (sealed.waiting / MANIFEST).read_bytes()
    encoded = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
    (one,) = told["signatures"]
    key = load_pem_public_key((sealed.root / "signers" / "ada.pub").read_bytes())
    key.verify(base64.b64decode(one["sig"]), encoded)  # type: ignore[union-attr,call-arg]
    assert one["keyid"] == manifest(sealed.waiting)["predicate"]["keyid"]


def test_a_write_is_sealed_with_its_rows_of_the_journal(sealed: Sealed) -> None:
    """Of a run that has written, the id of the intent and a digest over what the journal held about it."""
    (write,) = manifest(sealed.written)["predicate"]["journal"]
    assert manifest(sealed.written)["predicate"]["status"] == "completed"
    assert (len(write["intent_digest"]), len(write["sha256"]), write["rows"] >= 3) == (64, 64, True)


def test_a_seal_gives_nothing_away(sealed: Sealed) -> None:
    """The scanner that stands before every way out finds nothing in sealed folders: digests are no secrets."""
    for folder in (sealed.waiting, sealed.written, sealed.unsigned):
        assert scan_bundle(folder) == ()


def test_the_rules_version_follows_the_rules(sealed: Sealed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any change to a rule or a table is another version."""
    import glhelpers.evidence.seal as module

    rules = Path(module.__file__).parents[1] / "rules"
    shutil.copytree(rules, tmp_path / "rules")
    monkeypatch.setattr(module, "__file__", str(tmp_path / "evidence" / "seal.py"))
    before = rules_version()
    for name in ("thresholds.py", "fingerprints.json"):
        (tmp_path / "rules" / name).write_text((rules / name).read_text() + "\n")
        assert rules_version() != before
        before = rules_version()


def test_a_key_that_cannot_be_used_stops_a_run_before_it_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not when the change is made and its evidence is to be sealed."""
    monkeypatch.setenv("GLHELPERS_SIGNING_KEY", str(tmp_path / "key.pem"))
    monkeypatch.setenv("GLHELPERS_TRUSTED_SIGNERS", str(tmp_path / "signers"))
    make_key("grace", tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(0o644)
    with pytest.raises(BadSettings, match="can be read by others"):
        walk("force_associate", GIVEN)
    assert not (tmp_path / "runs").exists()


def test_what_a_cut_off_write_has_left_is_swept_before(sealed: Sealed, tmp_path: Path) -> None:
    """A kernel that was killed while it wrote leaves a part of a file; that is not evidence of anything."""
    run = RunFolder(tmp_path / ".x.incomplete", tmp_path / "x", "x")
    shutil.copytree(sealed.unsigned, run.path)
    (run.path / ".record.json.4711.part").write_text('{"half')
    (run.path / ".ipynb_checkpoints").mkdir()
    seal(run, read_record(run.path), own_signer())
    assert {path.name for path in run.path.iterdir() if path.name.startswith(".")} == {".ipynb_checkpoints"}
    assert examine(run.path).wrong == ((".ipynb_checkpoints", FileState.added),)


def test_a_run_is_sealed_before_it_gets_its_name(sealed: Sealed, tmp_path: Path, monkeypatch: Any) -> None:
    """Were it cut off while it is sealed, its folder would still be called incomplete, its record beside it."""
    run = RunFolder(tmp_path / ".x.incomplete", tmp_path / "x", "x")
    shutil.copytree(sealed.unsigned, run.path)
    (run.path / MANIFEST).unlink()
    monkeypatch.setattr(RunFolder, "write_bytes", _cut_off_at(0))
    with pytest.raises(KeyboardInterrupt):
        seal(run, read_record(run.path), own_signer())
    monkeypatch.undo()
    assert (run.path.exists(), run.final.exists(), examine(run.path).seal) == (True, False, Seal.absent)


def _cut_off_at(number: int) -> Any:
    """A way to write that is cut off at its so-manieth file."""
    write, seen = RunFolder.write_bytes, iter(range(1000))

    def cut_off(self: RunFolder, name: str, content: bytes) -> Path:
        if next(seen) == number:
            raise KeyboardInterrupt
        return write(self, name, content)

    return cut_off


def test_a_notebook_taken_in_leads_to_a_new_seal(folder: Path, sealed: Sealed) -> None:
    """The new manifest names what came in and the seal before it; taken in again, nothing is written."""
    before = (folder / MANIFEST).read_bytes()
    key = examine(folder).keyid
    assert take_in(folder, NOTEBOOK, own_signer())
    looked = examine(folder)
    assert enough(looked)
    assert {"notebook.ipynb", "notebook.html"} <= {name for name, _ in looked.files}
    assert manifest(folder)["predicate"]["resealed"] == {
        "added": ["notebook.html", "notebook.ipynb"],
        "manifest_sha256": hashlib.sha256(before).hexdigest(),
        "keyid": key,
    }
    assert seal_sentence(looked).endswith("sealed again after notebook.html, notebook.ipynb came in")
    after = (folder / MANIFEST).stat().st_mtime_ns
    assert not take_in(folder, NOTEBOOK, own_signer())
    assert (folder / MANIFEST).stat().st_mtime_ns == after


def test_what_the_journal_told_stays_in_the_new_seal(sealed: Sealed, tmp_path: Path) -> None:
    """It was true when the run ended; what was written since by others is not of this run."""
    folder = sealed.copy_of(sealed.written, tmp_path)
    before = manifest(folder)["predicate"]["journal"]
    take_in(folder, NOTEBOOK, own_signer(), ())
    assert manifest(folder)["predicate"]["journal"] == before


@pytest.mark.parametrize("number", range(5))
def test_taking_in_is_resumed_wherever_it_was_cut_off(folder: Path, number: int, monkeypatch: Any) -> None:
    """Two files, signature, manifest: after each of them the same call comes to the same end."""
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_bytes", _cut_off_at(number))
        try:
            take_in(folder, NOTEBOOK, own_signer())
        except KeyboardInterrupt:
            assert not enough(examine(folder)) or number == 0
        else:
            assert number == 4, "all four files were written"
    take_in(folder, NOTEBOOK, own_signer())
    assert enough(examine(folder))
    assert (folder / "notebook.html").read_bytes() == NOTEBOOK["notebook.html"]
    assert manifest(folder)["predicate"]["resealed"]["keyid"] == examine(folder).keyid


def test_no_damage_is_sealed_away(folder: Path) -> None:
    """A folder that was changed is not sealed anew, whatever comes in."""
    (folder / "record.json").write_bytes((folder / "record.json").read_bytes() + b"\n")
    before = (folder / MANIFEST).read_bytes()
    with pytest.raises(BadPlanFile, match=r"not as it was sealed: record.json \(changed\)"):
        take_in(folder, NOTEBOOK, own_signer())
    assert ((folder / MANIFEST).read_bytes(), (folder / "notebook.ipynb").exists()) == (before, False)


def test_a_signature_is_not_lost_by_taking_in(folder: Path, sealed: Sealed, tmp_path: Path) -> None:
    """Without a key a signed folder takes nothing in; an unsigned one stays unsigned, or is signed from then on."""
    with pytest.raises(BadPlanFile, match="signed, and would not be any more"):
        take_in(folder, NOTEBOOK, None)
    assert enough(examine(folder))
    unsigned = sealed.copy_of(sealed.unsigned, tmp_path / "unsigned")
    assert take_in(unsigned, NOTEBOOK, None)
    assert (examine(unsigned).whole, examine(unsigned).seal) == (True, Seal.unsigned)
    take_in(unsigned, {"notebook.html": b"<p>Other</p>"}, own_signer())
    assert examine(unsigned).seal is Seal.signed
    assert manifest(unsigned)["predicate"]["resealed"]["keyid"] is None


def test_who_takes_in_signs_in_their_own_name(folder: Path, sealed: Sealed, tmp_path: Path, monkeypatch: Any) -> None:
    """The key of whoever ran it stands in the manifest as the one before."""
    ada = examine(folder).keyid
    monkeypatch.setenv("GLHELPERS_SIGNING_KEY", str(tmp_path / "grace.pem"))
    monkeypatch.setenv("GLHELPERS_TRUSTED_SIGNERS", str(shutil.copytree(sealed.root / "signers", tmp_path / "signers")))
    grace = make_key("grace", tmp_path / "grace.pem").key_id
    take_in(folder, NOTEBOOK, own_signer())
    assert (examine(folder).signer, examine(folder).keyid) == ("grace", grace)
    assert manifest(folder)["predicate"]["resealed"]["keyid"] == ada


def test_what_was_cut_off_before_its_seal_can_still_be_attached(folder: Path) -> None:
    """A run that was killed has a record that says so, and no seal."""
    for name in (MANIFEST, ENVELOPE):
        (folder / name).unlink()
    record = read_record(folder).model_copy(update={"complete": False})
    (folder / "record.json").write_text(record.model_dump_json())
    assert take_in(folder, NOTEBOOK, own_signer())
    assert enough(examine(folder))
    assert manifest(folder)["predicate"]["complete"] is False
