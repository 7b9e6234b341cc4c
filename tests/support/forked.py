"""Notebooks made of a few cells, run by nbclient in kernels of their own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import nbformat
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NotebookExecutionManager

from glhelpers.kernels.cell_client import CellKernel, run_cells
from glhelpers.kernels.manager import KERNEL_NAME, RunbookKernelManager

__all__ = ["DOORS", "Played", "for_a_person", "play", "play_cells"]


@dataclass(frozen=True)
class Played:
    """What each cell has shown, as text, and whether the kernel was forked."""

    shown: tuple[str, ...]
    forked: bool


def play(*cells: str, env: dict[str, str] | None = None, stop: str = "immediate", **named: Any) -> Played:
    """Run the cells in a fresh kernel; `stop` is nbclient's way to end it."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    forked: list[bool] = []
    client = NotebookClient(
        book,
        **{
            "kernel_name": KERNEL_NAME,
            "kernel_manager_class": RunbookKernelManager,
            "shutdown_kernel": stop,
            "timeout": 60,
            "on_notebook_start": lambda notebook: forked.append(getattr(client.km.provisioner, "forked", False)),
            **named,
        },
    )
    given = {"env": env} if env is not None else {}
    # In a thread of its own: the browser tests keep a loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(client.async_execute(**given))).result()
    return Played(tuple(_text(cell) for cell in book.cells), forked == [True])


def play_cells(*cells: str, env: dict[str, str] | None = None, timeout: int = 60) -> Played:
    """The same in a kernel that hears its cells over one socket, as those of a batch do."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    manager = NotebookExecutionManager(book, progress_bar=False)
    book.metadata["papermill"] = {}
    manager.notebook_start()
    with CellKernel(env if env is not None else os.environ) as kernel:
        run_cells(PapermillNotebookClient(manager, timeout=timeout), kernel)
    failed = next((cell for cell in book.cells if cell.metadata.papermill["exception"]), None)
    if failed is not None:
        error = failed.outputs[-1]
        raise CellExecutionError(error.evalue, error.ename, error.evalue)
    return Played(tuple(_text(cell) for cell in book.cells), True)


@contextmanager
def for_a_person() -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """A kernel as JupyterLab gives one to a person: forked, and it may ask."""
    manager, client = start_new_kernel(kernel_name=KERNEL_NAME)
    assert manager.provisioner.forked
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


DOORS: dict[str, Callable[..., Played]] = {"jupyter": play, "cells": play_cells}
"""The two ways in which a forked kernel is asked: over Jupyter's five sockets, or over one."""


def _text(cell: Any) -> str:
    shown = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return "".join(shown).strip().strip("'")
