"""The texts of `subscription_not_visible`: for the requester, for Billing Ops, for the colleague in the admin area."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from glhelpers.actions.drafts import BILLING_OPS, CUSTOMER, ENGINEERS, Wording, render, texts_for
from glhelpers.models.change import ChangePlan, Receipt
from glhelpers.models.finding import Decision, Finding, Verdict
from glhelpers.models.not_visible_facts import NotVisibleFacts
from glhelpers.models.record import Draft
from glhelpers.rules.ownership_proof import fitting_proofs
from glhelpers.rules.subscription_not_visible import proof_given

__all__ = ["drafts_not_visible"]

COLLEAGUE = "the colleague who works on the ticket"

_BY_RULE: dict[str, Wording] = {
    "ownership-is-proven": ("visible_proof", CUSTOMER, "Proof that you may see the subscription"),
    "account-does-not-see-it-yet": ("visible_already", CUSTOMER, "You should see the subscription"),
    "requester-has-an-account": ("visible_sign_in", CUSTOMER, "Sign in to the Customers Portal once"),
    "account-belongs-to-no-other-billing-account": ("visible_other", CUSTOMER, "What you would no longer see"),
    "login-is-activated": ("visible_login", CUSTOMER, "Your login to the Customers Portal"),
    "billing-account-is-known": ("visible_billing_ops", BILLING_OPS, "Whose the subscription is, is not clear"),
    "order-names-the-same-billing-account": (
        "visible_billing_ops",
        BILLING_OPS,
        "Whose the subscription is, is not clear",
    ),
}
_BY_HAND: dict[str, Wording] = {
    "account-belongs-to-no-other-billing-account": ("visible_by_hand", COLLEAGUE, "To be done by hand first"),
    "login-is-activated": ("visible_by_hand", COLLEAGUE, "To be done by hand"),
}
_INVITE: Wording = ("visible_invite", CUSTOMER, "If the portal says that the e-mail has already been taken")


def drafts_not_visible(
    facts: NotVisibleFacts,
    findings: Sequence[Finding],
    decision: Decision,
    plan: ChangePlan | None,
    receipt: Receipt | None,
) -> tuple[Draft, ...]:
    """The texts that the outcome calls for; none for a customer where a fact is what is missing."""
    words = _words(facts, receipt)
    by_hand = (render(_BY_HAND["login-is-activated"], words),) if words["activate"] else ()
    if receipt is not None and not receipt.verified:
        return (render(("escalation", ENGINEERS, "The membership was not added"), words),)
    if receipt is not None:
        return (render(("visible_done", CUSTOMER, "You can see the subscription now"), words), *by_hand)
    texts = texts_for(_chosen(findings), words, decision, findings)
    return (*texts, render(_INVITE, words)) if any(text.kind == "visible_sign_in" for text in texts) else texts


def _chosen(findings: Sequence[Finding]) -> dict[str, Wording]:
    """Where a rule stops for work by hand, the text is for the colleague, not for the customer."""
    stopped = {finding.rule for finding in findings if finding.verdict is Verdict.stop}
    chosen = _BY_RULE | {rule: wording for rule, wording in _BY_HAND.items() if rule in stopped}
    if "requester-has-an-account" in stopped:
        del chosen["requester-has-an-account"]  # an id that does not exist is our mistake, not the customer's
    return chosen


def _words(facts: NotVisibleFacts, receipt: Receipt | None) -> dict[str, Any]:
    asked, bought, customer, group = (
        facts.parameters,
        facts.subscription.value,
        facts.customer.value,
        facts.namespace.value,
    )
    linked = next((order.gl_namespace_id for order in facts.orders.value or () if order.gl_namespace_id), None)
    account = facts.billing_account.value
    member = account is not None and customer is not None and customer.id in account.member_customer_ids
    other = customer.zuora_account_id if customer is not None and not member else None
    return {
        "subscription": asked.subscription_name,
        "zuora": bought.zuora_account_id if bought is not None else None,
        "ordered": sorted({order.zuora_account_id for order in facts.orders.value or () if order.zuora_account_id}),
        "account": customer.id if customer is not None else asked.customer_id,
        "other": other,
        "member": member,
        "activate": customer is not None and customer.login_activated is False,
        "deactivated_on": customer.login_deactivated_on if customer is not None else None,
        "partner": bought is not None and bought.invoice_owner_type in ("reseller", "marketplace", "alliance"),
        "proofs": fitting_proofs(proof_given(facts)),
        "namespace_id": group.id if group is not None else linked,
        "self_managed": bought is not None and bought.deployment == "self_managed",
        "ticket": asked.ticket_url,
        "receipt": receipt,
        "what": f"Adding the CustomersDot account to the billing account of {asked.subscription_name}",
    }
