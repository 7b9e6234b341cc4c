"""A disk that can be filled up while somebody writes on it."""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

__all__ = ["FullDisk", "small_disk"]


@dataclass(frozen=True)
class FullDisk:
    """
    A folder without room once it is filled. `kind` says how.

    `tmpfs`: a file system of its own, full to the last byte.  `limit`: the processes may write no
    file any more (RLIMIT_FSIZE), where none can be mounted.
    """

    folder: Path
    kind: str

    def fill(self, process: subprocess.Popen[str]) -> None:
        """From now on nothing that the process or its children write here finds room."""
        if self.kind == "limit":
            for one in (psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)):
                hard = resource.prlimit(one.pid, resource.RLIMIT_FSIZE)[1]
                resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (0, hard))
            return
        with (self.folder / "ballast").open("wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(1024))
            except OSError:
                return

    def free(self) -> None:
        """There is room again."""
        (self.folder / "ballast").unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path) -> Iterator[FullDisk]:
    """A disk at this new folder: a small file system where this user may mount one, else one by limits."""
    folder.mkdir(parents=True)
    mount = [shutil.which("mount") or "false", "-t", "tmpfs", "-o", "size=8m", "glhelpers-test", str(folder)]
    mounted = subprocess.run(mount, capture_output=True).returncode == 0
    try:
        yield FullDisk(folder, "tmpfs" if mounted else "limit")
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
