"""
What the two ends say to each other, over a socket that keeps messages whole (SOCK_SEQPACKET).

One connection is one lease of one kernel:
    asking    one message with descriptors: the request as JSON in memory, the kernel's stdin, stdout and stderr, and
              where it is to hear its cells over a socket rather than over ports, that socket
    server    {"pid": n}, then {"exit": n} when the kernel has ended; or {"refused": "why"}
    kernel    {"ports": {...}}, once they are bound
    asking    {"signal": n}, for the kernel's process group
The kernel ends when the one who asked for it goes away.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

__all__ = ["DESCRIPTORS", "REFUSED", "SOCKET", "Request", "own_folder", "peer_user", "receive", "send", "shared"]

SOCKET = "kernels.sock"
"""Name of the server's socket in its folder."""

REFUSED = "refused"
"""Name of the file in that folder which says that there will be no socket."""

DESCRIPTORS = 5
"""So many at most."""

_LARGEST = 65_536


class Request(BaseModel):
    """One kernel as it is wanted; `cells`: it hears its cells over a socket, and needs neither key nor ports."""

    model_config = ConfigDict(extra="forbid")

    argv: list[str]
    environment: dict[str, str]
    cwd: str
    key: str = ""
    ip: str = ""
    ports: dict[str, int] = {}
    cells: bool = False


def send(to: socket.socket, message: Mapping[str, Any]) -> bool:
    """Send a small message; False if nobody is there to hear it."""
    try:
        to.send(json.dumps(message).encode())
    except OSError:
        return False
    return True


def receive(connection: socket.socket) -> dict[str, Any] | None:
    """
    One message; None if the other end is gone.

    Raises `BlockingIOError` if there is none yet.
    """
    try:
        content = connection.recv(_LARGEST)
    except BlockingIOError:
        raise
    except OSError:
        return None
    if not content:
        return None
    message: dict[str, Any] = json.loads(content)
    return message


def shared(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that an interpreter and its libraries read only at their start: the same for server and kernel."""
    read_early = ("PYTHON", "LD_", "LC_", "OPENBLAS_", "OMP_", "MKL_", "GLIBC_", "MALLOC_")
    left_out = {"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
    names = (name for name in environment if name.startswith(read_early) or name == "LANG")
    return {name: environment[name] for name in sorted(names) if name not in left_out}


def peer_user(connection: socket.socket) -> int:
    """The user id of the process at the other end, as the system knows it."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int.from_bytes(credentials[4:8], "little")


def own_folder(folder: Path) -> bool:
    """Whether the folder is this user's alone."""
    status = folder.stat()
    return status.st_uid == os.getuid() and status.st_mode & 0o077 == 0
