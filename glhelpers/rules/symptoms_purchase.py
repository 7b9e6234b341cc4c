"""Known symptoms of a purchase that does not arrive: not seen, still Free, sold by a partner, wrong data behind it."""

from __future__ import annotations

from glhelpers.rules.symptom import Symptom, case
from glhelpers.rules.symptom_match import keys, phrase

__all__ = ["PURCHASE"]

# Texts in phrase() are known word by word; the key words in keys() are our own guess at how people put it.

_PORTAL = "portal customersdot customerdot purchases"

_WHERE = "in|on|under|at|when|after|there|anymore|anywhere|although"
# Words of a sentence about a subscription that is rightly gone, or about another thing than the subscription.
_AS_IT_SHOULD = (
    "page group dropdown button cancelled canceled correctly expected expired old previous activation license licence"
)

_NOT_VISIBLE = Symptom(
    id="subscription-not-visible",
    label="the customer does not see the subscription in the portal",
    paragraph="sees-not.workflow",
    wordings=(
        keys(
            "subscription|purchase|subscriptions|purchases|SUB not|isnt|arent visible|shown|displayed|listed",
            gap=7,
            beside=_PORTAL,
            unless=_AS_IT_SHOULD,
        ),
        keys(
            "subscription|purchase|subscriptions|purchases not|isnt|arent|doesnt|dont|didnt|wont show|appear|showing|appearing "
            "in|on|under|up|anywhere|at",
            gap=2,
            tight=True,
            beside=_PORTAL,
            unless=_AS_IT_SHOULD,
        ),
        keys(
            f"cant|cannot|dont|doesnt|unable|not see|find|view|locate subscription|purchase|subscriptions|SUB {_WHERE}",
            gap=5,
            tight=True,
            beside=_PORTAL,
            unless=_AS_IT_SHOULD,
        ),
        keys("no subscription|subscriptions|purchases visible|shown|listed|displayed", gap=2, beside=_PORTAL),
        keys(f"no subscription|subscriptions|purchases {_WHERE} portal|customersdot|manage", gap=2, tight=True),
        keys("subscription|subscriptions invisible|missing portal|customersdot", gap=2, tight=True),
        keys("manage purchases empty|blank", gap=2, tight=True),
    ),
    decided_by=("customer_sees_subscription",),
    usual=case(
        "The customer's portal account is no member of the billing account that holds the subscription.",
        "Have the requester prove ownership, then give their account access with the runbook, which looks up the billing account.",
        runbook="subscription_not_visible",
    ),
    cases=(
        case(
            "The customer's portal account is no member of the billing account that holds the subscription.",
            "Have the requester prove ownership, then add the billing account membership with the runbook.",
            runbook="subscription_not_visible",
            customer_sees_subscription=False,
        ),
    ),
    denied_by=({"customer_sees_subscription": True},),
)

_NO_BILLING_ACCOUNT = Symptom(
    id="no-billing-account-access",
    label="signed in as group Owner, but without access to the billing account",
    paragraph="sees-not.workflow",
    wordings=(
        keys("signed in group owner no|not|dont|without access billing account", gap=9),
        keys("no|not|dont|doesnt|without access billing account", gap=3, tight=True, unless="details reseller partner"),
    ),
    decided_by=("owner_of_group",),
    usual=case(
        "The person owns the group on GitLab.com, but their portal account is no member of the billing account behind the purchase.",
        "Verify the requester, find the billing account, and switch or add their membership; each account has one only.",
        runbook="subscription_not_visible",
    ),
    absorbs=frozenset({"subscription-not-visible"}),
)

# GitLab itself says the same where a user is made; that is no case for the portal.
_NO_PORTAL_ACCOUNT = "user username users self managed instance register registration signup"

_EMAIL_TAKEN = Symptom(
    id="email-taken",
    label="Email has already been taken",
    paragraph="sees-not.workflow",
    wordings=(
        phrase("Email has already been taken", unless=f"over care {_NO_PORTAL_ACCOUNT}"),
        keys("email|mail already been taken", gap=2, unless=f"username over care {_NO_PORTAL_ACCOUNT}"),
    ),
    decided_by=(),
    usual=case(
        "A portal account with this address exists already, so no second one can be made.",
        "Invite the existing account as billing account manager instead, once the requester is verified.",
        runbook="subscription_not_visible",
    ),
)

_BOUGHT = "bought|purchased|buy|purchase|ordered|order|sold|procured"
_PRODUCT = (
    "subscription|subscriptions|licence|licences|license|licenses|seats|plan|gitlab|premium|ultimate|it|them|order"
)
_FROM = "through|via|from|by|over|on|with"
_SELLER = "reseller|resellers|partner|partners|aws|gcp|marketplace|distributor"

_PARTNER = Symptom(
    id="partner-purchase",
    label="bought through a partner, reseller or marketplace; the portal is read-only",
    paragraph="reseller.read-only",
    wordings=(
        keys(f"{_BOUGHT} {_SELLER}", gap=2, tight=True),
        keys(f"{_BOUGHT} {_PRODUCT} {_FROM} {_SELLER}", gap=3, tight=True),
        keys(f"{_PRODUCT} {_BOUGHT} {_FROM} {_SELLER}", gap=3, tight=True),
        keys(f"{_BOUGHT} {_FROM} {_SELLER}", gap=2, tight=True),
        keys(f"{_PRODUCT} come|comes|came {_FROM} {_SELLER}", gap=2, tight=True),
        keys("reseller|partner|marketplace customer|purchase|order|subscription", gap=1),
        keys("aws|gcp|google|amazon marketplace", gap=1),
        keys(
            "portal|subscription|customersdot|purchases read only",
            gap=6,
            unless="limit storage free maintenance push repository repositories",
        ),
        keys(
            "read only access|banner|mode|message|notice",
            gap=1,
            beside=f"{_PORTAL} subscription subscriptions",
            unless="limit storage free maintenance push repository repositories",
        ),
    ),
    decided_by=("sold_by",),
    usual=case(
        "Customers of partners, resellers and cloud marketplaces may look at the subscription in the portal, not manage it; the banner is no fault.",
        "Find out who sold it. Linking the group in the portal is still the customer's own step; seats and invoices go through the seller.",
        runbook="provision_reseller",
    ),
    cases=(
        case(
            "A partner sold the subscription, so the portal is read-only for this customer, as it should be.",
            "Explain it, and have the customer link the group in the portal themselves; seats come from the seller.",
            runbook="provision_reseller",
            sold_by="partner",
        ),
    ),
    denied_by=({"sold_by": "gitlab"},),
    absorbs=frozenset({"asks-to-pay-for-seats"}),
)

_STILL_FREE = Symptom(
    id="billing-still-free",
    label="the group's billing page still shows Free",
    paragraph="sees.when",
    wordings=(
        keys("billing page still|shows|says|displays|show free", gap=6, unless="trial minutes"),
        keys("group|namespace still|remains|stays|shows|says|displays free", gap=5, unless="trial minutes users"),
        keys(
            "still on|shows|says|showing|displays|as free",
            gap=5,
            beside="billing group namespace plan tier",
            unless="trial minutes users",
        ),
        keys(
            "plan|paid|premium|ultimate not|isnt|doesnt|dont|cant show|shown|showing|see|reflected|visible|appear billing|group|namespace",
            gap=5,
        ),
        keys(
            "billing page not|doesnt|dont|isnt show|showing|reflect|display paid|premium|ultimate|plan|subscription",
            gap=4,
        ),
        keys("cant|cannot|dont|doesnt see|find|view subscription|plan billing page", gap=4),
        keys("group|namespace fell|dropped|went|reverted|downgraded free", gap=4, unless="trial users"),
    ),
    decided_by=("customer_sees_subscription", "sold_by", "order_linked_here", "linked_user"),
    usual=case(
        "The subscription was bought, but it is not linked to the group yet.",
        "Have the customer link it in the portal; the runbook looks up whether they can, and why not.",
        runbook="self_serve",
    ),
    cases=(
        case(
            "The order names the group, but nobody is linked to the account, so the change did not reach GitLab.com.",
            "Have an Owner link their account first; then look again before anything is associated anew.",
            runbook="self_serve",
            paragraph="force.linked-owner",
            order_linked_here=True,
            linked_user=False,
        ),
        case(
            "The order names the group, but GitLab.com still shows Free: the change is late or got lost.",
            "GitLab.com may lag by a day; after that, escalate with the order, the group and both readings.",
            escalate=True,
            paragraph="force.failure",
            order_linked_here=True,
        ),
        case(
            "A partner sold the subscription; the customer links it in the portal themselves all the same.",
            "Run the runbook for partner purchases, which checks whether they can.",
            runbook="provision_reseller",
            paragraph="reseller.self-serve",
            sold_by="partner",
        ),
        case(
            "The customer does not see the subscription in the portal, so they cannot link it.",
            "Give them access first, once the requester is verified.",
            runbook="subscription_not_visible",
            paragraph="sees-not.workflow",
            customer_sees_subscription=False,
        ),
        case(
            "The subscription is there in the portal, but not linked to the group.",
            "Have the customer link it there; the runbook drafts the steps.",
            runbook="self_serve",
            paragraph="sees.steps",
            customer_sees_subscription=True,
        ),
    ),
    denied_by=({"plan_on_gitlab": "other"},),
    generic=True,
)

_WRONG_DATA = Symptom(
    id="wrong-data-behind",
    label="wrong data in Zuora or Salesforce behind the purchase",
    paragraph="sees.root-cause",
    wordings=(
        keys("zuora|salesforce|sfdc wrong|incorrect|mismatch|mismatched|duplicate|differs", gap=6),
        keys(
            "wrong|incorrect|mismatched|duplicate account|sold|contact|data|opportunity|entity zuora|salesforce|sfdc",
            gap=6,
        ),
    ),
    decided_by=(),
    usual=case(
        "The records behind the purchase, in Zuora or Salesforce, do not say what was sold to whom.",
        "Do not force around it: an L&R expert hands the case to Billing Ops; the runbook drafts the text.",
        runbook="self_serve",
        escalate=True,
    ),
)

PURCHASE = (_NOT_VISIBLE, _NO_BILLING_ACCOUNT, _EMAIL_TAKEN, _PARTNER, _STILL_FREE, _WRONG_DATA)
"""Symptoms of a purchase that does not arrive."""
