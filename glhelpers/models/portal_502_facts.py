"""What the rules of `portal_502` read."""

from __future__ import annotations

from typing import Literal

from glhelpers.models.base import OwnModel
from glhelpers.models.fact import Fact
from glhelpers.models.facts import RunbookFacts
from glhelpers.models.namespace import User
from glhelpers.models.request import Portal502Parameters
from glhelpers.models.subscription import Customer

__all__ = ["Portal502Facts", "PortalAnswer", "PortalToken"]


class PortalToken(OwnModel):
    """
    Whose the token is that the portal keeps for the account; never the token itself.

    `seen_by` is who asked GitLab.com: `owner` with the token lent to this run, `adapter` CustomersDot's.
    """

    state: Literal["valid", "refused", "none"]
    resource_owner_id: int | None = None
    seen_by: Literal["owner", "adapter"]


class PortalAnswer(OwnModel):
    """What the portal does for this account: it opens and lists so many groups, or answers 502."""

    opens: bool
    groups: int | None = None


class Portal502Facts(RunbookFacts):
    """Facts about one CustomersDot account; `accounts` are all that share its `uid`, itself among them."""

    parameters: Portal502Parameters
    customer: Fact[Customer]
    portal_works: Fact[bool]
    answer: Fact[PortalAnswer]
    token: Fact[PortalToken]
    linked_user: Fact[User]
    same_uid: Fact[tuple[Customer, ...]]
