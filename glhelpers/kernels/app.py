"""The kernel: ipykernel's, without history on disk, with ports that it binds itself, and with an end that cannot hang."""

from __future__ import annotations

import base64
import logging
import os
import resource
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ipykernel import ipkernel
from ipykernel.compiler import XCachingCompiler
from ipykernel.heartbeat import Heartbeat
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.utils.path import get_home_dir
from jupyter_client.session import Session
from zmq.sugar.context import Context

__all__ = ["CPU_SECONDS", "MEMORY_MB", "ForkedKernelApp", "RunbookKernelApp", "ToldSession", "limit_resources"]

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


class ToldSession(Session):  # type: ignore[misc]
    """Where a kernel's messages go that has one reader: told as they are, unsigned, since nobody else hears them."""

    tell: Callable[[Mapping[str, Any]], None]

    def send(
        self,
        stream: Any,
        msg_or_type: Any,
        content: Mapping[str, Any] | None = None,
        parent: Any = None,
        ident: Any = None,
        buffers: Any = None,
        track: bool = False,
        header: Any = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Tell one message: what the reader needs of it."""
        if isinstance(msg_or_type, Mapping):
            kind, content, metadata = msg_or_type["msg_type"], msg_or_type["content"], msg_or_type["metadata"]
        else:
            kind = str(msg_or_type)
        message: dict[str, Any] = {"msg_type": kind, "content": content or {}, "metadata": metadata or {}}
        if buffers:
            message["buffers"] = [base64.b64encode(buffer).decode() for buffer in buffers]
        self.tell(message)


class _SysWithoutModules:
    """`sys` as a module sees it that is not to walk through all modules."""

    modules: Mapping[str, Any] = MappingProxyType({})

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)


@contextmanager
def _no_list_of_modules() -> Iterator[None]:
    """
    Keep ipykernel from listing the file of each of 1,600 modules for a debugger that forked kernels do not have.

    To look at an object is to count a reference in it: after a fork that copies its page, here 2,900 pages in 9 ms.
    """
    whole = ipkernel.sys
    ipkernel.sys = _SysWithoutModules()
    try:
        yield
    finally:
        ipkernel.sys = whole


def _shell_here() -> ZMQInteractiveShell:
    """The shell that was made before the fork; it learns where it is now."""
    shell = ZMQInteractiveShell.instance()
    shell.home_dir, shell.starting_dir = get_home_dir(), str(Path.cwd())
    shell.init_environment()
    return shell


class ForkedKernelApp(RunbookKernelApp):
    """
    A kernel that was forked: it is told its key by its parent, and tells the ports that it has bound.

    What is the same in all kernels and opens nothing, its settings and IPython's shell, is made before the fork.
    """

    hb_port: Any

    def prepare(self) -> None:
        """In the fork server: read the settings and make the shell, which the kernel of each fork then takes."""
        self.config.HistoryManager.enabled = False
        self.log_level = logging.ERROR
        super().parse_command_line([])
        self._settings = deepcopy(self.config)
        shell = ZMQInteractiveShell.instance(config=deepcopy(self.config), user_ns={}, compiler_class=XCachingCompiler)
        with _no_list_of_modules():
            kernel = IPythonKernel.instance(
                session=ToldSession(), log=self.log, profile_dir=shell.profile_dir, user_ns={}
            )
        shell.kernel = kernel
        shell.displayhook.get_execution_count = lambda: kernel.execution_count

    def parse_command_line(self, argv: list[str] | None = None) -> None:
        """
        Only what one kernel is given beyond what all are: parsing costs as much as its five sockets.

        Where its history goes is nothing to it, as it keeps none.
        """
        own = []
        for argument in argv or []:
            name, _, value = argument.partition("=")
            if name == "--log-level" and value.isdecimal():
                self.log_level = int(value)
            elif not name.startswith("--HistoryManager."):
                own.append(argument)
        if own:
            super().parse_command_line(own)

    def kernel_for_cells(self, tell: Callable[[Mapping[str, Any]], None]) -> IPythonKernel:
        """The kernel that binds nothing and begins no thread, made before the fork; what its cells show goes to `tell`."""
        limit_resources(os.environ)
        _shell_here()
        kernel = IPythonKernel.instance()
        kernel.session.tell = tell
        return kernel

    def init_kernel(self) -> None:
        """As ipykernel does, with another kernel than the one that hears its cells over a socket."""
        IPythonKernel.clear_instance()
        shell = _shell_here()
        shell.profile_dir, shell.ipython_dir = self.profile_dir, self.ipython_dir
        with _no_list_of_modules():
            super().init_kernel()
        shell.kernel = self.kernel
        if self.config != self._settings:
            shell.update_config(self.config)

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
