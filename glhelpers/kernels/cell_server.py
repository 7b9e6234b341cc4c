"""
A forked kernel that hears its cells over one socket: IPython's kernel without ports, threads and event loop.

A batch's notebooks have one reader, in the process that asked for the kernel, so the five sockets, four
threads and signed messages by which Jupyter serves any number of them are not needed.  What a cell shows is
told in Jupyter's own messages, so whoever reads them can use Jupyter's own means.
"""

from __future__ import annotations

import asyncio
import gc
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

from glhelpers.kernels.app import ForkedKernelApp

__all__ = ["serve_cells"]

_RARELY = 20_000
"""So many new objects before the garbage collector looks for a first time; 700 is Python's own choice."""

_HELD_BACK = 65_536
"""Characters of a printed text after which it is told before its cell has ended."""


class _Reader:
    """The one who hears what cells show, a message a frame."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._lock = connection, threading.Lock()

    def tell(self, message: Mapping[str, Any]) -> None:
        """One message; several threads of a notebook may print at once."""
        frame = json.dumps(message, default=json_default).encode("utf-8", errors="surrogatepass")
        with self._lock:
            self._connection.send_bytes(frame)

    def print(self, name: str, text: str) -> None:
        """What was printed to `stdout` or `stderr`."""
        if text:
            self.tell({"msg_type": "stream", "content": {"name": name, "text": text}, "metadata": {}})


class _Printed(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of the notebook: told before whatever is shown next, and at the end of its cell."""

    encoding, errors = "utf-8", "replace"

    def __init__(self, name: str, reader: _Reader, descriptor: int) -> None:
        self.name, self._reader, self._descriptor = name, reader, descriptor
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
            self._reader.print(self.name, text)


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


def serve_cells(connection: Connection) -> None:
    """Run each cell that is asked for and tell what it shows, until the one who asks has gone."""
    reader = _Reader(connection)
    kernel = ForkedKernelApp.instance().kernel_for_cells(reader.tell)
    printed = (
        (_Printed("stdout", reader, 1), _Descriptor(1)),
        (_Printed("stderr", reader, 2), _Descriptor(2)),
    )
    sys.stdout, sys.stderr = (stream for stream, _ in printed)
    # It lives for about a second; what little garbage it makes in that time goes with it.
    gc.set_threshold(_RARELY, 20, 50)
    asyncio.set_event_loop(asyncio.new_event_loop())
    reader.tell({"language_info": kernel.language_info})
    while True:
        try:
            asked = json.loads(connection.recv_bytes())
        except EOFError:
            return
        if (message := asked.get("comm")) is not None:
            kernel.comm_manager.comm_msg(None, None, {"buffers": [], **message})
            continue
        # A cell that is cut off has begun all the same, and has its number.
        begun = {"code": asked["code"], "execution_count": kernel.execution_count}
        reader.tell({"msg_type": "execute_input", "content": begun, "metadata": {}})
        reply = _run(kernel, asked["code"], asked["cell"])
        for stream, descriptor in printed:
            stream.flush()
            reader.print(stream.name, descriptor.fresh())
        reader.tell({"reply": reply})


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
