"""Runs that are cut off: whatever ends them, the folder says which steps ran, and nothing is called completed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from glhelpers.evidence.folder import read_record
from glhelpers.models.record import RunRecord, StepState
from glhelpers.runbook import STEPS

pytestmark = pytest.mark.notebook

Until = Callable[[Callable[[], Any]], Any]

SLOW_READS = {"system": "gitlab", "path": "/api/v4/namespaces/*", "do": "latency", "seconds": 30}
DRIPPING_ANSWER = {"method": "POST", "path": "*/support-tools/*", "do": "slow_drip", "seconds": 30}


def inside(runs: Path, step: str) -> Path | None:
    """The folder of a run that is inside this step now."""
    for folder in runs.glob("*/*/.*.incomplete"):
        if (folder / "record.json").is_file():
            states = {row["name"]: row["state"] for row in json.loads((folder / "record.json").read_text())["steps"]}
            if states[step] == "running":
                return folder
    return None


def kernel_of(process: subprocess.Popen[str]) -> psutil.Process:
    """The kernel among the descendants of a running command."""
    family = psutil.Process(process.pid).children(recursive=True)
    return next(child for child in family if child.name() == "glh-kernel")


def the_folder(runs: Path) -> Path:
    """The only finished run."""
    (folder,) = [path for path in runs.glob("*/*/*") if not path.name.startswith(".")]
    return folder


def assert_cut_off_in(folder: Path, step: str, why: str) -> RunRecord:
    """The record names the step that was cut off and exactly those that never ran; the notebook says so first."""
    record = read_record(folder)
    position = STEPS.index(step)
    states = [row.state for row in record.steps]
    assert states == [StepState.done] * position + [StepState.failed] + [StepState.not_run] * (6 - position)
    assert record.status == "failed"
    assert not record.complete
    assert record.why.startswith(why)
    assert record.steps[position].error == why
    book = nbformat.read(folder / "notebook.ipynb", as_version=4)
    assert book.cells[0].source.startswith("# ○ INCOMPLETE")
    assert f"Steps that did not run: {', '.join(STEPS[position + 1 :])}." in book.cells[0].source
    cells = {cell.id: cell.metadata for cell in book.cells if cell.cell_type == "code"}
    for number, name in enumerate(STEPS):
        about = cells[name.replace(" ", "-")]
        assert about.glhelpers.ran == (number <= position)
        assert about.papermill.status == ["completed", "failed", "not run"][(number > position) + (number >= position)]
    assert "INCOMPLETE" in (folder / "notebook.html").read_text()
    return record


def test_a_killed_kernel_leaves_a_true_record(desk: Any, until: Until) -> None:
    """kill -9 during the look-up: failed, exit code 3, nothing written, and the steps that never ran are named."""
    desk.misbehave(SLOW_READS)
    process = desk.begin("run", "force_associate", *desk.words(1002))
    until(lambda: inside(desk.settings.runs_dir, "look up"))
    kernel_of(process).kill()
    out, err = process.communicate(timeout=20)
    assert process.returncode == 3
    assert "failed  The notebook's kernel died. Nothing was written." in out
    assert "Traceback" not in out + err
    assert_cut_off_in(the_folder(desk.settings.runs_dir), "look up", "The notebook's kernel died.")
    assert desk.attempts() == 0


def test_a_step_that_takes_too_long_is_cut_off(desk: Any) -> None:
    """A cell over its time ends the run, without waiting for the answer; the record says so."""
    desk.misbehave(SLOW_READS)
    result = desk.run(1002, cell_seconds=4)
    assert_cut_off_in(result.folder, "look up", "A step took longer than 4 seconds.")
    assert desk.attempts() == 0


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_asked_to_end_leaves_a_true_record(desk: Any, until: Until, by: signal.Signals) -> None:
    """A scheduler or a closed terminal: the folder is finished first, and no kernel is left."""
    desk.misbehave(SLOW_READS)
    process = desk.begin("run", "force_associate", *desk.words(1002))
    until(lambda: inside(desk.settings.runs_dir, "look up"))
    kernel = kernel_of(process)
    os.kill(process.pid, by)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 3
    assert f"failed  The run was ended by {by.name}. Nothing was written." in out
    assert "Traceback" not in out + err
    assert_cut_off_in(the_folder(desk.settings.runs_dir), "look up", f"The run was ended by {by.name}.")
    until(lambda: not kernel.is_running())
    assert desk.attempts() == 0


def test_ctrl_c_leaves_a_true_record(desk: Any, until: Until) -> None:
    """An interrupt from the keyboard: failed, exit code 3, nothing written, no kernel left."""
    desk.misbehave(SLOW_READS)
    process = desk.begin("run", "force_associate", *desk.words(1002))
    until(lambda: inside(desk.settings.runs_dir, "look up"))
    kernel = kernel_of(process)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 3
    assert "failed  The run was interrupted from the keyboard. Nothing was written." in out
    assert "Traceback" not in out + err
    assert_cut_off_in(the_folder(desk.settings.runs_dir), "look up", "The run was interrupted from the keyboard.")
    until(lambda: not kernel.is_running())
    assert desk.attempts() == 0


def test_a_run_whose_driver_was_killed_is_called_incomplete_by_its_folder(desk: Any, until: Until) -> None:
    """kill -9 of the command itself: nobody finishes the folder, so name and record say that it was not finished."""
    desk.misbehave(SLOW_READS)
    process = desk.begin("run", "force_associate", *desk.words(1002))
    folder = until(lambda: inside(desk.settings.runs_dir, "look up"))
    kernel = kernel_of(process)
    process.kill()
    process.communicate(timeout=10)
    until(lambda: not kernel.is_running())
    record = read_record(folder)
    assert folder.name.endswith(".incomplete")
    assert not record.complete
    assert [row.state for row in record.steps][1:] == [StepState.not_run] * 6
    assert desk.attempts() == 0


@pytest.mark.parametrize(
    ("ticket", "ends", "told"),
    [(1002, "completed", 0), (1026, "verification_failed", 2)],
    ids=["the change was made", "the tool accepted it and did nothing"],
)
def test_a_kernel_killed_while_the_change_is_sent_is_settled_by_the_next_run(
    desk: Any, until: Until, ticket: int, ends: str, told: int
) -> None:
    """Nobody heard the answer: the record does not deny the change, and the next run reads it back and sends nothing."""
    approval = desk.approved(desk.run(ticket))
    desk.misbehave(DRIPPING_ANSWER)
    process = desk.begin("run", "force_associate", *desk.words(ticket), "--approval", str(approval))
    until(lambda: inside(desk.settings.runs_dir, "apply") and desk.writes() == 1)
    kernel_of(process).kill()
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 3
    assert "A change may have been sent: run again, it reads the state back first." in out
    desk.misbehave()
    settled = desk.run(ticket).record
    assert settled.status == ends
    assert settled.receipt is not None
    assert settled.receipt.settled_from_journal
    assert "An earlier run sent this change and did not record its end; it was read back here." in settled.notices
    assert desk.writes() == 1
    assert desk.attempts() == 1 + told
