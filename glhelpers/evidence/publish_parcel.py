"""What of a run goes to one destination: its files as they may be seen there, whole, small enough, and nothing secret."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from glhelpers.errors import BadPlanFile
from glhelpers.evidence.folder import read_record, redacted_record
from glhelpers.evidence.personal import Destination
from glhelpers.evidence.scan import outgoing, refuse_hits, scan_sent
from glhelpers.evidence.seal import ENVELOPE, MANIFEST
from glhelpers.models.record import RunRecord

__all__ = ["ARCHIVE", "LARGEST", "READABLE", "Item", "Parcel", "parcel_for", "refuse_secrets"]

ARCHIVE = "evidence.zip"
READABLE = {"notebook.ipynb": "application/x-ipynb+json", "notebook.html": "text/html"}
"""The files that a person opens, with their media types; without them there is nothing to attach."""

LARGEST = {Destination.issue: ("GitLab.com", 100 * 2**20), Destination.ticket: ("Zendesk", 50 * 10**6)}
"""Who takes a file of how many bytes at most."""


@dataclass(frozen=True)
class Item:
    """A file to upload."""

    name: str
    content: bytes
    media: str

    @property
    def digest(self) -> str:
        """Its SHA-256."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Parcel:
    """A run on its way to a destination: the record as it may be seen there, and all files of the folder."""

    record: RunRecord
    destination: Destination
    files: Mapping[str, bytes]
    notices: tuple[str, ...]

    @property
    def run(self) -> str:
        """The run as marks name it."""
        return f"{self.record.run_id} {self.record.runbook}"

    def readable(self) -> tuple[Item, ...]:
        """Notebook and page."""
        return tuple(self.fitting(Item(name, self.files[name], media)) for name, media in READABLE.items())

    def archive(self) -> Item:
        """All files in one archive: the same one, byte for byte, for the same files."""
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name in sorted(self.files):
                bundle.writestr(zipfile.ZipInfo(name), self.files[name], zipfile.ZIP_DEFLATED)
        return self.fitting(Item(ARCHIVE, whole.getvalue(), "application/zip"))

    def content(self, text: str) -> str:
        """Identity of what is sent: the files, and the text that sums them up."""
        whole = hashlib.sha256(text.encode())
        for name in sorted(self.files):
            whole.update(hashlib.sha256(name.encode() + b"\0" + self.files[name]).digest())
        return whole.hexdigest()

    def fitting(self, item: Item) -> Item:
        """The same item; raises `BadPlanFile` if the destination takes none of its size."""
        _refuse_large(item.name, len(item.content), self.destination)
        return item


def parcel_for(folder: Path, destination: Destination) -> Parcel:
    """
    All files of a run folder, ready for the destination.

    Raises `BadPlanFile` with a sentence if one is missing or too large.  Call `refuse_secrets` before
    anything leaves.
    """
    paths = {path.name: path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")}
    for name in READABLE:
        if name not in paths:
            raise BadPlanFile(
                f"{folder / name} is missing, so there is nothing to attach.", next_step="Run the runbook again."
            )
    for name, path in paths.items():
        _refuse_large(name, path.stat().st_size, destination)
    files = {name: path.read_bytes() for name, path in paths.items()}
    seen = outgoing(files, destination)
    notices: tuple[str, ...] = ()
    if MANIFEST in seen and seen != files:
        # A seal over other bytes would only say that these were tampered with.
        seen = {name: content for name, content in seen.items() if name not in (MANIFEST, ENVELOPE)}
        notices = ("The copy is masked further than the run folder, so the folder's seal stays behind.",)
    return Parcel(redacted_record(read_record(folder)), destination, seen, notices)


def refuse_secrets(folder: Path, parcel: Parcel, text: str) -> None:
    """Nothing goes out of a folder in which anything stands that must not, nor with such a text; asked before a dry run, too."""
    name = "the note" if parcel.destination is Destination.issue else "the comment"
    sent = {**parcel.files, name: text.encode()}
    refuse_hits(folder.name, scan_sent(folder, sent, parcel.destination))


def _refuse_large(name: str, size: int, destination: Destination) -> None:
    service, most = LARGEST[destination]
    if size > most:
        raise BadPlanFile(
            f"{name} has {size:,} bytes and {service} takes {most:,} a file, so nothing was sent.",
            next_step="Look into the notebook for an output that does not belong there.",
        )
