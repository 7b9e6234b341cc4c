"""Evidence attached to a GitLab issue or a Zendesk ticket: once, internal, and only if nothing secret is in it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from glhelpers.clients.gitlab import GitLabClient
from glhelpers.errors import BadParameter, BadPlanFile
from glhelpers.evidence.folder import read_record
from glhelpers.evidence.markdown import escalation_markdown, marker, note_markdown
from glhelpers.evidence.redact import SecretHit, find_secrets, find_secrets_in_json
from glhelpers.models.record import RunRecord
from glhelpers.models.ticket import Note

__all__ = ["Attached", "Escalated", "IssueRef", "attach", "escalate", "parse_issue", "secrets_in"]

_ISSUE = re.compile(r"(?P<project>[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+)#(?P<iid>[1-9][0-9]{0,9})", re.ASCII)
_SCANNED = ("notebook.ipynb", "notebook.html", "record.json", "plan.json", "approval.json")
_SENT = {"notebook.ipynb": "application/x-ipynb+json", "notebook.html": "text/html"}
_LARGEST = 20_000_000
_CONTENT = "<!-- glhelpers-content: {} -->"


class IssueRef(NamedTuple):
    """A project's full path and the number of an issue in it."""

    project: str
    iid: int


@dataclass(frozen=True)
class Attached:
    """What an attach did, or would do; `body` is the note as sent, `files` the names uploaded with it."""

    action: Literal["created", "updated", "unchanged", "would_create", "would_update"]
    note_id: int | None
    url: str | None
    body: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Escalated:
    """What an escalation did; `sentence` says it in words, also that a label does not exist."""

    label_exists: bool
    note_id: int
    note: Literal["created", "unchanged"]
    sentence: str


def parse_issue(text: str) -> IssueRef:
    """The parts of `group/project#12`; raises `BadParameter` with a sentence for anything else."""
    match = _ISSUE.fullmatch(text.strip())
    if not match or any(part in (".", "..") for part in match["project"].split("/")):
        raise BadParameter(
            "The issue is not named in a form that can be read.",
            next_step="Write it as group/project#12: the project's full path and the number of the issue.",
        )
    return IssueRef(match["project"], int(match["iid"]))


def secrets_in(folder: Path) -> dict[str, list[SecretHit]]:
    """Every place in the files of a run folder where a secret or an e-mail address still stands."""
    found = {name: _scan(folder / name) for name in _SCANNED if (folder / name).is_file()}
    return {name: hits for name, hits in found.items() if hits}


def attach(folder: Path, gitlab: GitLabClient, issue: str, *, dry_run: bool = False) -> Attached:
    """
    Upload notebook and page of a run and sum the run up in one internal note on the issue.

    A second attach of the same run changes nothing if nothing changed, and otherwise updates its own
    note; also after a crash at any point there is one note. Refuses to send anything if a secret
    stands in any file. With `dry_run` it only reads, and tells what it would send.
    """
    project, iid = parse_issue(issue)
    record = read_record(folder)
    files = _files(folder)
    _refuse_secrets(folder)
    content = _CONTENT.format(_digest(record, files))
    existing = _own_note(gitlab, project, iid, marker(record))
    if existing is not None and content in existing.body:
        return Attached("unchanged", existing.id, _address(gitlab, project, iid, existing), existing.body, ())
    names = tuple(files)
    if dry_run:
        links = {name: f"[{name}](/uploads/{'0' * 32}/{name})" for name in names}
        action: Literal["would_create", "would_update"] = "would_update" if existing else "would_create"
        return Attached(action, existing.id if existing else None, None, _body(record, links, content), names)
    links = {name: gitlab.upload(project, name, files[name], _SENT[name]).markdown for name in names}
    body = _body(record, links, content)
    if existing is not None:
        note = gitlab.update_note(project, iid, existing.id, body)
        return Attached("updated", note.id, _address(gitlab, project, iid, note), body, names)
    note = gitlab.create_note(project, iid, body)
    return Attached("created", note.id, _address(gitlab, project, iid, note), body, names)


def escalate(gitlab: GitLabClient, issue: str, label: str, record: RunRecord) -> Escalated:
    """
    Put the escalation label and one internal note on the issue; doing it twice changes nothing more.

    GitLab would create a label that it does not know, so one is only added if the project has exactly
    this one; if not, the note and the result say so.
    """
    project, iid = parse_issue(issue)
    exists = any(known.name == label for known in gitlab.labels(project, label))
    if exists and label not in gitlab.issue(project, iid).labels:
        gitlab.add_labels(project, iid, [label])
    told = f"has the label {label}" if exists else f"got no label, since the project has none named {label}"
    existing = _own_note(gitlab, project, iid, marker(record, "escalation"))
    if existing is not None:
        return Escalated(exists, existing.id, "unchanged", f"Issue {issue} {told}; its escalation note was there.")
    note = gitlab.create_note(project, iid, escalation_markdown(record, label, exists))
    return Escalated(exists, note.id, "created", f"Issue {issue} {told} and has a new internal escalation note.")


def _files(folder: Path) -> dict[str, bytes]:
    files = {}
    for name in _SENT:
        path = folder / name
        if not path.is_file():
            raise BadPlanFile(f"{path} is missing, so there is nothing to attach.", next_step="Run the runbook again.")
        files[name] = path.read_bytes()
        if len(files[name]) > _LARGEST:
            raise BadPlanFile(f"{path} is larger than {_LARGEST // 1_000_000} MB and is not sent.")
    return files


def _refuse_secrets(folder: Path) -> None:
    found = secrets_in(folder)
    if found:
        places = "; ".join(f"{name}: {hit.kind} at {hit.where}" for name, hits in found.items() for hit in hits[:3])
        raise BadPlanFile(
            f"Nothing was sent: secrets or personal addresses stand in {folder.name}: {places}.",
            next_step="Revoke what was a live token, then run the runbook again so that new evidence is written.",
        )


def _scan(path: Path) -> list[SecretHit]:
    text = path.read_bytes().decode("utf-8", errors="replace")
    if path.suffix not in (".json", ".ipynb"):
        return find_secrets(text)
    try:
        return find_secrets_in_json(json.loads(text))
    except ValueError:
        return find_secrets(text)


def _digest(record: RunRecord, files: dict[str, bytes]) -> str:
    """Identity of what would be sent: the files and the note without its links."""
    whole = hashlib.sha256(note_markdown(record, {}).encode())
    for name in sorted(files):
        whole.update(hashlib.sha256(name.encode() + b"\0" + files[name]).digest())
    return whole.hexdigest()


def _body(record: RunRecord, links: dict[str, str], content: str) -> str:
    return f"{note_markdown(record, links)}{content}\n"


def _own_note(gitlab: GitLabClient, project: str, iid: int, mark: str) -> Note | None:
    """
    The internal note that an earlier call of this operator left.

    A note of anyone else that holds the marker is not ours: it could make us believe that we have attached.
    """
    me = gitlab.me().id
    notes = gitlab.notes(project, iid)
    ours = [note for note in notes if mark in note.body and note.internal and not note.system]
    return next((note for note in ours if note.author is not None and note.author.id == me), None)


def _address(gitlab: GitLabClient, project: str, iid: int, note: Note) -> str | None:
    page = gitlab.issue(project, iid).web_url
    return f"{page}#note_{note.id}" if page else None
