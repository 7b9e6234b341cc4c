"""One forked kernel as the one who asked for it sees it: what jupyter_client expects of a process."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from glhelpers.errors import GlhelpersError
from glhelpers.kernels.protocol import Request, receive, send

__all__ = ["KernelNotGiven", "Lease"]

_CUT_OFF = -signal.SIGKILL


class KernelNotGiven(GlhelpersError):
    """The server took the request and gave no kernel; it may be asked again, no cell has run."""


class Lease:
    """A kernel's life, from the request to its exit status; nothing here waits."""

    stdin = stdout = stderr = None

    def __init__(self, connection: socket.socket, request: Request, descriptors: Sequence[int]) -> None:
        self._connection = connection
        self.pid: int | None = None
        self.ports: dict[str, int] | None = None
        self.returncode: int | None = None
        self._asked(request, descriptors)

    def _asked(self, request: Request, descriptors: Sequence[int]) -> None:
        # Through memory that only the two ends see: an environment holds tokens and has no largest size.
        memory = os.memfd_create("kernel", os.MFD_CLOEXEC)
        try:
            with os.fdopen(os.dup(memory), "wb") as stream:
                stream.write(request.model_dump_json().encode())
            socket.send_fds(self._connection, [b"kernel"], [memory, *descriptors])
        except OSError as error:
            self._connection.close()
            raise KernelNotGiven(
                f"The server of forked kernels could not be asked ({error.strerror}).", next_step="Run again."
            ) from None
        finally:
            os.close(memory)
        self._connection.setblocking(False)

    @property
    def settled(self) -> bool:
        """Whether it is known how the start went: ports are bound, or there will be no kernel."""
        self.poll()
        return self.ports is not None or self.returncode is not None

    def poll(self) -> int | None:
        """The exit status as `subprocess` has it, or None while the kernel lives."""
        while self.returncode is None:
            try:
                message = receive(self._connection)
            except (BlockingIOError, ValueError):
                return None
            self._take(message)
        return self.returncode

    def _take(self, message: Mapping[str, Any] | None) -> None:
        if message is None:
            # The server has gone, and by the system's order its kernels with it; what cells had started may be left.
            self._over(_CUT_OFF)
            if self.pid is not None:
                with suppress(OSError):
                    os.killpg(self.pid, signal.SIGKILL)
        elif "pid" in message:
            self.pid = int(message["pid"])
        elif "ports" in message:
            self.ports = {str(name): int(port) for name, port in message["ports"].items()}
        elif "exit" in message:
            self._over(int(message["exit"]))
        elif "refused" in message:
            self._over(_CUT_OFF)
            raise KernelNotGiven(f"No kernel was given: {message['refused']}.", next_step="Run again.")

    def _over(self, status: int) -> None:
        self.returncode = status
        self._connection.close()

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, waited for; only called by jupyter_client when the kernel has ended."""
        until = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise TimeoutError("The kernel has not ended in time.")
            time.sleep(0.005)
        return status

    def send_signal(self, number: int) -> None:
        """Signal the kernel and all that it has started; the server does it, which knows whether it still lives."""
        if self.poll() is None:
            send(self._connection, {"signal": int(number)})

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def give_back(self) -> None:
        """Let go: the server ends the kernel if it still lives."""
        if self.returncode is None:
            self._over(_CUT_OFF)


def request_for(
    argv: list[str], environment: Mapping[str, str], cwd: str, connection: Mapping[str, Any], ports: Mapping[str, int]
) -> Request:
    """What the server must know of a kernel."""
    key = connection["key"]
    return Request(
        argv=argv,
        environment=dict(environment),
        cwd=cwd,
        key=key.decode() if isinstance(key, bytes) else str(key),
        ip=str(connection["ip"]),
        ports=json.loads(json.dumps(dict(ports))),
    )
