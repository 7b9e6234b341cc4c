"""Notebooks made of a few cells, run by nbclient in kernels of their own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import nbformat
from nbclient import NotebookClient

from glhelpers.kernels.manager import KERNEL_NAME, RunbookKernelManager

__all__ = ["Played", "play"]


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


def _text(cell: Any) -> str:
    shown = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return "".join(shown).strip().strip("'")
