"""What of a run folder goes outside: files that are there and whole, and what they amount to."""

from __future__ import annotations

import hashlib
from pathlib import Path

from glhelpers.errors import BadPlanFile

__all__ = ["SENT", "content_digest", "evidence_files"]

SENT = {"notebook.ipynb": "application/x-ipynb+json", "notebook.html": "text/html"}
"""The files of a run folder that are sent, with their media types."""

_LARGEST = 20_000_000


def evidence_files(folder: Path) -> dict[str, bytes]:
    """The files to send; raises `BadPlanFile` with a sentence if one is missing or far too large."""
    files = {}
    for name in SENT:
        path = folder / name
        if not path.is_file():
            raise BadPlanFile(f"{path} is missing, so there is nothing to attach.", next_step="Run the runbook again.")
        if path.stat().st_size > _LARGEST:
            raise BadPlanFile(
                f"{path} is larger than {_LARGEST // 1_000_000} MB and is not sent.",
                next_step="Look into the notebook for an output that does not belong there.",
            )
        files[name] = path.read_bytes()
    return files


def content_digest(files: dict[str, bytes], summary: str) -> str:
    """Identity of what would be sent: the files, and the text that sums them up."""
    whole = hashlib.sha256(summary.encode())
    for name in sorted(files):
        whole.update(hashlib.sha256(name.encode() + b"\0" + files[name]).digest())
    return whole.hexdigest()
