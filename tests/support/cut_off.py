"""Runs to be cut off: where they are at the moment, which process is their kernel, what slows them down and ends them."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from full_disk import FullDisk

__all__ = [
    "DRIPPING_ANSWER",
    "Running",
    "fill_the_disk",
    "inside",
    "kernel_of",
    "kill_kernel",
    "let_be",
    "signalled",
    "slow_reads",
    "the_folder",
]

DRIPPING_ANSWER = {"method": "POST", "path": "*/support-tools/*", "do": "slow_drip", "seconds": 30}
"""A change that is made, and whose answer takes its time."""


def slow_reads(seconds: float) -> dict[str, object]:
    """Each look at a group takes so long."""
    return {"system": "gitlab", "path": "/api/v4/namespaces/*", "do": "latency", "seconds": seconds}


def inside(runs: Path, step: str) -> Path | None:
    """The folder of a run that is inside this step now."""
    for folder in runs.glob("*/*/.*.incomplete"):
        if (folder / "record.json").is_file():
            states = {row["name"]: row["state"] for row in json.loads((folder / "record.json").read_text())["steps"]}
            if states[step] == "running":
                return folder
    return None


def kernel_of(process: subprocess.Popen[str]) -> psutil.Process:
    """The kernel of a running command: among its descendants, or lent by this process and in the folder of the command."""
    command = psutil.Process(process.pid)
    family, folder = command.children(recursive=True), command.cwd()
    lent = [one for one in psutil.Process().children(recursive=True) if one not in family]
    return next(one for one in (*family, *lent) if _is_kernel(one, None if one in family else folder))


def _is_kernel(process: psutil.Process, folder: str | None) -> bool:
    """Whether it is one, in this folder if one is named; others that end meanwhile are none."""
    try:
        return bool(process.name() == "glh-kernel" and folder in (None, process.cwd()))
    except psutil.Error:
        return False


def the_folder(runs: Path) -> Path:
    """The only finished run."""
    (folder,) = [path for path in runs.glob("*/*/*") if not path.name.startswith(".")]
    return folder


@dataclass(frozen=True)
class Running:
    """A run that is inside the step where it is to be cut off."""

    process: subprocess.Popen[str]
    disk: FullDisk | None


def kill_kernel(run: Running) -> None:
    """The notebook's kernel is killed."""
    kernel_of(run.process).kill()


def fill_the_disk(run: Running) -> None:
    """The disk that its folder or its journal lies on has no room any more."""
    assert run.disk is not None
    run.disk.fill(run.process)


def signalled(number: signal.Signals) -> Callable[[Running], None]:
    """The command gets this signal."""
    return lambda run: run.process.send_signal(number)


def let_be(run: Running) -> None:
    """The run's own limit ends it."""
