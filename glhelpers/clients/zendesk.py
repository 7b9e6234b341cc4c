"""Zendesk. API pages: tickets, ticket comments, attachments, tags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from glhelpers.clients.answer import Answer
from glhelpers.clients.patience import write_patiently
from glhelpers.clients.transport import Transport
from glhelpers.clients.wire import path_of
from glhelpers.errors import UnexpectedAnswer
from glhelpers.models.base import Texts, WireModel
from glhelpers.models.ticket import Comment, Ticket, ZendeskUpload

__all__ = ["ZendeskClient"]

T = TypeVar("T")

_API = "/api/v2"
_MOST_PAGES = 50  # Zendesk keeps 5000 comments of a ticket


class _TicketAnswer(WireModel):
    ticket: Ticket


class _CommentsAnswer(WireModel):
    comments: list[Comment]
    next_page: str | None = None


class _TagsAnswer(WireModel):
    tags: Texts


class _UploadAnswer(WireModel):
    upload: ZendeskUpload


class ZendeskClient:
    """Typed calls to tickets; comments are private, always."""

    def __init__(self, transport: Transport, *, sleep: Callable[[float], None] | None = None) -> None:
        self._transport, self._sleep = transport, sleep

    def patient(self, sleep: Callable[[float], None]) -> ZendeskClient:
        """The same client, which waits out a 429 to a write, up to a minute, where this one hands it on."""
        return ZendeskClient(self._transport, sleep=sleep)

    def ticket(self, ticket_id: int) -> Ticket:
        """A ticket."""
        return self._get("/tickets/:id", path_of(f"{_API}/tickets/{{}}.json", ticket_id), _TicketAnswer).ticket

    def comments(self, ticket_id: int) -> tuple[Comment, ...]:
        """All comments of a ticket, the oldest first."""
        call, path = "/tickets/:id/comments", path_of(f"{_API}/tickets/{{}}/comments.json", ticket_id)
        comments: list[Comment] = []
        for page in range(1, _MOST_PAGES + 1):
            answer = self._transport.read(call, path, {"page": page, "per_page": 100})
            told: _CommentsAnswer = self._transport.parse(call, answer, _CommentsAnswer)
            comments += told.comments
            if told.next_page is None:  # only whether there is one counts: addresses are made here
                return tuple(comments)
        raise UnexpectedAnswer(
            f"Ticket {ticket_id} has more comments than Zendesk keeps.", next_step="Look at the ticket in a browser."
        )

    def upload(self, filename: str, content: bytes, content_type: str) -> ZendeskUpload:
        """Upload a file; its token must be used in a comment within 60 minutes."""
        call = "/uploads"
        parts = {"content": content, "headers": {"Content-Type": content_type}, "query": {"filename": filename}}
        answer = self._write("POST", call, f"{_API}/uploads.json", **parts)
        return self._transport.parse(call, answer, _UploadAnswer).upload

    def add_private_comment(
        self, ticket_id: int, body: str, upload_tokens: Sequence[str] = (), *, stamp: str | None = None
    ) -> Ticket:
        """
        Add an internal comment with these uploads.

        With `stamp`, only if the ticket is still as it was when it was read: else `RequestRejected` with status 409.
        """
        ticket: dict[str, Any] = {"comment": {"body": body, "public": False, "uploads": list(upload_tokens)}}
        if stamp is not None:
            ticket |= {"safe_update": True, "updated_stamp": stamp}
        call, path = "/tickets/:id", path_of(f"{_API}/tickets/{{}}.json", ticket_id)
        answer = self._write("PUT", call, path, json={"ticket": ticket})
        return self._transport.parse(call, answer, _TicketAnswer).ticket

    def add_tags(self, ticket_id: int, tags: Sequence[str]) -> tuple[str, ...]:
        """Add tags and keep those that are there."""
        call, path = "/tickets/:id/tags", path_of(f"{_API}/tickets/{{}}/tags.json", ticket_id)
        answer = self._write("PUT", call, path, json={"tags": list(tags)})
        return self._transport.parse(call, answer, _TagsAnswer).tags

    def _write(self, method: str, call: str, path: str, **parts: Any) -> Answer:
        return write_patiently(self._transport, method, call, path, sleep=self._sleep, **parts)

    def _get(self, call: str, path: str, shape: type[T]) -> T:
        return self._transport.parse(call, self._transport.read(call, path), shape)
