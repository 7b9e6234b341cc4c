"""A writer against a sandbox of its own, and plans for the cases of the demonstration world."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from glhelpers.actions.collect import collect_association
from glhelpers.actions.journal import Journal
from glhelpers.actions.plan import plan_association
from glhelpers.actions.reading import Reader
from glhelpers.actions.write import Writer
from glhelpers.clients.clients import Clients, open_clients
from glhelpers.gates.decision import grant
from glhelpers.models.change import Approval, ChangePlan, PlanFile
from glhelpers.models.facts import AssociationFacts
from glhelpers.models.request import ForceAssociateParameters
from glhelpers.rules.force_associate import POLICY
from glhelpers.rules.rule import evaluate
from glhelpers.sandbox.world_file import DEMO, load_world
from glhelpers.sandbox_process import Running
from glhelpers.settings import load_settings

CASES = {case.ticket: case for case in load_world(DEMO).cases}


@dataclass
class Desk:
    """What a run has: clients, a journal, a writer; and the sandbox's own controls."""

    clients: Clients
    journal: Journal
    sandbox: Running

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Use one of the sandbox's controls."""
        data = json.dumps(body).encode() if body is not None else b""
        request = Request(f"{self.sandbox.urls['gitlab']}/__sandbox/{path}", data=data or None, method=method)
        with urlopen(request) as answer:
            return json.loads(answer.read())

    def tool_writes(self) -> int:
        """How many support-tool writes took effect, by the sandbox's own count."""
        return int(self.control("GET", "writes")["support_tools"])

    def tool_requests(self) -> int:
        """How many support-tool requests arrived, applied or not."""
        rows = self.control("GET", "writes")["writes"]
        return sum("support-tools" in row["path"] for row in rows)

    def writer(self, *, in_flight: float = 1.0, sleep: Callable[[float], None] | None = None) -> Writer:
        """A writer such as a run has."""
        extra = {"sleep": sleep} if sleep is not None else {}
        return Writer(
            clients=self.clients,
            journal=self.journal,
            origin=self.sandbox.urls["customersdot"],
            run_id="20261123T090000.000000Z",
            operator="ada",
            in_flight=timedelta(seconds=in_flight),
            **extra,
        )

    def facts(self, ticket: int) -> tuple[AssociationFacts, Reader]:
        """The facts of a case, with the reader that read them."""
        asked = ForceAssociateParameters.model_validate(
            {name: str(value) for name, value in CASES[ticket].parameters.items()}
        )
        reader = Reader()
        return collect_association(self.clients, asked, reader), reader

    def plan(self, ticket: int) -> tuple[ChangePlan, Approval]:
        """The plan of a case, and a colleague's approval of it."""
        facts, _ = self.facts(ticket)
        plan = plan_association(facts, evaluate(POLICY, facts), "sandbox")
        file = PlanFile(plan=plan, digest=plan.digest, requested_by="ada", planned_at=datetime.now(UTC))
        approval = grant(file, typed=plan.target.typed, approver="bob", now=datetime.now(UTC), lasts=timedelta(hours=1))
        return plan, approval


@pytest.fixture
def desk(on_sandbox: Running, tmp_path: Path) -> Iterator[Desk]:
    """A desk on a fresh sandbox."""
    clients = open_clients(load_settings())
    journal = Journal(f"sqlite:///{tmp_path / 'journal.db'}")
    yield Desk(clients, journal, on_sandbox)
    clients.close()
    journal.close()
