"""
A forked kernel that hears its cells over one socket: IPython's kernel without ports, threads and event loop.

A batch's notebooks have one reader, in the process that asked for the kernel, so the five sockets, four
threads and signed messages by which Jupyter serves any number of them are not needed.  What a cell shows is
told in Jupyter's own messages, so whoever reads them can use Jupyter's own means.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import sys
import threading
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from jupyter_client.jsonutil import json_default
from jupyter_client.session import Session

from glhelpers.kernels.app import ForkedKernelApp

__all__ = ["serve_cells"]

_HELD_BACK = 65_536
"""Characters of a printed text after which it is told before its cell has ended."""


class _Told(Session):  # type: ignore[misc]
    """Where a kernel's messages go: to the one reader, unsigned, since nobody else can reach the socket."""

    def __init__(self, reader: Connection, **named: Any) -> None:
        super().__init__(**named)
        self._reader, self._lock = reader, threading.Lock()

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
        """Tell one message; what the reader needs of it."""
        if isinstance(msg_or_type, Mapping):
            kind, content, metadata = msg_or_type["msg_type"], msg_or_type["content"], msg_or_type["metadata"]
        else:
            kind = str(msg_or_type)
        message: dict[str, Any] = {"msg_type": kind, "content": content or {}, "metadata": metadata or {}}
        if buffers:
            message["buffers"] = [base64.b64encode(buffer).decode() for buffer in buffers]
        self.tell(message)

    def tell(self, message: Mapping[str, Any]) -> None:
        """One frame; several threads of a notebook may print at once."""
        frame = json.dumps(message, default=json_default).encode("utf-8", errors="surrogatepass")
        with self._lock:
            self._reader.send_bytes(frame)


class _Printed(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of the notebook: told before whatever is shown next, and at the end of its cell."""

    encoding, errors = "utf-8", "replace"

    def __init__(self, name: str, told: _Told, descriptor: int) -> None:
        self.name, self._told, self._descriptor = name, told, descriptor
        self._held: list[str] = []
        self._size = 0
        self._lock = threading.RLock()

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """The descriptor that processes started by a cell print to."""
        return self._descriptor

    def write(self, text: str) -> int:
        """Keep it until it is told."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        with self._lock:
            self._held.append(text)
            self._size += len(text)
            if self._size > _HELD_BACK:
                self.flush()
        return len(text)

    def flush(self) -> None:
        """Tell what is kept."""
        with self._lock:
            text, self._held, self._size = "".join(self._held), [], 0
            if text:
                self._told.send(None, "stream", {"name": self.name, "text": text})


class _Descriptor:
    """File descriptor 1 or 2 of the kernel: what processes and C libraries print there is told as the cell's."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._memory = os.memfd_create(f"printed-{number}", os.MFD_CLOEXEC)
        self._read = 0
        os.dup2(self._memory, number, inheritable=True)

    def fresh(self) -> str:
        """What was printed since the last time."""
        size = os.fstat(self._memory).st_size
        if size == self._read:
            return ""
        content = os.pread(self._memory, size - self._read, self._read)
        # Emptied, so that a kernel that prints for long does not keep it all; the position is shared with whoever prints.
        os.ftruncate(self._memory, 0)
        os.lseek(self._memory, 0, os.SEEK_SET)
        self._read = 0
        return content.decode("utf-8", errors="replace")


def serve_cells(reader: Connection, environment: Mapping[str, str]) -> None:
    """Run each cell that is asked for and tell what it shows, until the reader has gone."""
    told = _Told(reader)
    printed = {number: _Descriptor(number) for number in (1, 2)}
    streams = {1: _Printed("stdout", told, 1), 2: _Printed("stderr", told, 2)}
    kernel = ForkedKernelApp.instance().kernel_for_cells(told, environment)
    sys.stdout, sys.stderr = streams[1], streams[2]
    asyncio.set_event_loop(asyncio.new_event_loop())
    told.tell({"language_info": kernel.language_info})
    while True:
        try:
            asked = json.loads(reader.recv_bytes())
        except EOFError:
            return
        reply = _run(kernel, asked["code"], asked["cell"])
        for number, descriptor in printed.items():
            streams[number].flush()
            if text := descriptor.fresh():
                told.send(None, "stream", {"name": streams[number].name, "text": text})
        told.tell({"reply": reply})


def _run(kernel: IPythonKernel, code: str, cell: str) -> dict[str, Any]:
    """The reply that Jupyter would give: status, count, and the error if there was one."""
    parent = {"header": {"msg_id": cell, "msg_type": "execute_request"}, "content": {}, "metadata": {}}
    kernel.set_parent([], parent)
    running = kernel.do_execute(code, False, cell_id=cell)
    try:
        running.send(None)
    except StopIteration as ended:
        reply: dict[str, Any] = ended.value
        return {
            name: reply[name] for name in ("status", "execution_count", "ename", "evalue", "traceback") if name in reply
        }
    raise RuntimeError("A cell has waited for an event loop that is not running.")
