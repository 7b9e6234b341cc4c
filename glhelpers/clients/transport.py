"""
One transport for all services: it authenticates, bounds, retries reads, maps errors, and keeps a log.

It never follows a redirect, never leaves its origin, never repeats a write, and never waits longer
than its deadline for a whole answer.
"""

from __future__ import annotations

import glhelpers.clients.lean  # noqa: F401 (before httpx)  # isort: skip

import base64
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
from pydantic import SecretStr
from tenacity import RetryCallState, Retrying, retry_if_exception

from glhelpers.clients.answer import Answer, refusal, request_id_in, typed
from glhelpers.clients.deadline import DeadlineTransport, deadline
from glhelpers.clients.log import Logged, RequestLog
from glhelpers.clients.pace import Paced
from glhelpers.clients.retry import ATTEMPTS, RetryBudget, jitter, wait_before_retry
from glhelpers.clients.tape import Failure, Heard, Player, Recorder, as_answer, flat
from glhelpers.clients.tls import TLS
from glhelpers.clients.wire import Secrets, clean
from glhelpers.errors import (
    BadParameter,
    GateClosed,
    MissingCredential,
    RateLimited,
    ServiceError,
    ServiceUnavailable,
    UnexpectedAnswer,
)

__all__ = ["Transport"]

T = TypeVar("T")

DEADLINE = 20.0
"""Seconds for a whole answer, from the first byte sent to the last byte read."""

LARGEST = 4 * 1024 * 1024
"""Bytes of an answer's body at most."""

_NAMES = {"gitlab": "GitLab.com", "customersdot": "CustomersDot", "zendesk": "Zendesk"}


class _Again(Exception):
    """A read that may be tried again: the error to raise if it is not, and how long to wait."""

    def __init__(self, error: ServiceError, wait: float | None) -> None:
        super().__init__()
        self.error, self.wait = error, wait


class Transport:
    """Requests to one service; safe to use from several threads."""

    def __init__(
        self,
        service: str,
        base_url: str,
        token: SecretStr | None,
        *,
        log: RequestLog,
        budget: RetryBudget,
        seconds: float = DEADLINE,
        sleep: Callable[[float], None] = time.sleep,
        profile: str = "",
        pace: Paced | None = None,
        tls: ssl.SSLContext = TLS,
        recorder: Recorder | None = None,
        player: Player | None = None,
        read_only: bool = False,
    ) -> None:
        self.service, self.name = service, _NAMES.get(service, service)
        self._base = base_url.rstrip("/")
        self._home = httpx.URL(self._base)
        self._secrets = Secrets()
        self._token, self._profile = token, profile
        self._log, self._budget, self._deadline, self._sleep = log, budget, seconds, sleep
        self._pace, self._recorder, self._player = pace, recorder, player
        self._read_only = read_only
        self.latest_date: datetime | None = None
        self._client = _client(DeadlineTransport(tls), seconds)
        # On a connection that was kept, the service may hang up just when a write is sent, and nobody would know.
        self._writer = _client(DeadlineTransport(tls, keep=False), seconds)

    def __repr__(self) -> str:
        return f"Transport({self.service})"

    @property
    def is_paced(self) -> bool:
        """Whether requests wait for their turn."""
        return self._pace is not None

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()
        self._writer.close()

    def is_home(self, url: str) -> bool:
        """Whether an address lies on this service's own origin."""
        try:
            return _origin(httpx.URL(url)) == _origin(self._home)
        except httpx.InvalidURL:
            return False

    def read(
        self, call: str, path: str, query: Mapping[str, Any] | None = None, *, token: SecretStr | None = None
    ) -> Answer:
        """GET `path`; `call` names the route in messages and the log. Retried within the budget."""
        self._budget.count_request()
        retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, _Again) and error.wait is not None),
            wait=_wait_asked_for,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(self._attempt_read, retrying, call, path, query, token)
        except _Again as given_up:
            raise given_up.error from None

    def _attempt_read(
        self, retrying: Retrying, call: str, path: str, query: Mapping[str, Any] | None, token: SecretStr | None
    ) -> Answer:
        attempt = int(retrying.statistics.get("attempt_number", ATTEMPTS))
        began = time.monotonic()
        try:
            answer = self._once("GET", call, path, params=query, token=token)
        except ServiceUnavailable as error:
            late = time.monotonic() - began >= self._deadline  # whoever waited that long is not asked to wait again
            raise _Again(error, None if late else self._wait("GET", None, None, attempt)) from None
        try:
            self._accept(call, answer, own=token is None)
        except (ServiceUnavailable, RateLimited) as error:
            raise _Again(error, self._wait("GET", answer.status, answer.headers.get("retry-after"), attempt)) from None
        return answer

    def _wait(self, method: str, status: int | None, retry_after: str | None, attempt: int) -> float | None:
        wait = wait_before_retry(method, status, retry_after, attempt, jitter())
        if status == 429:
            self._spare(wait)
        return wait if wait is not None and self._budget.take(wait) else None

    def _spare(self, seconds: float | None) -> None:
        """Have all who share this host's budget leave it alone: whoever else asks would be turned away as well."""
        if seconds is not None and self._pace is not None:
            self._pace.hold(seconds)

    def write(
        self,
        method: str,
        call: str,
        path: str,
        *,
        json: Any = None,
        files: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        accept: Sequence[int] = (),
        changes: bool = True,
    ) -> Answer:
        """
        Send a request that changes something, exactly once, whatever comes back.

        `changes` false: it is a question all the same, which also a run that may only look can ask.

        `accept` lists statuses above 299 that are answers rather than errors.  A `ServiceError` with
        `sent` false means that nothing can have arrived.
        """
        if self._read_only and changes:
            raise GateClosed(
                f"This run may only look, so {method} {call} was not sent to {self.name}.",
                next_step="Run it without GLHELPERS_READ_ONLY, or the batch without --audit.",
            )
        self._budget.count_request()
        answer = self._once(method, call, path, json=json, files=files, content=content, headers=headers, params=query)
        if answer.status == 429:
            # Not sent again; but a look-up would be, after so long.
            self._spare(wait_before_retry("GET", 429, answer.headers.get("retry-after"), 1, jitter()))
        if answer.status not in accept:
            self._accept(call, answer)
        return answer

    def _once(
        self,
        method: str,
        call: str,
        path: str,
        *,
        token: SecretStr | None = None,
        headers: Mapping[str, str] | None = None,
        **parts: Any,
    ) -> Answer:
        if self._player is not None:
            return self._replayed(self._player, method, call, path, parts.get("params"))
        request = self._build(method, path, headers, parts)
        self._authenticate(request, path, token)
        if self._pace is not None:
            self._pace.wait()
        began, status, request_id = time.monotonic(), None, None
        try:
            with deadline(self._deadline):
                answer = self._stream(request, call)
            status, request_id = answer.status, request_id_in(answer.headers, self._secrets)
            self._keep(method, path, parts, answer)
            return answer
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            self._keep(method, path, parts, "connect")
            raise self._unreachable(call, _reason(error)) from None
        except httpx.TimeoutException:
            self._keep(method, path, parts, "timeout")
            raise self._too_late(call) from None
        except httpx.HTTPError as error:
            self._keep(method, path, parts, "broken")
            raise self._not_whole(call, type(error).__name__) from None
        finally:
            took = int((time.monotonic() - began) * 1000)
            self._log.add(Logged(self.service, f"{method} {call}", status, took, request_id))

    def _keep(self, method: str, path: str, parts: Mapping[str, Any], came: Answer | Failure) -> None:
        if self._recorder is not None:
            self._recorder.add(self.service, method, path, parts.get("params"), came)

    def _replayed(self, player: Player, method: str, call: str, path: str, query: Mapping[str, Any] | None) -> Answer:
        """What came back then; nothing leaves this process."""
        heard = player.answer(self.name, call, Heard(service=self.service, method=method, path=path, query=flat(query)))
        self._log.add(Logged(self.service, f"{method} {call}", heard.status, 0, None))
        match heard.failure:
            case "connect":
                raise self._unreachable(call, "no connection, then")
            case "timeout":
                raise self._too_late(call)
            case "broken":
                raise self._not_whole(call, "then")
        answer = as_answer(heard)
        self._note_date(answer.headers.get("date"))
        return answer

    def _unreachable(self, call: str, reason: str) -> ServiceUnavailable:
        return ServiceUnavailable(
            f"{self.name} cannot be reached for {call} ({reason}).",
            next_step="Check the network, VPN and the profile's address, then run again.",
            sent=False,
        )

    def _too_late(self, call: str) -> ServiceUnavailable:
        return ServiceUnavailable(
            f"{self.name} took longer than {self._deadline:g} s to answer {call}.", next_step="Run again later."
        )

    def _not_whole(self, call: str, reason: str) -> ServiceUnavailable:
        return ServiceUnavailable(
            f"{self.name} gave no whole answer to {call} ({reason}).", next_step="Run again later."
        )

    def _build(
        self, method: str, path: str, headers: Mapping[str, str] | None, parts: Mapping[str, Any]
    ) -> httpx.Request:
        given = {name: part for name, part in parts.items() if part is not None}
        try:
            return self._client.build_request(method, self._base + path, headers=headers, **given)
        except (UnicodeEncodeError, httpx.InvalidURL):
            raise BadParameter(
                "A text cannot be sent: it holds half a character or is too long.", next_step="Type it again."
            ) from None

    def _authenticate(self, request: httpx.Request, path: str, token: SecretStr | None) -> None:
        """The one place where a token is attached, after the request's origin and path were proved."""
        asked = request.url.raw_path.split(b"?")[0]
        if _origin(request.url) != _origin(self._home) or asked != self._home.raw_path.rstrip(b"/") + path.encode():
            raise UnexpectedAnswer(f"A request to {self.name} would have left its address.", sent=False)
        secret = token or self._token
        if secret is None:
            raise MissingCredential(f"There is no token for {self.name}.", next_step=f"Set {self._where_kept()}.")
        value = secret.get_secret_value()
        if not value.isascii() or any(char.isspace() or not char.isprintable() for char in value):
            raise MissingCredential(
                f"The token for {self.name} holds characters that no token has.", next_step="Copy it again."
            )
        basic = self.service == "zendesk" and "/token:" in value
        self._secrets.add(value)
        if basic:
            self._secrets.add(value.partition("/token:")[2])
        shown = base64.b64encode(value.encode()).decode() if basic else value
        request.headers["Authorization"] = f"{'Basic' if basic else 'Bearer'} {shown}"

    def _where_kept(self) -> str:
        """Where this service's token is taken from, as part of a sentence."""
        variable = f"GLHELPERS_{self.service.upper()}_TOKEN"
        keyring = f"or run: keyring set glhelpers:{self._profile} {self.service}"
        return variable if self._profile in ("", "sandbox") else f"{variable}, {keyring}"

    def _stream(self, request: httpx.Request, call: str) -> Answer:
        response = (self._client if request.method == "GET" else self._writer).send(request, stream=True)
        headers = {name.lower(): value for name, value in response.headers.items()}
        try:
            if headers.get("content-encoding", "identity").strip().lower() != "identity":
                raise UnexpectedAnswer(
                    f"{self.name}'s answer to {call} is compressed, which was not asked for.",
                    next_step="A proxy may stand in between; check address and VPN.",
                    status=response.status_code,
                )
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > LARGEST:
                    raise UnexpectedAnswer(
                        f"{self.name}'s answer to {call} is larger than {LARGEST // 2**20} MiB.",
                        next_step="Look at the service in a browser; it may have changed.",
                        status=response.status_code,
                    )
        finally:
            response.close()
        self._note_date(headers.get("date"))
        return Answer(response.status_code, headers, bytes(body))

    def _note_date(self, text: str | None) -> None:
        if text is None:
            return
        try:
            self.latest_date = parsedate_to_datetime(text)
        except ValueError:
            return

    def reject(self, call: str, answer: Answer) -> None:
        """Raise the error that fits an answer which a caller had let through."""
        self._accept(call, answer)

    def _accept(self, call: str, answer: Answer, *, own: bool = True) -> None:
        """Raise the error that fits a status which is no success."""
        renew = f"renew it and set {self._where_kept()}" if own else "its owner has to sign in again"
        error = refusal(self.name, call, answer, renew, self._secrets)
        if error is not None:
            error.service = self.service if own else None
            raise error

    def parse(self, call: str, answer: Answer, shape: type[T] | Any) -> T:
        """
        The body as typed values.

        Raises `UnexpectedAnswer` with the names of the fields that do not fit, never their values.
        """
        value: T = typed(self.name, call, answer, shape, self._secrets)
        return value

    def clean(self, text: str) -> str:
        """Text of this service for one line of a message, without the tokens in use."""
        return clean(text, self._secrets)


def _client(transport: DeadlineTransport, seconds: float) -> httpx.Client:
    return httpx.Client(
        transport=transport,
        follow_redirects=False,
        trust_env=False,
        timeout=httpx.Timeout(seconds, connect=min(5.0, seconds)),
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "glhelpers"},
    )


def _wait_asked_for(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    return error.wait or 0.0 if isinstance(error, _Again) else 0.0


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host.lower(), url.port


def _reason(error: httpx.HTTPError) -> str:
    text = str(error)
    signs = (
        ("CERTIFICATE", "its certificate is not trusted"),
        ("SSL", "no secure connection"),
        ("refused", "connection refused"),
        ("Name or service", "its name is not known"),
        ("nodename", "its name is not known"),
    )
    for sign, words in signs:
        if sign in text:
            return words
    return "no connection"
