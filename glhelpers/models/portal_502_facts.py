"""What the rules of `portal_502` read."""

from __future__ import annotations

import re
from typing import Literal

from glhelpers.models.base import OwnModel
from glhelpers.models.fact import Fact
from glhelpers.models.facts import RunbookFacts
from glhelpers.models.namespace import User
from glhelpers.models.request import Portal502Parameters
from glhelpers.models.subscription import Customer

__all__ = ["Portal502Facts", "PortalAnswer", "PortalToken", "linked_id"]

_USER_ID = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)


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
    """
    Facts about one CustomersDot account.

    `token_user` is the owner of the portal's token, looked up only where that is not the linked user;
    `same_uid` are all accounts that share the `uid`, itself among them.
    """

    parameters: Portal502Parameters
    customer: Fact[Customer]
    portal_works: Fact[bool]
    answer: Fact[PortalAnswer]
    token: Fact[PortalToken]
    token_user: Fact[User]
    linked_user: Fact[User]
    same_uid: Fact[tuple[Customer, ...]]


def linked_id(customer: Customer) -> int | None:
    """The linked GitLab.com user's id as the number that CustomersDot keeps as text; None where it is no such number."""
    return int(customer.uid) if customer.uid and _USER_ID.fullmatch(customer.uid) else None
