"""The service of a round: one sandbox that holds the tickets, and the environment of whoever asks it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import Request, urlopen

from bench.tickets import world
from glhelpers.kernels.owner import ADDRESS
from glhelpers.sandbox_process import Running, start_sandbox

__all__ = ["control", "environment", "hold_back", "refused", "served"]

_NOT_TAKEN = ("GLHELPERS_", "JUPYTER_", "PYTHON")


@contextmanager
def served(tickets: int) -> Iterator[Running]:
    """A sandbox on a world of so many tickets; it ends with the block."""
    with TemporaryDirectory(prefix="glhelpers-bench-") as folder:
        running = start_sandbox(world=str(world(tickets, Path(folder) / "world.yaml")))
        try:
            yield running
        finally:
            assert running.process is not None
            running.process.communicate(timeout=10)


def hold_back(sandbox: Running, seconds: float) -> None:
    """From now on each answer comes so much later, as those of a service that is far away do."""
    control(sandbox, "faults", [{"path": "*", "do": "latency", "seconds": seconds}])


def control(sandbox: Running, what: str, body: Any = None) -> Any:
    """Ask the sandbox about itself, or with a body tell it something."""
    data = json.dumps(body).encode() if body is not None else None
    url = f"{sandbox.urls['gitlab']}/__sandbox/{what}"
    with urlopen(Request(url, data=data, method="PUT" if data else "GET")) as answer:
        return json.load(answer)


def refused(sandbox: Running) -> int:
    """How many of the last requests were refused for being too many; a way that met a limit was not measured."""
    return sum(row["status"] == 429 for row in control(sandbox, "requests")["requests"])


def environment(sandbox: Running, folder: Path, *, forks: bool) -> dict[str, str]:
    """Variables of a process that asks this sandbox, with state and runs of its own; `forks`: whether kernels may be forked."""
    values = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_TAKEN)}
    values |= {
        "GLHELPERS_PROFILE": "sandbox",
        "GLHELPERS_OPERATOR": "measured",
        "GLHELPERS_STATE_DIR": str(folder / "state"),
        "GLHELPERS_RUNS_DIR": str(folder / "runs"),
        "GLHELPERS_CONFIG": str(folder / "config.toml"),
        # Neither a person's keyring nor the search for one belongs to what is measured.
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        # ploomber-engine would tell its makers of each run.
        "PLOOMBER_STATS_ENABLED": "false",
    }
    if not forks:
        values[ADDRESS] = "off"
    for service, url in sandbox.urls.items():
        values[f"GLHELPERS_{service.upper()}_URL"] = url
        values[f"GLHELPERS_{service.upper()}_TOKEN"] = sandbox.tokens["admin" if service == "gitlab" else service]
    return values
