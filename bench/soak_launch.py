"""One launch of a soak, by the way that a batch executes a notebook: the same engine, manager and repeated start."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import nbformat
import papermill as pm
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from bench.soak_books import CELL_SECONDS, Launch
from glhelpers.batch.execute import ENGINE, STARTS
from glhelpers.kernels.lease import KernelNotGiven

__all__ = ["Ended", "launch_one"]

_NO_KERNEL = "no kernel"


@dataclass(frozen=True)
class Ended:
    """How a launch ended, in which words, in a forked kernel or not, and how often it was started."""

    how: str
    why: str
    forked: bool
    starts: int


def launch_one(launch: Launch, source: Path, out: Path) -> Ended:
    """Execute the notebook; a kernel that does not come up is launched again, as in a batch."""
    how, why = _NO_KERNEL, ""
    start = 0
    for start in range(1, STARTS + 1):  # noqa: B007 (told below)
        how, why = _run(launch, source, out)
        if how != _NO_KERNEL:
            break
    forked = out.is_file() and nbformat.read(out, as_version=4).metadata.get("kernel") == "forked"
    return Ended(how, why, forked, start)


def _run(launch: Launch, source: Path, out: Path) -> tuple[str, str]:
    # A kernel whose environment no process can have ends before its first cell.
    impossible = {"GLHELPERS_SOAK": "\0"} if launch.kind == "dies at start" else {}
    executed: list[nbformat.NotebookNode] = []
    try:
        pm.execute_notebook(
            str(source),
            None,
            parameters={"mark": launch.mark},
            engine_name=ENGINE,
            progress_bar=False,
            execution_timeout=CELL_SECONDS if launch.kind == "hangs" else 60,
            kernel_env={**os.environ, **impossible},
            executed=executed,
        )
    except CellTimeoutError as error:
        return "cut off", str(error)[:200]
    except DeadKernelError as error:
        return "died", str(error)[:200]
    except (PapermillExecutionError, CellExecutionError) as error:
        return "error", str(error)[:200]
    except (KernelNotGiven, RuntimeError, OSError) as error:
        executed.clear()
        return _NO_KERNEL, f"{type(error).__name__}: {error}"[:200]
    finally:
        if executed:
            nbformat.write(executed[-1], out)
    return "whole", ""
