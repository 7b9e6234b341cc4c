"""Runs to be cut off: where they are at the moment, which process is their kernel, what slows them down."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import psutil

__all__ = ["DRIPPING_ANSWER", "inside", "kernel_of", "slow_reads", "the_folder"]

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
    family = psutil.Process(process.pid).children(recursive=True)
    lent = [one for one in psutil.Process().children(recursive=True) if one not in family]
    kernels = [one for one in family if one.name() == "glh-kernel"]
    folder = psutil.Process(process.pid).cwd()
    kernels += [one for one in lent if one.name() == "glh-kernel" and one.cwd() == folder]
    return kernels[0]


def the_folder(runs: Path) -> Path:
    """The only finished run."""
    (folder,) = [path for path in runs.glob("*/*/*") if not path.name.startswith(".")]
    return folder
