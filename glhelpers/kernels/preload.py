"""What a runbook's kernel imports, imported once; and the proof that nothing was begun that a fork would break."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from glhelpers.errors import GlhelpersError

__all__ = ["NotForkable", "preload"]

_MODULES = (
    "glhelpers.kernels.app",
    "glhelpers.kernels.cell_server",
    "glhelpers.runbook",
    "glhelpers.acting",
    "glhelpers.actions.catalogue",
    "glhelpers.evidence.keys",
    "glhelpers.evidence.seal",
    "glhelpers.gates.widget",
    "glhelpers.seat.seat",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.magics",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "encodings.idna",
    "faulthandler",
    "ipykernel.ipkernel",
    "ipywidgets",
    "sqlalchemy.dialects.sqlite",
    "tornado.locks",
    "tornado.platform.asyncio",
    "tornado.queues",
    "zmq.asyncio",
)


class NotForkable(GlhelpersError):
    """Something that was imported has begun a thread: a fork of this process could hang."""


def preload(folder: Path | None = None) -> None:
    """
    Import all that a runbook needs and freeze it; what that needs of files lies in `folder`.

    Raises `NotForkable` if this process has more than its one thread afterwards.
    """
    _without_debugger()
    for name in _MODULES:
        import_module(name)
    _compile_templates()
    _prepare_kernel()
    _rehearse(folder)
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise NotForkable(
            f"Kernels cannot be forked: an imported library has begun {threads - 1} thread(s).",
            next_step="Each notebook gets an ordinary kernel, which takes a second longer.",
        )
    gc.collect()
    gc.freeze()


def _without_debugger() -> None:
    """A kernel that nobody watches needs no debugger, which loads 130 modules and changes `os.fork`."""
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    import_module("ipykernel.debugger")
    del sys.modules["debugpy"]


def _prepare_kernel() -> None:
    from glhelpers.kernels.app import ForkedKernelApp

    ForkedKernelApp.instance().prepare()


def _rehearse(folder: Path | None) -> None:
    """A run before the fork makes each run after it a fifth quicker; where it cannot be made, they are as they are."""
    from glhelpers.kernels.rehearsal import rehearse

    with suppress(GlhelpersError, OSError):
        rehearse(folder)


def _compile_templates() -> None:
    from glhelpers.evidence.render import environment, stylesheet

    for name in environment().list_templates():
        if Path(name).suffix == ".html":
            environment().get_template(name)
    stylesheet()
