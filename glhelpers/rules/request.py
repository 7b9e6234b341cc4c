"""Is there a ticket to act on, and is it about the account that the facts show?"""

from __future__ import annotations

from glhelpers.models.fact import FactState
from glhelpers.models.facts import AssociationFacts, RunbookFacts
from glhelpers.models.finding import Verdict
from glhelpers.models.request import ticket_number
from glhelpers.rules import handbook
from glhelpers.rules.rule import Judgement, passes, rule

__all__ = ["parameters_name_the_same_account", "ticket_is_open", "ticket_link_is_well_formed"]

STAGE = "request"


@rule(
    "ticket-link-is-well-formed",
    "The Zendesk ticket link is there and well formed",
    stage=STAGE,
    anchor=handbook.FORCE,
    paragraph="Support Admin Tools: each form asks for the ticket link, which ends up in the audit events",
    rests_on=("force.when",),
    uses=("ticket_url",),
)
def ticket_link_is_well_formed(facts: RunbookFacts) -> Judgement:
    link = facts.parameters.ticket_url
    if not link:
        return Judgement(
            Verdict.stop,
            "No Zendesk ticket link was given; no tool acts without one.",
            "Open or find the customer's ticket and give its link as ticket_url.",
        )
    if ticket_number(link) is None:
        return Judgement(
            Verdict.stop,
            "The ticket link is not a link to a ticket of gitlab.zendesk.com.",
            "Give it as https://gitlab.zendesk.com/agent/tickets/ followed by the ticket's number.",
        )
    return passes("The ticket link is well formed.")


@rule(
    "ticket-is-open",
    "The ticket exists and is not closed",
    stage=STAGE,
    anchor=handbook.FORCE,
    paragraph="Support Admin Tools: the action is taken on behalf of a ticket",
    rests_on=("force.when",),
    uses=("ticket",),
)
def ticket_is_open(facts: RunbookFacts) -> Judgement:
    if ticket_number(facts.parameters.ticket_url) is None:
        return Judgement(Verdict.not_applicable, "There is no usable ticket link to look up.")
    if facts.ticket.state is FactState.absent:
        return Judgement(Verdict.stop, "Zendesk has no such ticket.", "Check the number in the ticket link.")
    ticket = facts.ticket.known()
    if ticket.status == "closed":
        return Judgement(
            Verdict.stop,
            f"Ticket {ticket.id} is closed; nothing can be noted on it any more.",
            "Use the follow-up ticket.",
        )
    return passes(f"Ticket {ticket.id} can be worked on.")


@rule(
    "parameters-name-the-same-account",
    "The CustomersDot account given is the one that holds the subscription",
    stage=STAGE,
    anchor=handbook.FORCE,
    paragraph="The linked user must belong to the CustomersDot account that the subscription is associated with",
    rests_on=("force.linked-owner",),
    uses=("customer", "orders"),
)
def parameters_name_the_same_account(facts: AssociationFacts) -> Judgement:
    asked = facts.parameters
    if not asked.customer_id and not asked.customer_email:
        return Judgement(Verdict.not_applicable, "No account was given; the order names it.")
    if facts.customer.state is FactState.absent or facts.orders.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "The order names no account to compare with.")
    customer = facts.customer.known()
    if asked.customer_id and int(asked.customer_id) != customer.id:
        return Judgement(
            Verdict.stop,
            f"The subscription belongs to CustomersDot account {customer.id}, not to {asked.customer_id}.",
            "Find out which account the customer means before anything is changed.",
        )
    if asked.customer_email and (customer.email or "").casefold() != asked.customer_email.casefold():
        return Judgement(
            Verdict.stop,
            f"CustomersDot account {customer.id}, which holds the subscription, has another e-mail address.",
            "Verify the requester; do not tell them whose account it is.",
        )
    return passes(f"CustomersDot account {customer.id} holds the subscription, as given.")
