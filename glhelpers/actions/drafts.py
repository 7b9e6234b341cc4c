"""
Ready texts for whoever must act next; templates hold the words, facts fill the blanks.

They hold no personal data of third parties: no name, no address, no other account's figures, and
never the Sold To contact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from glhelpers.models.change import ChangePlan, Receipt
from glhelpers.models.facts import AssociationFacts
from glhelpers.models.finding import Decision, Finding, Status, Verdict
from glhelpers.models.record import Draft
from glhelpers.rules.seats import is_substantial

__all__ = ["BILLING_OPS", "CUSTOMER", "ENGINEERS", "Wording", "association_words", "drafts_for", "render", "texts_for"]

CUSTOMER = "the customer, as a public reply on the ticket"
ENGINEERS = "the engineers with console access"
BILLING_OPS = "Billing Ops"

Wording = tuple[str, str, str]
"""Template, whom it is for, and its title."""

_SALES: Wording = ("seats_sales", "the Sales account manager, as an internal note", "Many more users than seats")
"""A customer who may owe much is one that Sales wants to hear of before the reconciliation does."""

_BY_RULE: Mapping[str, Wording] = {
    "account-has-a-linked-user": ("link_account", CUSTOMER, "Link a GitLab.com account"),
    "linked-user-owns-the-group": ("link_account", CUSTOMER, "Link an Owner's GitLab.com account"),
    "linked-user-is-active": ("link_account", CUSTOMER, "Link a GitLab.com account that is active"),
    "seats-cover-seats-in-use": ("seats_differ", CUSTOMER, "Seats bought and seats in use differ"),
    "there-is-a-reason-to-force": ("link_in_portal", CUSTOMER, "Link the group in the Customers Portal"),
    "is-not-associated-yet": ("already_there", CUSTOMER, "The subscription is on the group"),
    "subscription-has-an-order": ("order_missing", BILLING_OPS, "Order missing in CustomersDot"),
    "subscription-is-for-gitlab-com": (
        "wrong_product",
        "{team}",
        "Sold for self-managed, wanted on GitLab.com",
    ),
}


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("glhelpers.actions", "templates"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 (plain text for a reply; whatever shows it escapes it)
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    templates.filters["told"] = lambda value: "none" if value is None else value
    return templates


def render(wording: Wording, words: Mapping[str, Any]) -> Draft:
    """One text from its template `<kind>.md.j2` and the words for its blanks."""
    kind, audience, title = wording
    audience = audience.format(team=words.get("team", ""))
    body = _templates().get_template(f"{kind}.md.j2").render(**words)
    return Draft(kind=kind, audience=audience, title=title, body=body.strip() + "\n")


def texts_for(
    by_rule: Mapping[str, Wording], words: Mapping[str, Any], decision: Decision, findings: Sequence[Finding]
) -> tuple[Draft, ...]:
    """The texts for the rules that decided; none where a plan waits for approval, or where a fact is not known."""
    if decision.status in (None, Status.awaiting_approval):
        return ()
    unknown = {finding.rule for finding in findings if finding.verdict is Verdict.unknown}
    found = [by_rule[rule] for rule in decision.deciding if rule in by_rule and rule not in unknown]
    texts = tuple(render(wording, words) for wording in dict.fromkeys(found))
    costly = words.get("substantial") and not words.get("partner") and not words.get("program")
    return (*texts, render(_SALES, words)) if costly and any(text.kind == "seats_differ" for text in texts) else texts


def drafts_for(
    facts: AssociationFacts,
    findings: Sequence[Finding],
    decision: Decision,
    plan: ChangePlan | None,
    receipt: Receipt | None,
    *,
    by_rule: Mapping[str, Wording] = _BY_RULE,
    done: Wording = ("done", CUSTOMER, "The subscription is on the group"),
) -> tuple[Draft, ...]:
    """The texts that the outcome of an association calls for."""
    words = association_words(facts, receipt)
    if receipt is not None and not receipt.verified:
        return (render(("escalation", ENGINEERS, "The change did not succeed"), words),)
    if receipt is not None:
        return (render(done, words),)
    return texts_for(by_rule, words, decision, findings)


def association_words(facts: AssociationFacts, receipt: Receipt | None) -> dict[str, Any]:
    """What the texts about an association may speak of."""
    subscription, namespace, needed = facts.subscription.value, facts.namespace.value, facts.seats_needed.value
    seats = subscription.seats if subscription is not None else None
    over = needed.high - seats if needed is not None and seats is not None else None
    linked = [order for order in facts.orders.value or () if order.gl_namespace_id]
    program = subscription.community_program if subscription is not None else None
    return {
        "group": namespace.full_path if namespace is not None else facts.parameters.namespace,
        "namespace_id": namespace.id if namespace is not None else None,
        "subscription": facts.parameters.subscription_name,
        "plan": subscription.plan_code if subscription is not None else None,
        "program": program,
        "end": subscription.end_date.isoformat() if subscription is not None and subscription.end_date else None,
        "partner": subscription is not None and subscription.invoice_owner_type in ("reseller", "marketplace"),
        "team": "the programme team" if program else BILLING_OPS,
        "marketplace": subscription is not None and subscription.invoice_owner_type == "marketplace",
        "linked_elsewhere": bool(linked),
        "seats": seats,
        "needed": needed,
        "over": over,
        "substantial": over is not None and seats is not None and is_substantial(over, seats),
        "additional_used": _additional_used(facts),
        "minutes_used": _minutes_used(facts),
        "additional": namespace.extra_shared_runners_minutes_limit or 0 if namespace is not None else 0,
        "ticket": facts.parameters.ticket_url,
        "receipt": receipt,
        "what": _what(receipt, facts),
        "today": facts.today.value.isoformat() if facts.today.value is not None else None,
    }


def _what(receipt: Receipt | None, facts: AssociationFacts) -> str:
    namespace = facts.namespace.value
    group = f"{namespace.full_path} (id {namespace.id})" if namespace is not None else facts.parameters.namespace
    name = facts.parameters.subscription_name
    words = {
        "force_associate": f"Force Associate of {name} with {group}",
        "clear_subscription": f"Clear Subscription on {group}",
        "replace_subscription": f"Clear Subscription, then Force Associate of {name}, on {group}",
        "set_extra_minutes": f"Setting additional compute minutes of {group}",
        "reset_usage": f"The reset of compute usage of {group}",
    }
    return words.get(receipt.action, f"The change to {group}") if receipt is not None else ""


def _additional_used(facts: AssociationFacts) -> bool:
    usage = facts.namespace.value.ci_minutes_usage if facts.namespace.value is not None else None
    return usage is not None and usage.purchased_minutes_used > 0


def _minutes_used(facts: AssociationFacts) -> int | None:
    usage = facts.namespace.value.ci_minutes_usage if facts.namespace.value is not None else None
    return usage.total_minutes_used if usage is not None else None
