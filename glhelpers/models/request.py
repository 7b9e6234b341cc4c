"""What a runbook is asked to do: its parameters, checked before anything is read."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, StringConstraints, ValidationError

from glhelpers.errors import BadParameter
from glhelpers.models.base import OwnModel

__all__ = [
    "LONGEST",
    "TICKET_LINK",
    "ForceAssociateParameters",
    "RunbookParameters",
    "parse_parameters",
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


Text = Annotated[str, BeforeValidator(_as_text)]
Required = StringConstraints(min_length=1)
NamespaceRef = Annotated[str, Required, BeforeValidator(_namespace_field)]
SubscriptionName = Annotated[
    str, Required, _matching(r"A-S[0-9]{8,12}", "is not a subscription name such as A-S00012345")
]
CustomerId = Annotated[str, _matching(r"[1-9][0-9]{0,14}", "is not a CustomersDot id (a number)")]
Email = Annotated[str, _matching(r"[^@\s<>\"']{1,64}@[^@\s<>\"']{1,190}", "is not an e-mail address")]
IssueRef = Annotated[str, _matching(_ISSUE.pattern, "is not an issue reference such as group/project#12")]
HttpsLink = Annotated[str, _matching(r"https://[^\s<>\"'`|\\]+", "is not an https link")]


class RunbookParameters(OwnModel):
    """What every runbook takes. An empty text means "not given"."""

    customer_id: CustomerId = ""
    customer_email: Email = ""
    ticket_url: Text = ""
    issue: IssueRef = ""
    customer_confirmation: HttpsLink = ""
    approval: Text = ""

    def recorded(self) -> dict[str, str | int | None]:
        """The parameters as the record keeps them; where an approval lay is no part of it, the approval itself is."""
        values: dict[str, str | int | None] = dict(self.model_dump(mode="json", exclude={"approval"}))
        return {name: (None if value == "" else value) for name, value in values.items()}


class ForceAssociateParameters(RunbookParameters):
    """Parameters of `force_associate`: which subscription belongs on which group."""

    namespace: NamespaceRef
    subscription_name: SubscriptionName


def parse_parameters(model: type[RunbookParameters], given: dict[str, Any], runbook: str) -> RunbookParameters:
    """
    The parameters as typed values.

    Raises `BadParameter` with one sentence that names every parameter that is unknown, missing or
    ill-typed; values are not repeated, since a mistyped one may be a token.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problems = [_problem(item["loc"], item["type"], item["msg"]) for item in error.errors()]
    known = ", ".join(sorted(model.model_fields))
    raise BadParameter(
        f"Runbook {runbook} cannot start: {'; '.join(problems)}.",
        next_step=f"It takes these parameters: {known}.",
    ) from None


def _problem(place: tuple[int | str, ...], kind: str, message: str) -> str:
    name = str(place[0])[:60] if place else "a parameter"
    shown = name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) else "a parameter with a malformed name"
    match kind:
        case "extra_forbidden":
            return f"{shown} is not a parameter of this runbook"
        case "missing" | "string_too_short":
            return f"{shown} is missing"
        case _:
            return f"{shown} {message.removeprefix('Value error, ')}"
