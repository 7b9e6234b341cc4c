"""A run folder held against its seal: file by file, who has signed, and whether that is enough."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from io import BufferedReader
from pathlib import Path

from pydantic import ValidationError
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError

from glhelpers.actions.journal import Entry, Journal
from glhelpers.errors import BadParameter
from glhelpers.evidence.keys import Trusted, trusted_signers
from glhelpers.evidence.statement import (
    ENVELOPE,
    MANIFEST,
    Predicate,
    Statement,
    Subject,
    may_be_named,
    read_envelope,
    read_statement,
)
from glhelpers.evidence.text import one_line
from glhelpers.models.change import Approval

__all__ = [
    "FileState",
    "Looked",
    "Seal",
    "approved_since",
    "enough",
    "examine",
    "in_journal",
    "measured",
    "rows_digest",
    "seal_sentence",
    "shown",
]

_LARGEST_SEAL = 5_000_000
_LARGEST_APPROVAL = 100_000
_SHORT = 16


class FileState(StrEnum):
    """How a file stands against the manifest; `approved_since`: an approval of this very plan, added as it should be."""

    same = "same"
    changed = "changed"
    missing = "missing"
    added = "added"
    odd = "no ordinary file"
    approved_since = "added since: an approval of this plan"
    unsealed = "in no seal"


class Seal(StrEnum):
    """Who vouches for the manifest."""

    signed = "signed"
    unsigned = "unsigned"
    unknown = "unknown signer"
    broken = "broken"
    absent = "absent"


@dataclass(frozen=True)
class Looked:
    """
    A folder held against its seal.

    `why` says what is wrong with the seal itself, `signer` under which name its key is trusted here,
    `payload` is the manifest that counts: the signed one, where one is.
    """

    files: tuple[tuple[str, FileState], ...]
    seal: Seal
    why: str = ""
    signer: str = ""
    keyid: str = ""
    predicate: Predicate | None = None
    payload: bytes = b""

    @property
    def whole(self) -> bool:
        """Whether every byte is as it was sealed, whoever may have sealed it."""
        fine = all(state in (FileState.same, FileState.approved_since) for _, state in self.files)
        return fine and self.seal in (Seal.signed, Seal.unsigned, Seal.unknown)

    @property
    def wrong(self) -> tuple[tuple[str, FileState], ...]:
        """The files that are not as they should be."""
        return tuple(one for one in self.files if one[1] not in (FileState.same, FileState.approved_since))


def examine(run_dir: Path) -> Looked:
    """
    Hold a folder against its seal; nothing in it is trusted, followed or opened that is no ordinary file.

    Raises `BadParameter` for what is no folder, `BadSettings` if the trusted signers cannot be relied on.
    """
    if not run_dir.is_dir():
        raise BadParameter(f"{run_dir.name} is no folder.", next_step="Give the folder of a run.")
    present = {path.name: path for path in run_dir.iterdir()}
    manifest, envelope = _content(present.get(MANIFEST)), _content(present.get(ENVELOPE))
    opened = read_envelope(envelope) if envelope is not None else None
    payload = opened[0].payload if opened is not None else manifest
    statement = read_statement(payload) if payload is not None else None
    if statement is None or payload is None:
        return _without_statement(present)
    files = _states(run_dir, present, statement)
    if manifest != payload:
        files[MANIFEST] = FileState.changed if MANIFEST in present else FileState.missing
    seal, why, trusted = _signature(opened, statement.predicate, ENVELOPE in present)
    if opened is None and seal is Seal.broken:
        files[ENVELOPE] = _without_envelope(ENVELOPE in present, statement.predicate)
    signer = trusted.name if trusted is not None else ""
    keyid = opened[1] if opened is not None else ""
    return Looked(tuple(sorted(files.items())), seal, why, signer, keyid, statement.predicate, payload)


def enough(looked: Looked, require_signature: bool | None = None) -> bool:
    """
    Whether the folder may be believed: whole, and signed by somebody who is trusted here.

    Unsigned is enough where no signature is required.  Left open, it is required as soon as any signer
    is trusted here: else a forger would only have to leave the signature away.
    """
    if not looked.whole:
        return False
    required = bool(trusted_signers()) if require_signature is None else require_signature
    return looked.seal is Seal.signed or (looked.seal is Seal.unsigned and not required)


def seal_sentence(looked: Looked) -> str:
    """In one line who vouches for a folder, for the terminal, the notebook and the note; plain where nobody does."""
    key = f"key {one_line(looked.keyid)[:_SHORT]}"
    sentence = {
        Seal.signed: f"signed: yes, by {looked.signer} ({key})",
        Seal.unsigned: "signed: no",
        Seal.unknown: f"signed: by a key that is not trusted here ({key})",
        Seal.broken: f"seal: broken. {looked.why}",
        Seal.absent: "sealed: no",
    }[looked.seal]
    again = looked.predicate.resealed if looked.predicate is not None else None
    return sentence if again is None else one_line(f"{sentence}; sealed again after {', '.join(again.added)} came in")


def in_journal(journal_url: str, predicate: Predicate) -> str | None:
    """None if the journal tells of the run's writes what it told when the folder was sealed, else what differs."""
    if predicate.journal is None:
        return "The journal could not be read when the folder was sealed, so there is nothing to hold against it."
    with closing(Journal(journal_url)) as journal:
        for told in predicate.journal:
            entries = journal.entries(told.intent_digest)
            if len(entries) < told.rows:
                return f"The journal has {len(entries)} of {told.rows} rows about write {told.intent_digest[:_SHORT]}."
            if rows_digest(entries[: told.rows]) != told.sha256:
                return f"The journal's rows about write {told.intent_digest[:_SHORT]} are not those that were sealed."
    return None


def shown(name: str) -> str:
    """A file's name for a terminal: as it is, or, where it would do something to the screen or hide, spelt out."""
    return name if may_be_named(name) else ascii(name)


def rows_digest(entries: Sequence[Entry]) -> str:
    """A digest over every value of these rows, their own hashes and those of their predecessors among them."""
    return hashlib.sha256(json.dumps([vars(entry) for entry in entries], sort_keys=True).encode()).hexdigest()


def measured(path: Path, size: int | None = None) -> tuple[int, str] | None:
    """
    Size and SHA-256 of an ordinary file; None for a link, device, pipe or folder, and for what cannot be read.

    With `size`, a file of any other size is not read: its digest is empty.
    """
    with _opened(path) as found:
        if found is None:
            return None
        stream, about = found
        if size is not None and about.st_size != size:
            return about.st_size, ""
        return about.st_size, hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BufferedReader, os.stat_result] | None]:
    """An ordinary file, open; None for anything else. Looked at before, since opening a device may act on it."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise OSError
        stream = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    except OSError:
        yield None
        return
    with stream:
        about = os.fstat(stream.fileno())
        yield (stream, about) if stat.S_ISREG(about.st_mode) else None


def _states(run_dir: Path, present: Mapping[str, Path], statement: Statement) -> dict[str, FileState]:
    sealed = {subject.name: subject for subject in statement.subject}
    states = {MANIFEST: FileState.same}
    for name in sorted({*sealed, *present} - {MANIFEST, ENVELOPE}):
        path = present.get(name)
        if path is None:
            states[name] = FileState.missing
        elif name in sealed:
            states[name] = _state(path, sealed[name])
        else:
            approved = name == "approval.json" and approved_since(run_dir, statement.predicate) is not None
            states[name] = FileState.approved_since if approved else FileState.added
    return states


def _state(path: Path, sealed: Subject) -> FileState:
    found = measured(path, sealed.annotations.size)
    if found is None and not stat.S_ISREG(path.lstat().st_mode):
        return FileState.odd
    return FileState.same if found == (sealed.annotations.size, sealed.digest.sha256) else FileState.changed


def approved_since(run_dir: Path, predicate: Predicate) -> Approval | None:
    """The approval that `glhelpers approve` has written beside the plan of a run that waits; nobody has sealed it."""
    content = _content(run_dir / "approval.json", _LARGEST_APPROVAL)
    if content is None or predicate.status != "awaiting_approval" or predicate.plan_digest is None:
        return None
    try:
        approval = Approval.model_validate_json(content)
    except ValidationError:
        return None
    of_this = approval.plan_digest == predicate.plan_digest and approval.profile == predicate.profile
    return approval if of_this else None


def _content(path: Path | None, most: int = _LARGEST_SEAL) -> bytes | None:
    if path is None:
        return None
    with _opened(path) as found:
        return found[0].read() if found is not None and found[1].st_size <= most else None


def _without_statement(present: Mapping[str, Path]) -> Looked:
    files = tuple((name, FileState.unsealed) for name in sorted(present))
    if MANIFEST not in present and ENVELOPE not in present:
        return Looked(
            files, Seal.absent, "The folder has no manifest: it was never sealed, or the manifest was removed."
        )
    return Looked(files, Seal.broken, "The manifest is not one that glhelpers wrote, or it was changed.")


def _without_envelope(present: bool, predicate: Predicate) -> FileState:
    if not present:
        return FileState.missing
    return FileState.changed if predicate.keyid is not None else FileState.added


def _signature(
    opened: tuple[Envelope, str] | None, predicate: Predicate, present: bool
) -> tuple[Seal, str, Trusted | None]:
    if opened is None:
        if predicate.keyid is None and not present:
            return Seal.unsigned, "", None
        gone = "The manifest says that it was signed, and its signature is gone."
        return Seal.broken, "The signature was changed." if present else gone, None
    envelope, keyid = opened
    if predicate.keyid != keyid:
        return Seal.broken, "The signature is not by the key that the manifest names.", None
    known = trusted_signers().get(keyid)
    if known is None:
        return Seal.unknown, "", None
    try:
        envelope.verify([known.key], 1)
    except (VerificationError, ValueError):
        return Seal.broken, f"The signature does not fit the manifest and the key of {known.name}.", known
    return Seal.signed, "", known
