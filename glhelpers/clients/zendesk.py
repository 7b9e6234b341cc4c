"""Zendesk. API pages: tickets, ticket comments, attachments, tags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

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

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

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
        answer = self._transport.write(
            "POST",
            call,
            f"{_API}/uploads.json",
            content=content,
            headers={"Content-Type": content_type},
            query={"filename": filename},
        )
        return self._transport.parse(call, answer, _UploadAnswer).upload

    def add_private_comment(self, ticket_id: int, body: str, upload_tokens: Sequence[str] = ()) -> Ticket:
        """Add an internal comment with these uploads."""
        comment: dict[str, Any] = {"body": body, "public": False, "uploads": list(upload_tokens)}
        call, path = "/tickets/:id", path_of(f"{_API}/tickets/{{}}.json", ticket_id)
        answer = self._transport.write("PUT", call, path, json={"ticket": {"comment": comment}})
        return self._transport.parse(call, answer, _TicketAnswer).ticket

    def add_tags(self, ticket_id: int, tags: Sequence[str]) -> tuple[str, ...]:
        """Add tags and keep those that are there."""
        call, path = "/tickets/:id/tags", path_of(f"{_API}/tickets/{{}}/tags.json", ticket_id)
        answer = self._transport.write("PUT", call, path, json={"tags": list(tags)})
        return self._transport.parse(call, answer, _TagsAnswer).tags

    def _get(self, call: str, path: str, shape: type[T]) -> T:
        return self._transport.parse(call, self._transport.read(call, path), shape)
