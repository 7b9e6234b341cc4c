"""An attach in words: what was done, or, for a dry run, every byte that would be sent."""

from __future__ import annotations

from collections.abc import Iterator

from glhelpers.evidence.personal import Destination
from glhelpers.evidence.publish import Attached, SentFile

__all__ = ["done", "would_send"]

_DONE = {
    (Destination.issue, "created"): "One internal note was added",
    (Destination.issue, "updated"): "The note was brought up to date",
    (Destination.issue, "unchanged"): "The note is there already",
    (Destination.ticket, "created"): "One private comment was added",
    (Destination.ticket, "updated"): "One more private comment was added, which says that it replaces the earlier one",
    (Destination.ticket, "unchanged"): "The comment is there already",
}
_WOULD = {
    (Destination.issue, "created"): "add one internal note",
    (Destination.issue, "updated"): "bring internal note {id} up to date",
    (Destination.ticket, "created"): "add one private comment",
    (Destination.ticket, "updated"): "add one more private comment that replaces the earlier one",
}
_MARKS = {Destination.issue: "label", Destination.ticket: "tag"}


def done(told: Attached) -> str:
    """One sentence on what was done."""
    where = told.url or told.place
    kind = _MARKS[told.destination]
    more = f"; {kind}{'s' if len(told.marks) > 1 else ''} added: {', '.join(told.marks)}" if told.marks else ""
    if told.action == "unchanged" and not told.marks:
        more = "; nothing was sent"
    return f"{_DONE[told.destination, told.action]}{more}: {where}"


def would_send(told: Attached) -> Iterator[str]:
    """
    Lines of a dry run: files with sizes and digests, labels or tags, and the text as it would be sent.

    The text stands between two lines of dashes, unchanged.
    """
    kind = _MARKS[told.destination]
    if told.action == "unchanged":
        yield f"{told.place}: the text is there already; no file and no text would be sent."
    else:
        what = _WOULD[told.destination, told.action].format(id=told.message_id)
        yield f"{told.place}: would {what}, {len(told.body):,} characters."
        yield from (f"  file   {_file(one)}" for one in told.files)
    yield from (f"  {kind:6} {name}" for name in told.marks)
    if not told.marks:
        yield f"  {kind:6} none to add"
    yield from (f"  note   {notice}" for notice in told.notices)
    if told.action != "unchanged":
        yield from _text(told)


def _file(one: SentFile) -> str:
    was = "" if one.again else ", uploaded before"
    return f"{one.name}  {one.size:,} bytes  sha256 {one.digest}{was}"


def _text(told: Attached) -> Iterator[str]:
    if told.destination is Destination.issue and any(one.again for one in told.files):
        yield "  The zeros in links stand for what GitLab.com answers to the uploads."
    if told.destination is Destination.ticket:
        yield "  If the account takes no archives, page and notebook go as .txt files, and the line of files names these."
    yield "-" * 80
    yield told.body.removesuffix("\n")
    yield "-" * 80
