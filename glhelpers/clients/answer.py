"""An answer of a service, and what it means: typed values, or the error that says who must do what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from glhelpers.clients.wire import clean, problem_in, strict_json
from glhelpers.errors import (
    NotAllowed,
    NotAuthenticated,
    NotFound,
    RateLimited,
    RequestRejected,
    ServiceError,
    ServiceUnavailable,
    UnexpectedAnswer,
)

__all__ = ["Answer", "refusal", "request_id_in", "typed"]

T = TypeVar("T")

_REQUEST_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)


@dataclass(frozen=True)
class Answer:
    """A whole answer: status, headers in lower case, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes)"


def request_id_in(headers: Mapping[str, str], secrets: Iterable[str]) -> str | None:
    """The service's own name for a request, if it is one and holds no token."""
    told = headers.get("x-request-id", "")
    return told if _REQUEST_ID.fullmatch(told) and clean(told, secrets) == told else None


def refusal(name: str, call: str, answer: Answer, renew: str, secrets: Iterable[str]) -> ServiceError | None:
    """The error that fits a status which is no success; None if it is one. `renew` is how to get another token."""
    if 200 <= answer.status < 300:
        return None
    said = problem_in(answer.body, secrets)
    what = f"{name} answered {answer.status} to {call}" + (f": {said}" if said else "")
    kind, step = _kind(name, answer, renew)
    if kind is UnexpectedAnswer:
        what += ", a redirect, which is never followed"
    request_id = request_id_in(answer.headers, secrets)
    return kind(f"{what}.", next_step=step, status=answer.status, request_id=request_id)


def _kind(name: str, answer: Answer, renew: str) -> tuple[type[ServiceError], str]:
    match answer.status:
        case 401:
            return NotAuthenticated, f"The token is missing, expired or revoked: {renew}."
        case 403:
            return NotAllowed, "The token's scope or its owner's role is too small; see README, tokens and scopes."
        case 404:
            return NotFound, "Check the name; what a token may not see is answered like what does not exist."
        case 429:
            asked = answer.headers.get("retry-after", "")
            wait = f"{asked} seconds" if asked.isascii() and asked.isdigit() and len(asked) < 9 else "a few minutes"
            return RateLimited, f"Too many requests: wait {wait}, then run again."
        case status if status >= 500:
            return ServiceUnavailable, f"Check the status page of {name}, then run again."
        case status if 300 <= status < 400:
            return UnexpectedAnswer, "Check the address, and whether the group or project was renamed."
        case _:
            return RequestRejected, "Nothing more can be done automatically; look at the request by hand."


def typed(name: str, call: str, answer: Answer, shape: type[T] | Any, secrets: Iterable[str]) -> T:
    """
    The body as typed values.

    Raises `UnexpectedAnswer` with the names of the fields that do not fit, never their values.
    """

    def unexpected(what: str, step: str = "Look at the service in a browser; it may have changed.") -> UnexpectedAnswer:
        request_id = request_id_in(answer.headers, secrets)
        return UnexpectedAnswer(what, next_step=step, status=answer.status, request_id=request_id)

    kind = answer.headers.get("content-type", "")
    media = kind.split(";")[0].strip().lower()
    if media != "application/json" and not media.endswith("+json"):
        raise unexpected(
            f"{name} answered {call} with {clean(kind, secrets) or 'no type'}, not with JSON.",
            "A login page or proxy may stand in between; check address and VPN.",
        )
    try:
        value: T = TypeAdapter(shape).validate_python(strict_json(answer.body))
    except ValidationError as error:
        told = {".".join(str(part) for part in item["loc"])[:60] or "the whole" for item in error.errors()}
        places = clean(", ".join(sorted(told)[:6]), secrets)
        raise unexpected(f"{name}'s answer to {call} has not the expected shape at {places}.") from None
    except ValueError as error:
        raise unexpected(f"{name}'s answer to {call} is not sound JSON ({type(error).__name__}).") from None
    return value
