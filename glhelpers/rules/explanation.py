"""What the explainer is told beside the text, what it answers, and the words for either."""

from __future__ import annotations

from typing import Literal

from glhelpers.models.base import OwnModel, Texts

__all__ = ["LOOK_UP", "SAYS", "WRITING", "Confidence", "Evidence", "Explanation", "known_facts"]

WRITING = frozenset({"force_associate", "clear_subscription", "portal_502", "subscription_not_visible"})
"""Runbooks that can end in a plan to write."""

Confidence = Literal["certain", "likely", "abstained"]


class Evidence(OwnModel):
    """
    What is known of a case beside the text; None is not known, never "no".

    Only what was looked up belongs here: a sentence of the customer is text, not evidence.
    `occupied_by` is what is on the target group now, `new_kind` what is to be put there;
    `seats_fit` says whether the seats bought equal the seats in use.
    """

    linked_user: bool | None = None
    linked_user_is_admin: bool | None = None
    token_state: Literal["valid", "expired", "none"] | None = None
    token_owner_matches_uid: bool | None = None
    portal_up: bool | None = None
    owner_of_group: bool | None = None
    occupied_by: Literal["active_plan", "expired_plan", "compute_minutes", "storage", "nothing"] | None = None
    new_kind: Literal["plan", "compute_minutes", "storage", "duo"] | None = None
    community_program: Literal["edu", "oss", "startups", "none"] | None = None
    sold_by: Literal["gitlab", "partner"] | None = None
    customer_sees_subscription: bool | None = None
    seats_fit: bool | None = None
    namespace_kind: Literal["group", "subgroup", "user"] | None = None
    path_has_dot: bool | None = None
    plan_on_gitlab: str | None = None
    order_linked_here: bool | None = None


class Explanation(OwnModel):
    """
    The answer to an error text or symptom.

    `symptom` None is an abstention. `escalate` says that somebody with more rights or knowledge
    decides (console engineers, an L&R expert), so that nothing is written meanwhile. `certain`
    means that the text is an exact one or facts bear it out, and nothing is left to look up.
    """

    symptom: str | None
    cause: str
    evidence: Texts = ()
    missing: Texts = ()
    next_step: str
    runbook: str | None = None
    anchor: str
    paragraph: str
    escalate: bool = False
    confidence: Confidence

    @property
    def proposes_write(self) -> bool:
        """
        Whether the way on is a write: always for force_associate, else where nothing is left to look up first.

        The runbook still looks everything up itself, and asks for approval before it writes.
        """
        return self.runbook == "force_associate" or (self.runbook in WRITING and not self.missing)


LOOK_UP = {
    "linked_user": "whether a GitLab.com user is linked to the CustomersDot account (its uid)",
    "linked_user_is_admin": "whether the linked GitLab.com user is an administrator (an administrator's token shows it)",
    "token_state": "whether the portal's token for the linked user is valid, expired or absent",
    "token_owner_matches_uid": "whether resource_owner_id of the token equals the uid of the CustomersDot account",
    "portal_up": "whether the Customers Portal works for others at this moment (status page)",
    "owner_of_group": "whether the linked user is a direct Owner of the top-level group",
    "occupied_by": "what is on the group now: a plan, active or expired, compute minutes, storage or nothing",
    "new_kind": "whether the new subscription is a plan with seats or consumption",
    "community_program": "whether the subscription belongs to EDU, OSS or Startups",
    "sold_by": "who sold the subscription: GitLab, or a partner, reseller or marketplace (Zuora, Invoice Owner)",
    "customer_sees_subscription": "whether the customer sees the subscription under Manage Purchases in the portal",
    "seats_fit": "whether the seats bought equal the seats in use of the group",
    "namespace_kind": "whether the target is a top-level group, a subgroup or a personal namespace",
    "path_has_dot": "whether the namespace's path holds a dot",
    "plan_on_gitlab": "the plan that GitLab.com shows on the group",
    "order_linked_here": "whether the order of this subscription names this group already",
}
"""For each field of `Evidence`, what to look up."""

SAYS: dict[tuple[str, str | bool], str] = {
    ("linked_user", True): "A GitLab.com user is linked to the CustomersDot account.",
    ("linked_user", False): "No GitLab.com user is linked to the CustomersDot account.",
    ("linked_user_is_admin", True): "The linked GitLab.com user is an administrator.",
    ("linked_user_is_admin", False): "The linked GitLab.com user is not an administrator.",
    ("token_state", "valid"): "The portal's token is valid.",
    ("token_state", "expired"): "The portal's token has expired.",
    ("token_state", "none"): "The portal holds no token.",
    ("token_owner_matches_uid", True): "The token's owner is the uid of the account.",
    ("token_owner_matches_uid", False): "The token's owner is not the uid of the account.",
    ("portal_up", True): "The Customers Portal works for others.",
    ("portal_up", False): "The Customers Portal is down for everybody.",
    ("owner_of_group", True): "The linked user is an Owner of the group.",
    ("owner_of_group", False): "The linked user is not an Owner of the group.",
    ("occupied_by", "active_plan"): "A plan that still runs is on the group.",
    ("occupied_by", "expired_plan"): "An expired plan is on the group.",
    ("occupied_by", "compute_minutes"): "Compute minutes bought earlier occupy the group.",
    ("occupied_by", "storage"): "Storage bought earlier occupies the group.",
    ("occupied_by", "nothing"): "Nothing occupies the group.",
    ("new_kind", "plan"): "The new subscription is a plan with seats.",
    ("new_kind", "compute_minutes"): "The new subscription is for compute minutes.",
    ("new_kind", "storage"): "The new subscription is for storage.",
    ("new_kind", "duo"): "The new subscription is for Duo seats.",
    ("community_program", "edu"): "The subscription belongs to EDU.",
    ("community_program", "oss"): "The subscription belongs to OSS.",
    ("community_program", "startups"): "The subscription belongs to Startups.",
    ("community_program", "none"): "The subscription belongs to no community programme.",
    ("sold_by", "gitlab"): "GitLab sold the subscription directly.",
    ("sold_by", "partner"): "A partner sold the subscription.",
    ("customer_sees_subscription", True): "The customer sees the subscription in the portal.",
    ("customer_sees_subscription", False): "The customer does not see the subscription in the portal.",
    ("seats_fit", True): "The seats bought equal the seats in use.",
    ("seats_fit", False): "The seats bought differ from the seats in use.",
    ("namespace_kind", "group"): "The target is a top-level group.",
    ("namespace_kind", "subgroup"): "The target is a subgroup.",
    ("namespace_kind", "user"): "The target is a personal namespace.",
    ("plan_on_gitlab", "free"): "GitLab.com shows the group on Free.",
    ("plan_on_gitlab", "other"): "GitLab.com shows a plan other than Free on the group.",
    ("path_has_dot", True): "The path holds a dot.",
    ("path_has_dot", False): "The path holds no dot.",
    ("order_linked_here", True): "The subscription's order names this group already.",
    ("order_linked_here", False): "The subscription's order does not name this group.",
}
"""Each known value as a sentence."""


def known_facts(seen: Evidence) -> dict[str, str | bool]:
    """The fields that are known, with their values; of the plan on GitLab.com only whether it is `free` or `other`."""
    known: dict[str, str | bool] = {name: value for name, value in seen if value is not None}
    if (code := str(known.pop("plan_on_gitlab", "")).strip().casefold()) != "":
        known["plan_on_gitlab"] = "free" if code in ("free", "default") else "other"
    return known
