"""The owner's side of the fork server: started once for a process and all that it starts, ended with it."""

from __future__ import annotations

import atexit
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from glhelpers.errors import GlhelpersError
from glhelpers.kernels.protocol import REFUSED, SOCKET, own_folder, shared

__all__ = [
    "ADDRESS",
    "PROVISIONER",
    "KernelServer",
    "NoFork",
    "begin",
    "connected",
    "end",
    "lent_to_children",
    "tell_once",
]

ADDRESS = "GLHELPERS_KERNELS"
"""Environment variable: the folder of a fork server that another process owns; `off` for ordinary kernels."""

PROVISIONER = "glhelpers-fork"
"""The name under which jupyter_client knows the provisioner of forked kernels."""

_READY_SECONDS = 60
_LOOK_SECONDS = 0.02
_SHARED = "environment.json"
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMEXPR_NUM_THREADS": "1"}
_lock = threading.Lock()
_told: set[str] = set()
_log = logging.getLogger(__name__)
_own: dict[int, KernelServer] = {}


class NoFork(GlhelpersError):
    """Kernels cannot be forked here, for the reason said; an ordinary kernel does the same, later."""


@dataclass
class KernelServer:
    """A fork server of this process: begun, and asked for only when it is ready."""

    folder: Path
    process: subprocess.Popen[str] = field(repr=False)
    said: IO[str] = field(repr=False)
    hold: IO[str] = field(repr=False)
    reason: str | None = None
    ready: bool = False

    @classmethod
    def start(cls) -> KernelServer:
        """Start one; it imports while this process goes on."""
        folder = Path(tempfile.mkdtemp(prefix="glhelpers-kernels-"))
        (folder / _SHARED).write_text(json.dumps(shared(os.environ)), encoding="utf-8")
        # A server has no use for a token, and what it never had no kernel can find in it.
        kept = {name: value for name, value in os.environ.items() if not _secret(name)}
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "glhelpers.kernels.server", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**kept, **_ONE_THREAD},
            start_new_session=True,
            text=True,
        )
        return cls(folder, process, cast(IO[str], process.stdout), cast(IO[str], process.stdin))

    def wait(self) -> None:
        """Return once it can be asked; raises `NoFork` with its own sentence if it cannot."""
        if not self.ready and self.reason is None:
            timer = threading.Timer(_READY_SECONDS, self.process.kill)
            timer.start()
            try:
                with self.said:
                    line = self.said.readline().strip()
            finally:
                timer.cancel()  # after Ctrl-C, too: this process would wait for it before it ends
            self.ready = line == "ready"
            self.reason = None if self.ready else line or "The server of forked kernels did not start."
        if self.reason is not None:
            raise NoFork(self.reason)

    def end(self) -> None:
        """End it and every kernel that it has given out."""
        self.hold.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.said.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def begin() -> Path | None:
    """
    See to it that a fork server is on its way; the folder by which this process and its children reach it.

    None where kernels cannot be forked, or are not wanted (`GLHELPERS_KERNELS=off`).
    """
    given = os.environ.get(ADDRESS)
    if given is not None:
        return Path(given) if given != "off" else None
    if not _can_fork():
        return None
    with _lock:
        server = _own.get(os.getpid())
        if server is None or server.process.poll() is not None:
            if server is not None:
                server.end()
            else:
                atexit.register(end)
            server = _own[os.getpid()] = KernelServer.start()
        return server.folder


def end() -> None:
    """End this process's own server, if it has one."""
    with _lock:
        server = _own.pop(os.getpid(), None)
    if server is not None:
        server.end()


def connected(environment: Mapping[str, str]) -> socket.socket:
    """
    A connection to the server for one kernel of this environment.

    Raises `NoFork` where a kernel must be started instead.
    """
    folder = begin()
    if folder is None:
        raise NoFork("Forked kernels are switched off." if _can_fork() else "This system has no fork to rely on.")
    with _lock:
        server = _own.get(os.getpid())
    if server is not None and server.folder == folder:
        with _lock:
            server.wait()
    try:
        if not own_folder(folder):
            raise NoFork("The folder of the forked kernels is not this user's alone.")
        same = json.loads((folder / _SHARED).read_text(encoding="utf-8")) == shared(environment)
        if not same:
            raise NoFork("The kernel is to have other settings of the interpreter than the server of forked kernels.")
        return _reached(folder)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise NoFork(f"The server of forked kernels does not answer ({reason.lower()}).") from None


@contextmanager
def lent_to_children() -> Iterator[None]:
    """In this block, the processes that this one starts share its fork server, which begins to import now."""
    folder = begin()
    if folder is None or ADDRESS in os.environ:
        yield
        return
    os.environ[ADDRESS] = str(folder)
    try:
        yield
    finally:
        del os.environ[ADDRESS]


def tell_once(reason: str) -> None:
    """Say, once in this process, why its kernels are not forked."""
    if reason not in _told:
        _told.add(reason)
        _log.warning("%s Notebooks run in ordinary kernels, each about a second slower.", reason)


def _reached(folder: Path) -> socket.socket:
    """Connect; a server that another process has just begun may still be importing."""
    until = time.monotonic() + _READY_SECONDS
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            connection.connect(str(folder / SOCKET))
        except FileNotFoundError:
            connection.close()
            if (folder / REFUSED).is_file() or time.monotonic() > until:
                raise
            time.sleep(_LOOK_SECONDS)
        except BaseException:
            connection.close()
            raise
        else:
            return connection


def _can_fork() -> bool:
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


def _secret(name: str) -> bool:
    return name.endswith(("_TOKEN", "_SECRET", "_PASSWORD", "_KEY")) or name in ("JPY_PARENT_PID", "JPY_SESSION_NAME")
