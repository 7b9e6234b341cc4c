"""What a comparison of pasted values with looked-up ones found."""

from __future__ import annotations

from glhelpers.models.base import OwnModel

__all__ = ["Leaf"]


class Leaf(OwnModel):
    """
    One value of `GET /namespaces/:id/gitlab_subscription`, as an administrator sees it, and whether it was pasted so.

    The pasted value itself is not kept: a requester may paste anything.
    """

    name: str
    seen: str | int | bool | None
    same: bool
    missing: bool = False
