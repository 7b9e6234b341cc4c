"""What a runbook is asked to do: its parameters, checked before anything is read."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError, ValidationInfo, field_validator

from glhelpers.errors import BadParameter
from glhelpers.models.base import OwnModel

__all__ = [
    "LONGEST",
    "PROOFS",
    "TICKET_LINK",
    "AssociationParameters",
    "ClearParameters",
    "ForceAssociateParameters",
    "NotVisibleParameters",
    "OwnershipParameters",
    "Portal502Parameters",
    "RunbookParameters",
    "StartHereParameters",
    "UndoParameters",
    "parse_parameters",
    "problems_in",
    "ticket_number",
]

LONGEST = 2000
"""No parameter is longer than this many characters."""

TICKET_LINK = re.compile(r"https://gitlab\.zendesk\.com/agent/tickets/([1-9][0-9]{0,14})(?:#[\w-]{1,60})?", re.ASCII)
"""The only form of ticket link that the Support Admin Tools accept (docs/adapter.md)."""

_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}", re.ASCII)
_ISSUE = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+#[1-9][0-9]{0,9}", re.ASCII)


def ticket_number(link: str) -> int | None:
    """The number in a well-formed Zendesk ticket link, else None."""
    match = TICKET_LINK.fullmatch(link)
    return int(match.group(1)) if match else None


def _as_text(value: object) -> object:
    """Papermill turns digits into numbers; a truth value, a float or a list is never meant."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError("must be text")
    text = str(value).strip() if isinstance(value, str) else str(value)
    if len(text) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters")
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise ValueError("holds control characters")
    return text


def _namespace(text: str) -> str:
    if re.fullmatch(r"[0-9]+", text):
        if text.startswith("0"):
            raise ValueError("is neither a path nor an id: an id has no leading zero")
        return text
    segments = text.split("/")
    well_formed = all(_SEGMENT.fullmatch(part) and ".." not in part for part in segments)
    if not well_formed or any(part.endswith((".", ".git", ".atom")) for part in segments) or len(segments) > 20:
        raise ValueError(
            "is not a group path: letters, digits, '_', '-' and '.', parts joined by single slashes, no '..' or spaces"
        )
    return text


def _matching(pattern: str, says: str) -> BeforeValidator:
    compiled = re.compile(pattern, re.ASCII)

    def check(value: object) -> object:
        text = _as_text(value)
        if isinstance(text, str) and text and not compiled.fullmatch(text):
            raise ValueError(says)
        return text

    return BeforeValidator(check)


def _namespace_field(value: object) -> object:
    text = _as_text(value)
    return _namespace(text) if isinstance(text, str) and text else text


def _one_of(*words: str) -> BeforeValidator:
    def check(value: object) -> object:
        text = _as_text(value)
        if isinstance(text, str) and text and text not in words:
            raise ValueError(f"is not one of {', '.join(words)}")
        return text

    return BeforeValidator(check)


def _as_paste(value: object) -> object:
    """Text copied from a page: its line breaks and tabs are harmless."""
    return _as_text(" ".join(value.split()) if isinstance(value, str) else value)


Text = Annotated[str, BeforeValidator(_as_text)]
Required = StringConstraints(min_length=1)
NamespaceRef = Annotated[str, Required, BeforeValidator(_namespace_field)]
_SUBSCRIPTION = _matching(r"A-S[0-9]{8,12}", "is not a subscription name such as A-S00012345")
SubscriptionName = Annotated[str, Required, _SUBSCRIPTION]
OptionalSubscription = Annotated[str, _SUBSCRIPTION]
OptionalNamespace = Annotated[str, BeforeValidator(_namespace_field)]
Pasted = Annotated[str, BeforeValidator(_as_paste)]
PastDay = Annotated[str, _matching(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "is not a day such as 2026-11-23")]

PROOFS = ("contact_approval", "previous_agreement", "invoice", "license_file", "subscription_json", "reseller_vouches")
"""The six ways to prove that a requester speaks for the customer (handbook: associating purchases)."""
CustomerId = Annotated[str, _matching(r"[1-9][0-9]{0,14}", "is not a CustomersDot id (a number)")]
Email = Annotated[str, _matching(r"[^@\s<>\"']{1,64}@[^@\s<>\"']{1,190}", "is not an e-mail address")]
IssueRef = Annotated[str, _matching(_ISSUE.pattern, "is not an issue reference such as group/project#12")]
HttpsLink = Annotated[str, _matching(r"https://[^\s<>\"'`|\\]+", "is not an https link")]


class RunbookParameters(OwnModel):
    """What every runbook takes. An empty text means "not given"; `portal_facts` is a file of what was read by hand."""

    customer_id: CustomerId = ""
    customer_email: Email = ""
    ticket_url: Text = ""
    issue: IssueRef = ""
    customer_confirmation: HttpsLink = ""
    portal_facts: Text = ""
    approval: Text = ""

    def recorded(self) -> dict[str, str | int | None]:
        """The parameters as the record keeps them; where an approval lay is no part of it, the approval itself is."""
        values: dict[str, str | int | None] = dict(self.model_dump(mode="json", exclude={"approval", "portal_facts"}))
        return {name: (None if value == "" else value) for name, value in values.items()}


class AssociationParameters(RunbookParameters):
    """Which subscription belongs on which group: `self_serve` and `provision_reseller` take no more."""

    namespace: NamespaceRef
    subscription_name: SubscriptionName


class ForceAssociateParameters(AssociationParameters):
    """Parameters of `force_associate`; `compute_minutes` says what is to be done about minutes used, afterwards."""

    compute_minutes: Annotated[str, _one_of("leave", "grant", "reset")] = ""


class OwnershipParameters(RunbookParameters):
    """
    How the requester proved that they speak for the customer.

    `proof` is one of `PROOFS`; `proof_from` who gave it; `proof_link` where it lies on the ticket;
    `proof_date` the day of an invoice; `pasted_subscription` the JSON that an Owner copied from
    `GET /namespaces/:id/gitlab_subscription`.
    """

    proof: Annotated[str, _one_of(*PROOFS)] = ""
    proof_from: Annotated[str, _one_of("sold_to", "bill_to", "owner", "customer", "reseller", "gitlab_employee")] = ""
    proof_date: PastDay = ""
    proof_link: HttpsLink = ""
    pasted_subscription: Pasted = ""


class ClearParameters(OwnershipParameters, AssociationParameters):
    """Parameters of `clear_subscription`: `subscription_name` is the one that shall take the place, empty for none."""

    subscription_name: OptionalSubscription = ""
    error_text: Pasted = ""


class Portal502Parameters(RunbookParameters):
    """Parameters of `portal_502`: the account, by id or address; `ask_for_token` `yes` prompts for the portal's token."""

    customer_email: Email = Field("", validate_default=True)
    ask_for_token: Annotated[str, _one_of("yes", "no")] = ""

    @field_validator("customer_email")
    @classmethod
    def _an_account_is_named(cls, email: str, info: ValidationInfo) -> str:
        if not email and not info.data.get("customer_id"):
            raise ValueError("or customer_id is needed: which account the portal fails for")
        return email


class NotVisibleParameters(OwnershipParameters):
    """Parameters of `subscription_not_visible`: the requester's account and the subscription they should see."""

    customer_email: Email = Field("", validate_default=True)
    subscription_name: SubscriptionName
    namespace: OptionalNamespace = ""

    @field_validator("customer_email")
    @classmethod
    def _an_account_is_named(cls, email: str, info: ValidationInfo) -> str:
        if not email and not info.data.get("customer_id"):
            raise ValueError("or customer_id is needed: whose account shall see the subscription")
        return email


class StartHereParameters(AssociationParameters):
    """Parameters of `start_here`: what is seen, in words or as the exact error text, and whatever is known."""

    symptom: Pasted = ""
    error_text: Pasted = ""
    namespace: OptionalNamespace = ""
    subscription_name: OptionalSubscription = ""


class UndoParameters(RunbookParameters):
    """Parameters of `undo`: `write` is the id, or its beginning, by which the journal knows the change."""

    write: Annotated[str, _matching(r"[0-9a-f]{8,64}", "is not the id of a write in the journal")] = ""


def parse_parameters(model: type[RunbookParameters], given: dict[str, Any], runbook: str) -> RunbookParameters:
    """
    The parameters as typed values.

    Raises `BadParameter` with one sentence that names every parameter that is unknown, missing or
    ill-typed; values are not repeated, since a mistyped one may be a token.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problems = _told(error)
    known = ", ".join(sorted(model.model_fields))
    raise BadParameter(
        f"Runbook {runbook} cannot start: {'; '.join(f'{name} {says}' for name, says in problems)}.",
        next_step=f"It takes these parameters: {known}.",
    ) from None


def problems_in(model: type[RunbookParameters], given: dict[str, Any]) -> list[tuple[str, str]]:
    """Each parameter that is unknown, missing or ill-typed, with what is wrong; none if a run can start with them."""
    try:
        model.model_validate(given)
    except ValidationError as error:
        return _told(error)
    return []


def _told(error: ValidationError) -> list[tuple[str, str]]:
    return [_problem(item["loc"], item["type"], item["msg"]) for item in error.errors()]


def _problem(place: tuple[int | str, ...], kind: str, message: str) -> tuple[str, str]:
    name = str(place[0])[:60] if place else "a parameter"
    shown = name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) else "a parameter with a malformed name"
    match kind:
        case "extra_forbidden":
            return shown, "is not a parameter of this runbook"
        case "missing" | "string_too_short":
            return shown, "is missing"
        case _:
            return shown, message.removeprefix("Value error, ")
