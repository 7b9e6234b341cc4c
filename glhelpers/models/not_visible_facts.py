"""What the rules of `subscription_not_visible` read."""

from __future__ import annotations

from glhelpers.models.fact import Fact
from glhelpers.models.facts import RunbookFacts
from glhelpers.models.namespace import GitlabSubscription, Namespace
from glhelpers.models.proof import ComparedLeaf
from glhelpers.models.request import NotVisibleParameters
from glhelpers.models.subscription import BillingAccount, Customer, Order, Subscription

__all__ = ["NotVisibleFacts"]


class NotVisibleFacts(RunbookFacts):
    """
    The subscription, whose it is, and the account that should see it.

    `customer` is the requester's record, not that of the order; `namespace` the group that was named,
    else the one that the order is linked to; `gitlab_subscription` and `compared` are absent unless
    the proof is the pasted JSON.
    """

    parameters: NotVisibleParameters
    subscription: Fact[Subscription]
    orders: Fact[tuple[Order, ...]]
    billing_account: Fact[BillingAccount]
    customer: Fact[Customer]
    namespace: Fact[Namespace]
    gitlab_subscription: Fact[GitlabSubscription]
    compared: Fact[tuple[ComparedLeaf, ...]]
