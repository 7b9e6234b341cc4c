"""The seal itself: it has one form, it counts only by a key that is trusted, and nobody signs in another's name."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from sealed import Sealed, verify

from glhelpers.evidence.folder import RunFolder, read_record
from glhelpers.evidence.keys import make_key, own_signer, trust
from glhelpers.evidence.seal import seal
from glhelpers.evidence.statement import ENVELOPE, MANIFEST
from glhelpers.evidence.verify import Seal, enough, examine, seal_sentence


def test_every_byte_of_the_signature_counts(folder: Path) -> None:
    """Each byte of the envelope, put to a neighbour in base64 or to white space: nothing is read generously."""
    path = folder / ENVELOPE
    before = path.read_bytes()
    start = before.index(b'"sig"') - 90
    for place in range(start, len(before)):
        for other in (before[place] ^ 1, 0x20, 0x0A):
            if other != before[place]:
                path.write_bytes(before[:place] + bytes([other]) + before[place + 1 :])
                assert not enough(examine(folder)), (place, other)


def _again(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the envelope, and write it as one is written."""
    told = json.loads((folder / ENVELOPE).read_bytes())
    change(told)
    (folder / ENVELOPE).write_bytes(rfc8785.dumps(told))


def _other_bytes(told: dict[str, Any]) -> None:
    told["payload"] = base64.b64encode(base64.b64decode(told["payload"]) + b" ").decode()


def _other_status(told: dict[str, Any]) -> None:
    payload = base64.b64decode(told["payload"]).replace(b"awaiting_approval", b"no_change_needed")
    told["payload"] = base64.b64encode(payload).decode()


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.update(payloadType="text/plain"),
        lambda told: told.update(payloadType="application/vnd.in-toto+json "),
        lambda told: told.update(note="all is well"),
        lambda told: told["signatures"][0].update(note="all is well"),
        lambda told: told.update(signatures=[]),
        lambda told: told["signatures"].append(told["signatures"][0]),
        lambda told: told["signatures"].append({"keyid": "f" * 64, "sig": base64.b64encode(b"x" * 64).decode()}),
        lambda told: told["signatures"][0].update(sig=base64.b64encode(b"x" * 64).decode()),
        lambda told: told["signatures"][0].update(sig=""),
        lambda told: told["signatures"][0].update(keyid="f" * 64),
        lambda told: told.update(signatures="none"),
        lambda told: told.clear(),
        _other_bytes,
        _other_status,
    ],
    ids=["payload type", "payload type with a space", "a member more", "a member beside the signature", "no signature",
         "twice the same", "a second by somebody", "another signature", "an empty one", "another key's id", "no list",
         "empty", "payload with a space", "another status in it"],
)  # fmt: skip
def test_a_signature_that_does_not_fit(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Nothing but the one signature over exactly these bytes counts, however well the rest is formed."""
    _again(folder, change)
    looked = examine(folder)
    assert looked.seal is Seal.broken
    assert not enough(looked, require_signature=False)
    assert verify(folder)[0] == 4


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"_type": 1}', '{"subject": 7}', "[" * 5000, "\xff", '{"a": NaN}', '{"a": 1e999}'],
    ids=[
        "empty",
        "cut short",
        "a list",
        "null",
        "a number",
        "another",
        "deep",
        "no ASCII",
        "no number",
        "too large a one",
    ],
)
def test_a_manifest_that_is_none(sealed: Sealed, tmp_path: Path, text: str) -> None:
    """Whatever stands there: told as a broken seal with exit code 4, never a traceback."""
    folder = sealed.copy_of(sealed.unsigned, tmp_path)
    (folder / MANIFEST).write_text(text, encoding="latin-1")
    looked = examine(folder)
    assert (looked.seal, looked.whole) == (Seal.broken, False)
    code, said = verify(folder, "--allow-unsigned")
    assert (code, "not one that glhelpers wrote" in said) == (4, True)


def _named_outside(statement: dict[str, Any]) -> None:
    statement["subject"][0]["name"] = "../../elsewhere"


def _named_twice(statement: dict[str, Any]) -> None:
    statement["subject"].append(statement["subject"][0])


@pytest.mark.parametrize(
    "change",
    [
        _named_outside,
        _named_twice,
        lambda statement: statement.update(_type="https://in-toto.io/Statement/v0.1"),
        lambda statement: statement.update(predicateType="urn:somebody:else"),
        lambda statement: statement["predicate"].update(more="x"),
        lambda statement: statement["subject"][0]["digest"].update(sha256="0" * 63),
        lambda statement: statement["subject"][0]["annotations"].update(size=-1),
    ],
    ids=[
        "a path outside",
        "a file twice",
        "another statement",
        "another predicate",
        "more said",
        "no digest",
        "no size",
    ],
)
def test_a_statement_of_another_form(sealed: Sealed, tmp_path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Well-formed JSON that says something else than a manifest of ours does."""
    folder = sealed.copy_of(sealed.unsigned, tmp_path)
    statement = json.loads((folder / MANIFEST).read_bytes())
    change(statement)
    (folder / MANIFEST).write_bytes(rfc8785.dumps(statement))
    assert examine(folder).seal is Seal.broken


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"complete":true', b'"complete": true'),
        (b'"complete":true', b'"complete":false,"complete":true'),
        (b"}", b"}\n"),
    ],
    ids=["a space", "a key twice", "a newline"],
)
def test_the_same_value_in_other_bytes(sealed: Sealed, tmp_path: Path, old: bytes, new: bytes) -> None:
    """A manifest has one form; another reader could make something else of a second one."""
    folder = sealed.copy_of(sealed.unsigned, tmp_path)
    before = (folder / MANIFEST).read_bytes()
    assert old in before
    (folder / MANIFEST).write_bytes(new.join(before.rsplit(old, 1)))
    assert examine(folder).seal is Seal.broken


def test_without_a_key_it_is_said(sealed: Sealed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody is trusted, a whole unsigned folder is enough, and "signed: no" is told; asked for, it is not."""
    monkeypatch.setenv("GLHELPERS_TRUSTED_SIGNERS", str(tmp_path / "nobody"))
    looked = examine(sealed.unsigned)
    assert (looked.whole, looked.seal, seal_sentence(looked)) == (True, Seal.unsigned, "signed: no")
    code, said = verify(sealed.unsigned)
    assert (code, "signed: no." in said) == (0, True)
    assert verify(sealed.unsigned, "--require-signature")[0] == 4


def test_where_signers_are_trusted_a_signature_is_required(sealed: Sealed, folder: Path) -> None:
    """Else a forger would change a file, write the manifest anew and leave the signature away."""
    assert verify(sealed.unsigned)[0] == 4
    assert verify(sealed.unsigned, "--allow-unsigned")[0] == 0
    (folder / ENVELOPE).unlink()
    (folder / "summary.md").write_text("All is well.")
    seal(RunFolder(folder, folder, folder.name), read_record(folder), None)
    assert examine(folder).whole
    code, said = verify(folder)
    assert (code, "A signature is required here" in said) == (4, True)


def test_an_unknown_signer_is_told_and_can_be_trusted(
    folder: Path, sealed: Sealed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another machine the key is not known, until somebody trusts it by hand."""
    monkeypatch.setenv("GLHELPERS_TRUSTED_SIGNERS", str(tmp_path / "auditor"))
    code, said = verify(folder)
    assert (code, "Unknown signer" in said, "Whole." in said) == (4, True, True)
    assert verify(folder, "--allow-unsigned")[0] == 4
    trust(sealed.root / "signers" / "ada.pub", "ada-of-support")
    assert (examine(folder).seal, examine(folder).signer) == (Seal.signed, "ada-of-support")


def test_who_seals_anew_is_another_signer(folder: Path, sealed: Sealed, tmp_path: Path, monkeypatch: Any) -> None:
    """A changed folder can be sealed again by whoever has a key, but neither in ada's name nor under her key's id."""
    (folder / "summary.md").write_text("All is well.")
    monkeypatch.setenv("GLHELPERS_SIGNING_KEY", str(tmp_path / "eve.pem"))
    monkeypatch.setenv("GLHELPERS_TRUSTED_SIGNERS", str(tmp_path / "of-eve"))
    make_key("ada", tmp_path / "eve.pem")
    seal(RunFolder(folder, folder, folder.name), read_record(folder), own_signer())
    assert enough(examine(folder))
    monkeypatch.setenv("GLHELPERS_TRUSTED_SIGNERS", str(sealed.root / "signers"))
    assert examine(folder).seal is Seal.unknown
    (id_of_ada,) = {examine(sealed.waiting).keyid}
    _again(folder, lambda told: told["signatures"][0].update(keyid=id_of_ada))
    assert examine(folder).seal is Seal.broken


def test_another_key_under_the_signers_name(folder: Path, sealed: Sealed, tmp_path: Path, monkeypatch: Any) -> None:
    """The public key replaced among the trusted: what it stands under is no proof, its id follows from the key."""
    signers = tmp_path / "signers"
    monkeypatch.setenv("GLHELPERS_TRUSTED_SIGNERS", str(signers))
    make_key("ada", tmp_path / "eve.pem")
    assert (signers / "ada.pub").read_bytes() != (sealed.root / "signers" / "ada.pub").read_bytes()
    assert examine(folder).seal is Seal.unknown
