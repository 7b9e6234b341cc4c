"""Plain papermill, as somebody runs it who knows nothing of this package: sentences, one write at most, nothing left."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import nbformat
import papermill
import psutil
import pytest

from glhelpers.actions.catalogue import CATALOGUE, Runbook
from glhelpers.errors import BadParameter
from glhelpers.evidence.folder import read_record
from glhelpers.kernels.manager import KERNEL_NAME
from glhelpers.models.record import RunRecord

pytestmark = pytest.mark.notebook

RUNBOOK = Path(__file__).parents[2] / "runbooks" / "force_associate.ipynb"
HERON = {
    "namespace": "heron-health",
    "subscription_name": "A-S00010005",
    "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1005",
    "issue": "",
}
CODE = "x = open('marker', 'w').close(); namespace"


def run_papermill(source: Path, out: Path, environment: dict[str, str], **parameters: str) -> Any:
    """The command, with `-p` for each parameter, in the folder of its output."""
    given = [word for name, value in parameters.items() for word in ("-p", name, value)]
    command = [sys.executable, "-m", "papermill", str(source), str(out), "--no-progress-bar", *given]
    return subprocess.run(
        command, env={**os.environ, **environment}, cwd=out.parent, capture_output=True, text=True, timeout=60
    )


def records(folder: Path) -> list[RunRecord]:
    """The records of all finished runs under a folder, oldest first."""
    found = [path.parent for path in folder.rglob("record.json") if not path.parent.name.startswith(".")]
    return [read_record(path) for path in sorted(found, key=lambda path: path.name)]


def left_over(mark: str) -> list[str]:
    """Processes that were started with this word in their environment and still live."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and mark in process.environ().values():
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def errors_in(path: Path) -> list[Any]:
    """The error outputs of a notebook."""
    cells = nbformat.read(path, as_version=4).cells
    return [out for cell in cells for out in cell.get("outputs", []) if out.output_type == "error"]


@pytest.mark.parametrize("book", CATALOGUE.values(), ids=CATALOGUE)
def test_without_parameters_the_example_runs_on_a_sandbox_of_its_own(book: Runbook, tmp_path: Path) -> None:
    """The run ends with a plan or a way on, every cell has run, and neither kernel nor sandbox is left behind."""
    papermill.execute_notebook(RUNBOOK.with_stem(book.id), tmp_path / "out.ipynb", progress_bar=False)
    (record,) = records(tmp_path / "runs")
    ends = {"awaiting_approval"} if book.writes else {"self_serve", "handed_off", "needs_customer"}
    if not book.examples:  # there is no earlier run to take back on a new sandbox
        ends = {"stopped"}
    assert record.status in ends, record.why
    assert record.complete
    cells = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    assert all(cell.execution_count for cell in cells if cell.cell_type == "code")
    assert errors_in(tmp_path / "out.ipynb") == []
    assert left_over(os.environ["GLHELPERS_STATE_DIR"]) == []


def test_parameters_on_the_command_line_replace_the_examples(desk: Any, tmp_path: Path) -> None:
    """Each `-p` stands in the record, an empty one as not given, and the sandbox named by the environment is used."""
    done = run_papermill(RUNBOOK, tmp_path / "out.ipynb", desk.environment, **HERON)
    assert done.returncode == 0, done.stderr
    (record,) = records(tmp_path / "runs")
    assert record.status == "no_change_needed"
    assert {name: record.parameters[name] or "" for name in HERON} == HERON
    assert desk.ask("requests")["count"] > 0
    assert desk.attempts() == 0


def test_an_unknown_name_ends_with_one_sentence(desk: Any, tmp_path: Path) -> None:
    """The sentence names it and the known ones; no line of our code is shown, nothing is read, no folder is made."""
    done = run_papermill(RUNBOOK, tmp_path / "out.ipynb", desk.environment, colour="blue")
    assert done.returncode == 1
    said = done.stderr.split("Exception encountered")[1].strip().splitlines()
    assert said[1] == "BadParameter: Runbook force_associate cannot start: colour is not a parameter of this runbook."
    assert said[2].startswith("What to do: It takes these parameters: approval, ")
    assert len(said) == 3
    (error,) = errors_in(tmp_path / "out.ipynb")
    assert error.traceback == said[1:]
    assert "glhelpers/" not in done.stderr
    assert desk.ask("requests")["count"] == 0
    assert not (tmp_path / "runs").exists()


def test_an_executed_notebook_run_again_writes_nothing(
    desk: Any, desks: Callable[[], AbstractContextManager[Any]], tmp_path: Path
) -> None:
    """Its approval is spent: on the same services nothing is left to do, on others that look the same it opens no gate."""
    approval = desk.approved(desk.run())
    executed, again = tmp_path / "executed.ipynb", tmp_path / "again.ipynb"
    forked = {"kernel_name": KERNEL_NAME, "progress_bar": False}
    papermill.execute_notebook(RUNBOOK, executed, parameters={"approval": str(approval)}, **forked)
    assert [records(tmp_path / "runs")[-1].status, desk.writes()] == ["completed", 1]

    papermill.execute_notebook(executed, again, **forked)
    assert [records(tmp_path / "runs")[-1].status, desk.writes()] == ["no_change_needed", 1]

    with desks() as other, pytest.MonkeyPatch.context() as same_journal:
        for name in ("GLHELPERS_STATE_DIR", "GLHELPERS_RUNS_DIR"):
            same_journal.setenv(name, desk.environment[name])
        papermill.execute_notebook(executed, again, **forked)
        record = records(tmp_path / "runs")[-1]
        assert record.status == "awaiting_approval"
        assert "was spent at" in record.why
        assert other.attempts() == 0


def test_a_parameter_name_that_is_code_is_refused_before_a_kernel_starts(
    desk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our own front executes no line of it and repeats nothing of it."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadParameter) as refused:
        desk.run({CODE: "x", "subscription_name": "A-S00010002"})
    assert "a parameter with a malformed name" in str(refused.value)
    assert "marker" not in str(refused.value)
    assert not (tmp_path / "marker").exists()
    assert not (tmp_path / "runs").exists()


def test_papermills_own_api_gets_no_further_than_the_setup_with_such_a_name(desk: Any, tmp_path: Path) -> None:
    """Papermill itself takes names as code; the setup cell then refuses what they left, and nothing is asked or sent."""
    with pytest.raises(papermill.PapermillExecutionError, match="x is not a parameter of this runbook"):
        papermill.execute_notebook(
            RUNBOOK, tmp_path / "out.ipynb", parameters={"x = 1; namespace": "fox"}, progress_bar=False
        )
    assert desk.ask("requests")["count"] == 0
    assert not (tmp_path / "runs").exists()
