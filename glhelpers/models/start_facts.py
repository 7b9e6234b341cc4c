"""What `start_here` knows: the facts of an association as far as something was named, and of the account."""

from __future__ import annotations

from glhelpers.models.fact import Fact
from glhelpers.models.facts import AssociationFacts
from glhelpers.models.namespace import TokenInfo
from glhelpers.models.request import StartHereParameters
from glhelpers.models.subscription import Customer

__all__ = ["StartFacts"]


class StartFacts(AssociationFacts):
    """
    Facts of an association, each absent where nothing was named that leads to it.

    `accounts` are the CustomersDot accounts that the parameters name; `token` whose token the portal
    keeps, and `portal` whether it works for others: looked up only where the symptom is about it.
    """

    parameters: StartHereParameters
    accounts: Fact[tuple[Customer, ...]]
    token: Fact[TokenInfo]
    portal: Fact[bool]
