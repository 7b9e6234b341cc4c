"""The three clients of a run, opened together: one log, one retry budget."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

from glhelpers.clients.customersdot import CustomersDotClient
from glhelpers.clients.gitlab import GitLabClient
from glhelpers.clients.log import RequestLog
from glhelpers.clients.pace import Pace
from glhelpers.clients.retry import RetryBudget
from glhelpers.clients.transport import Transport
from glhelpers.clients.zendesk import ZendeskClient
from glhelpers.errors import BadSettings, ServiceUnavailable
from glhelpers.settings import Endpoint, Settings

__all__ = ["Clients", "open_clients", "require_driver"]


@dataclass(frozen=True)
class Clients:
    """What a run talks to."""

    gitlab: GitLabClient
    customersdot: CustomersDotClient
    zendesk: ZendeskClient
    request_log: RequestLog
    transports: tuple[Transport, ...]

    def portal_answers(self, customer_id: int) -> bool:
        """Whether the portal opens for this account; False is its 502."""
        try:
            self.customersdot.impersonation_check(customer_id)
        except ServiceUnavailable as error:
            if error.status != 502:
                raise
            return False
        return True

    def close(self) -> None:
        """Give all connections back."""
        for transport in self.transports:
            transport.close()

    def __enter__(self) -> Clients:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def require_driver(settings: Settings) -> None:
    """
    Raise `BadSettings` where CustomersDot can only be worked by hand.

    It has no public API: the adapter's routes exist where a team runs a gateway, not on the portal itself.
    """
    if settings.customersdot_driver == "manual":
        raise BadSettings(
            f"CustomersDot has no API, and profile {settings.profile} names no gateway for it.",
            next_step='Give your gateway\'s address as customersdot_url, with customersdot_driver = "http", '
            "in config.toml (docs/adapter.md); without one this cannot run yet.",
        )


def open_clients(settings: Settings) -> Clients:
    """Clients for the services of these settings."""
    log, budget = RequestLog(), RetryBudget()

    def transport(endpoint: Endpoint) -> Transport:
        return Transport(
            endpoint.service,
            endpoint.base_url,
            endpoint.token,
            log=log,
            budget=budget,
            profile=settings.profile,
            pace=None if endpoint.on_loopback else Pace(),
        )

    gitlab, customersdot, zendesk = (
        transport(settings.gitlab),
        transport(settings.customersdot),
        transport(settings.zendesk),
    )
    return Clients(
        gitlab=GitLabClient(gitlab),
        customersdot=CustomersDotClient(customersdot),
        zendesk=ZendeskClient(zendesk),
        request_log=log,
        transports=(gitlab, customersdot, zendesk),
    )
