"""
The seal of a run folder: a manifest of its files as an in-toto statement, signed as a DSSE envelope.

`manifest.json` is the statement, to be read; `manifest_dsse.json` holds the same bytes with the
signature.  Without a key there is the manifest alone, and everybody who asks is told so.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rfc8785
from pydantic import ValidationError

from glhelpers import __version__
from glhelpers.actions.catalogue import notebook_path
from glhelpers.errors import BadPlanFile, GlhelpersError
from glhelpers.evidence.folder import RunFolder, read_record
from glhelpers.models.change import Approval
from glhelpers.models.record import RunRecord

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner

__all__ = ["ENVELOPE", "MANIFEST", "FileState", "Looked", "Seal", "examine", "rules_version", "seal", "seal_again"]

MANIFEST = "manifest.json"
"""The statement, in a run folder."""

ENVELOPE = "manifest_dsse.json"
"""The same bytes, signed."""

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:glhelpers:run:1"
PAYLOAD = "application/vnd.in-toto+json"
_LARGEST = 50_000_000


class FileState(StrEnum):
    """How a file stands against the manifest; `approved_since`: an approval of this very plan, added as it should be."""

    same = "same"
    changed = "changed"
    missing = "missing"
    added = "added"
    approved_since = "approved since"


class Seal(StrEnum):
    """Who vouches for the manifest."""

    signed = "signed"
    unsigned = "unsigned"
    unknown = "unknown signer"
    broken = "broken signature"
    absent = "no manifest"


@dataclass(frozen=True)
class Looked:
    """A folder held against its seal: each file, who has signed, and whether all is whole."""

    files: tuple[tuple[str, FileState], ...]
    seal: Seal
    signer: str
    predicate: dict[str, Any]

    @property
    def whole(self) -> bool:
        """Whether every byte is as it was sealed; a signature that does not fit is no whole seal."""
        fine = all(state in (FileState.same, FileState.approved_since) for _, state in self.files)
        return fine and self.seal in (Seal.signed, Seal.unsigned, Seal.unknown)


def rules_version() -> str:
    """A digest over the source of all rules: two runs with the same one were judged by the same rules."""
    folder, whole = Path(__file__).parents[1] / "rules", hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        whole.update(path.name.encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()


def seal(folder: RunFolder, record: RunRecord, signer: CryptoSigner | None) -> bool:
    """Write the manifest of all files in the folder, and sign it if there is a key; whether it was signed."""
    for name in (MANIFEST, ENVELOPE):
        (folder.path / name).unlink(missing_ok=True)
    names = sorted(path.name for path in folder.path.iterdir() if not path.name.startswith("."))
    subjects = [{"name": name, "digest": {"sha256": _sha256(folder.path / name)}} for name in names]
    payload = rfc8785.dumps(_statement(record, subjects))
    folder.write_bytes(MANIFEST, payload)
    if signer is None:
        return False
    from securesystemslib.dsse import Envelope

    envelope = Envelope(payload, PAYLOAD, {})
    envelope.sign(signer)
    folder.write_json(ENVELOPE, envelope.to_dict())
    return True


def _statement(record: RunRecord, subjects: list[dict[str, Any]]) -> dict[str, Any]:
    try:
        runbook = _sha256(notebook_path(record.runbook))
    except GlhelpersError:
        runbook = "not installed"
    return {
        "_type": STATEMENT,
        "subject": subjects,
        "predicateType": PREDICATE,
        "predicate": {
            "run_id": record.run_id,
            "runbook": record.runbook,
            "runbook_sha256": runbook,
            "rules_sha256": rules_version(),
            "glhelpers": __version__,
            "status": record.status.value,
            "complete": record.complete,
            "profile": record.profile,
            "production": record.production,
            "operator": record.operator,
            "started_at": record.started_at.isoformat(),
            "ended_at": record.ended_at.isoformat() if record.ended_at else None,
            "plan_digest": record.plan_digest,
        },
    }


def examine(run_dir: Path) -> Looked:
    """
    Hold a folder against its seal.

    Raises `BadPlanFile` for a folder that is none, or whose manifest cannot be read at all.
    """
    if not run_dir.is_dir():
        raise BadPlanFile(f"{run_dir.name} is no folder.", next_step="Give the folder of a run.")
    present = {path.name: path for path in run_dir.iterdir()}
    if MANIFEST not in present:
        return Looked(tuple((name, FileState.added) for name in sorted(present)), Seal.absent, "", {})
    payload = _content(present[MANIFEST])
    statement = _read_statement(payload)
    sealed = {str(one["name"]): str(one["digest"]["sha256"]) for one in statement["subject"]}
    files = []
    for name in sorted({*sealed, *present} - {MANIFEST, ENVELOPE}):
        files.append((name, _state(run_dir, name, sealed.get(name), present.get(name), statement["predicate"])))
    verdict, signer = _signature(present.get(ENVELOPE), payload)
    return Looked(tuple(files), verdict, signer, statement["predicate"])


def _state(run_dir: Path, name: str, sealed: str | None, path: Path | None, predicate: dict[str, Any]) -> FileState:
    if path is None:
        return FileState.missing
    plain = stat.S_ISREG(path.lstat().st_mode) and path.lstat().st_size <= _LARGEST
    if sealed is None:
        return FileState.approved_since if plain and _is_its_approval(run_dir, name, predicate) else FileState.added
    return FileState.same if plain and _sha256(path) == sealed else FileState.changed


def _is_its_approval(run_dir: Path, name: str, predicate: dict[str, Any]) -> bool:
    """`glhelpers approve` writes beside the plan of a run that waits: that is how it should be."""
    if name != "approval.json" or predicate.get("status") != "awaiting_approval":
        return False
    try:
        approval = Approval.model_validate_json((run_dir / name).read_bytes())
    except (OSError, ValidationError):
        return False
    return approval.plan_digest == predicate.get("plan_digest")


def _signature(path: Path | None, payload: bytes) -> tuple[Seal, str]:
    if path is None:
        return Seal.unsigned, ""
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError

    from glhelpers.evidence.keys import trusted_signers

    try:
        told = json.loads(_content(path))
        exact = base64.b64decode(told["payload"], validate=True) == payload and told["payloadType"] == PAYLOAD
        ids = [str(one["keyid"]) for one in told["signatures"]]
        envelope = Envelope.from_dict(told)  # takes the value apart
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, BadPlanFile):
        return Seal.broken, ""
    if not exact or len(ids) != 1:
        return Seal.broken, ""
    known = trusted_signers().get(ids[0])
    if known is None:
        return Seal.unknown, ids[0]
    try:
        envelope.verify([known.key], 1)
    except (VerificationError, ValueError):
        return Seal.broken, known.name
    return Seal.signed, known.name


def _read_statement(payload: bytes) -> dict[str, Any]:
    try:
        statement: dict[str, Any] = json.loads(payload)
        names = [one["name"] for one in statement["subject"]]
        sound = (
            statement["_type"] == STATEMENT
            and statement["predicateType"] == PREDICATE
            and isinstance(statement["predicate"], dict)
            and len(set(names)) == len(names)
            and all(isinstance(one["digest"]["sha256"], str) for one in statement["subject"])
            and rfc8785.dumps(statement) == payload
        )
    except (ValueError, KeyError, TypeError, RecursionError, rfc8785.CanonicalizationError):
        sound = False
    if not sound:
        raise BadPlanFile(
            f"{MANIFEST} is not a manifest that glhelpers wrote.", next_step="Take the folder for changed."
        )
    return statement


def _content(path: Path) -> bytes:
    about = path.lstat()
    if not stat.S_ISREG(about.st_mode) or about.st_size > _LARGEST:
        raise BadPlanFile(f"{path.name} is no ordinary file.", next_step="Take the folder for changed.")
    return path.read_bytes()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def seal_again(run_dir: Path, signer: CryptoSigner | None) -> bool:
    """Seal a folder to which glhelpers itself has added a file, such as a notebook from JupyterLab."""
    record = read_record(run_dir)
    return seal(RunFolder(path=run_dir, final=run_dir, run_id=record.run_id), record, signer)
