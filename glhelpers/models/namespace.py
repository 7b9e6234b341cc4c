"""
GitLab.com namespaces and what GitLab.com itself knows of their subscription.

API pages: namespaces, groups, members.  Which fields are there depends on who asks: limits are
for admins only, billing fields for Owners and admins; a missing key and `null` both mean "not told".
"""

from __future__ import annotations

from glhelpers.models.base import Day, Moment, PersonName, Texts, WireModel

__all__ = [
    "BillableMember",
    "BillableMembership",
    "CiMinutesUsage",
    "GitlabSubscription",
    "Group",
    "Member",
    "Namespace",
    "PersonalAccessToken",
    "SubscriptionBilling",
    "SubscriptionPlan",
    "SubscriptionUsage",
    "TokenInfo",
    "User",
]


class CiMinutesUsage(WireModel):
    """Compute minutes used this month: in all, within the quota, and out of the additional units."""

    total_minutes_used: int
    monthly_minutes_used: int
    purchased_minutes_used: int


class Namespace(WireModel):
    """
    A namespace as `GET /namespaces/:id` answers.

    `billable_members_count` is live; `seats_in_use` and `max_seats_used` are stored figures that a
    daily job refreshes.  Minutes limits: None inherits the plan's quota, 0 means unlimited.
    Storage is in MiB.
    """

    id: int
    name: str
    path: str
    kind: str
    full_path: str
    parent_id: int | None = None
    web_url: str | None = None
    members_count_with_descendants: int | None = None
    shared_runners_minutes_limit: int | None = None
    extra_shared_runners_minutes_limit: int | None = None
    additional_purchased_storage_size: int | None = None
    additional_purchased_storage_ends_on: Day | None = None
    billable_members_count: int | None = None
    seats_in_use: int | None = None
    max_seats_used: int | None = None
    max_seats_used_changed_at: Moment | None = None
    end_date: Day | None = None
    plan: str | None = None
    trial: bool | None = None
    trial_ends_on: Day | None = None
    ci_minutes_usage: CiMinutesUsage | None = None


class SubscriptionPlan(WireModel):
    """The plan part of `GET /namespaces/:id/gitlab_subscription`; every leaf may be null."""

    code: str | None = None
    name: str | None = None
    trial: bool | None = None
    auto_renew: bool | None = None
    upgradable: bool | None = None
    exclude_guests: bool | None = None


class SubscriptionUsage(WireModel):
    """Seats as GitLab.com stores them; `seats_owed` lags until the daily refresh."""

    seats_in_subscription: int | None = None
    seats_in_use: int | None = None
    max_seats_used: int | None = None
    seats_owed: int | None = None


class SubscriptionBilling(WireModel):
    """Term of the subscription as GitLab.com stores it."""

    subscription_start_date: Day | None = None
    subscription_end_date: Day | None = None
    trial_ends_on: Day | None = None


class GitlabSubscription(WireModel):
    """
    What GitLab.com knows of a namespace's subscription.

    It holds no `A-S` number: GitLab.com does not know which subscription of CustomersDot is linked.
    """

    plan: SubscriptionPlan
    usage: SubscriptionUsage
    billing: SubscriptionBilling


class Group(WireModel):
    """The part of `GET /groups/:id` that the runbooks need."""

    id: int
    full_path: str
    parent_id: int | None = None
    marked_for_deletion_on: Day | None = None


class Member(WireModel):
    """A row of `GET /groups/:id/members` (direct) or `/members/all` (with inherited and invited)."""

    id: int
    username: str
    name: PersonName = None
    state: str
    access_level: int
    expires_at: Day | None = None
    membership_state: str | None = None


class BillableMember(WireModel):
    """A row of `GET /groups/:id/billable_members`."""

    id: int
    username: str
    state: str
    membership_type: str | None = None


class _AccessLevel(WireModel):
    integer_value: int


class BillableMembership(WireModel):
    """A row of `GET /groups/:id/billable_members/:user_id/memberships`."""

    id: int
    source_id: int
    access_level: _AccessLevel


class User(WireModel):
    """A GitLab.com user; `is_admin` is told to admins only (and to oneself), so None is "cannot tell"."""

    id: int
    username: str
    name: PersonName = None
    state: str | None = None
    is_admin: bool | None = None
    bot: bool | None = None


class PersonalAccessToken(WireModel):
    """`GET /personal_access_tokens/self`: what the token in use may do."""

    id: int
    name: str
    revoked: bool
    scopes: Texts
    user_id: int
    active: bool
    expires_at: Day | None = None


class TokenInfo(WireModel):
    """`GET /oauth/token/info`: whose token it is; the token itself is never part of a model."""

    resource_owner_id: int
    scope: Texts = ()
    expires_in: int | None = None
