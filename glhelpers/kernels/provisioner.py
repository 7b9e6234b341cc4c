"""
The door by which papermill, nbclient and JupyterLab get a forked kernel: a kernel provisioner of jupyter_client.

Where none can be forked it does what jupyter_client does by itself, and says so once.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import KernelProvisionerBase, LocalProvisioner

from glhelpers.kernels.lease import KernelNotGiven, Lease, request_for
from glhelpers.kernels.owner import NoFork, connected, tell_once

__all__ = ["ForkProvisioner"]

_PORTS = ("shell_port", "iopub_port", "stdin_port", "hb_port", "control_port")
_START_SECONDS = 60
_POLL_SECONDS = 0.004
_OURS = ("glhelpers.kernels", "ipykernel_launcher")


class ForkProvisioner(LocalProvisioner):  # type: ignore[misc]
    """Forks where it can; `forked` says whether it has."""

    forked = False
    process: Any = None
    _connection: Any = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Find a server before anything is promised; without one, go jupyter_client's own way from the start."""
        self.forked = False
        try:
            self._connection = await self._server(kwargs)
        except NoFork as error:
            tell_once(error.message)
            return cast(dict[str, Any], await super().pre_launch(**kwargs))
        self.forked = True
        extra = kwargs.pop("extra_arguments", [])
        kwargs.pop("transport_encryption", None)
        # The kernel binds its ports and tells them; nobody picks them beforehand, so nobody can lose them.
        command = self.parent.format_kernel_cmd(extra_arguments=extra)
        return cast(dict[str, Any], await KernelProvisionerBase.pre_launch(self, cmd=command, **kwargs))

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Lease a kernel; return once its ports are bound, with them."""
        if not self.forked:
            return await super().launch_kernel(cmd, **kwargs)
        manager = self.parent
        known = {name: getattr(manager, name) for name in _PORTS}
        info = {
            "transport": manager.transport,
            "ip": manager.ip,
            "key": manager.session.key,
            "signature_scheme": manager.session.signature_scheme,
            "kernel_name": manager.kernel_name,
        }
        self.cwd = str(kwargs.get("cwd") or Path.cwd())
        request = request_for(_arguments(cmd), kwargs["env"], self.cwd, info, known)
        connection, self._connection = self._connection, None
        with _Streams(kwargs) as streams:
            self.process = lease = Lease(connection, request, streams)
        await self._bound(lease)
        self.pid = self.pgid = lease.pid
        self.ip = manager.ip
        self.connection_info = cast(KernelConnectionInfo, {**info, **(lease.ports or {})})
        return self.connection_info

    async def wait(self) -> int | None:
        """The exit status, told by the server within milliseconds."""
        while await self.poll() is None:
            await asyncio.sleep(_POLL_SECONDS)
        return cast(int | None, await super().wait())

    async def send_signal(self, signum: int) -> None:
        """Through the server, which alone knows whether the number is still this kernel's."""
        if self.forked and self.process is not None:
            self.process.send_signal(signum)
        else:
            await super().send_signal(signum)

    async def cleanup(self, restart: bool = False) -> None:
        """Give back the kernel and the ports."""
        if self.forked:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if self.process is not None:
                self.process.give_back()
                self.process = None
            return
        await super().cleanup(restart=restart)

    async def _server(self, kwargs: dict[str, Any]) -> Any:
        manager = self.parent
        if manager is None or manager.transport != "tcp":
            raise NoFork("Only kernels that are reached by TCP are forked.")
        if getattr(manager, "transport_encryption", "disabled") == "required":
            raise NoFork("A kernel that must encrypt its messages is not forked.")
        _check_argv(self.kernel_spec.argv)
        # The first time the server may still be importing; the loop of a JupyterLab goes on meanwhile.
        return await asyncio.to_thread(connected, kwargs.get("env") or os.environ)

    async def _bound(self, lease: Lease) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + _START_SECONDS
        while not lease.settled and loop.time() < until:
            await asyncio.sleep(_POLL_SECONDS)
        if lease.ports is None:
            lease.kill()
            lease.give_back()
            self.process = None
            raise KernelNotGiven("The kernel ended before it could be reached.", next_step="Run again.")


class _Streams:
    """The three descriptors that a kernel gets, from what `Popen` would be given."""

    def __init__(self, kwargs: dict[str, Any]) -> None:
        self._given = [kwargs.get(name) for name in ("stdin", "stdout", "stderr")]
        self._opened: list[int] = []

    def __enter__(self) -> tuple[int, int, int]:
        stdin, stdout, stderr = (self._one(number, given) for number, given in enumerate(self._given))
        return stdin, stdout, stderr

    def __exit__(self, *_: object) -> None:
        for descriptor in self._opened:
            os.close(descriptor)

    def _one(self, number: int, given: Any) -> int:
        if isinstance(given, int) and given >= 0:
            return given
        if hasattr(given, "fileno"):
            return int(given.fileno())
        if number > 0 and given is None:
            with suppress(OSError):
                os.fstat(number)
                return number
        opened = os.open(os.devnull, os.O_RDWR)
        self._opened.append(opened)
        return opened


def _check_argv(argv: list[str]) -> None:
    """Only this interpreter's own kernels can be forked."""
    own = argv[0] in ("python", "python3", f"python{sys.version_info[0]}.{sys.version_info[1]}") or (
        os.path.realpath(argv[0]) == os.path.realpath(sys.executable)
    )
    modules = [argv[place + 1] for place, argument in enumerate(argv[:-1]) if argument == "-m"]
    if not own or not modules or modules[0] not in _OURS:
        raise NoFork("The kernelspec names another interpreter or another kernel.")


def _arguments(command: list[str]) -> list[str]:
    """The kernel's own arguments: without interpreter, module and connection file."""
    arguments = command[command.index("-m") + 2 :]
    if "-f" in arguments:
        place = arguments.index("-f")
        arguments = arguments[:place] + arguments[place + 2 :]
    return arguments
