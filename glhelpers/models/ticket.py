"""Zendesk tickets and GitLab issues, as far as evidence and gates need them."""

from __future__ import annotations

from pydantic import AliasChoices, Field

from glhelpers.models.base import Moment, Texts, WireModel

__all__ = ["Author", "Comment", "Issue", "IssueLink", "Label", "Note", "Ticket", "Upload", "ZendeskUpload"]


class Ticket(WireModel):
    """
    A Zendesk ticket; `status` closed means that nothing can be added to it any more.

    `stamp` is `updated_at` as it was written, for an update that is refused if the ticket has changed since.
    """

    id: int
    status: str
    subject: str | None = None
    tags: Texts = ()
    updated_at: Moment | None = None
    stamp: str | None = Field(default=None, validation_alias=AliasChoices("updated_at"), exclude=True, repr=False)


class Comment(WireModel):
    """A Zendesk ticket comment."""

    id: int
    body: str = ""
    public: bool = True


class ZendeskUpload(WireModel):
    """An uploaded file waiting for a comment: the token names it for 60 minutes."""

    token: str = Field(repr=False)
    expires_at: Moment | None = None


class Label(WireModel):
    """A project label."""

    id: int
    name: str


class Issue(WireModel):
    """A GitLab issue; `iid` is its number in the project."""

    id: int
    iid: int
    title: str
    state: str
    labels: Texts = ()
    web_url: str | None = None


class Author(WireModel):
    """Who wrote a note."""

    id: int
    username: str


class Note(WireModel):
    """A note on an issue."""

    id: int
    body: str
    internal: bool = False
    system: bool = False
    author: Author | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None


class Upload(WireModel):
    """A file uploaded to a project: `markdown` is the link to put into a note."""

    url: str
    markdown: str
    full_path: str | None = None
    alt: str | None = None


class IssueLink(WireModel):
    """A link between two issues."""

    link_type: str
