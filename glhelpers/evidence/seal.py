"""
The seal of a run folder: a manifest of its files, signed where there is a key.

It is the last thing that is written.  Without a key there is the manifest alone, and everybody who
asks is told so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from glhelpers import __version__
from glhelpers.actions.catalogue import notebook_path
from glhelpers.actions.journal import Journal
from glhelpers.errors import BadPlanFile, BadSettings, GlhelpersError
from glhelpers.evidence.folder import RunFolder, read_record
from glhelpers.evidence.statement import (
    ENVELOPE,
    MANIFEST,
    Digest,
    JournalRows,
    Predicate,
    Resealed,
    Size,
    Statement,
    Subject,
    may_be_named,
    signed,
)
from glhelpers.evidence.verify import FileState, Looked, Seal, examine, measured, rows_digest
from glhelpers.models.record import RunRecord

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner

    from glhelpers.settings import Settings

__all__ = [
    "ENVELOPE",
    "MANIFEST",
    "Seal",
    "examine",
    "journal_rows",
    "refuse_a_broken_seal",
    "rules_version",
    "seal",
    "seal_again",
    "take_in",
]

_LOOK = "Look with `glhelpers evidence verify`; nothing was sent."


def seal(
    folder: RunFolder, record: RunRecord, signer: CryptoSigner | None, journal: tuple[JournalRows, ...] | None = ()
) -> None:
    """Write the manifest of all files in the folder, and sign it if there is a key."""
    folder.sweep()
    _write(folder, record, signer, journal, None)


def seal_again(run_dir: Path, signer: CryptoSigner | None) -> None:
    """Seal a folder to which glhelpers itself has added a file, such as a notebook from JupyterLab."""
    record = read_record(run_dir)
    seal(RunFolder(path=run_dir, final=run_dir, run_id=record.run_id), record, signer)


def take_in(
    run_dir: Path,
    added: Mapping[str, bytes],
    signer: CryptoSigner | None,
    journal: tuple[JournalRows, ...] | None = (),
) -> bool:
    """
    Take these files into a finished folder and seal it anew; the new manifest names the former one. False if all were in.

    Raises `BadPlanFile` if the folder is not as it was sealed, and if a signature would be lost since
    there is no key.  Cut off at any point and called again with the same files, it comes to its end.
    """
    record, looked = read_record(run_dir), examine(run_dir)
    folder = RunFolder(path=run_dir, final=run_dir, run_id=record.run_id)
    if _only_the_manifest_is_old(run_dir, looked):
        folder.write_bytes(MANIFEST, looked.payload)
        looked = examine(run_dir)
    sums = {name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in added.items()}
    there = {name for name, told in sums.items() if measured(run_dir / name) == told}
    refuse_a_broken_seal(looked, record, but=there)
    if there == set(added) and looked.whole:
        return False
    if looked.keyid and signer is None:
        raise BadPlanFile(
            "The run folder is signed, and would not be any more with a file taken in: there is no key here.",
            next_step="Make one: glhelpers evidence keygen; or let the one attach it who has signed it.",
        )
    for name, content in added.items():
        folder.write_bytes(name, content)
    former = hashlib.sha256(looked.payload).hexdigest() if looked.payload else None
    kept = looked.predicate.journal if looked.predicate is not None else journal
    resealed = Resealed(added=tuple(sorted(added)), manifest_sha256=former, keyid=looked.keyid or None)
    _write(folder, record, signer, kept, resealed)
    return True


def refuse_a_broken_seal(looked: Looked, record: RunRecord, but: frozenset[str] | set[str] = frozenset()) -> None:
    """
    Raise `BadPlanFile` if the folder is not as it was sealed, or sealed by nobody who is known here.

    A folder in no seal at all is only taken of a run that was cut off before it could be sealed.
    """
    wrong = [f"{name} ({state})" for name, state in looked.wrong if name not in but]
    if looked.seal is Seal.absent:
        wrong = [looked.why] if record.complete else []
    elif looked.seal is Seal.unknown:
        raise BadPlanFile(
            "The run folder was signed by a key that is not trusted here.",
            next_step="Get the signer's .pub file from the signer, then: glhelpers evidence trust FILE. Nothing was sent.",
        )
    elif looked.seal is Seal.broken:
        wrong.insert(0, looked.why)
    if wrong:
        told = ", ".join(wrong).rstrip(".")
        raise BadPlanFile(f"The run folder is not as it was sealed: {told}.", next_step=_LOOK)


def journal_rows(record: RunRecord, settings: Settings) -> tuple[JournalRows, ...] | None:
    """What the journal holds now about the writes of this run, as digests; None if it cannot be read."""
    plan, receipt = record.plan, record.receipt
    if plan is None or (receipt is None and record.approval is None):
        return ()
    try:
        with closing(Journal(settings.journal_url)) as journal:
            entries = journal.entries_about(f"{settings.customersdot.base_url}|{plan.target.key}")
    except BadSettings:
        return None
    own = {
        entry.intent_id for entry in entries if entry.kind == "intent" and entry.payload.get("run_id") == record.run_id
    }
    if receipt is not None and receipt.settled_from_journal:
        own |= {entry.intent_id for entry in [one for one in entries if one.kind == "settled"][-1:]}
    told = {id: [entry for entry in entries if entry.intent_id == id] for id in sorted(own)}
    return tuple(JournalRows(intent_digest=id, rows=len(rows), sha256=rows_digest(rows)) for id, rows in told.items())


def rules_version() -> str:
    """A digest over the source of all rules and their tables: two runs with the same one were judged by the same rules."""
    folder, whole = Path(__file__).parents[1] / "rules", hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.suffix in (".py", ".json")):
        whole.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def _write(
    folder: RunFolder,
    record: RunRecord,
    signer: CryptoSigner | None,
    journal: tuple[JournalRows, ...] | None,
    resealed: Resealed | None,
) -> None:
    keyid = signer.public_key.keyid if signer is not None else None
    statement = Statement(subject=_subjects(folder.path), predicate=_predicate(record, keyid, journal, resealed))
    payload = statement.as_bytes()
    # The envelope first: it holds the manifest, too, so that a manifest that was not replaced any more can be.
    if signer is not None:
        folder.write_bytes(ENVELOPE, signed(payload, signer))
    folder.write_bytes(MANIFEST, payload)


def _only_the_manifest_is_old(run_dir: Path, looked: Looked) -> bool:
    """Whether the folder was sealed again, and only the last file was not written any more."""
    again = looked.predicate.resealed if looked.predicate is not None else None
    found = measured(run_dir / MANIFEST)
    only = looked.wrong == ((MANIFEST, FileState.changed),) and looked.seal is Seal.signed
    return only and again is not None and found is not None and found[1] == again.manifest_sha256


def _subjects(folder: Path) -> tuple[Subject, ...]:
    found = {path.name: measured(path) for path in sorted(folder.iterdir()) if path.name not in (MANIFEST, ENVELOPE)}
    return tuple(
        Subject(name=name, digest=Digest(sha256=told[1]), annotations=Size(size=told[0]))
        for name, told in found.items()
        if told is not None and may_be_named(name)
    )


def _predicate(
    record: RunRecord, keyid: str | None, journal: tuple[JournalRows, ...] | None, resealed: Resealed | None
) -> Predicate:
    return Predicate(
        run_id=record.run_id,
        runbook=record.runbook,
        runbook_sha256=_runbook_version(record.runbook),
        rules_sha256=rules_version(),
        glhelpers=__version__,
        status=record.status.value,
        complete=record.complete,
        profile=record.profile,
        production=record.production,
        operator=record.operator,
        started_at=record.started_at.isoformat(),
        ended_at=record.ended_at.isoformat() if record.ended_at is not None else None,
        plan_digest=record.plan_digest,
        journal=journal,
        keyid=keyid,
        resealed=resealed,
    )


def _runbook_version(runbook: str) -> str | None:
    try:
        found = measured(notebook_path(runbook))
    except GlhelpersError:
        return None
    return found[1] if found is not None else None
