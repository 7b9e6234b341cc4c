"""`portal_502`: who is linked, whose the portal's token is, what the portal answers; the plan to unlink, and the texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from glhelpers.actions.drafts import CUSTOMER, ENGINEERS, Wording, render, texts_for
from glhelpers.actions.plan import basis_of
from glhelpers.actions.reading import Look, Reader
from glhelpers.clients.clients import Clients
from glhelpers.errors import NotAuthenticated, NotFound, RequestRejected, ServiceUnavailable
from glhelpers.models.change import Change, ChangePlan, Receipt, Target
from glhelpers.models.fact import Fact, FactState, FactUnknown, Source
from glhelpers.models.finding import Decision, Finding
from glhelpers.models.portal_502_facts import Portal502Facts, PortalAnswer, PortalToken
from glhelpers.models.record import Draft, NextRunbook
from glhelpers.models.request import Portal502Parameters, ticket_number
from glhelpers.models.subscription import Customer
from glhelpers.rules.portal_502 import other_accounts

__all__ = ["collect_portal_502", "drafts_portal_502", "next_portal_502", "plan_unlink", "target_account"]

_BY_RULE: dict[str, Wording] = {
    "portal-works-for-others": ("portal_outage", CUSTOMER, "The portal is down at the moment"),
    "somebody-is-linked": ("portal_other_cause", ENGINEERS, "502 in the portal, and nobody is linked"),
    "linked-user-exists": ("portal_other_cause", ENGINEERS, "502 in the portal, and the linked user is gone"),
    "token-is-the-linked-users": ("portal_other_cause", ENGINEERS, "502 in the portal, and the ids differ"),
    "linked-user-is-an-administrator": ("portal_other_cause", ENGINEERS, "502 in the portal, but no administrator"),
}


def collect_portal_502(clients: Clients, asked: Portal502Parameters, reader: Reader) -> Portal502Facts:
    """
    The account first, then all that hangs on it, side by side.

    The portal's token, where one was lent to the run, goes to GitLab.com and nowhere else.
    """
    facts: dict[str, Fact[Any]] = reader.round(_first(clients, asked))
    if "ticket" not in facts:
        facts["ticket"] = reader.skipped("ticket", "Zendesk ticket", "there is no usable ticket link")
    found = facts["customer"]
    if isinstance(found.value, tuple):
        facts["customer"] = _the_one(found)
    customer: Customer | None = facts["customer"].value
    facts |= reader.round(_about(clients, customer) if customer is not None else [])
    labels = {
        "answer": "What the portal answers",
        "token": "Whose the portal's token is",
        "linked_user": "Linked user",
        "same_uid": "Accounts with the same user",
    }
    for name, label in labels.items():
        facts.setdefault(name, reader.skipped(name, label, "no account or no linked user is known"))
    facts["today"] = reader.derive("today", "Today", "Date header of GitLab.com", lambda: _today(clients))
    return Portal502Facts(parameters=asked, **facts)


def _today(clients: Clients) -> Any:
    day = clients.gitlab.today()
    if day is None:
        raise FactUnknown("GitLab.com was not asked anything")
    return day


def _first(clients: Clients, asked: Portal502Parameters) -> list[Look]:
    portal, id, email = clients.customersdot, asked.customer_id, asked.customer_email
    by_id = Look(
        "customer", "CustomersDot account", Source.customersdot, "GET /customers/:id", lambda: portal.customer(int(id))
    )
    by_email = Look(
        "customer",
        "CustomersDot account",
        Source.customersdot,
        "GET /customers?email=",
        lambda: portal.customers(email=email) or None,
    )
    looks = [
        by_id if id else by_email,
        Look(
            "portal_works",
            "Portal works for others",
            Source.customersdot,
            "GET /status",
            lambda: portal.portal_status(),
        ),
    ]
    number = ticket_number(asked.ticket_url)
    if number is not None:
        ticket = lambda: clients.zendesk.ticket(number)  # noqa: E731 (a name would say no more)
        looks.append(Look("ticket", "Zendesk ticket", Source.zendesk, "GET /tickets/:id", ticket))
    return looks


def _the_one(found: Fact[Any]) -> Fact[Any]:
    """The one account with that address; several are not told apart."""
    accounts: tuple[Customer, ...] = found.known()
    if len(accounts) == 1:
        return found.model_copy(update={"value": accounts[0]})
    why = f"{len(accounts)} accounts have this address; give customer_id"
    return found.model_copy(update={"value": None, "state": FactState.unknown, "why": why})


def _about(clients: Clients, customer: Customer) -> list[Look]:
    portal, uid = clients.customersdot, customer.uid
    looks = [
        Look(
            "answer",
            "What the portal answers",
            Source.customersdot,
            "POST /customers/:id/impersonation-check",
            lambda: _answer(clients, customer.id),
        ),
        _token_look(clients, customer),
    ]
    if uid and uid.isascii() and uid.isdigit() and len(uid) < 16:
        number = int(uid)
        looks += [
            Look("linked_user", "Linked user", Source.gitlab, "GET /users/:id", lambda: clients.gitlab.user(number)),
            Look(
                "same_uid",
                "Accounts with the same user",
                Source.customersdot,
                "GET /customers?uid=",
                lambda: portal.customers(uid=uid),
            ),
        ]
    return looks


def _answer(clients: Clients, customer_id: int) -> PortalAnswer:
    try:
        return PortalAnswer(opens=True, groups=clients.customersdot.impersonation_check(customer_id))
    except ServiceUnavailable as error:
        if error.status != 502:
            raise
        return PortalAnswer(opens=False)


def _token_look(clients: Clients, customer: Customer) -> Look:
    lent = clients.portal_token
    if lent is not None:
        call, source = "GET /oauth/token/info", Source.gitlab
        return Look("token", "Whose the portal's token is", source, call, lambda: _lent(clients, lent))
    call = "GET /customers/:id/token-info"
    fetch = lambda: _kept(clients, customer.id)  # noqa: E731 (a name would say no more)
    return Look("token", "Whose the portal's token is", Source.customersdot, call, fetch)


def _lent(clients: Clients, token: Any) -> PortalToken:
    try:
        told = clients.gitlab.token_info(token)
    except NotAuthenticated:
        return PortalToken(state="refused", seen_by="owner")
    return PortalToken(state="valid", resource_owner_id=told.resource_owner_id, seen_by="owner")


def _kept(clients: Clients, customer_id: int) -> PortalToken:
    try:
        told = clients.customersdot.token_info(customer_id)
    except NotFound:
        return PortalToken(state="none", seen_by="adapter")
    except NotAuthenticated:
        raise
    except RequestRejected as refusal:
        if refusal.status != 422:
            raise
        return PortalToken(state="refused", seen_by="adapter")
    return PortalToken(state="valid", resource_owner_id=told.resource_owner_id, seen_by="adapter")


def target_account(facts: Portal502Facts) -> str | None:
    """What an earlier run may have left a write open on."""
    return f"customer:{facts.customer.value.id}" if facts.customer.value is not None else None


def plan_unlink(facts: Portal502Facts, findings: Sequence[Finding], profile: str) -> ChangePlan:
    """The plan to unlink the administrator's account, by CustomersDot id. Pure."""
    customer, user = facts.customer.known(), facts.linked_user.known()
    uid, id = str(customer.uid), str(customer.id)
    return ChangePlan(
        runbook="portal_502",
        action="unlink",
        profile=profile,
        target=Target(kind="customer", id=id, name=f"CustomersDot account {id}", typed=id),
        ticket_url=facts.parameters.ticket_url,
        issue=facts.parameters.issue or None,
        arguments={
            "customer_id": customer.id,
            "expected_uid": uid,
            "zendesk_ticket_url": facts.parameters.ticket_url,
        },
        changes=(
            Change(
                field="uid",
                label="Linked GitLab.com user id",
                before=uid,
                after=None,
                note=f"{user.username}, an administrator of GitLab.com",
            ),
            Change(field="portal", label="The portal", before="502", after="answers"),
        ),
        basis=basis_of(
            findings,
            (
                ("customer.id", "CustomersDot account", customer.id),
                ("customer.uid", "Linked GitLab.com user id", uid),
                ("user.username", "Linked user", user.username),
            ),
        ),
        consequences=(
            f"{user.username} (id {uid}) is unlinked from CustomersDot account {id}.",
            "No GitLab.com group shows in the portal for this account until its right user is linked.",
            "Subscriptions, orders and groups stay as they are.",
        ),
        cannot_be_undone=("The token that the portal kept is gone; only a new sign-in makes another.",),
    )


def drafts_portal_502(
    facts: Portal502Facts,
    findings: Sequence[Finding],
    decision: Decision,
    plan: ChangePlan | None,
    receipt: Receipt | None,
) -> tuple[Draft, ...]:
    """How to link the right account; or who else has to look into it."""
    customer, token = facts.customer.value, facts.token.value
    words = {
        "customer_id": customer.id if customer is not None else None,
        "uid": customer.uid if customer is not None else None,
        "owner_id": token.resource_owner_id if token is not None else None,
        "is_admin": facts.linked_user.value.is_admin if facts.linked_user.value is not None else None,
        "why": decision.why,
        "ticket": facts.parameters.ticket_url or "none given",
        "receipt": receipt,
        "what": f"Unlinking the GitLab.com user of CustomersDot account {customer.id if customer else ''}",
    }
    if receipt is not None and not receipt.verified:
        return (render(("escalation", ENGINEERS, "Unlinking did not succeed"), words),)
    if receipt is not None:
        return (render(("portal_relink", CUSTOMER, "Link your own GitLab.com account"), words),)
    return texts_for(_BY_RULE, words, decision, findings)


def next_portal_502(facts: Portal502Facts, decision: Decision, receipt: Receipt | None) -> tuple[NextRunbook, ...]:
    """Other accounts that the same user is linked to need the same, each in a run of its own."""
    if receipt is None or not receipt.verified or facts.same_uid.value is None:
        return ()
    shared = {
        name: value
        for name, value in (("ticket_url", facts.parameters.ticket_url), ("issue", facts.parameters.issue))
        if value
    }
    return tuple(
        NextRunbook(
            runbook="portal_502",
            why=f"CustomersDot account {account.id} is linked to the same GitLab.com user.",
            parameters={"customer_id": str(account.id), **shared},
        )
        for account in other_accounts(facts)
    )
