"""One command in a fresh process: its wall time from outside, the processor time and the memory of its whole tree."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

__all__ = ["SAMPLE_SECONDS", "Measured", "Sampler", "measured", "tree_megabytes"]

_PR_SET_CHILD_SUBREAPER = 36
_OUTLIVE_SECONDS = 20

SAMPLE_SECONDS = 0.5
"""So often the memory of a tree is looked at."""


@dataclass(frozen=True)
class Measured:
    """
    What a command took.

    `seconds` of wall time, `cpu` seconds of its whole tree, those that it left behind included, `samples` of the
    tree's memory (PSS) in megabytes, its exit `code` and what it `said` on stderr.
    """

    seconds: float
    cpu: float
    samples: tuple[float, ...]
    code: int
    said: str

    @property
    def peak(self) -> float:
        """The largest sample, 0 if the command was over before the first."""
        return max(self.samples, default=0.0)


def tree_megabytes(pid: int) -> float:
    """Memory of a process and all below it, with what they share counted once (PSS)."""
    total = 0
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.Error:
        return 0.0
    for process in family:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total / 2**20


class Sampler:
    """Looks at the memory of a tree while the block lasts."""

    def __init__(self, pid: int, also: Callable[[], int] = lambda: 0) -> None:
        self.found: list[tuple[int, float]] = []
        self._pid, self._also, self._over = pid, also, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.found.append((self._also(), tree_megabytes(self._pid)))


def _reaped(group: int) -> Iterator[resource.struct_rusage]:
    """What the processes took that have outlived the first of their group, as they end; those that do not are let be."""
    until = time.monotonic() + _OUTLIVE_SECONDS
    while time.monotonic() < until:
        try:
            pid, _, usage = os.wait4(-group, os.WNOHANG)
        except ChildProcessError:
            return
        if pid:
            yield usage
        else:
            time.sleep(0.02)


def measured(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    *,
    seconds_at_most: float,
    cores: int | None = None,
) -> Measured:
    """Run a command in `folder`, on so many cores if that is given; after `seconds_at_most` it is killed."""
    # A process that the command has left behind comes to this one, which learns what it took.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    allowed = os.sched_getaffinity(0)
    log = folder / "stderr.txt"
    try:
        # A child has the cores of the thread that started it.
        os.sched_setaffinity(0, sorted(allowed)[:cores] if cores else allowed)
        with log.open("wb") as said:
            began = time.perf_counter()
            process = subprocess.Popen(
                command,
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )
    finally:
        os.sched_setaffinity(0, allowed)
    timer = threading.Timer(seconds_at_most, os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    with Sampler(process.pid) as sampler:
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    timer.cancel()
    left_behind = list(_reaped(process.pid))
    process.returncode = os.waitstatus_to_exitcode(status)
    return Measured(
        seconds=seconds,
        cpu=sum(one.ru_utime + one.ru_stime for one in (usage, *left_behind)),
        samples=tuple(megabytes for _, megabytes in sampler.found),
        code=process.returncode,
        said=log.read_text(encoding="utf-8", errors="replace"),
    )
