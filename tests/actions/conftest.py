"""A writer against a sandbox, and plans for the cases of the demonstration world."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from dying_writer import apply_and_die
from processes import Child
from sandboxes import begin_anew, lent_sandbox

from glhelpers.actions.collect import collect_association
from glhelpers.actions.journal import Journal
from glhelpers.actions.plan import plan_association
from glhelpers.actions.reading import Reader
from glhelpers.actions.write import Writer
from glhelpers.clients.clients import Clients, open_clients
from glhelpers.clients.customersdot import CustomersDotClient
from glhelpers.clients.gitlab import GitLabClient
from glhelpers.clients.log import RequestLog
from glhelpers.clients.retry import RetryBudget
from glhelpers.clients.transport import Transport
from glhelpers.clients.zendesk import ZendeskClient
from glhelpers.gates.decision import grant
from glhelpers.models.change import Approval, ChangePlan, PlanFile
from glhelpers.models.facts import AssociationFacts
from glhelpers.models.request import ForceAssociateParameters
from glhelpers.rules.force_associate import POLICY
from glhelpers.rules.rule import evaluate
from glhelpers.sandbox.world_file import DEMO, load_world
from glhelpers.sandbox_process import Running
from glhelpers.settings import Settings, load_settings

ALL_CASES = {case.ticket: case for case in load_world(DEMO).cases}
CASES = {ticket: case for ticket, case in ALL_CASES.items() if case.runbook == "force_associate"}


def control(sandbox: Running, method: str, path: str, body: Any = None) -> Any:
    """Use one of a sandbox's controls."""
    data = json.dumps(body).encode() if body is not None else None
    with urlopen(Request(f"{sandbox.urls['gitlab']}/__sandbox/{path}", data=data, method=method)) as answer:
        return json.loads(answer.read())


def impatient(settings: Settings, seconds: float) -> Clients:
    """Clients as a run has them, but with so short a deadline."""
    log, budget = RequestLog(), RetryBudget()
    gitlab, customersdot, zendesk = (
        Transport(endpoint.service, endpoint.base_url, endpoint.token, log=log, budget=budget, seconds=seconds)
        for endpoint in (settings.gitlab, settings.customersdot, settings.zendesk)
    )
    return Clients(
        GitLabClient(gitlab),
        CustomersDotClient(customersdot),
        ZendeskClient(zendesk),
        log,
        (gitlab, customersdot, zendesk),
    )


@dataclass
class Desk:
    """What a run has: clients, a journal, a writer; and the sandbox's own controls."""

    clients: Clients
    journal: Journal
    journal_url: str
    sandbox: Running
    settings: Settings

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Use one of the sandbox's controls."""
        return control(self.sandbox, method, path, body)

    def faults(self, *faults: dict[str, Any]) -> None:
        """Let the sandbox misbehave like this from now on; without any, let it behave."""
        self.control("PUT", "faults", list(faults))

    def change(self, **change: Any) -> None:
        """Let something happen in the sandbox's world."""
        self.control("POST", "change", change)

    def tool_writes(self) -> int:
        """How many support-tool writes took effect, by the sandbox's own count."""
        return int(self.control("GET", "writes")["support_tools"])

    def tool_requests(self) -> int:
        """How many support-tool requests arrived, applied or not."""
        rows = self.control("GET", "writes")["writes"]
        return sum("support-tools" in row["path"] for row in rows)

    def writer(
        self,
        *,
        in_flight: float = 0.3,
        clients: Clients | None = None,
        sleep: Callable[[float], None] = lambda seconds: time.sleep(min(seconds, 0.1)),
    ) -> Writer:
        """A writer such as a run has, but that pauses shortly: the sandbox shows a change at once."""
        return Writer(
            clients=clients or self.clients,
            journal=self.journal,
            origin=self.sandbox.urls["customersdot"],
            run_id="20261123T090000.000000Z",
            operator="ada",
            in_flight=timedelta(seconds=in_flight),
            sleep=sleep,
        )

    def facts(self, ticket: int, clients: Clients | None = None, **other: str) -> tuple[AssociationFacts, Reader]:
        """The facts of a case, with other parameters where they are given, and the reader that read them."""
        given = {name: str(value) for name, value in CASES[ticket].parameters.items()} | other
        reader = Reader()
        asked = ForceAssociateParameters.model_validate(given)
        return collect_association(clients or self.clients, asked, reader), reader

    def plan(self, ticket: int) -> tuple[ChangePlan, Approval]:
        """The plan of a case, and a colleague's approval of it."""
        facts, _ = self.facts(ticket)
        plan = plan_association(facts, evaluate(POLICY, facts), "sandbox")
        file = PlanFile(plan=plan, digest=plan.digest, requested_by="ada", planned_at=datetime.now(UTC))
        approval = grant(file, typed=plan.target.typed, approver="bob", now=datetime.now(UTC), lasts=timedelta(hours=1))
        return plan, approval

    def child(self, point: str, plan: ChangePlan, approval: Approval) -> Child:
        """Another process that applies the plan and is killed at this point."""
        return Child(lambda: apply_and_die(point, plan, approval, self.journal_url))


@pytest.fixture(scope="session")
def one_sandbox() -> Iterator[Running]:
    """One sandbox for all tests of this room; each begins with its world as in the file."""
    with lent_sandbox() as running:
        yield running


@pytest.fixture
def sandbox(one_sandbox: Running) -> Running:
    """The sandbox with its world and counters as at the start, and without faults."""
    begin_anew(one_sandbox)
    return one_sandbox


@pytest.fixture
def desk(on_sandbox: Running, tmp_path: Path) -> Iterator[Desk]:
    """A desk on the sandbox, with a journal of its own."""
    settings, url = load_settings(), f"sqlite:///{tmp_path / 'journal.db'}"
    clients, journal = open_clients(settings), Journal(url)
    yield Desk(clients, journal, url, on_sandbox, settings)
    clients.close()
    journal.close()


@pytest.fixture
def unreachable(desk: Desk) -> Iterator[Clients]:
    """Clients for which CustomersDot refuses connections; the rest answers."""
    with socket.socket() as bound:  # bound and not listening, so that nobody else can take the port
        bound.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{bound.getsockname()[1]}"
        gone = replace(desk.settings.customersdot, base_url=address)
        with open_clients(replace(desk.settings, customersdot=gone)) as clients:
            yield clients
