"""The processes that a batch forks from, begun before anything else is imported: they import while this one does."""

from __future__ import annotations

import multiprocessing
import signal
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import BaseContext

from glhelpers.kernels.owner import begin

__all__ = ["HANDLED", "PRELOADED", "begin_forks", "context"]

PRELOADED = ["glhelpers.batch.work", "glhelpers.batch.execute"]
"""Neither starts a thread nor opens anything when it is imported, so a process that has them can be forked."""


HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What a worker gets with the terminal's whole group, or from whoever cuts its run off."""


def begin_forks() -> None:
    """Begin the server of kernels and the process that workers are forked from, where there can be such."""
    begin()
    if context().get_start_method() != "forkserver":
        return
    resource_tracker.ensure_running()  # whoever begins it has the signals unblocked
    # Ctrl-C is for the process in the terminal alone; blocked here, they are so in all that is begun from here.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def context() -> BaseContext:
    """Workers come from one process that has imported what they need, where that can be had; else each imports it."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(PRELOADED)
    return forking
