"""The sandbox's own controls: what a demonstration or a test needs beside the three services."""

from __future__ import annotations

from typing import Any

from glhelpers.clients.log import RequestLog
from glhelpers.clients.retry import RetryBudget
from glhelpers.clients.transport import Transport
from glhelpers.settings import Settings

__all__ = ["SandboxControl"]


class SandboxControl:
    """Moves the sandbox's world and reads its counters; there is nothing like it on a real service."""

    def __init__(self, settings: Settings) -> None:
        endpoint = settings.gitlab
        self._transport = Transport(
            "sandbox", endpoint.base_url, endpoint.token, log=RequestLog(), budget=RetryBudget()
        )

    def change(self, change: dict[str, Any]) -> None:
        """Let something happen in the world, such as people joining a group."""
        self._transport.write("POST", "/__sandbox/change", "/__sandbox/change", json=change)

    def writes(self) -> dict[str, Any]:
        """The writes that the services have received."""
        answer = self._transport.read("/__sandbox/writes", "/__sandbox/writes")
        told: dict[str, Any] = self._transport.parse("/__sandbox/writes", answer, dict[str, Any])
        return told

    def cases(self) -> list[dict[str, Any]]:
        """The named cases of the world."""
        answer = self._transport.read("/__sandbox/cases", "/__sandbox/cases")
        told: list[dict[str, Any]] = self._transport.parse("/__sandbox/cases", answer, list[dict[str, Any]])
        return told

    def health(self) -> dict[str, Any]:
        """Which sandbox this is: instance, name of its world, process."""
        answer = self._transport.read("/__sandbox/health", "/__sandbox/health")
        told: dict[str, Any] = self._transport.parse("/__sandbox/health", answer, dict[str, Any])
        return told

    def requests(self) -> dict[str, Any]:
        """The latest requests that the services have received, each with its time of day."""
        answer = self._transport.read("/__sandbox/requests", "/__sandbox/requests")
        told: dict[str, Any] = self._transport.parse("/__sandbox/requests", answer, dict[str, Any])
        return told

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()
