"""The kernel: ipykernel's, without history on disk, with ports that it binds itself, and with an end that cannot hang."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Mapping
from typing import Any

from ipykernel.heartbeat import Heartbeat
from ipykernel.kernelapp import IPKernelApp
from zmq.sugar.context import Context

__all__ = ["CPU_SECONDS", "MEMORY_MB", "ForkedKernelApp", "RunbookKernelApp", "limit_resources"]

MEMORY_MB = "GLHELPERS_KERNEL_MEMORY_MB"
"""Environment variable: how much memory of its own (RLIMIT_DATA) one kernel may take, in megabytes; 0 for no limit."""

CPU_SECONDS = "GLHELPERS_KERNEL_CPU_SECONDS"
"""Environment variable: how long one kernel may keep a processor busy, in seconds; 0 for no limit."""

_DEFAULTS = {MEMORY_MB: 2048, CPU_SECONDS: 1800}
_BIND_SECONDS = 10
_JOIN_SECONDS = 5


def limit_resources(environment: Mapping[str, str]) -> None:
    """
    Set the limits of this process for good; a runbook takes about 60 MB and one second.

    A cell that asks for more memory gets a `MemoryError`, one that burns more time is killed.  What
    is no number counts as not given.  No core is dumped: it would hold tokens.
    """
    memory, seconds = (_number(environment.get(name, ""), _DEFAULTS[name]) for name in (MEMORY_MB, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for kind, most in ((resource.RLIMIT_DATA, memory * 2**20), (resource.RLIMIT_CPU, seconds)):
        _, hard = resource.getrlimit(kind)
        most = most or resource.RLIM_INFINITY
        if hard != resource.RLIM_INFINITY:
            most = hard if most == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else default


class RunbookKernelApp(IPKernelApp):  # type: ignore[misc]
    """A kernel in a process of its own, whether forked or started."""

    def initialize(self, argv: list[str] | None = None) -> None:
        """Limit the process before anything of a notebook can run in it."""
        limit_resources(os.environ)
        self.config.HistoryManager.enabled = False
        super().initialize(argv)

    def start(self) -> None:
        """
        Serve until shutdown.

        At exit ipykernel 7.4 stops the thread of iopub before it joins that of control, which may just be
        flushing to it and then waits for ten seconds: so control is joined here, before that begins.
        """
        super().start()
        if self.control_thread is not None and self.control_thread.is_alive():
            self.control_thread.stop()
            self.control_thread.join(_JOIN_SECONDS)


class _BoundHeartbeat(Heartbeat):  # type: ignore[misc]
    """Binds a port that nobody else can have taken meanwhile, and says which."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.bound = threading.Event()
        super().__init__(*arguments, **named)

    def pick_port(self) -> int:
        """None yet: the thread binds one."""
        return 0

    def _bind_socket(self) -> None:
        if self.original_port:
            super()._bind_socket()
        else:
            self.port = self.socket.bind_to_random_port(f"{self.transport}://{self.ip}")
        self.bound.set()


class ForkedKernelApp(RunbookKernelApp):
    """A kernel that was forked: it is told its key by its parent, and tells the ports that it has bound."""

    hb_port: Any

    def init_connection_file(self) -> None:
        """There is none: the one who asked for the kernel writes it."""

    def write_connection_file(self, **named: Any) -> None:
        """There is none: see `init_connection_file`."""

    def init_heartbeat(self) -> None:
        """As ipykernel does, with a port that is bound before it is told."""
        self.heartbeat = _BoundHeartbeat(Context(), (self.transport, self.ip, self.hb_port))
        self.heartbeat.start()
        if not self.heartbeat.bound.wait(_BIND_SECONDS):
            raise RuntimeError("The heartbeat of the kernel has found no port.")
        self.hb_port = self.heartbeat.port

    def log_connection_info(self) -> None:
        """Keep the ports, and print nothing: there is no terminal to read it."""
        self._ports = {name: getattr(self, f"{name}_port") for name in ("shell", "iopub", "stdin", "hb", "control")}

    @property
    def ports(self) -> dict[str, int]:
        """The five ports as a connection file names them."""
        return {f"{name}_port": port for name, port in self._ports.items()}
