"""Ready texts for whoever must act next; templates hold the words, facts fill the blanks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from glhelpers.models.change import Receipt
from glhelpers.models.facts import AssociationFacts
from glhelpers.models.finding import Decision, Finding, Status
from glhelpers.models.record import Draft
from glhelpers.rules.seats import is_substantial

__all__ = ["drafts_for"]

_CUSTOMER = "the customer, as a public reply on the ticket"

_BY_RULE = {
    "account-has-a-linked-user": ("link_account", _CUSTOMER, "Link a GitLab.com account"),
    "linked-user-owns-the-group": ("link_account", _CUSTOMER, "Link an Owner's GitLab.com account"),
    "linked-user-is-active": ("link_account", _CUSTOMER, "Link a GitLab.com account that is active"),
    "seats-cover-seats-in-use": ("seats_differ", _CUSTOMER, "Seats bought and seats in use differ"),
    "there-is-a-reason-to-force": ("link_in_portal", _CUSTOMER, "Link the group in the Customers Portal"),
    "is-not-associated-yet": ("already_there", _CUSTOMER, "The subscription is on the group"),
    "subscription-has-an-order": ("order_missing", "Billing Ops", "Order missing in CustomersDot"),
    "subscription-is-for-gitlab-com": (
        "wrong_product",
        "the team that sold it",
        "Sold for self-managed, wanted on GitLab.com",
    ),
}


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("glhelpers.actions", "templates"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 (plain text for a reply; whatever shows it escapes it)
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )


def drafts_for(
    facts: AssociationFacts, findings: Sequence[Finding], decision: Decision, receipt: Receipt | None
) -> tuple[Draft, ...]:
    """
    The texts that this outcome calls for.

    They hold no personal data of third parties: no name, no address, no other account's figures.
    """
    if receipt is not None and not receipt.verified:
        return (
            _draft(
                "escalation", "the engineers with console access", "Force Associate did not succeed", facts, receipt
            ),
        )
    if receipt is not None:
        return (_draft("done", _CUSTOMER, "The subscription is on the group", facts, receipt),)
    if decision.status in (None, Status.awaiting_approval):
        return ()
    found = [_BY_RULE[rule] for rule in decision.deciding if rule in _BY_RULE]
    return tuple(_draft(kind, audience, title, facts, None) for kind, audience, title in dict.fromkeys(found))


def _draft(kind: str, audience: str, title: str, facts: AssociationFacts, receipt: Receipt | None) -> Draft:
    subscription, namespace, needed = facts.subscription.value, facts.namespace.value, facts.seats_needed.value
    seats = subscription.seats if subscription is not None else None
    over = needed.high - seats if needed is not None and seats is not None else None
    body = (
        _templates()
        .get_template(f"{kind}.md.j2")
        .render(
            group=namespace.full_path if namespace is not None else facts.parameters.namespace,
            namespace_id=namespace.id if namespace is not None else None,
            subscription=facts.parameters.subscription_name,
            plan=subscription.plan_code if subscription is not None else None,
            program=subscription.community_program if subscription is not None else None,
            end=subscription.end_date.isoformat() if subscription is not None and subscription.end_date else None,
            partner=subscription is not None and subscription.invoice_owner_type in ("reseller", "marketplace"),
            seats=seats,
            needed=needed,
            over=over,
            substantial=over is not None and seats is not None and is_substantial(over, seats),
            additional_used=_additional_used(facts),
            ticket=facts.parameters.ticket_url,
            receipt=receipt,
        )
    )
    return Draft(kind=kind, audience=audience, title=title, body=body.strip() + "\n")


def _additional_used(facts: AssociationFacts) -> bool:
    usage = facts.namespace.value.ci_minutes_usage if facts.namespace.value is not None else None
    return usage is not None and usage.purchased_minutes_used > 0
