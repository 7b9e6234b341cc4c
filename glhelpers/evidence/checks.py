"""What stands between a run folder and the outside: files that are whole, and nothing secret in any of them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from glhelpers.errors import BadPlanFile
from glhelpers.evidence.redact import SecretHit, find_secrets, find_secrets_in_json

__all__ = ["SENT", "content_digest", "evidence_files", "refuse_secrets", "secrets_in"]

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


def secrets_in(folder: Path) -> dict[str, list[SecretHit]]:
    """Every place in the files of a run folder where a secret or an e-mail address still stands."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    found = {path.name: _scan(path) for path in files}
    return {name: hits for name, hits in found.items() if hits}


def refuse_secrets(folder: Path) -> None:
    """Raise `BadPlanFile`, which names every place and no value, if a secret stands in any file."""
    found = secrets_in(folder)
    if found:
        places = "; ".join(f"{name}: {hit.kind} at {hit.where}" for name, hits in found.items() for hit in hits[:3])
        raise BadPlanFile(
            f"Nothing was sent: secrets or personal addresses stand in {folder.name}: {places}.",
            next_step="Revoke what was a live token, then run the runbook again so that new evidence is written.",
        )


def content_digest(files: dict[str, bytes], summary: str) -> str:
    """Identity of what would be sent: the files, and the text that sums them up."""
    whole = hashlib.sha256(summary.encode())
    for name in sorted(files):
        whole.update(hashlib.sha256(name.encode() + b"\0" + files[name]).digest())
    return whole.hexdigest()


def _scan(path: Path) -> list[SecretHit]:
    text = path.read_bytes().decode("utf-8", errors="replace")
    in_name = [SecretHit(hit.kind, "its file name") for hit in find_secrets(path.name)]
    if path.suffix in (".json", ".ipynb"):
        try:
            return in_name + find_secrets_in_json(json.loads(text))
        except ValueError:
            pass  # A broken file is scanned as the text that it is.
    return in_name + find_secrets(text)
