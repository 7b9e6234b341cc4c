"""Is a GitLab.com user who owns the group linked to the CustomersDot account that holds the subscription?"""

from __future__ import annotations

from datetime import date

from glhelpers.models.fact import FactState, FactUnknown
from glhelpers.models.facts import AssociationFacts
from glhelpers.models.finding import Verdict
from glhelpers.models.namespace import Member
from glhelpers.rules import handbook
from glhelpers.rules.rule import Judgement, passes, rule
from glhelpers.rules.thresholds import OWNER

__all__ = [
    "account_has_a_linked_user",
    "linked_user_is_active",
    "linked_user_is_no_admin",
    "linked_user_owns_the_group",
    "why_not_owner",
]

STAGE = "ownership"

_RELINK = (
    "Have the customer sign in with a one-time link and link the account of an Owner of the group, then run again."
)


def _no_account(facts: AssociationFacts) -> Judgement | None:
    if FactState.absent in (facts.subscription.state, facts.namespace.state):
        return Judgement(Verdict.not_applicable, "There is no namespace or no subscription to look at.")
    if not facts.orders.known_or_absent():
        return Judgement(Verdict.not_applicable, "No order names an account.")
    return None


def _nobody_linked(facts: AssociationFacts) -> Judgement | None:
    if (none := _no_account(facts)) is not None:
        return none
    if facts.customer.state is FactState.known and not facts.customer.known().uid:
        return Judgement(Verdict.not_applicable, "Nobody is linked.")
    return None


@rule(
    "account-has-a-linked-user",
    "A GitLab.com user is linked to the CustomersDot account",
    stage=STAGE,
    anchor=handbook.FORCE,
    paragraph="Without a linked user later changes do not reach the group, or drop it to Free",
    rests_on=("force.linked-owner",),
    uses=("customer",),
)
def account_has_a_linked_user(facts: AssociationFacts) -> Judgement:
    if (none := _no_account(facts)) is not None:
        return none
    customer = facts.customer.known()
    if not customer.told("uid"):
        raise FactUnknown("CustomersDot does not say which GitLab.com user is linked")
    if not customer.uid:
        return Judgement(
            Verdict.stop,
            f"No GitLab.com user is linked to CustomersDot account {customer.id}: later changes of the subscription "
            "would not reach the group, or would drop it to Free.",
            _RELINK,
        )
    if not (customer.uid.isascii() and customer.uid.isdigit()):
        raise FactUnknown("the linked GitLab.com user's id is not a number")
    return passes(f"CustomersDot account {customer.id} is linked to GitLab.com user id {customer.uid}.")


@rule(
    "linked-user-is-active",
    "The linked user exists and is active",
    stage=STAGE,
    anchor=handbook.FORCE,
    paragraph="A GitLab.com user with the Owner role has been linked",
    rests_on=("force.linked-owner",),
    uses=("linked_user",),
)
def linked_user_is_active(facts: AssociationFacts) -> Judgement:
    if (none := _nobody_linked(facts)) is not None:
        return none
    if facts.linked_user.state is FactState.absent:
        return Judgement(Verdict.stop, "The linked GitLab.com user does not exist any more.", _RELINK)
    user = facts.linked_user.known()
    if user.state is None:
        raise FactUnknown("GitLab.com does not say whether the linked user is active")
    if user.state != "active":
        return Judgement(Verdict.stop, f"The linked user {user.username} is {user.state}.", _RELINK)
    return passes(f"The linked user {user.username} is active.")


@rule(
    "linked-user-is-no-admin",
    "The linked user is not a GitLab.com administrator",
    stage=STAGE,
    anchor=handbook.PORTAL_502,
    paragraph="An administrator's account linked by mistake makes the portal fail with 502",
    rests_on=("502.cause",),
    uses=("linked_user",),
)
def linked_user_is_no_admin(facts: AssociationFacts) -> Judgement:
    if (none := _nobody_linked(facts)) is not None:
        return none
    if facts.linked_user.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "The linked user does not exist.")
    user = facts.linked_user.known()
    if user.is_admin is None:
        return Judgement(
            Verdict.warn,
            "This token cannot tell whether the linked user is an administrator.",
            "Use an administrator's token with scope admin_mode to see it.",
        )
    if user.is_admin:
        return Judgement(
            Verdict.stop,
            f"The linked user {user.username} is a GitLab.com administrator: linked by mistake.",
            "Unlink it with runbook portal_502, and have the customer link their own account.",
        )
    return passes(f"{user.username} is not an administrator.")


@rule(
    "linked-user-owns-the-group",
    "The linked user is a direct Owner of the group",
    stage=STAGE,
    anchor=handbook.FORCE,
    paragraph="Ensure that a user with the Owner role in the namespace is linked before forcing",
    rests_on=("force.linked-owner",),
    uses=("linked_member", "today"),
)
def linked_user_owns_the_group(facts: AssociationFacts) -> Judgement:
    if (none := _nobody_linked(facts)) is not None:
        return none
    if facts.linked_member.state is FactState.absent:
        return Judgement(Verdict.stop, "The linked user is not a direct member of the group.", _RELINK)
    member = facts.linked_member.known()
    problem = why_not_owner(member, facts.today.known())
    if problem is not None:
        return Judgement(Verdict.stop, f"The linked user {member.username} {problem}.", _RELINK)
    return passes(f"{member.username} is an Owner of the group.")


def why_not_owner(member: Member, today: date) -> str | None:
    """Why this membership does not make its user an Owner today, as the end of a sentence; None if it does."""
    if member.access_level != OWNER:
        return f"is not an Owner of the group (access level {member.access_level}, Owner is {OWNER})"
    if member.state != "active" or member.membership_state not in (None, "active"):
        return "is a member of the group, but not an active one"
    if member.expires_at is not None and member.expires_at <= today:
        return f"was an Owner of the group until {member.expires_at.isoformat()}"
    return None
