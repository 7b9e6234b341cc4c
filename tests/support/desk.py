"""A desk on a sandbox of the test's own: runs in this process or as a command, and the sandbox's counters."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from sandboxes import end, environment_on, lent_sandbox

from glhelpers.batch.execute import CELL_SECONDS, Result, execute
from glhelpers.cli import main
from glhelpers.gates.decision import grant
from glhelpers.gates.files import read_plan
from glhelpers.sandbox_process import Running, start_sandbox
from glhelpers.settings import Settings, load_settings

__all__ = ["Desk", "desk_on", "served", "wait_until"]


@dataclass
class Desk:
    """One sandbox, settings that point to it, and what a person would do with a run."""

    sandbox: Running
    settings: Settings
    folder: Path

    def ask(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """Ask the sandbox itself: its counters, its faults."""
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.sandbox.urls['gitlab']}/__sandbox/{path}"
        with urlopen(Request(url, data=data, method=method, headers={"Content-Type": "application/json"})) as told:
            return json.load(told)

    def gitlab(self, path: str) -> Any:
        """Read from GitLab.com as its administrator would."""
        headers = {"PRIVATE-TOKEN": self.sandbox.tokens["admin"]}
        with urlopen(Request(f"{self.sandbox.urls['gitlab']}/api/v4/{path}", headers=headers)) as told:
            return json.load(told)

    def misbehave(self, *faults: dict[str, Any]) -> None:
        """Put faults in force; none to end them."""
        self.ask("faults", list(faults), method="PUT")

    def writes(self) -> int:
        """How many changes the support tools have made."""
        return int(self.ask("writes")["support_tools"])

    def attempts(self) -> int:
        """How many requests that could change anything have arrived, at any service."""
        return int(self.ask("writes")["attempts"])

    def case(self, ticket: int) -> dict[str, Any]:
        """The parameters of the world's case with this ticket."""
        found: dict[str, Any] = next(row for row in self.ask("cases") if row["ticket"] == ticket)["parameters"]
        return found

    def run(self, ticket: int, *, cell_seconds: int = CELL_SECONDS, **more: str) -> Result:
        """Run a case headless in this process."""
        return execute("force_associate", {**self.case(ticket), **more}, self.settings, cell_seconds=cell_seconds)

    def approved(self, result: Result, approver: str = "colleague") -> Path:
        """An approval of the run's plan, as a file beside it."""
        file = read_plan(result.folder / "plan.json")
        lasts = timedelta(minutes=60)
        approval = grant(file, typed=file.plan.target.typed, approver=approver, now=datetime.now(UTC), lasts=lasts)
        path = result.folder / "approval.json"
        path.write_text(approval.model_dump_json(indent=1))
        return path

    def begin(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Begin a command of the package in a session of its own, as a terminal would."""
        return subprocess.Popen(
            [sys.executable, "-m", "glhelpers.cli", *words],
            env={**os.environ, **environment},
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def command(self, *words: str, typed: str = "", **environment: str) -> tuple[int, str]:
        """The exit code of a command in this process, and all it said."""
        said = io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["glhelpers", *words])
            patch.setattr(sys, "stdin", io.StringIO(typed))
            with pytest.raises(SystemExit) as ended:
                main()
        return int(ended.value.code or 0), said.getvalue()

    def words(self, ticket: int) -> list[str]:
        """A case's parameters as words of a command."""
        return [word for name, value in self.case(ticket).items() for word in ("-p", f"{name}={value}")]


@contextmanager
def desk_on(sandbox: Running, folder: Path) -> Iterator[Desk]:
    """A desk while the environment points to the sandbox."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment_on(sandbox, folder).items():
            patch.setenv(name, value)
        yield Desk(sandbox, load_settings(), folder)


@contextmanager
def served(**files: str) -> Iterator[Running]:
    """A sandbox that nobody else uses while the block lasts."""
    if not files:
        with lent_sandbox() as sandbox:
            yield sandbox
        return
    sandbox = start_sandbox(**files)
    yield sandbox
    end(sandbox)


def wait_until(holds: Callable[[], Any]) -> Any:
    """What `holds` gives once it is true."""
    end = time.monotonic() + 60
    while not (found := holds()):
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)
    return found
