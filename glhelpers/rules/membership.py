"""May the requester's account see what the billing account holds: membership, login, and the order of saves."""

from __future__ import annotations

from glhelpers.models.fact import FactState, FactUnknown
from glhelpers.models.finding import Verdict
from glhelpers.models.not_visible_facts import NotVisibleFacts
from glhelpers.models.subscription import BillingAccount, Customer
from glhelpers.rules import handbook
from glhelpers.rules.rule import Judgement, passes, rule

__all__ = [
    "NO_ACCOUNT",
    "account_belongs_to_no_other_billing_account",
    "account_does_not_see_it_yet",
    "is_member",
    "login_is_activated",
    "sold_to_is_saved_last",
]

_WORKFLOW = ("sees-not.workflow",)
NO_ACCOUNT = "There is no account of the requester to look at."


def is_member(account: BillingAccount, customer: Customer) -> bool:
    """
    Whether the requester's account belongs to the billing account.

    Raises `FactUnknown` where the two records contradict each other.
    """
    listed = customer.id in account.member_customer_ids
    named = customer.zuora_account_id == account.zuora_account_id
    if customer.told("zuora_account_id") and listed != named:
        raise FactUnknown(
            f"account {customer.id} and the billing account contradict each other about whether it is a member"
        )
    return listed


@rule(
    "account-does-not-see-it-yet",
    "The account is not a member of the billing account yet",
    stage="already",
    anchor=handbook.SEES_NOT,
    paragraph="Associating purchases: who is a member and may log in sees the subscription",
    rests_on=_WORKFLOW,
    uses=("customer", "billing_account"),
)
def account_does_not_see_it_yet(facts: NotVisibleFacts) -> Judgement:
    if (missing := _cannot_be_member(facts)) is not None:
        return missing
    customer = facts.customer.known()
    if not is_member(facts.billing_account.known(), customer):
        return passes(f"Account {customer.id} is not a member of the billing account.")
    if customer.login_activated is None:
        raise FactUnknown(f"account {customer.id} is a member; whether it may log in is not told")
    if not customer.login_activated:
        return passes(f"Account {customer.id} is a member, but its login is not activated.")
    return Judgement(
        Verdict.no_change,
        f"Account {customer.id} is a member of the billing account and may log in: it should see the subscription.",
        "Have the customer sign in with this account's address; the reply is drafted.",
    )


def _cannot_be_member(facts: NotVisibleFacts) -> Judgement | None:
    if facts.subscription.state is FactState.absent or facts.billing_account.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "There is no billing account to belong to.")
    if facts.customer.known_or_absent() is None:
        return Judgement(Verdict.not_applicable, NO_ACCOUNT)
    return None


@rule(
    "account-belongs-to-no-other-billing-account",
    "The account has no membership that it would have to give up",
    stage="membership",
    anchor=handbook.SEES_NOT,
    paragraph="Associating purchases: one membership per account; the old one goes only if they accept losing it",
    rests_on=_WORKFLOW,
    uses=("customer", "billing_account", "customer_confirmation"),
)
def account_belongs_to_no_other_billing_account(facts: NotVisibleFacts) -> Judgement:
    if (missing := _cannot_be_member(facts)) is not None:
        return missing
    customer = facts.customer.known()
    if is_member(facts.billing_account.known(), customer):
        return Judgement(Verdict.not_applicable, f"Account {customer.id} is a member of this billing account.")
    if not customer.told("zuora_account_id"):
        raise FactUnknown("CustomersDot does not say whether the account belongs to a billing account")
    if not customer.zuora_account_id:
        return passes(f"Account {customer.id} belongs to no billing account yet.")
    reason = f"Account {customer.id} belongs to billing account {customer.zuora_account_id}, and one membership is all."
    if not facts.parameters.customer_confirmation:
        return Judgement(
            Verdict.ask,
            f"{reason} It would lose sight of everything there.",
            "Ask whether they accept that, and give the link to their answer as customer_confirmation.",
        )
    return Judgement(
        Verdict.stop,
        f"{reason} The customer accepts losing it ({facts.parameters.customer_confirmation}).",
        "Remove the old membership by hand in the admin area (Billing account memberships) first, then run again.",
    )


@rule(
    "login-is-activated",
    "The account may log in to the portal",
    stage="login",
    anchor=handbook.SEES_NOT,
    paragraph="Associating purchases: Login activated must be ticked, unless somebody cleared it on purpose",
    rests_on=_WORKFLOW,
    uses=("customer", "billing_account", "customer_confirmation"),
)
def login_is_activated(facts: NotVisibleFacts) -> Judgement:
    if (missing := _cannot_be_member(facts)) is not None:
        return missing
    customer = facts.customer.known()
    if customer.login_activated is None:
        raise FactUnknown(f"whether account {customer.id} may log in is not told")
    if customer.login_activated:
        return passes(f"The login of account {customer.id} is activated.")
    if (asking := _perhaps_on_purpose(customer, facts.parameters.customer_confirmation)) is not None:
        return asking
    reason = f"The login of account {customer.id} is not activated."
    if is_member(facts.billing_account.known(), customer):
        return Judgement(
            Verdict.stop,
            f"{reason} It is a member already, so that nothing else is missing.",
            "Tick Login activated on the account's admin page by hand; save the real Sold To contact last.",
        )
    return Judgement(
        Verdict.warn, reason, "Tick Login activated on the account's admin page by hand, after the membership."
    )


def _perhaps_on_purpose(customer: Customer, confirmation: str) -> Judgement | None:
    """Somebody who clears the box after the account was made may have had a reason."""
    if not customer.told("login_deactivated_on"):
        raise FactUnknown(f"when the login of account {customer.id} was deactivated is not told")
    cleared, made = customer.login_deactivated_on, customer.created_on
    if cleared is None:
        return None
    if made is None:
        raise FactUnknown(f"when account {customer.id} was made is not told")
    if cleared <= made or confirmation:
        return None
    return Judgement(
        Verdict.ask,
        f"The login of account {customer.id} was deactivated on {cleared.isoformat()}, after the account was made "
        f"on {made.isoformat()}: perhaps on purpose.",
        "Ask who wanted that and whether it may be undone; give the link to the answer as customer_confirmation.",
    )


@rule(
    "sold-to-is-saved-last",
    "The order of saves keeps the Sold To contact",
    stage="saves",
    anchor=handbook.SEES_NOT,
    paragraph="Associating purchases: saving an account in the admin area can overwrite the Sold To contact in Zuora",
    rests_on=_WORKFLOW,
    uses=("customer",),
)
def sold_to_is_saved_last(facts: NotVisibleFacts) -> Judgement:
    return Judgement(
        Verdict.warn,
        "Saving an account in the admin area can overwrite the Sold To contact in Zuora; adding a membership does not.",
        "If an account has to be saved by hand, save that of the real Sold To contact last.",
    )
