"""On what was measured: cores, memory, system and versions; nothing that names a machine or a person."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

import psutil

__all__ = ["sentence"]

_LIBRARIES = ("papermill", "nbclient", "jupyter_client", "ipykernel", "ipython", "pandas", "httpx", "pydantic")


def sentence(*more: str) -> str:
    """The machine and the versions, for the line above a table; `more` are versions of what is installed elsewhere."""
    cores, memory = len(os.sched_getaffinity(0)), psutil.virtual_memory().total / 2**30
    libraries = [f"{name} {found}" for name in _LIBRARIES if (found := _version(name))]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {cores} cores, {memory:.0f} GB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {', '.join([*libraries, *more])}"
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
