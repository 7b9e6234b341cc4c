"""
Evidence on a GitLab issue or a Zendesk ticket: what an attach tells, whose note is ours, and the escalation of a run.

The two ways out are `publish_issue` and `publish_ticket`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from glhelpers.clients.gitlab import GitLabClient
from glhelpers.errors import BadParameter, RateLimited, RequestRejected, ServiceError
from glhelpers.evidence.markdown import escalation_markdown, marker
from glhelpers.evidence.personal import Destination, bound_for
from glhelpers.evidence.publish_parcel import Item
from glhelpers.models.record import RunRecord
from glhelpers.models.ticket import Note

__all__ = [
    "Action",
    "Attached",
    "Escalated",
    "IssueRef",
    "SentFile",
    "escalate",
    "may_have_arrived",
    "own_notes",
    "parse_issue",
]

Action = Literal["created", "updated", "unchanged"]

_ISSUE = re.compile(r"(?P<project>[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+)#(?P<iid>[1-9][0-9]{0,9})", re.ASCII)


class IssueRef(NamedTuple):
    """A project's full path and the number of an issue in it."""

    project: str
    iid: int


@dataclass(frozen=True)
class SentFile:
    """A file as it is uploaded; `again` is false where an upload of an earlier, broken-off attach serves."""

    name: str
    size: int
    digest: str
    again: bool = True

    @classmethod
    def of(cls, item: Item, *, again: bool = True) -> SentFile:
        """The file of this item."""
        return cls(item.name, len(item.content), item.digest, again)


@dataclass(frozen=True)
class Attached:
    """
    What an attach did, or would do, at one destination.

    `body` is the note or comment, character by character, `files` what was or would be uploaded,
    `marks` the labels or tags that were or would be added.
    """

    destination: Destination
    place: str
    action: Action
    message_id: int | None
    url: str | None
    body: str
    files: tuple[SentFile, ...] = ()
    marks: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    dry_run: bool = False


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


def may_have_arrived(error: ServiceError) -> bool:
    """Whether a write that ended so may have been carried out all the same: only a read-back can tell."""
    return error.sent and not isinstance(error, (RequestRejected, RateLimited))


def own_notes(gitlab: GitLabClient, project: str, iid: int, mark: str) -> list[Note]:
    """
    The internal notes that hold this mark and were written by the same account, the oldest first.

    A note of anyone else that holds the mark is not ours: it could make us believe that we have attached.
    """
    me = gitlab.me().id
    marked = [note for note in gitlab.notes(project, iid) if mark in note.body and note.internal and not note.system]
    return sorted((note for note in marked if note.author is not None and note.author.id == me), key=lambda one: one.id)


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
    existing = own_notes(gitlab, project, iid, marker(record, "escalation"))
    if existing:
        return Escalated(exists, existing[0].id, "unchanged", f"Issue {issue} {told}; its escalation note was there.")
    note = gitlab.create_note(project, iid, escalation_markdown(record, label, exists))
    return Escalated(exists, note.id, "created", f"Issue {issue} {told} and has a new internal escalation note.")
