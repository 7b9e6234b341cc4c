"""Who sold the subscription, told by its marks: Zuora's Invoice Owner, and whether the portal is read-only."""

from __future__ import annotations

from enum import StrEnum

from glhelpers.models.fact import FactUnknown
from glhelpers.models.subscription import Subscription

__all__ = ["Channel", "channel_of", "marks_contradict"]


class Channel(StrEnum):
    """Who invoices the customer. Only `reseller` and `marketplace` are partner purchases; an alliance is none."""

    reseller = "reseller"
    marketplace = "marketplace"
    alliance = "alliance"
    gitlab = "customer"

    @property
    def partner(self) -> bool:
        """Whether a partner sold it: then the portal is read-only, and seats are bought from that partner."""
        return self in (Channel.reseller, Channel.marketplace)


def marks_contradict(subscription: Subscription) -> str | None:
    """How the two marks contradict each other, as the end of a sentence; None if they agree or one is missing."""
    if subscription.invoice_owner_type is None or subscription.read_only is None:
        return None
    channel = Channel(subscription.invoice_owner_type)
    if channel.partner == subscription.read_only:
        return None
    access = "read-only" if subscription.read_only else "not read-only"
    return f"the Invoice Owner is of type {channel}, yet the portal is {access}"


def channel_of(subscription: Subscription) -> Channel:
    """
    The channel that both marks agree on.

    Raises `FactUnknown` where a mark is missing or the two contradict each other: a purchase that
    nobody can place is never taken for a direct one.
    """
    if subscription.invoice_owner_type is None:
        raise FactUnknown("CustomersDot does not say who is invoiced, so nobody knows whether a partner sold it")
    if (contradiction := marks_contradict(subscription)) is not None:
        raise FactUnknown(f"the marks of who sold it contradict each other: {contradiction}")
    channel = Channel(subscription.invoice_owner_type)
    if subscription.read_only is None and not channel.partner:
        raise FactUnknown(
            f"the Invoice Owner is of type {channel}, but whether the portal is read-only is not told; one mark alone "
            "makes no direct purchase"
        )
    return channel
