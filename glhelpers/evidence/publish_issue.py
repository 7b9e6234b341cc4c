"""A run on a GitLab issue: its files uploaded, and one internal note that is brought up to date in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from glhelpers.clients.gitlab import GitLabClient
from glhelpers.errors import BadParameter, ServiceError, UnexpectedAnswer
from glhelpers.evidence.markdown import note_markdown
from glhelpers.evidence.personal import Destination, bound_for
from glhelpers.evidence.publish import Action, Attached, SentFile, may_have_arrived, own_notes, parse_issue
from glhelpers.evidence.publish_outbox import Memory, Message, Outbox, Place
from glhelpers.evidence.publish_parcel import Item, Parcel, parcel_for, refuse_secrets
from glhelpers.models.ticket import Issue, Note

__all__ = ["attach_to_issue"]


@dataclass(frozen=True)
class _Way:
    """What goes where: `mark` names run and issue in the note, `content` what it tells."""

    gitlab: GitLabClient
    name: str
    project: str
    issue: Issue
    parcel: Parcel
    labels: tuple[str, ...]
    mark: str
    content: str

    def notes(self) -> list[Note]:
        return own_notes(self.gitlab, self.project, self.issue.iid, self.mark)

    def items(self) -> tuple[Item, ...]:
        return (*self.parcel.readable(), self.parcel.archive())

    def body(self, links: Mapping[str, str]) -> str:
        return f"{note_markdown(self.parcel.record, links)}{self.mark}\n{self.content}\n"

    def told(self, action: Action, note_id: int | None, body: str, files: Sequence[SentFile] = ()) -> Attached:
        page = self.issue.web_url
        return Attached(
            destination=Destination.issue,
            place=self.name,
            action=action,
            message_id=note_id,
            url=f"{page}#note_{note_id}" if page and note_id is not None else None,
            body=body,
            files=tuple(files),
            marks=tuple(name for name in self.labels if name not in self.issue.labels),
            notices=self.parcel.notices,
        )


@bound_for(Destination.issue)
def attach_to_issue(
    folder: Path,
    gitlab: GitLabClient,
    issue: str,
    outbox: Outbox,
    *,
    labels: Sequence[str] = (),
    dry_run: bool = False,
) -> Attached:
    """
    Upload notebook, page and archive of a run and sum the run up in one internal note on the issue.

    A second attach of the same run changes nothing if nothing changed, and otherwise updates its own
    note; also after a crash at any point there is one note with one set of files.  Refuses to send
    anything if a secret stands in any file, a file is too large, or the project has no such label.
    With `dry_run` it only reads, and tells what it would send.
    """
    project, iid = parse_issue(issue)
    parcel = parcel_for(folder, Destination.issue)
    summary = note_markdown(parcel.record, {})
    refuse_secrets(folder, parcel, summary)
    at = gitlab.issue(project, iid)
    _refuse_unknown(gitlab, project, labels)
    content = parcel.content(summary)
    way = _Way(
        gitlab,
        f"{project}#{iid}",
        project,
        at,
        parcel,
        tuple(dict.fromkeys(labels)),
        mark=f"<!-- glhelpers-at: {parcel.run} issue {at.id} -->",
        content=f"<!-- glhelpers-content: {content} -->",
    )
    place = Place(way.name, f"issue {at.id}", parcel.run)
    if dry_run:
        told = _looked_at(way, outbox.look(place))
        return replace(told, dry_run=True, notices=(*told.notices, *_replaced(way)))
    with outbox.claim(place, content) as message:
        patient = replace(way, gitlab=gitlab.patient(message.pause))
        told = _attached(patient, message, outbox)
        if told.marks:
            patient.gitlab.add_labels(project, iid, told.marks)
    return replace(told, notices=(*told.notices, *_replaced(way)))


def _attached(way: _Way, message: Message, outbox: Outbox) -> Attached:
    note = _standing(way, message.message_id)
    if note is not None and way.content in note.body:
        message.settle(note.id)
        return way.told("unchanged", note.id, note.body)
    files, links = [], {}
    for item in way.items():
        link = message.uploaded(item.name, item.digest)
        files.append(SentFile.of(item, again=link is None))
        if link is None:
            link = way.gitlab.upload(way.project, item.name, item.content, item.media).markdown
            message.keep(item.name, item.digest, link)
        links[item.name] = link
    body = way.body(links)
    written = _sent(way, note, body, message, outbox)
    message.settle(written.id)
    return way.told("created" if note is None else "updated", written.id, body, files)


def _looked_at(way: _Way, known: Memory) -> Attached:
    """What an attach would do now; a link that GitLab.com has still to give is told with zeros."""
    note = _standing(way, known.message_id)
    if note is not None and way.content in note.body:
        return way.told("unchanged", note.id, note.body)
    there = {item.name: known.uploaded(item.name, item.digest) for item in way.items()}
    body = way.body({name: link or f"[{name}](/uploads/{'0' * 32}/{name})" for name, link in there.items()})
    files = [SentFile.of(item, again=there[item.name] is None) for item in way.items()]
    return way.told("created", None, body, files) if note is None else way.told("updated", note.id, body, files)


def _standing(way: _Way, known_id: int | None) -> Note | None:
    """
    The note of this run on this issue; of several, the oldest.

    `known_id` is the note that the outbox knows: a colleague's who shares the journal counts too, but
    only they can change it.
    """
    notes = way.notes()
    if notes or known_id is None:
        return notes[0] if notes else None
    every = way.gitlab.notes(way.project, way.issue.iid)
    known = next((note for note in every if note.id == known_id and note.internal and way.mark in note.body), None)
    if known is not None and way.content not in known.body:
        raise BadParameter(
            f"Note {known.id} on {way.name} tells this run and was written by another account; only that one can change it.",
            next_step="Have them attach the run again, or remove the note first.",
        )
    return known


def _sent(way: _Way, note: Note | None, body: str, message: Message, outbox: Outbox) -> Note:
    """The note as it stands now; if no whole answer came, it is read back and never sent a second time."""
    if note is None:
        outbox.turn()
    message.sending()
    try:
        if note is None:
            written = way.gitlab.create_note(way.project, way.issue.iid, body)
        else:
            written = way.gitlab.update_note(way.project, way.issue.iid, note.id, body)
    except ServiceError as error:
        if not may_have_arrived(error):
            message.not_sent()
            raise
        arrived = next((one for one in way.notes() if way.content in one.body), None)
        if arrived is None:
            raise
        written = arrived
    if not written.internal:
        raise UnexpectedAnswer(
            f"GitLab.com made note {written.id} on {way.name} public although an internal one was asked for.",
            next_step="Remove that note now; then ask for a role that may write internal notes.",
        )
    return written


def _refuse_unknown(gitlab: GitLabClient, project: str, labels: Sequence[str]) -> None:
    """GitLab would create a label that it does not know."""
    unknown = [name for name in labels if all(known.name != name for known in gitlab.labels(project, name))]
    if unknown:
        raise BadParameter(
            f"Project {project} has no label named {', '.join(unknown)}; nothing was sent.",
            next_step="Give the name exactly as the project spells it, or attach without a label.",
        )


def _replaced(way: _Way) -> tuple[str, ...]:
    """Adding `a::b` drops every other `a::…`."""
    kept = way.issue.labels
    scopes = {name.rpartition("::")[0] for name in way.labels if name not in kept} - {""}
    gone = [name for name in kept if name.rpartition("::")[0] in scopes and name not in way.labels]
    return (f"Labels of the same scope give way: {', '.join(gone)}.",) if gone else ()
