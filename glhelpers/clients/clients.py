"""The three clients of a run, opened together: one log, one retry budget."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any

from pydantic import SecretStr

from glhelpers.clients.customersdot import CustomersDotClient
from glhelpers.clients.gitlab import GitLabClient
from glhelpers.clients.log import RequestLog
from glhelpers.clients.manual import ManualPortal, MissingLookup
from glhelpers.clients.pace import Pace, Paced
from glhelpers.clients.portal import Portal
from glhelpers.clients.retry import RetryBudget
from glhelpers.clients.shared_pace import SharedPace
from glhelpers.clients.tape import Heard, Player, Recorder, read_tape
from glhelpers.clients.transport import Transport
from glhelpers.clients.zendesk import ZendeskClient
from glhelpers.errors import ServiceUnavailable
from glhelpers.models.sheet import PortalSheet
from glhelpers.settings import Endpoint, Settings

__all__ = ["Clients", "open_clients"]


@dataclass(frozen=True)
class Clients:
    """What a run talks to."""

    gitlab: GitLabClient
    customersdot: Portal
    zendesk: ZendeskClient
    request_log: RequestLog
    transports: tuple[Transport, ...]
    portal_token: SecretStr | None = field(default=None, repr=False)
    recorder: Recorder = field(default_factory=Recorder, repr=False)
    player: Player | None = field(default=None, repr=False)

    def aside(self, source: str, what: str, fetch: Callable[[], Any]) -> Any:
        """
        A JSON value that no service told, such as rows of the journal: kept with the answers of the run.

        In a replay it comes from there, and `fetch` is not called.
        """
        asked = Heard(service=source, method="READ", path=what)
        if self.player is not None:
            return self.player.answer(source, what, asked).body
        value = fetch()
        self.recorder.keep(asked.model_copy(update={"status": 200, "body": value}))
        return value

    def portal_answers(self, customer_id: int) -> bool:
        """Whether the portal opens for this account; False is its 502."""
        try:
            self.customersdot.impersonation_check(customer_id)
        except ServiceUnavailable as error:
            if error.status != 502:
                raise
            return False
        return True

    @property
    def told(self) -> tuple[str, datetime] | None:
        """Who looked CustomersDot up by hand, and when; None where a program does."""
        portal = self.customersdot
        if not isinstance(portal, ManualPortal) or portal.read_by is None or portal.read_at is None:
            return None
        return portal.read_by, portal.read_at

    @property
    def to_look_up(self) -> list[MissingLookup]:
        """What a person still has to look up by hand."""
        return self.customersdot.missing if isinstance(self.customersdot, ManualPortal) else []

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


def open_clients(settings: Settings, sheet: PortalSheet | None = None) -> Clients:
    """
    Clients for the services of these settings.

    Where CustomersDot is worked by hand, `sheet` is what a person has looked up there so far.
    """
    log, budget, recorder = RequestLog(), RetryBudget(), Recorder()
    player = Player(read_tape(settings.replay)) if settings.replay is not None else None

    def transport(endpoint: Endpoint) -> Transport:
        return Transport(
            endpoint.service,
            endpoint.base_url,
            endpoint.token,
            log=log,
            budget=budget,
            profile=settings.profile,
            pace=_pace(endpoint, settings) if player is None else None,
            read_only=settings.read_only,
            sleep=time.sleep if player is None else lambda seconds: None,
            recorder=recorder,
            player=player,
        )

    gitlab, customersdot, zendesk = (
        transport(settings.gitlab),
        transport(settings.customersdot),
        transport(settings.zendesk),
    )
    return Clients(
        gitlab=GitLabClient(gitlab),
        customersdot=ManualPortal(sheet, settings.customersdot.base_url)
        if settings.by_hand
        else CustomersDotClient(customersdot),
        zendesk=ZendeskClient(zendesk),
        request_log=log,
        transports=(gitlab, customersdot, zendesk),
        portal_token=settings.portal_token,
        recorder=recorder,
        player=player,
    )


def _pace(endpoint: Endpoint, settings: Settings) -> Paced | None:
    """The budget that all processes share where the settings say so; else this run's own, and none on this machine."""
    if settings.pace is not None:
        return SharedPace(settings.state_dir / "pace", endpoint.base_url, settings.pace)
    return None if endpoint.on_loopback else Pace()
