"""Evidence attached to a GitLab issue or a Zendesk ticket: once, internal, and only if nothing secret is in it."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from glhelpers.clients.gitlab import GitLabClient
from glhelpers.clients.zendesk import ZendeskClient
from glhelpers.errors import BadParameter
from glhelpers.evidence.checks import SENT, content_digest, evidence_files
from glhelpers.evidence.folder import read_record, redacted_record
from glhelpers.evidence.markdown import escalation_markdown, marker, note_markdown
from glhelpers.evidence.personal import Destination, bound_for
from glhelpers.evidence.scan import outgoing, refuse_hits, scan_sent
from glhelpers.evidence.summary import plain
from glhelpers.models.record import RunRecord
from glhelpers.models.request import ticket_number
from glhelpers.models.ticket import Note

__all__ = ["Attached", "Escalated", "IssueRef", "attach", "attach_to_ticket", "escalate", "parse_issue"]

Action = Literal["created", "updated", "unchanged", "would_create", "would_update"]

_ISSUE = re.compile(r"(?P<project>[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+)#(?P<iid>[1-9][0-9]{0,9})", re.ASCII)
_BUNDLE = "evidence.zip"


class IssueRef(NamedTuple):
    """A project's full path and the number of an issue in it."""

    project: str
    iid: int


@dataclass(frozen=True)
class Attached:
    """
    What an attach did, or would do.

    `body` is the note or comment as it stands or would be sent, `files` the names uploaded with it.
    """

    action: Action
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


@bound_for(Destination.issue)
def attach(folder: Path, gitlab: GitLabClient, issue: str, *, dry_run: bool = False) -> Attached:
    """
    Upload notebook and page of a run and sum the run up in one internal note on the issue.

    A second attach of the same run changes nothing if nothing changed, and otherwise updates its own
    note; also after a crash at any point there is one note. Refuses to send anything if a secret
    stands in any file. With `dry_run` it only reads, and tells what it would send.
    """
    project, iid = parse_issue(issue)
    record, files = _read(folder, Destination.issue)
    summary = note_markdown(record, {})
    _refuse_secrets(folder, {**files, "the note": summary.encode()}, Destination.issue)
    content = f"<!-- glhelpers-content: {content_digest(files, summary)} -->"
    existing = _own_note(gitlab, project, iid, marker(record))
    if existing is not None and content in existing.body:
        return Attached("unchanged", existing.id, _address(gitlab, project, iid, existing), existing.body, ())
    names = tuple(files)
    if dry_run:
        links = {name: f"[{name}](/uploads/{'0' * 32}/{name})" for name in names}
        action: Action = "would_update" if existing else "would_create"
        return Attached(action, existing.id if existing else None, None, _body(record, links, content), names)
    links = {name: gitlab.upload(project, name, files[name], SENT[name]).markdown for name in names}
    body = _body(record, links, content)
    if existing is not None:
        note = gitlab.update_note(project, iid, existing.id, body)
        return Attached("updated", note.id, _address(gitlab, project, iid, note), body, names)
    note = gitlab.create_note(project, iid, body)
    return Attached("created", note.id, _address(gitlab, project, iid, note), body, names)


@bound_for(Destination.ticket)
def attach_to_ticket(folder: Path, zendesk: ZendeskClient, ticket_url: str, *, dry_run: bool = False) -> Attached:
    """
    Put the run on its Zendesk ticket: one private comment with the files in one zip archive.

    The archive is there because accounts often refuse notebook files. A comment cannot be changed, so
    new content makes one more comment; the same content never makes a second one.
    """
    number = ticket_number(ticket_url)
    if number is None:
        raise BadParameter(
            "The ticket is not given as a link that can be read.",
            next_step="Write it as https://gitlab.zendesk.com/agent/tickets/<number>.",
        )
    record, files = _read(folder, Destination.ticket)
    lines = plain(record)
    summary = "\n".join(lines)
    _refuse_secrets(folder, {**files, "the comment": summary.encode()}, Destination.ticket)
    content = content_digest(files, summary)[:16]
    mark = f"glhelpers run {record.run_id} {record.runbook}, content {content}"
    body = "\n".join([*lines, f"Files: {', '.join(files)}, in {_BUNDLE}", mark])
    ticket = zendesk.ticket(number)
    if any(mark in comment.body and not comment.public for comment in zendesk.comments(number)):
        return Attached("unchanged", None, ticket_url, body, ())
    if ticket.status == "closed":
        raise BadParameter(
            f"Ticket {number} is closed, so nothing can be added to it.", next_step="Attach to an issue instead."
        )
    if dry_run:
        return Attached("would_create", None, ticket_url, body, (_BUNDLE,))
    upload = zendesk.upload(_BUNDLE, _zipped(files), "application/zip")
    zendesk.add_private_comment(number, body, [upload.token])
    return Attached("created", None, ticket_url, body, (_BUNDLE,))


@bound_for(Destination.issue)
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


def _read(folder: Path, destination: Destination) -> tuple[RunRecord, dict[str, bytes]]:
    """The record and the files as the destination may see them."""
    return redacted_record(read_record(folder)), outgoing(evidence_files(folder), destination)


def _refuse_secrets(folder: Path, sent: dict[str, bytes], destination: Destination) -> None:
    """Nothing goes out of a folder in which anything stands that must not; asked before a dry run, too."""
    refuse_hits(folder.name, scan_sent(folder, sent, destination))


def _body(record: RunRecord, links: dict[str, str], content: str) -> str:
    return f"{note_markdown(record, links)}{content}\n"


def _own_note(gitlab: GitLabClient, project: str, iid: int, mark: str) -> Note | None:
    """
    The internal note that an earlier call of this operator left.

    A note of anyone else that holds the marker is not ours: it could make us believe that we have attached.
    """
    me = gitlab.me().id
    ours = [note for note in gitlab.notes(project, iid) if mark in note.body and note.internal and not note.system]
    return next((note for note in ours if note.author is not None and note.author.id == me), None)


def _address(gitlab: GitLabClient, project: str, iid: int, note: Note) -> str | None:
    page = gitlab.issue(project, iid).web_url
    return f"{page}#note_{note.id}" if page else None


def _zipped(files: dict[str, bytes]) -> bytes:
    """The same archive, byte for byte, for the same files."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in sorted(files):
            bundle.writestr(zipfile.ZipInfo(name), files[name], zipfile.ZIP_DEFLATED)
    return archive.getvalue()
