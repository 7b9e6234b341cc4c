"""The run folder: written under a name that says "incomplete", file by file atomically, renamed at the end."""

from __future__ import annotations

import errno
import os
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from glhelpers.errors import BadParameter, BadPlanFile, NotStored, OperatorError
from glhelpers.evidence.held import Hold, hold
from glhelpers.evidence.personal import pseudonym_key
from glhelpers.evidence.redact import knowledge, live_forms, redact_json
from glhelpers.evidence.text import readable_json
from glhelpers.models.record import RunRecord
from glhelpers.models.request import ticket_number

__all__ = [
    "UNFINISHED",
    "RunFolder",
    "final_name",
    "has_no_room",
    "is_unfinished",
    "read_record",
    "redacted_record",
    "run_id_of",
]

UNFINISHED = ".incomplete"
"""How the name of a folder ends, after a dot and the run id, until its run is recorded to its end."""

_RUNBOOK = re.compile(r"[a-z][a-z0-9_]{0,60}")
_FILE = re.compile(r"[a-z][a-z0-9_-]{0,60}(?:\.[a-z0-9]{1,10}){1,2}")
_LARGEST_RECORD = 20_000_000
_NO_ROOM = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "it would be larger than a file may be here",
}
_REASONS = {
    **_NO_ROOM,
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "this user may not write there",
    errno.EPERM: "this user may not write there",
    errno.ENOTDIR: "a part of the path is not a folder",
}


def is_unfinished(path: Path) -> bool:
    """Whether a path has the name of a run folder that is not finished."""
    return path.name.startswith(".") and path.name.endswith(UNFINISHED)


def final_name(path: Path) -> Path:
    """Where the files of a run folder are once it is finished."""
    return path.with_name(path.name.removeprefix(".").removesuffix(UNFINISHED)) if is_unfinished(path) else path


def run_id_of(started_at: datetime) -> str:
    """The id of a run: its start in UTC to the microsecond, which sorts as text."""
    if started_at.tzinfo is None:
        raise BadParameter("A run needs a start time with a time zone.", next_step="Pass a time in UTC.")
    return started_at.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


@dataclass(frozen=True)
class RunFolder:
    """
    One run's folder. `path` is where the files are now; `final` is where they will be.

    `held` tells other processes that somebody works in it.
    """

    path: Path
    final: Path
    run_id: str
    held: Hold | None = field(default=None, compare=False, repr=False)

    @classmethod
    def open(cls, runs_dir: Path, ticket_url: str, runbook: str, started_at: datetime) -> RunFolder:
        """
        Make the folder `<runs_dir>/<ticket>/<runbook>/.<run id>.incomplete`, which nobody else has.

        A second run that started in the same microsecond gets the next one.
        """
        if not _RUNBOOK.fullmatch(runbook):
            raise BadParameter(f"A run folder cannot be made for runbook {runbook[:60]!r}: it is not a runbook's name.")
        number = ticket_number(ticket_url)
        parent = runs_dir.absolute() / (str(number) if number else "no-ticket") / runbook
        with _said("be made", parent):
            parent.mkdir(parents=True, exist_ok=True)
            while True:
                run_id = run_id_of(started_at)
                folder = cls(parent / f".{run_id}{UNFINISHED}", parent / run_id, run_id)
                if (held := folder._claim()) is not None:
                    return replace(folder, held=held)
                started_at += timedelta(microseconds=1)

    @classmethod
    def of(cls, path: Path) -> RunFolder:
        """The folder that another process has made for a run of this one; raises `OperatorError` if it is gone."""
        final = final_name(path)
        with _said("be opened", path):
            return cls(path, final, final.name, hold(path))

    def write_text(self, name: str, text: str, *, durable: bool = True) -> Path:
        """Write a text file as UTF-8; see `write_bytes`."""
        return self.write_bytes(name, text.encode("utf-8"), durable=durable)

    def write_json(self, name: str, value: Any) -> Path:
        """Write a model or a JSON value, readable and always the same for the same value; see `write_bytes`."""
        plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        return self.write_text(name, readable_json(plain) + "\n")

    def write_record(self, record: RunRecord) -> Path:
        """Write `record.json`, redacted; a reader sees the former or the new record, never a part of one."""
        return self.write_json("record.json", redacted_record(record))

    def write_bytes(self, name: str, content: bytes, *, durable: bool = True) -> Path:
        """
        Write one file as a whole: it is there with all its bytes, on disk, or as it was before.

        Without `durable` that holds whatever happens to this process, but not when the machine loses its power.

        Raises one sentence if not: `NotStored` on a full disk, else `OperatorError`.
        """
        if not _FILE.fullmatch(name):
            raise BadParameter(f"{name[:60]!r} is not a file name of a run folder.")
        target = self.path / name
        staged = self.path / f".{name}.{os.getpid()}.part"
        with _said("be written", Path(*target.parts[-4:])):  # the record may tell this, and no folder of this machine
            try:
                descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(content)
                    stream.flush()
                    if durable:
                        os.fsync(stream.fileno())
                staged.replace(target)
            except OSError:
                staged.unlink(missing_ok=True)
                raise
            if durable:
                _sync(self.path)
        return target

    def sweep(self) -> None:
        """Remove what a write that was cut off has left beside its file."""
        for path in self.path.glob(".*.part"):
            if path.is_file() and not path.is_symlink():
                path.unlink(missing_ok=True)

    def finalise(self) -> RunFolder:
        """Give the folder its final name, which says that the run was recorded to its end."""
        if self.path == self.final:
            return self
        with _said("be renamed", self.path):
            self.path.rename(self.final)
            _sync(self.final.parent)
        self.let_go()
        return replace(self, path=self.final, held=None)

    def let_go(self) -> None:
        """Work in it no more, whether it is finished or not."""
        if self.held is not None:
            self.held.release()

    def discard(self) -> None:
        """Remove the folder of a run that never began, with the files in it."""
        with _said("be removed", self.path):
            for path in self.path.iterdir():
                path.unlink()
            self.path.rmdir()
        self.let_go()

    def _claim(self) -> Hold | None:
        try:
            self.path.mkdir(mode=0o700)
        except FileExistsError:
            return None
        if self.final.exists():
            self.path.rmdir()
            return None
        try:
            held = hold(self.path)
        except FileNotFoundError:
            return None
        if not held.is_of(self.path):  # taken for one that was left behind, in the moment before it was held
            held.release()
            return None
        _sync(self.path.parent)
        return held


def redacted_record(record: RunRecord) -> RunRecord:
    """The same record with every text redacted; redacting twice changes nothing more."""
    known = (knowledge(), live_forms(), pseudonym_key())
    for before, then, redacted in _redacted_records:
        if before is record and then == known:
            return redacted
    redacted = RunRecord.model_validate(redact_json(record.model_dump(mode="json")))
    _redacted_records.extend(((record, known, redacted), (redacted, known, redacted)))
    return redacted


_redacted_records: deque[tuple[RunRecord, object, RunRecord]] = deque(maxlen=4)
"""The last ones: notebook, page, summary and record of a run are made one after the other, of the same record."""


def read_record(folder: Path) -> RunRecord:
    """The record of a run folder; raises `BadPlanFile` with a sentence if there is none, or not a valid one."""
    path = folder / "record.json"
    try:
        if path.stat().st_size > _LARGEST_RECORD:
            raise BadPlanFile(f"{path} is far larger than a run record can be.", next_step=_NOT_A_RUN)
        return RunRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else _reason(error)
        raise BadPlanFile(f"The run record {path} cannot be read: {reason}.", next_step=_NOT_A_RUN) from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:120] or "the file"
        raise BadPlanFile(f"{path} is not a run record: {place}: {first['msg']}.", next_step=_NOT_A_RUN) from None


_NOT_A_RUN = "Name the folder of a run, such as runs/<ticket>/<runbook>/<run id>."


@contextmanager
def _said(verb: str, path: Path) -> Iterator[None]:
    """An error of the file system becomes one sentence that an operator can act on."""
    try:
        yield
    except OSError as error:
        kind = NotStored if has_no_room(error) else OperatorError
        raise kind(
            f"{path} cannot {verb}: {_reason(error)}.",
            next_step="Free some space or choose another folder with --out or GLHELPERS_RUNS_DIR.",
        ) from error


def has_no_room(error: OSError) -> bool:
    """Whether a disk, a quota or a limit of the system leaves no room for what was to be written."""
    return error.errno in _NO_ROOM


def _reason(error: OSError) -> str:
    return _REASONS.get(error.errno or 0, (error.strerror or "unknown error").lower())


def _sync(folder: Path) -> None:
    """Make a new name in the folder durable; only then a rename survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
