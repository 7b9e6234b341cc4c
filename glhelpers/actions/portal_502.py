"""`portal_502`: who is linked, whose the portal's token is, what the portal answers; and the plan to unlink."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from glhelpers.actions.plan import basis_of
from glhelpers.actions.reading import Look, Reader
from glhelpers.clients.clients import Clients
from glhelpers.errors import NotAuthenticated, NotFound, RequestRejected, ServiceUnavailable, UnexpectedAnswer
from glhelpers.models.change import Change, ChangePlan, Target
from glhelpers.models.fact import Fact, FactState, FactUnknown, Source
from glhelpers.models.finding import Finding
from glhelpers.models.portal_502_facts import Portal502Facts, PortalAnswer, PortalToken, linked_id
from glhelpers.models.request import Portal502Parameters, ticket_number
from glhelpers.models.subscription import Customer

__all__ = ["collect_portal_502", "plan_unlink", "target_account"]

_LABELS = {
    "answer": "What the portal answers",
    "token": "Whose the portal's token is",
    "linked_user": "Linked user",
    "same_uid": "Accounts with the same user",
    "token_user": "Owner of the portal's token",
}


def collect_portal_502(clients: Clients, asked: Portal502Parameters, reader: Reader) -> Portal502Facts:
    """
    The account first, then all that hangs on it, side by side; last, who owns a token of somebody else.

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
    for name in ("answer", "token", "linked_user", "same_uid"):
        nobody = customer is not None and customer.told("uid") and not customer.uid
        why = "nobody is linked" if nobody else "no account or no linked user is known"
        facts.setdefault(name, reader.skipped(name, _LABELS[name], why, absent=nobody))
    facts["token_user"] = _token_user(clients, customer, facts["token"], reader)
    facts["today"] = reader.derive("today", "Today", "Date header of GitLab.com", lambda: _today(clients))
    return Portal502Facts(parameters=asked, **facts)


def _today(clients: Clients) -> Any:
    day = clients.gitlab.today()
    if day is None:
        raise FactUnknown("GitLab.com was not asked anything")
    return day


def _token_user(clients: Clients, customer: Customer | None, token: Fact[PortalToken], reader: Reader) -> Fact[Any]:
    """Who the token's owner is, where that is not the linked user: the engineers want to know."""
    name, label, told = "token_user", _LABELS["token_user"], token.value
    if customer is None or told is None:
        return reader.skipped(name, label, "it is not known whose the portal's token is")
    owner = told.resource_owner_id
    if owner is None or owner == linked_id(customer):
        why = "there is no valid token" if owner is None else "it is the linked user"
        return reader.skipped(name, label, why, absent=True)
    look = Look(name, label, Source.gitlab, "GET /users/:id", lambda: clients.gitlab.user(owner))
    return reader.round([look])[name]


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
    portal, number = clients.customersdot, linked_id(customer)
    looks = [
        Look(
            "answer",
            _LABELS["answer"],
            Source.customersdot,
            "POST /customers/:id/impersonation-check",
            lambda: _answer(clients, customer.id),
        ),
        _token_look(clients, customer),
    ]
    if number is not None:
        looks += [
            Look("linked_user", "Linked user", Source.gitlab, "GET /users/:id", lambda: clients.gitlab.user(number)),
            Look(
                "same_uid",
                "Accounts with the same user",
                Source.customersdot,
                "GET /customers?uid=",
                lambda: portal.customers(uid=str(number)),
            ),
        ]
    return looks


def _answer(clients: Clients, customer_id: int) -> PortalAnswer:
    """It opens, or answers 502; any other failure says neither, and is no reason to end the run."""
    try:
        return PortalAnswer(opens=True, groups=clients.customersdot.impersonation_check(customer_id))
    except ServiceUnavailable as error:
        if error.status == 502:
            return PortalAnswer(opens=False)
        raise UnexpectedAnswer(error.message, status=error.status, request_id=error.request_id) from error


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
