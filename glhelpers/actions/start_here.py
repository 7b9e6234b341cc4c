"""`start_here`: look up what is named, say which runbook fits, and hand on its parameters."""

from __future__ import annotations

from collections.abc import Sequence

from glhelpers.actions.collect import Facts, association_facts
from glhelpers.actions.drafts import ENGINEERS, render
from glhelpers.actions.reading import Look, Reader
from glhelpers.clients.clients import Clients
from glhelpers.models.change import ChangePlan, Receipt
from glhelpers.models.fact import Source
from glhelpers.models.finding import Decision, Finding
from glhelpers.models.record import Draft, NextRunbook
from glhelpers.models.request import (
    AssociationParameters,
    ClearParameters,
    ForceAssociateParameters,
    NotVisibleParameters,
    Portal502Parameters,
    RunbookParameters,
    StartHereParameters,
)
from glhelpers.models.start_facts import StartFacts
from glhelpers.rules.explain import explain
from glhelpers.rules.start_here import WAYS, account_of, diagnosis, text_of, wording

__all__ = ["collect_start", "drafts_start", "next_start"]

_PARAMETERS: dict[str, type[RunbookParameters]] = {
    "provision_reseller": AssociationParameters,
    "portal_502": Portal502Parameters,
    "force_associate": ForceAssociateParameters,
    "clear_subscription": ClearParameters,
    "self_serve": AssociationParameters,
    "subscription_not_visible": NotVisibleParameters,
}
_NEEDED = {
    "portal_502": ("customer_id", "ticket_url"),
    "subscription_not_visible": ("customer_id", "subscription_name", "ticket_url"),
}
_USUALLY = ("namespace", "subscription_name", "ticket_url")


def collect_start(clients: Clients, asked: StartHereParameters, reader: Reader) -> StartFacts:
    """What can be looked up with the names at hand; the portal and its token only where the symptom is about them."""
    about_portal = explain(wording(asked.error_text or asked.symptom)).runbook == "portal_502"
    facts = association_facts(
        clients,
        asked,
        reader,
        lambda facts: _accounts(clients, asked, facts) + (_portal(clients, asked, facts) if about_portal else []),
    )
    for name, label in (("accounts", "Accounts given"), ("token", "Portal's token"), ("portal", "Portal works")):
        facts.setdefault(name, reader.skipped(name, label, "it was not needed"))
    return StartFacts(parameters=asked, **facts)


def _accounts(clients: Clients, asked: StartHereParameters, facts: Facts) -> list[Look]:
    portal, id, email = clients.customersdot, asked.customer_id, asked.customer_email
    by_id = Look(
        "accounts", "Accounts given", Source.customersdot, "GET /customers/:id", lambda: (portal.customer(int(id)),)
    )
    by_email = Look(
        "accounts",
        "Accounts given",
        Source.customersdot,
        "GET /customers?email=",
        lambda: portal.customers(email=email),
    )
    return [by_id] if id else [by_email] if email else []


def _portal(clients: Clients, asked: StartHereParameters, facts: Facts) -> list[Look]:
    portal = clients.customersdot
    looks = [Look("portal", "Portal works", Source.customersdot, "GET /status", portal.portal_status)]
    customer = facts["customer"].value if "customer" in facts else None
    id = customer.id if customer is not None else int(asked.customer_id or 0)
    if id:
        look = lambda: portal.token_info(id)  # noqa: E731 (a name would say no more)
        looks.append(Look("token", "Portal's token", Source.customersdot, "GET /customers/:id/token-info", look))
    return looks


def drafts_start(
    facts: StartFacts,
    findings: Sequence[Finding],
    decision: Decision,
    plan: ChangePlan | None,
    receipt: Receipt | None,
) -> tuple[Draft, ...]:
    """What was found, for the colleague who goes on; for the engineers where nothing is understood."""
    if not text_of(facts):
        return ()
    found = diagnosis(facts)
    words = {"found": found, "text": text_of(facts)[:500], "ticket": facts.parameters.ticket_url}
    if found.escalate or found.symptom is None:
        return (render(("start_unknown", ENGINEERS, "A symptom that is not understood"), words),)
    return (render(("start_found", "the colleague who works on the ticket", "What it is, and the way on"), words),)


def next_start(facts: StartFacts, decision: Decision, receipt: Receipt | None) -> tuple[NextRunbook, ...]:
    """The one runbook that fits, with every parameter that is known."""
    if not text_of(facts):
        return ()
    found = diagnosis(facts)
    if found.runbook not in WAYS:
        return ()
    account = account_of(facts)
    given = {name: str(value) for name, value in facts.parameters.recorded().items() if value not in (None, "")}
    if account is not None and found.runbook in _NEEDED:
        given.setdefault("customer_id", str(account.id))
        given.pop("customer_email", None)
    taken = _PARAMETERS[found.runbook].model_fields
    ready = {name: value for name, value in given.items() if name in taken}
    lacking = [name for name in _NEEDED.get(found.runbook, _USUALLY) if name not in ready]
    why = found.cause + (f" Still to fill in: {', '.join(lacking)}." if lacking else "")
    return (NextRunbook(runbook=found.runbook, why=why, parameters=ready),)
