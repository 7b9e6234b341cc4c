"""
The policy of runbook `portal_502`: is an administrator's account linked by mistake, and nothing else the matter?

Read it next to the handbook section *Troubleshooting 502 errors while provisioning the
subscription*. Other causes of a 502 are told apart: an outage, an expired token, another user's
token, a user who is no administrator.
"""

from __future__ import annotations

from glhelpers.models.fact import FactState, FactUnknown
from glhelpers.models.finding import Verdict
from glhelpers.models.portal_502_facts import Portal502Facts, linked_id
from glhelpers.models.subscription import Customer
from glhelpers.rules import handbook, request
from glhelpers.rules.rule import Judgement, Policy, passes, rule

__all__ = ["POLICY", "other_accounts"]

_NOT_THIS = "This is not the fault that unlinking mends: give the drafted text to the engineers, and unlink nothing."


def _no_account(facts: Portal502Facts) -> Judgement | None:
    if facts.customer.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "There is no account to look at.")
    return None


def _nobody_linked(facts: Portal502Facts) -> Judgement | None:
    if (none := _no_account(facts)) is not None:
        return none
    customer = facts.customer.known()
    if customer.told("uid") and not customer.uid:
        return Judgement(Verdict.not_applicable, "Nobody is linked.")
    return None


def other_accounts(facts: Portal502Facts) -> tuple[Customer, ...]:
    """The other CustomersDot accounts that the same GitLab.com user is linked to; unknown if they cannot be listed."""
    own = facts.customer.known().id
    return tuple(account for account in facts.same_uid.known_or_absent() or () if account.id != own)


@rule(
    "account-exists",
    "The CustomersDot account exists",
    stage="account",
    anchor=handbook.PORTAL_502,
    paragraph="The 502 comes while impersonating a customer's account",
    rests_on=("502.cause",),
    uses=("customer",),
)
def account_exists(facts: Portal502Facts) -> Judgement:
    if facts.customer.state is FactState.absent:
        return Judgement(
            Verdict.stop,
            "CustomersDot knows no such account.",
            "Check the id: it is CustomersDot's, not that of GitLab.com. Or look the account up by another address.",
        )
    return passes(f"CustomersDot account {facts.customer.known().id} exists.")


@rule(
    "account-is-the-one-meant",
    "Id and e-mail address name the same account",
    stage="account",
    anchor=handbook.PORTAL_502,
    paragraph="It is the customer's own account that is unlinked, by its CustomersDot id",
    rests_on=("502.unlink",),
    uses=("customer", "customer_id", "customer_email"),
)
def account_is_the_one_meant(facts: Portal502Facts) -> Judgement:
    asked = facts.parameters
    if not (asked.customer_id and asked.customer_email):
        return Judgement(Verdict.not_applicable, "Only one of id and address was given.")
    if (none := _no_account(facts)) is not None:
        return none
    customer = facts.customer.known()
    if (customer.email or "").casefold() != asked.customer_email.casefold():
        return Judgement(
            Verdict.stop,
            f"CustomersDot account {customer.id} has another e-mail address than the one given.",
            "Find out which account the portal fails for; do not tell the customer whose the other one is.",
        )
    return passes(f"CustomersDot account {customer.id} has the address given.")


@rule(
    "portal-works-for-others",
    "The portal works for everybody else",
    stage="portal",
    anchor=handbook.PORTAL_502,
    paragraph="An outage of the portal looks the same as a linked administrator",
    rests_on=("502.cause",),
    uses=("portal_works",),
)
def portal_works_for_others(facts: Portal502Facts) -> Judgement:
    if facts.portal_works.known():
        return passes("The portal works for others.")
    return Judgement(
        Verdict.stop,
        "The Customers Portal is down for everybody, which looks the same as this fault.",
        "Wait until the status page says that it is over, then run again. Unlink nothing; a reply is drafted.",
    )


def _listing(groups: int | None) -> str:
    return "" if groups is None else f" and lists {groups} group{'' if groups == 1 else 's'}"


@rule(
    "portal-answers-502",
    "The portal answers 502 for this account",
    stage="portal",
    anchor=handbook.PORTAL_502,
    paragraph="The 502 while impersonating is what is to be mended",
    rests_on=("502.cause",),
    uses=("answer",),
)
def portal_answers_502(facts: Portal502Facts) -> Judgement:
    if (none := _no_account(facts)) is not None:
        return none
    answer = facts.answer.known()
    if answer.opens:
        return Judgement(
            Verdict.no_change,
            f"The portal opens for this account{_listing(answer.groups)}: there is nothing to mend.",
            "Ask the customer what they see; perhaps it is over.",
        )
    return passes("The portal answers 502 for this account.")


@rule(
    "somebody-is-linked",
    "A GitLab.com user is linked to the account",
    stage="link",
    anchor=handbook.PORTAL_502,
    paragraph="The portal fails because of the GitLab.com account that is linked",
    rests_on=("502.cause",),
    uses=("customer",),
)
def somebody_is_linked(facts: Portal502Facts) -> Judgement:
    if (none := _no_account(facts)) is not None:
        return none
    customer = facts.customer.known()
    if not customer.told("uid"):
        raise FactUnknown("CustomersDot does not say which GitLab.com user is linked")
    if not customer.uid:
        return Judgement(Verdict.stop, "No GitLab.com user is linked, so none can be unlinked.", _NOT_THIS)
    if linked_id(customer) is None:
        raise FactUnknown("the uid that CustomersDot holds is not the number of a GitLab.com user")
    return passes(f"GitLab.com user id {customer.uid} is linked.")


@rule(
    "linked-user-exists",
    "The linked GitLab.com user exists",
    stage="link",
    anchor=handbook.PORTAL_502,
    paragraph="The linked user is looked at before it is unlinked",
    rests_on=("502.verify",),
    uses=("linked_user",),
)
def linked_user_exists(facts: Portal502Facts) -> Judgement:
    if (none := _nobody_linked(facts)) is not None:
        return none
    if facts.linked_user.state is FactState.absent:
        return Judgement(Verdict.stop, "The linked GitLab.com user does not exist any more.", _NOT_THIS)
    user = facts.linked_user.known()
    return passes(f"The linked user is {user.username} (id {user.id}).")


@rule(
    "token-is-the-linked-users",
    "The portal's token belongs to the linked user",
    stage="token",
    anchor=handbook.PORTAL_502,
    paragraph="The token's resource_owner_id should be the id of the GitLab.com user",
    rests_on=("502.verify",),
    uses=("token", "token_user", "customer"),
)
def token_is_the_linked_users(facts: Portal502Facts) -> Judgement:
    if (none := _nobody_linked(facts)) is not None:
        return none
    token, uid = facts.token.known(), facts.customer.known().uid
    if token.state == "none":
        return Judgement(Verdict.warn, "The portal keeps no token for the account: only its uid tells who is linked.")
    if token.state == "refused":
        return Judgement(
            Verdict.warn,
            "GitLab.com does not take the portal's token any more (expired or revoked): only the uid tells who is "
            "linked.",
        )
    if token.resource_owner_id is None:
        raise FactUnknown("nobody tells whose the portal's token is")
    if str(token.resource_owner_id) != uid:
        owner = facts.token_user.value
        who = " (an administrator)" if owner is not None and owner.is_admin else ""
        return Judgement(
            Verdict.stop,
            f"The portal's token belongs to GitLab.com user id {token.resource_owner_id}{who}, but user id {uid} is "
            "linked.",
            "Unlink nothing: it is not clear whose account this is. Give the drafted text to the engineers.",
        )
    return passes(f"The portal's token belongs to user id {uid}, who is linked.")


@rule(
    "linked-user-is-an-administrator",
    "The linked user is a GitLab.com administrator",
    stage="administrator",
    anchor=handbook.PORTAL_502,
    paragraph="An administrator's account was linked by mistake, so that the portal asks for all groups there are",
    rests_on=("502.cause",),
    uses=("linked_user",),
)
def linked_user_is_an_administrator(facts: Portal502Facts) -> Judgement:
    if (none := _nobody_linked(facts)) is not None:
        return none
    if facts.linked_user.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "The linked user does not exist.")
    user = facts.linked_user.known()
    if user.is_admin is None:
        return Judgement(
            Verdict.unknown,
            f"This token cannot tell whether {user.username} is an administrator.",
            "Use an administrator's token with scope admin_mode; without that nothing is unlinked.",
        )
    if not user.is_admin:
        return Judgement(
            Verdict.stop, f"The linked user {user.username} is no administrator; the 502 has another cause.", _NOT_THIS
        )
    return passes(f"{user.username} is an administrator.")


@rule(
    "other-accounts-are-known",
    "Other accounts with the same GitLab.com user are known",
    stage="accounts",
    anchor=handbook.PORTAL_502,
    paragraph="The account is unlinked completely; others with the same user need the same",
    rests_on=("502.unlink",),
    uses=("same_uid",),
)
def other_accounts_are_known(facts: Portal502Facts) -> Judgement:
    if (none := _nobody_linked(facts)) is not None:
        return none
    others = other_accounts(facts)
    if others:
        ids = ", ".join(str(account.id) for account in others)
        return Judgement(
            Verdict.warn, f"The same GitLab.com user is linked to other accounts too: {ids}.", "Run for each of them."
        )
    return passes("The GitLab.com user is linked to this account only.")


POLICY: Policy[Portal502Facts] = Policy(
    runbook="portal_502",
    stages=("request", "account", "portal", "link", "token", "administrator", "accounts"),
    rules=(
        request.ticket_link_is_well_formed,
        request.ticket_is_open,
        account_exists,
        account_is_the_one_meant,
        portal_works_for_others,
        portal_answers_502,
        somebody_is_linked,
        linked_user_exists,
        token_is_the_linked_users,
        linked_user_is_an_administrator,
        other_accounts_are_known,
    ),
)
