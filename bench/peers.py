"""What runs in the process of a way that is not the batch: a library's API, or the steps of a run without a notebook."""

from __future__ import annotations

import json
import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from pathlib import Path

from bench.tickets import RUNBOOK

__all__ = ["main", "papermill", "plain", "ploomber"]

_IMPORTED = {"papermill": "papermill", "plain": "glhelpers.runbook"}

Job = tuple[int, dict[str, str]]


def papermill(job: Job) -> None:
    """One ticket by papermill, with its own defaults but for the bar."""
    import papermill as pm

    from glhelpers.actions.catalogue import notebook_path

    number, row = job
    pm.execute_notebook(
        str(notebook_path(RUNBOOK)), f"out/{number}.ipynb", parameters=row, kernel_name="python3", progress_bar=False
    )


def ploomber(job: Job) -> None:
    """One ticket by ploomber-engine, in this very process."""
    from ploomber_engine import execute_notebook

    from glhelpers.actions.catalogue import notebook_path

    number, row = job
    execute_notebook(
        str(notebook_path(RUNBOOK)), f"out/{number}.ipynb", parameters=row, progress_bar=False, verbose=False
    )


def plain(job: Job) -> None:
    """The same reads, rules, plan and record, step by step as the notebook's cells take them."""
    from glhelpers.runbook import open_runbook

    run = open_runbook(RUNBOOK, dict(job[1]))
    for step in (run.look_up, run.check, run.plan, run.confirm, run.apply, run.verify, run.record):
        step()


def _import(name: str) -> Callable[[Job], None]:
    """Import what the way needs before processes are forked, so that each need not do it again."""
    if name in _IMPORTED:
        import_module(_IMPORTED[name])
    return {"papermill": papermill, "ploomber": ploomber, "plain": plain}[name]


def main() -> None:
    """`WAY PROCESSES`, in a folder that has `tickets.jsonl`."""
    way, processes = _import(sys.argv[1]), int(sys.argv[2])
    rows = [json.loads(line) for line in Path("tickets.jsonl").read_text(encoding="utf-8").splitlines()]
    jobs = list(enumerate(rows, 1))
    if processes == 1:
        for job in jobs:
            way(job)
        return
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("fork")) as pool:
        for _ in pool.map(way, jobs):
            pass
