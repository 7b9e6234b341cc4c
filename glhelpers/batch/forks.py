"""The processes that a batch forks from, begun before anything else is imported: they import while this one does."""

from __future__ import annotations

import multiprocessing
from multiprocessing import forkserver
from multiprocessing.context import BaseContext

from glhelpers.kernels.owner import begin

__all__ = ["PRELOADED", "begin_forks", "context"]

PRELOADED = ["glhelpers.batch.work", "glhelpers.batch.execute"]
"""Neither starts a thread nor opens anything when it is imported, so a process that has them can be forked."""


def begin_forks() -> None:
    """Begin the server of kernels and the process that workers are forked from, where there can be such."""
    begin()
    if context().get_start_method() == "forkserver":
        forkserver.ensure_running()


def context() -> BaseContext:
    """Workers come from one process that has imported what they need, where that can be had; else each imports it."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(PRELOADED)
    return forking
