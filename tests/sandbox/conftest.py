"""A sandbox in a process of its own, reached over real HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

WORLD = Path(__file__).parent / "world.yaml"


@dataclass
class Sandbox:
    """What a started sandbox told about itself, with a client that sends what it is given."""

    told: dict[str, Any]
    client: httpx.Client

    def gitlab(self, path: str, caller: str = "admin", method: str = "GET", **more: Any) -> httpx.Response:
        """A GitLab.com request by the named token."""
        headers = {"PRIVATE-TOKEN": self.told["tokens"][caller], **more.pop("headers", {})}
        return self.client.request(method, f"{self.told['gitlab_url']}/api/v4{path}", headers=headers, **more)

    def adapter(self, path: str, method: str = "GET", **more: Any) -> httpx.Response:
        """A CustomersDot request through the adapter."""
        headers = {"Authorization": f"Bearer {self.told['tokens']['customersdot']}", **more.pop("headers", {})}
        return self.client.request(method, f"{self.told['customersdot_url']}/adapter/v1{path}", headers=headers, **more)

    def zendesk(self, path: str, method: str = "GET", **more: Any) -> httpx.Response:
        """A Zendesk request with a Bearer token."""
        headers = {"Authorization": f"Bearer {self.told['tokens']['zendesk']}", **more.pop("headers", {})}
        return self.client.request(method, f"{self.told['zendesk_url']}/api/v2{path}", headers=headers, **more)

    def tool(self, name: str, key: str | None = None, **body: Any) -> httpx.Response:
        """A Support Admin Tool, with a ticket link unless the body brings its own."""
        body.setdefault("zendesk_ticket_url", "https://gitlab.zendesk.com/agent/tickets/1001")
        headers = {"Idempotency-Key": key} if key else {}
        return self.adapter(f"/support-tools/{name}", "POST", json=body, headers=headers)

    def associate(self, namespace: str, subscription: str, key: str | None = None) -> httpx.Response:
        """Force Associate."""
        return self.tool("force-associate", key, namespace=namespace, subscription_name=subscription)

    def control(self, path: str, method: str = "GET", **more: Any) -> Any:
        """One of the sandbox's own controls; fails loudly."""
        answer = self.client.request(method, f"{self.told['gitlab_url']}/__sandbox/{path}", **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def usage(self, namespace: str) -> dict[str, Any]:
        """Seats as GitLab.com shows them."""
        told: dict[str, Any] = self.gitlab(f"/namespaces/{namespace}/gitlab_subscription").json()["usage"]
        return told


def start(*options: str, stdin: Any = subprocess.PIPE) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """Start a sandbox and read the line that it prints when it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "glhelpers.sandbox", "--json", *options], stdin=stdin, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


@contextmanager
def served(world: Path) -> Iterator[Sandbox]:
    """A sandbox on this world, for as long as the block lasts."""
    process, told = start("--world", str(world), "--until-stdin-closes")
    with httpx.Client(trust_env=False, timeout=10) as client:
        yield Sandbox(told, client)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    process.wait(timeout=5)
    process.stdout.close()


@pytest.fixture(scope="session")
def serving() -> Iterator[Sandbox]:
    with served(WORLD) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def serving_with(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A sandbox on the same world with other switches."""

    @contextmanager
    def start_with(**switches: Any) -> Iterator[Sandbox]:
        path = tmp_path_factory.mktemp("world") / "other.yaml"
        world = yaml.safe_load(WORLD.read_text(encoding="utf-8"))
        path.write_text(yaml.safe_dump({**world, "switches": switches}), encoding="utf-8")
        with served(path) as sandbox:
            yield sandbox

    return start_with


@pytest.fixture
def sandbox(serving: Sandbox) -> Sandbox:
    """The sandbox with its world and counters as at the start, and without faults."""
    serving.control("faults", "PUT", json=[])
    serving.control("reset", "POST")
    return serving


@pytest.fixture
def start_sandbox() -> Any:
    return start
