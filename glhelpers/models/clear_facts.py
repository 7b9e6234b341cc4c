"""What the rules of `clear_subscription` read, beside the facts of an association."""

from __future__ import annotations

from glhelpers.models.fact import Fact
from glhelpers.models.facts import AssociationFacts
from glhelpers.models.request import ClearParameters
from glhelpers.models.subscription import BillingAccount, Subscription

__all__ = ["ClearFacts"]


class ClearFacts(AssociationFacts):
    """
    The facts of an association; `occupying` is the subscription that is on the group now.

    `subscription` and all that hangs on it are those of the new one, absent where none was named;
    `billing_account` is that of the occupying subscription, whose owner must agree.
    """

    parameters: ClearParameters
    occupying: Fact[Subscription]
    billing_account: Fact[BillingAccount]
