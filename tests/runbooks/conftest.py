"""A sandbox of a module's own, and a desk to run the runbook at: real kernels, real HTTP, the sandbox's own counters."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from sandboxes import environment_on, lent_sandbox

from glhelpers.batch.execute import Result, execute
from glhelpers.gates.decision import grant
from glhelpers.gates.files import read_plan
from glhelpers.sandbox_process import Running
from glhelpers.settings import Settings, load_settings

FOX = {
    "namespace": "fox-university",
    "subscription_name": "A-S00010002",
    "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1002",
    "issue": "gitlab-com/support/internal-requests#2",
}


@dataclass
class Desk:
    """One sandbox, settings that point to it, and what a person would do with a run."""

    sandbox: Running
    settings: Settings
    environment: dict[str, str]

    def ask(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """Ask the sandbox itself: its counters, its cases."""
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.sandbox.urls['gitlab']}/__sandbox/{path}"
        with urlopen(Request(url, data=data, method=method, headers={"Content-Type": "application/json"})) as told:
            return json.load(told)

    def writes(self) -> int:
        """How many changes the support tools have made."""
        return int(self.ask("writes")["support_tools"])

    def attempts(self) -> int:
        """How many requests that could change anything have arrived, at any service."""
        return int(self.ask("writes")["attempts"])

    def run(self, parameters: dict[str, Any] = FOX) -> Result:
        """Run the runbook headless."""
        return execute("force_associate", parameters, self.settings)

    def approved(self, result: Result) -> Path:
        """A colleague's approval of the run's plan, as a file beside it."""
        file = read_plan(result.folder / "plan.json")
        approval = grant(
            file,
            typed=file.plan.target.typed,
            approver="colleague",
            now=datetime.now(UTC),
            lasts=timedelta(minutes=60),
        )
        path = result.folder / "approval.json"
        path.write_text(approval.model_dump_json(indent=1))
        return path


@contextmanager
def opened(folder: Path) -> Iterator[Desk]:
    """A desk whose folders lie under `folder`."""
    with lent_sandbox() as sandbox, _desk_on(sandbox, folder) as desk:
        yield desk


@contextmanager
def _desk_on(sandbox: Running, folder: Path) -> Iterator[Desk]:
    environment = environment_on(sandbox, folder)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield Desk(sandbox, load_settings(), environment)


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], AbstractContextManager[Desk]]:
    """Opens desks, each with a fresh sandbox and folders of its own."""
    return lambda: opened(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk of the test's own."""
    with opened(tmp_path) as own:
        yield own
