"""A run on a Zendesk ticket: one private comment with its files; a comment cannot be edited, so new content follows it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from glhelpers.clients.zendesk import ZendeskClient
from glhelpers.errors import BadParameter, RequestRejected, ServiceError, UnexpectedAnswer
from glhelpers.evidence.personal import Destination, bound_for
from glhelpers.evidence.publish import Action, Attached, SentFile, may_have_arrived
from glhelpers.evidence.publish_outbox import Message, Outbox, Place
from glhelpers.evidence.publish_parcel import Item, Parcel, parcel_for, refuse_secrets
from glhelpers.evidence.summary import plain
from glhelpers.models.request import ticket_number
from glhelpers.models.ticket import Comment, Ticket

__all__ = ["attach_to_ticket"]

_LONGEST_LINE = 2_000
_TRIES = 2
_REFUSED, _CONFLICT = 422, 409
_ACTS = re.compile(r"(\{(?=[{%])|[}%](?=\})|!(?=\[)|\](?=[\[(]))")


@dataclass(frozen=True)
class _Way:
    """What goes where: `content` is the identity of text and files, `mark` names run and ticket."""

    zendesk: ZendeskClient
    number: int
    link: str
    parcel: Parcel
    lines: tuple[str, ...]
    tags: tuple[str, ...]
    content: str

    @property
    def mark(self) -> str:
        return f"glhelpers run {self.parcel.run} on ticket {self.number}, content"

    def latest(self) -> tuple[Comment, str] | None:
        """The last private comment of this run on this ticket, and the content that it tells."""
        told = re.compile(rf"^\s*{re.escape(self.mark)} ([0-9a-f]{{16}})\s*$", re.MULTILINE)
        for comment in sorted(self.zendesk.comments(self.number), key=lambda one: one.id, reverse=True):
            found = told.findall(comment.body)
            if found and not comment.public:
                return comment, found[-1]
        return None

    def body(self, files: Sequence[Item], before: str | None) -> str:
        replaces = f"This replaces the earlier comment on the same run (content {before}), which holds no more."
        names = f"Files: {', '.join(item.name for item in files)}"
        return "\n".join([*([replaces] if before else []), *self.lines, names, f"{self.mark} {self.content}"])

    def told(
        self, action: Action, ticket: Ticket, comment_id: int | None, body: str, files: Sequence[Item] = ()
    ) -> Attached:
        return Attached(
            destination=Destination.ticket,
            place=f"ticket {self.number}",
            action=action,
            message_id=comment_id,
            url=self.link,
            body=body,
            files=tuple(SentFile.of(item) for item in files),
            marks=tuple(tag for tag in self.tags if tag not in ticket.tags),
            notices=self.parcel.notices,
        )


@bound_for(Destination.ticket)
def attach_to_ticket(
    folder: Path,
    zendesk: ZendeskClient,
    ticket_url: str,
    outbox: Outbox,
    *,
    tags: Sequence[str] = (),
    dry_run: bool = False,
) -> Attached:
    """
    Put the run on its Zendesk ticket: one private comment with all files in one archive, and tags added.

    The archive is there because accounts often refuse notebook files.  A comment cannot be changed,
    so new content makes one more comment that says which one it replaces; the same content never
    makes a second one, also after a crash at any point.  Refuses what `attach_to_issue` refuses, and
    a closed ticket.
    """
    number = ticket_number(ticket_url)
    if number is None:
        raise BadParameter(
            "The ticket is not given as a link that can be read.",
            next_step="Write it as https://gitlab.zendesk.com/agent/tickets/<number>.",
        )
    parcel = parcel_for(folder, Destination.ticket)
    lines = tuple(_inert(line) for line in plain(parcel.record))
    refuse_secrets(folder, parcel, "\n".join(lines))
    content = parcel.content("\n".join(lines))[:16]
    way = _Way(zendesk, number, ticket_url, parcel, lines, _sound(tags), content)
    if dry_run:
        return replace(_looked_at(way), dry_run=True)
    with outbox.claim(Place(f"ticket {number}", f"ticket {number}", parcel.run), content) as message:
        patient = replace(way, zendesk=zendesk.patient(message.pause))
        told = _attached(patient, message)
        if told.marks:
            patient.zendesk.add_tags(number, told.marks)
    return told


def _looked_at(way: _Way) -> Attached:
    """What an attach would do now."""
    ticket, latest = _open_ticket(way), way.latest()
    if latest is not None and latest[1] == way.content:
        return way.told("unchanged", ticket, latest[0].id, latest[0].body)
    files = (way.parcel.archive(),)
    body = way.body(files, latest[1] if latest else None)
    return way.told("updated" if latest else "created", ticket, None, body, files)


def _attached(way: _Way, message: Message) -> Attached:
    """
    The comment, once.

    The ticket is read before its comments, and the update is refused if it has changed since: so
    nobody else can have added the comment in between.  A refusal is certain; then all is read anew.
    """
    uploads: tuple[tuple[Item, ...], list[str]] | None = None
    for left in reversed(range(_TRIES)):
        ticket, latest = _open_ticket(way), way.latest()
        if latest is not None and latest[1] == way.content:
            message.settle(latest[0].id)
            return way.told("unchanged", ticket, latest[0].id, latest[0].body)
        files, tokens = uploads = uploads or _uploaded(way)
        body = way.body(files, latest[1] if latest else None)
        message.sending()
        try:
            way.zendesk.add_private_comment(way.number, body, tokens, stamp=ticket.stamp)
        except RequestRejected as refusal:
            message.not_sent()
            if refusal.status == _CONFLICT and not left:
                raise _still_changing(way, refusal) from None
            if refusal.status not in (_CONFLICT, _REFUSED) or not left:
                raise
            if refusal.status == _REFUSED:
                uploads = None  # an upload may have expired
            continue
        except ServiceError as error:
            if not may_have_arrived(error):
                message.not_sent()
                raise
            if not _is_there(way):
                raise
        comment_id = _seen(way)
        message.settle(comment_id)
        return way.told("updated" if latest else "created", ticket, comment_id, body, files)
    raise AssertionError("the last try returns or raises")


def _still_changing(way: _Way, refusal: RequestRejected) -> RequestRejected:
    return RequestRejected(
        f"Ticket {way.number} was changed by somebody else twice while the comment was on its way; nothing was added.",
        next_step="Attach again in a moment.",
        status=refusal.status,
        request_id=refusal.request_id,
    )


def _is_there(way: _Way) -> bool:
    latest = way.latest()
    return latest is not None and latest[1] == way.content


def _seen(way: _Way) -> int:
    """The comment as Zendesk shows it, private."""
    latest = way.latest()
    if latest is None or latest[1] != way.content:
        raise UnexpectedAnswer(
            f"Zendesk took the comment on ticket {way.number}, but no private comment shows it.",
            next_step="Look at the ticket now: if the comment is public, make it private or remove it.",
        )
    return latest[0].id


def _open_ticket(way: _Way) -> Ticket:
    ticket = way.zendesk.ticket(way.number)
    if ticket.status == "closed":
        raise BadParameter(
            f"Ticket {way.number} is closed, so nothing can be added to it.", next_step="Attach to an issue instead."
        )
    return ticket


def _uploaded(way: _Way) -> tuple[tuple[Item, ...], list[str]]:
    """
    The files as they were uploaded, with the tokens that hang them on the comment.

    A token lives for an hour at most and opens the file, so it is used at once and kept nowhere.
    """
    archive = way.parcel.archive()
    try:
        return (archive,), [_token(way, archive)]
    except RequestRejected as refusal:
        if refusal.status != _REFUSED:
            raise
    # The account takes no archives either; text is what is left.
    texts = tuple(Item(f"{item.name}.txt", item.content, "text/plain") for item in way.parcel.readable())
    return texts, [_token(way, item) for item in texts]


def _token(way: _Way, item: Item) -> str:
    return way.zendesk.upload(item.name, item.content, item.media).token


def _inert(line: str) -> str:
    """The line without what Zendesk would act on: placeholders, and pictures or links in Markdown."""
    short = line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}… (the rest is in the files)"
    return _ACTS.sub(r"\1 ", short)


def _sound(tags: Sequence[str]) -> tuple[str, ...]:
    """Zendesk splits a tag at spaces and commas, so such a one would become several."""
    for tag in tags:
        if not re.fullmatch(r"[\w./:-]{1,80}", tag):
            raise BadParameter(f"{tag[:80]!r} is not a tag.", next_step="Use letters, digits, - and _.")
    return tuple(dict.fromkeys(tag.lower() for tag in tags))
