"""The one who asks a forked kernel for its cells over one socket: see `cell_server`."""

from __future__ import annotations

import base64
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from jupyter_client.jsonutil import json_default
from jupyter_client.session import Session
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient

from glhelpers.kernels.lease import KernelNotGiven, Lease
from glhelpers.kernels.owner import connected
from glhelpers.kernels.protocol import Request

__all__ = ["CellKernel", "run_cells"]

_START_SECONDS = 60
_END_SECONDS = 10


class CellKernel:
    """
    A kernel of its own for one notebook, forked; it is gone when the `with` block ends.

    Raises `NoFork` where kernels cannot be forked, and `KernelNotGiven` if this one was not.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        lease = connected(environment)
        ours, theirs = socket.socketpair()
        with theirs, open(os.devnull, "rb") as nothing:
            request = Request(argv=[], environment=dict(environment), cwd=str(Path.cwd()), cells=True)
            self._lease = Lease(lease, request, (nothing.fileno(), 1, 2, theirs.fileno()))
        self._cells = Connection(ours.detach())
        try:
            self.language_info: dict[str, Any] = self._heard(time.monotonic() + _START_SECONDS)["language_info"]
        except (EOFError, OSError, TimeoutError):
            self.close()
            raise KernelNotGiven("The kernel ended before it could be reached.", next_step="Run again.") from None

    def __enter__(self) -> CellKernel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, code: str, cell: str, seconds: float | None) -> Iterator[dict[str, Any]]:
        """
        The messages of a cell, each as Jupyter has them; the last one is `{"reply": ...}`.

        Raises `CellTimeoutError` after so many seconds, `DeadKernelError` if the kernel dies.
        """
        until = time.monotonic() + seconds if seconds else None
        try:
            self._cells.send_bytes(json.dumps({"code": code, "cell": cell}).encode())
            while True:
                message = self._heard(until)
                yield message
                if "reply" in message:
                    return
        except TimeoutError:
            raise CellTimeoutError(f"A cell timed out after {seconds} seconds.") from None
        except (EOFError, OSError):
            raise DeadKernelError("Kernel died") from None

    def send(self, message: Mapping[str, Any]) -> None:
        """Bring a message of a widget's other end to the kernel, which hears it before the next cell."""
        with suppress(OSError):  # it has died meanwhile, which the next cell tells
            self._cells.send_bytes(json.dumps({"comm": message}, default=json_default).encode())

    def close(self) -> None:
        """End the kernel, at once, and wait until it is gone."""
        self._cells.close()
        try:
            self._lease.kill()
            self._lease.wait(_END_SECONDS)
        except (KernelNotGiven, TimeoutError):
            pass
        finally:
            self._lease.give_back()

    def _heard(self, until: float | None) -> dict[str, Any]:
        if until is not None and not self._cells.poll(max(0.0, until - time.monotonic())):
            raise TimeoutError
        message: dict[str, Any] = json.loads(self._cells.recv_bytes())
        return message


class _FrontEnd:
    """What nbclient's part of an output widget speaks to, in the place of a client with five sockets."""

    def __init__(self, kernel: CellKernel) -> None:
        self.session, self.shell_channel = Session(), kernel


def run_cells(client: PapermillNotebookClient, kernel: CellKernel) -> NotebookNode:
    """
    Run a notebook's cells in turn until one fails, and keep what they show as papermill and nbclient keep it.

    `client` has no kernel of its own; it only takes the messages in.
    """
    client.reset_execution_trackers()
    client.kc, client.record_timing = _FrontEnd(kernel), False  # papermill's own times are kept
    for index, cell in enumerate(client.nb.cells):
        try:
            client.nb_man.cell_start(cell, index)
            _run_cell(client, kernel, cell, index)
        except CellExecutionError as error:
            client.nb_man.cell_exception(cell, cell_index=index, exception=error)
            break
        finally:
            _complete(client, cell, index)
    client.nb.metadata["language_info"] = kernel.language_info
    client.set_widgets_metadata()
    return client.nb


def _complete(client: PapermillNotebookClient, cell: NotebookNode, index: int) -> None:
    """As papermill does, without its reading of its own start time: with dateutil, that takes 3 ms a notebook."""
    times = cell.metadata.papermill
    began, times["start_time"] = times["start_time"], None
    client.nb_man.cell_complete(cell, cell_index=index)
    ended = datetime.fromisoformat(times["end_time"])
    times["start_time"], times["duration"] = began, (ended - datetime.fromisoformat(began)).total_seconds()


def _run_cell(client: PapermillNotebookClient, kernel: CellKernel, cell: NotebookNode, index: int) -> None:
    if cell.cell_type != "code" or not cell.source.strip():
        return
    cell.outputs, client.clear_before_next_output = [], False
    for message in kernel.run(cell.source, cell.id, client.timeout):
        if (reply := message.get("reply")) is None:
            buffers = [base64.b64decode(buffer) for buffer in message.get("buffers", ())]
            about = {
                "header": {"msg_type": message["msg_type"]},
                "parent_header": {"msg_id": cell.id},
                "buffers": buffers,
            }
            client.process_message({**message, **about}, cell, index)
            continue
        cell.execution_count = reply["execution_count"]
        if reply["status"] == "error" and "raises-exception" not in cell.metadata.get("tags", ()):
            raise CellExecutionError.from_cell_and_msg(cell, reply)
