"""
`python -m bench.soak`: thousands of forked kernels at full concurrency, some of which die, hang or leave things behind.

Half of the seats have a fork server each, as the workers of a batch have; the others share one, so
that it also serves many at once.
"""

from __future__ import annotations

import multiprocessing
import os
import secrets
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import psutil
import typer

from bench.machine import sentence
from bench.measured import Sampler
from bench.page import markdown, put, show
from bench.soak_books import EXPECTED, Launch, launches, looked_at, template
from bench.soak_launch import Ended, launch_one
from glhelpers.kernels.owner import ADDRESS, begin, end

__all__ = ["Tally", "app", "soaked"]

_MARK = "GLHELPERS_SOAK"
_HUNG_SECONDS = 90.0
_PATIENCE = 5.0
_WINDOW = 50

app = typer.Typer(add_completion=False)


@dataclass
class Tally:
    """
    What became of all launches.

    `hung` did not come to an end by themselves, `mixed` hold another's number, `lost` lack outputs
    or did not end as they had to, `restarted` were launched again, `started` had no forked kernel
    although one was to be had.  `zombies` and `orphans` are processes; memory is megabytes of the tree.
    """

    launched: int = 0
    hung: int = 0
    mixed: int = 0
    lost: int = 0
    restarted: int = 0
    started: int = 0
    zombies: int = 0
    orphans: int = 0
    memory_early: float = 0.0
    memory_late: float = 0.0
    seconds: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing hung, nothing was mixed, nothing was lost and nothing stayed behind."""
        return not (self.hung or self.mixed or self.lost or self.zombies or self.orphans)

    def take(self, launch: Launch, ended: Ended, path: Path) -> None:
        """Count one launch."""
        self.launched += 1
        self.kinds[launch.kind] += 1
        self.restarted += ended.starts - 1 if launch.kind != "dies at start" else 0
        self.started += ended.how == "whole" and not ended.forked
        wrong = "hung" if ended.how == "hung" else looked_at(path, launch)
        if not wrong and ended.how != EXPECTED[launch.kind]:
            wrong = "lost"
        match wrong:
            case "hung":
                self.hung += 1
            case "mixed":
                self.mixed += 1
            case "lost":
                self.lost += 1
        if wrong:
            self.complaints.append(f"{launch.mark} ({launch.kind}): {wrong}, ended as {ended.how}: {ended.why}")


class _Seat:
    """A place for one launch at a time, in a process that is taken away if it hangs."""

    def __init__(self, shared: str, mark: str) -> None:
        self._own, self._pid = (shared, mark), 0
        self._pool: ProcessPoolExecutor | None = None

    def run(self, launch: Launch, source: Path, out: Path) -> Ended:
        """How it ended; `hung` if it did not within the time that any launch may take."""
        future = self._begin(launch, source, out)
        try:
            return future.result(timeout=_HUNG_SECONDS)
        except NotYet:
            for process in psutil.Process().children():
                if process.pid == self._pid:
                    process.send_signal(signal.SIGKILL)
            self.close()
            return Ended("hung", f"nothing for {_HUNG_SECONDS:.0f} s", False, 1)
        except BrokenProcessPool:
            self.close()
            return Ended("died", "the process that had asked for the kernel died", False, 1)

    def _begin(self, launch: Launch, source: Path, out: Path) -> Future[Ended]:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_own, initargs=self._own)
            self._pid = self._pool.submit(os.getpid).result()
        return self._pool.submit(launch_one, launch, source, out)

    def close(self) -> None:
        """End the process."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def _own(shared: str, mark: str) -> None:
    """In the seat's process: the shared server, or (with "") one of its own."""
    os.environ.pop(ADDRESS, None)
    os.environ[_MARK] = mark
    if shared:
        os.environ[ADDRESS] = shared


def soaked(count: int, jobs: int, seed: int, folder: Path) -> Tally:
    """Launch so many kernels, `jobs` at once, and count; nothing but the tally stays behind."""
    mark = secrets.token_hex(8)
    books = {kind: template(kind, folder / f"{kind.replace(' ', '-')}.ipynb") for kind in EXPECTED}
    tally, lock, began = Tally(), threading.Lock(), time.monotonic()
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    waiting = launches(count, seed)
    # The servers have the mark, and so has all that comes of them; what Python begins for a pool of its own has not.
    end()
    os.environ[_MARK] = mark
    shared = str(begin() or "off")
    del os.environ[_MARK]

    def sit(number: int) -> None:
        seat = _Seat(shared if number % 2 else "", mark)
        while (launch := _next(waiting, lock)) is not None:
            out = folder / f"{launch.mark}.ipynb"
            ended = seat.run(launch, books[launch.kind], out)
            with lock:
                tally.take(launch, ended, out)
            out.unlink(missing_ok=True)
            _say(tally, count)
        seat.close()

    with Sampler(os.getpid(), lambda: tally.launched) as sampler:
        threads = [threading.Thread(target=sit, args=(number,)) for number in range(jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    tally.seconds = time.monotonic() - began
    tally.zombies = _zombies(before)
    end()
    tally.orphans = _orphans(mark)
    early = min(100, count // 4)
    tally.memory_early = _around(sampler.found, early)
    tally.memory_late = _around(sampler.found, count)
    return tally


def _next(waiting: Iterator[Launch], lock: threading.Lock) -> Launch | None:
    with lock:
        return next(waiting, None)


def _around(found: Sequence[tuple[int, float]], launched: int) -> float:
    """The median of what was seen while about so many had been launched."""
    near = [megabytes for done, megabytes in found if abs(done - launched) <= _WINDOW and megabytes]
    return median(near) if near else 0.0


def _zombies(before: set[int]) -> int:
    """Processes of this soak that have ended, and that nobody has asked how in the seconds since."""
    until, count = time.monotonic() + _PATIENCE, 1
    while count and time.monotonic() < until:
        count = 0
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                count += process.pid not in before and process.status() == psutil.STATUS_ZOMBIE
        time.sleep(0.05)
    return count


def _orphans(mark: str) -> int:
    """Processes that were begun in this soak and live on although all that began them has gone."""
    count = 0
    for process in psutil.process_iter():
        try:
            count += process.pid != os.getpid() and process.environ().get(_MARK) == mark
        except psutil.Error:
            continue
    return count


def _say(tally: Tally, count: int) -> None:
    if tally.launched % 100 == 0 or tally.launched == count:
        typer.echo(
            f"{tally.launched} of {count}: {tally.hung} hung, {tally.mixed} mixed, {tally.lost} lost, "
            f"{tally.restarted} restarted",
            err=True,
        )


@app.command()
def soak(
    count: Annotated[int, typer.Option("--launches", min=1)] = 5000,
    jobs: Annotated[int, typer.Option(min=0, help="So many at once; 0 for two a core, as a batch does.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed has the same misfortunes.")] = 20261123,
    out: Annotated[Path | None, typer.Option(help="The page to bring up to date.")] = None,
) -> None:
    """Launch kernels and count; exit code 1 unless nothing hung, was mixed, was lost or stayed behind."""
    jobs = jobs or 2 * (os.cpu_count() or 1)
    with TemporaryDirectory(prefix="glhelpers-soak-") as name:
        tally = soaked(count, jobs, seed, Path(name))
    for complaint in tally.complaints[:20]:
        typer.echo(complaint, err=True)
    heads, row = _figures(tally)
    show(f"{count} launches, {jobs} at once, {tally.seconds:.0f} s", heads, [row])
    if out is not None:
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(tally.kinds.items()))
        put(
            out,
            "soak",
            f"`python -m bench.soak --launches {count} --jobs {jobs} --seed {seed}`: {tally.seconds:.0f} s. "
            f"{sentence()}.\n\n{markdown(heads, [row])}\n\nOf them: {kinds}.",
        )
    raise typer.Exit(0 if tally.good else 1)


def _figures(tally: Tally) -> tuple[list[str], list[str]]:
    figures = {
        "launched": tally.launched,
        "hung": tally.hung,
        "mixed": tally.mixed,
        "lost": tally.lost,
        "restarted": tally.restarted,
        "not forked": tally.started,
        "zombies": tally.zombies,
        "orphans": tally.orphans,
        "tree at the hundredth, MB": round(tally.memory_early),
        "tree at the end, MB": round(tally.memory_late),
    }
    return list(figures), [str(figure) for figure in figures.values()]


if __name__ == "__main__":
    app()
