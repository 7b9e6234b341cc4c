"""
Every error that leaves the package, drawn by *who must act*.

    GlhelpersError
    |-- OperatorError            the person running the runbook can mend it (exit code 2)
    |   |-- BadParameter           a parameter is unknown, missing or ill-typed
    |   |-- BadWorld               a sandbox world or fault file does not hold what it must
    |   |-- MissingCredential      no token for a service in environment or keyring
    |   |-- BadSettings            profile, base URL or configuration file is wrong
    |   |-- BadPlanFile            a plan, approval or evidence file is not what it claims to be
    |   |-- NotStored              there is no room on the disk for what must be kept (exit code 3)
    |   `-- GateClosed             nobody has approved this plan; nothing was written
    |-- ServiceError             a remote service did not do as asked (exit code 3)
    |   |-- ServiceUnavailable     no connection, 5xx, a deadline passed
    |   |-- RateLimited            429, and waiting it out would take too long
    |   |-- RequestRejected        the service understood and refused (4xx)
    |   |   |-- NotAuthenticated     401: token missing, expired or revoked
    |   |   |-- NotAllowed           403: scope or role too small
    |   |   `-- NotFound             404: absent, or hidden from this token
    |   `-- UnexpectedAnswer       redirect, not JSON, too large, wrong shape
    |-- WriteInProgress          another run holds this target (exit code 2)
    `-- RunbookContractError     a runbook or rule breaks the package's own contract (exit code 3)

A message says what was tried, on what, and what to do next.  It never holds a token, a header
or a body that came from a server unread, and a control or direction mark in it is shown, not acted on.
"""

from __future__ import annotations

__all__ = [
    "BadParameter",
    "BadPlanFile",
    "BadSettings",
    "BadWorld",
    "GateClosed",
    "GlhelpersError",
    "MissingCredential",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "NotStored",
    "OperatorError",
    "RateLimited",
    "RequestRejected",
    "RunbookContractError",
    "ServiceError",
    "ServiceUnavailable",
    "UnexpectedAnswer",
    "WriteInProgress",
    "WrittenMeanwhile",
]


def _seen(text: str) -> str:
    """The text with every character that a terminal would act on, or not show, written as its escape."""
    return "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in text)


class GlhelpersError(Exception):
    """Base of all; `exit_code` is what the command line ends with."""

    exit_code = 3

    def __init__(self, message: str, *, next_step: str | None = None) -> None:
        self.message = _seen(message)
        self.next_step = _seen(next_step) if next_step is not None else None
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}" if self.next_step else self.message

    def _render_traceback_(self) -> list[str]:
        """
        What IPython prints for this error: the sentence, and no traceback.

        An expert can act on the sentence; a traceback would only show code and local values.
        """
        lines = [f"{type(self).__name__}: {self.message}"]
        if self.next_step:
            lines.append(f"What to do: {self.next_step}")
        return lines


class OperatorError(GlhelpersError):
    """The person running the runbook can mend it."""

    exit_code = 2


class BadParameter(OperatorError):
    """A parameter is unknown, missing or ill-typed; raised before anything is read."""


class BadWorld(OperatorError):
    """A sandbox world or fault file does not hold what it must."""


class MissingCredential(OperatorError):
    """No token for a service stands in the environment or the keyring."""


class BadSettings(OperatorError):
    """The profile, a base URL or the configuration file is wrong."""


class BadPlanFile(OperatorError):
    """A plan, approval or evidence file is not what it claims to be."""


class NotStored(OperatorError):
    """There is no room on the disk for what must be kept."""

    exit_code = 3


class GateClosed(OperatorError):
    """Nobody has approved this plan; nothing was written."""


class ServiceError(GlhelpersError):
    """
    A remote service did not do as asked.

    `sent` says whether the request may have reached the service: False only if it certainly did
    not.  A write whose error has `sent` true has an unknown outcome until it is read back.
    `service` names the service whose own token was shown, where that is known.
    """

    def __init__(
        self,
        message: str,
        *,
        next_step: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        sent: bool = True,
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.status = status
        self.request_id = request_id
        self.sent = sent
        self.service: str | None = None


class ServiceUnavailable(ServiceError):
    """No connection, a 5xx answer, or the deadline for the whole answer passed."""


class RateLimited(ServiceError):
    """429, and waiting it out would take longer than the budget allows."""


class RequestRejected(ServiceError):
    """The service understood the request and refused it (4xx)."""


class NotAuthenticated(RequestRejected):
    """401: the token is missing, expired or revoked."""


class NotAllowed(RequestRejected):
    """403: the token's scope or its owner's role is too small."""


class NotFound(RequestRejected):
    """404: the thing is absent, or hidden from this token."""


class UnexpectedAnswer(ServiceError):
    """A redirect, something that is not JSON, an answer that is too large or of a wrong shape."""


class WriteInProgress(GlhelpersError):
    """Another run holds this target, or an earlier write to it is not settled yet."""

    exit_code = 2


class WrittenMeanwhile(GlhelpersError):
    """Another run has written to this target since the facts were read, so they may hold no more."""

    exit_code = 4


class RunbookContractError(GlhelpersError):
    """A runbook or rule breaks the package's own contract; its author must mend it."""
