"""The parameters in a person's words: what each asks for, an example of its form, and the answers to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["PARAMETERS", "Words"]


@dataclass(frozen=True)
class Words:
    """
    How a form asks for a parameter.

    `choices` are the only answers, with what they mean; `proposed` are usual ones beside free text, likewise.  What is
    `seldom` needed stands below the rest.  `about` is the group of fields it stands in.  What is `needed` has to
    be there before the form lets go, also where a run without a person would begin and stop for want of it.
    """

    label: str
    hint: str
    about: str = "What it is about"
    choices: Mapping[str, str] | None = None
    proposed: Mapping[str, str] = field(default_factory=dict)
    long: bool = False
    seldom: bool = False
    needed: bool = False


_TICKET, _WHO, _PROOF, _SELDOM = "The ticket", "The customer", "The proof", "Seldom needed"

_PROOF_WORDS = {
    "contact_approval": "the Sold To or Bill To contact approved",
    "previous_agreement": "an earlier agreement on a ticket",
    "invoice": "a recent invoice",
    "license_file": "a license file",
    "subscription_json": "the subscription's JSON, copied by an Owner",
    "reseller_vouches": "the reseller vouches for them",
}
_FROM_WORDS = {
    "sold_to": "the Sold To contact",
    "bill_to": "the Bill To contact",
    "owner": "an Owner of the group",
    "customer": "the customer",
    "reseller": "the reseller",
    "gitlab_employee": "a GitLab team member",
}

_SYMPTOMS = {
    "portal_502": "the portal answers 502",
    "asks_to_pay_for_seats": "the portal asks to pay for seats",
    "programme_without_button": "EDU or OSS, and there is no button to link the group",
    "already_associated": "the group is said to have a subscription already",
    "group_greyed_out_or_absent": "the group is greyed out or not in the list",
    "subscription_not_visible": "the subscription does not show in the portal",
    "partner_purchase": "it was bought from a reseller or on a marketplace",
    "billing_page_still_free": "the billing page still says Free",
}

PARAMETERS: Mapping[str, Words] = {
    "ticket_url": Words("Ticket link", "https://gitlab.zendesk.com/agent/tickets/<number>", _TICKET),
    "issue": Words("Issue", "group/project#12; where approvals are asked for and evidence goes", _TICKET),
    "symptom": Words("What the customer sees", "in your words, or one of the proposals", proposed=_SYMPTOMS),
    "error_text": Words("Exact error text", "pasted word for word", long=True),
    "namespace": Words("Group", "path or id of the top-level group"),
    "subscription_name": Words("Subscription", "A-S followed by eight digits, such as A-S00012345"),
    "write": Words(
        "The change to take back",
        "its id in `glhelpers journal list`; the record of a run has a link that fills it in",
        needed=True,
    ),
    "customer_id": Words("CustomersDot id", "the number of the account in CustomersDot, not GitLab.com's", _WHO),
    "customer_email": Words("Customer's e-mail", "of the CustomersDot account", _WHO),
    "customer_confirmation": Words("Customer's word on seats", "link to where they said what they want", _WHO),
    "compute_minutes": Words(
        "Compute minutes used",
        "what is to be done about them afterwards",
        _WHO,
        {"leave": "leave them as they are", "grant": "grant additional minutes", "reset": "reset what was used"},
        seldom=True,
    ),
    "proof": Words("Proof", "how the requester proved to speak for the customer", _PROOF, _PROOF_WORDS),
    "proof_from": Words("Given by", "who gave the proof", _PROOF, _FROM_WORDS),
    "proof_date": Words("Day of the proof", "YYYY-MM-DD; needed for an invoice", _PROOF),
    "proof_link": Words("Where the proof lies", "https link to the comment or file on the ticket", _PROOF),
    "pasted_subscription": Words("Pasted JSON", "of GET /namespaces/:id/gitlab_subscription", _PROOF, long=True),
    "ask_for_token": Words(
        "The portal's token",
        "asked for by a prompt when the look-up begins; never kept",
        _SELDOM,
        {"yes": "ask me for it", "no": "do without"},
        seldom=True,
    ),
    "portal_facts": Words("File of what was looked up by hand", "path of a sheet", _SELDOM, seldom=True),
    "approval": Words(
        "Approval given before", "path of approval.json, or the word issue for a note", _SELDOM, seldom=True
    ),
}
"""By name; every runbook's parameters are among them."""
