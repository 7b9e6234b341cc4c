"""
The fork server: `python -m glhelpers.kernels.server FOLDER`, started by the one who wants kernels.

It has one thread and no event loop, keeps no request, and ends with its owner, whose end of its
standard input it watches.  Each kernel is a session of its own, so whatever a cell starts ends with it.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from glhelpers.errors import GlhelpersError
from glhelpers.kernels.child import become_kernel
from glhelpers.kernels.preload import preload
from glhelpers.kernels.process import call_process, end_with_parent
from glhelpers.kernels.protocol import DESCRIPTORS, REFUSED, SOCKET, Request, peer_user, receive, send

__all__ = ["KERNEL_NAME", "READY", "SERVER_NAME", "Server", "main"]

SERVER_NAME = b"glh-fork-server"
"""What `ps` and `top` call the server; the system takes 15 characters."""

KERNEL_NAME = b"glh-kernel"
"""What they call a forked kernel."""

READY = "ready"
"""What the server prints once it can be asked; any other line is the sentence that says why it cannot."""

_BACKLOG = 256
_MESSAGE = 4096


@dataclass
class _Lease:
    """A kernel and the connection of the one who has it."""

    connection: socket.socket
    pid: int
    pidfd: int
    temporary: Path


class Server:
    """Gives out kernels until its owner has gone."""

    def __init__(self, folder: Path, owner: int) -> None:
        self._folder, self._pid = folder, os.getpid()
        self._leases: dict[int, _Lease] = {}
        self._number = 0
        self._waiting = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        staged = folder / f".{SOCKET}"
        self._listener.bind(str(staged))
        staged.chmod(0o600)
        self._listener.listen(_BACKLOG)
        self._listener.setblocking(False)
        # Seen under its name only when it answers.
        staged.rename(folder / SOCKET)
        self._waiting.register(self._listener, selectors.EVENT_READ, self._accept)
        self._waiting.register(owner, selectors.EVENT_READ, self._owner_speaks)

    def serve(self) -> NoReturn:
        """Answer until the owner is gone; then no kernel is left."""
        while True:
            for key, _ in self._waiting.select():
                # What was ready may have been ended, and its number reused, by what came before it in the same round.
                if self._waiting.get_map().get(key.fd) is key:
                    key.data(key.fileobj)

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        if peer_user(connection) != os.getuid():
            connection.close()
            return
        connection.setblocking(False)
        self._waiting.register(connection, selectors.EVENT_READ, self._ask)

    def _ask(self, connection: socket.socket) -> None:
        """The first message of a connection: fork, and give it what it asks for."""
        self._waiting.unregister(connection)
        descriptors: list[int] = []
        try:
            _, descriptors, _, _ = socket.recv_fds(connection, _MESSAGE, DESCRIPTORS)
            if not descriptors:
                raise ValueError("The request came without its descriptors.")
            with os.fdopen(os.dup(descriptors[0]), "rb") as stream:
                stream.seek(0)
                request = Request.model_validate_json(stream.read())
            if len(descriptors) != DESCRIPTORS - (not request.cells):
                raise ValueError("The request came without its descriptors.")
        except (OSError, ValueError, ValidationError) as error:
            send(connection, {"refused": f"the request could not be read ({type(error).__name__})"})
            connection.close()
        else:
            self._fork(connection, request, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _fork(self, connection: socket.socket, request: Request, descriptors: list[int]) -> None:
        self._number += 1
        temporary = self._folder / f"tmp-{self._number}"
        temporary.mkdir(mode=0o700)
        try:
            pid = os.fork()
        except OSError as error:
            send(connection, {"refused": f"the system allows no more processes ({error.strerror})"})
            connection.close()
            shutil.rmtree(temporary, ignore_errors=True)
            return
        if pid == 0:
            self._become(connection, request, descriptors, temporary)
        pidfd = os.pidfd_open(pid)
        lease = self._leases[pidfd] = _Lease(connection, pid, pidfd, temporary)
        self._waiting.register(pidfd, selectors.EVENT_READ, self._ended)
        self._waiting.register(connection, selectors.EVENT_READ, lambda _: self._hear(lease))
        send(connection, {"pid": pid})

    def _become(self, connection: socket.socket, request: Request, descriptors: list[int], temporary: Path) -> NoReturn:
        """In the child: nothing of the server's is kept but the connection, on which the ports are told."""
        os.setsid()
        end_with_parent(self._pid)
        call_process(KERNEL_NAME)
        for number, descriptor in enumerate(descriptors[1:4]):
            os.dup2(descriptor, number)
        kept = sorted(os.dup(number) for number in (connection.fileno(), *descriptors[4:]))
        for before, after in pairwise((2, *kept, os.sysconf("SC_OPEN_MAX"))):
            os.closerange(before + 1, after)
        become_kernel(request, kept, temporary)

    def _hear(self, lease: _Lease) -> None:
        try:
            message = receive(lease.connection)
        except (BlockingIOError, ValueError):
            return
        if message is None:
            self._waiting.unregister(lease.connection)
            _kill(lease.pid, signal.SIGKILL)
        elif isinstance(number := message.get("signal"), int):
            _kill(lease.pid, number)

    def _ended(self, pidfd: int) -> None:
        lease = self._leases.pop(pidfd)
        self._waiting.unregister(pidfd)
        os.close(pidfd)
        # What the kernel's cells have started and left behind ends before its number can be given to another.
        _kill(lease.pid, signal.SIGKILL)
        _, status = os.waitpid(lease.pid, 0)
        shutil.rmtree(lease.temporary, ignore_errors=True)
        with suppress(KeyError, ValueError):
            self._waiting.unregister(lease.connection)
        send(lease.connection, {"exit": os.waitstatus_to_exitcode(status)})
        lease.connection.close()

    def _owner_speaks(self, owner: int) -> None:
        if os.read(owner, 1):
            return
        for lease in self._leases.values():
            _kill(lease.pid, signal.SIGKILL)
        for lease in self._leases.values():
            os.waitpid(lease.pid, 0)
        shutil.rmtree(self._folder, ignore_errors=True)
        os._exit(0)


def _kill(pid: int, number: int) -> None:
    """Signal the kernel's session, which is a process group; a kernel that has not made it yet gets it alone."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    except (PermissionError, ValueError, OSError):
        return


def main() -> NoReturn:
    """Import, say so, serve."""
    folder, owner, said = Path(sys.argv[1]), os.dup(0), os.dup(1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    call_process(SERVER_NAME)
    # Ctrl-C in the owner's terminal is the owner's: it ends this server by going away.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        preload(folder)
        server = Server(folder, owner)
    except (GlhelpersError, ImportError, OSError) as error:
        with suppress(OSError):
            (folder / REFUSED).write_text(str(error), encoding="utf-8")
            os.write(said, f"{error}\n".encode())
        os._exit(1)
    with suppress(BrokenPipeError):  # the owner has gone meanwhile, as `serve` will see
        os.write(said, f"{READY}\n".encode())
    os.close(said)
    server.serve()


if __name__ == "__main__":
    main()
