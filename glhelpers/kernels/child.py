"""From a fork to a kernel: everything that must not be the same in two kernels is made anew here."""

from __future__ import annotations

import atexit
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NoReturn

from glhelpers.kernels.protocol import Request, send

__all__ = ["become_kernel"]


def become_kernel(request: Request, descriptors: Sequence[int], temporary: Path) -> NoReturn:
    """
    Take over the environment and folder of the request, and serve until the end.

    `descriptors`: the lease, on which ports are told; for a kernel that hears its cells over a socket, that one, too.
    """
    status = 1
    try:
        _be_new(request, temporary)
        if request.cells:
            _serve_cells(descriptors[1])
        else:
            _serve(request, socket.socket(fileno=descriptors[0]))
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - the last frame of the process: said on its own stderr, never in a notebook
        traceback.print_exc(file=sys.__stderr__)
    finally:
        _leave(status)


def _be_new(request: Request, temporary: Path) -> None:
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if number < signal.SIGRTMIN:
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # As the interpreter has them: a write that cannot be made is an error, not the end of the process.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.environ.clear()
    os.environ.update(request.environment)
    os.environ["TMPDIR"] = str(temporary)
    tempfile.tempdir = None
    time.tzset()
    os.chdir(request.cwd)
    sys.argv = ["glhelpers.kernels", *request.argv]
    random.seed()
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed()


def _serve(request: Request, tell: socket.socket) -> None:
    from glhelpers.kernels.app import ForkedKernelApp

    app = ForkedKernelApp.instance()
    app.ip, app.transport, app.parent_handle = request.ip, "tcp", 0
    for name, port in request.ports.items():
        setattr(app, name, port)
    app.session.key = request.key.encode()
    app.initialize(request.argv)
    send(tell, {"ports": app.ports})
    tell.close()
    app.start()


def _serve_cells(descriptor: int) -> None:
    from glhelpers.kernels.cell_server import serve_cells

    serve_cells(Connection(descriptor))


def _leave(status: int) -> NoReturn:
    """What a notebook has registered for the end is done; then the process goes without touching all it shares."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                stream.flush()
    finally:
        os._exit(status)
