"""
One runbook, headless: papermill runs the notebook, and the folder tells the truth however it ends.

Papermill calls every cell "completed" when a kernel dies, a cell times out or Ctrl-C comes.  So the
kernel writes the record step by step, and this module finishes it from outside where the kernel
could not.
"""

from __future__ import annotations

import glhelpers.batch.lean  # noqa: F401 (before all that imports jsonschema)  # isort: skip

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.execute import prepare_notebook_metadata, raise_for_execution_errors
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from glhelpers.acting import sheet_for
from glhelpers.actions.catalogue import notebook_path, runbook
from glhelpers.batch.closing import NOTHING_WRITTEN, about_writes, close_folder, cut_off, notebook_from
from glhelpers.batch.signals import EndedBySignal, ended_by_signals
from glhelpers.errors import BadPlanFile, NotStored, OperatorError
from glhelpers.evidence.folder import RunFolder, read_record
from glhelpers.evidence.keys import own_signer
from glhelpers.evidence.personal import Destination, masking_at
from glhelpers.evidence.record import build_record
from glhelpers.evidence.redact import redact_text
from glhelpers.evidence.seal import journal_rows
from glhelpers.evidence.secrets import register_tokens
from glhelpers.gates.issue_notes import FROM_ISSUE
from glhelpers.kernels.cell_client import CellKernel, run_cells
from glhelpers.kernels.lease import KernelNotGiven
from glhelpers.kernels.manager import KERNEL_NAME, RunbookKernelManager
from glhelpers.kernels.owner import NoFork, tell_once
from glhelpers.models.record import RunRecord, StepState
from glhelpers.models.request import RunbookParameters, parse_parameters
from glhelpers.settings import Settings, environment_of, require_tokens
from glhelpers.steps import begun

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner

__all__ = ["CELL_SECONDS", "ENGINE", "STARTS", "Result", "execute", "notebook_path"]

CELL_SECONDS = 180
"""No cell runs longer: ten look-ups at their longest deadline, retried, fit into it."""

STARTS = 3
"""A kernel that dies before its first cell, such as by losing its port to another, is started so many times."""

_NO_KERNEL = "The notebook's kernel could not be used."

ENGINE = "glhelpers"


@dataclass(frozen=True)
class Result:
    """How a run ended and where its evidence lies."""

    record: RunRecord
    folder: Path


class _Engine(NBClientEngine):  # type: ignore[misc]
    """
    Papermill's own engine, with an environment for the kernel and without a save at every cell.

    A forked kernel is asked for its cells over one socket; where none can be forked, an ordinary one over Jupyter's five.
    """

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, log_output: bool = False, **options: Any) -> Any:
        from papermill.clientwrap import PapermillNotebookClient

        client = PapermillNotebookClient(
            nb_man,
            kernel_name=KERNEL_NAME,
            kernel_manager_class=RunbookKernelManager,
            timeout=options.get("execution_timeout"),
            startup_timeout=options.get("start_timeout", 60),
            shutdown_kernel="immediate",
            record_timing=False,
        )
        # Papermill drops what the cells had shown when a run is cut off; it is evidence all the same.
        options.get("executed", []).append(nb_man.nb)
        try:
            kernel = CellKernel(options["kernel_env"])
        except NoFork as reason:
            tell_once(reason.message)
            nb_man.nb.metadata["kernel"] = "started"
            with _said_if_cut_off(nb_man.nb):
                return client.execute(env=options["kernel_env"], independent=False)
        nb_man.nb.metadata["kernel"] = "forked"
        with kernel, _said_if_cut_off(nb_man.nb):
            return run_cells(client, kernel)


@contextmanager
def _said_if_cut_off(book: NotebookNode) -> Iterator[None]:
    """The cell that is cut off, which papermill calls completed like those before it, has failed."""
    try:
        yield
    except BaseException:
        ended = [cell for cell in book.cells if cell.metadata.papermill["status"] == "completed"]
        if ended:
            ended[-1].metadata.papermill["status"] = "failed"
        raise


papermill_engines.register(ENGINE, _Engine)


def execute(id: str, given: dict[str, Any], settings: Settings, *, cell_seconds: int = CELL_SECONDS) -> Result:
    """
    Run a runbook's notebook in a kernel of its own and leave its folder.

    Raises `BadParameter` before anything is started if a parameter is unknown, missing or ill-typed.
    Whatever happens to the kernel, the folder holds a record that says which steps ran.
    """
    book = runbook(id)
    asked = parse_parameters(book.parameters, given, id)
    # All of them are passed on: what the notebook holds by default is the demonstration's, never this ticket's.
    given = asked.model_dump(mode="json")
    if asked.approval and asked.approval != FROM_ISSUE:
        given["approval"] = str(Path(asked.approval).resolve())
    require_tokens(settings)
    sheet_for(asked, settings)
    register_tokens(settings)
    # A key that cannot be used is told now, not when the change is made and its evidence is to be sealed.
    signer = own_signer() if settings.replay is None else None
    folder = RunFolder.open(settings.runs_dir, asked.ticket_url, id, datetime.now(UTC))
    environment = {**os.environ, **environment_of(settings), "GLHELPERS_RUN_FOLDER": str(folder.path)}
    ran = _Ran()
    try:
        first = _first_record(folder, id, asked, settings)
        for _ in range(STARTS):
            ran = _run(notebook_path(id), given, environment, cell_seconds)
            if ran.cut != _NO_KERNEL or _version(folder) != first:
                break
        if _version(folder) == first and ran.cut in (None, _NO_KERNEL):
            raise _not_started(folder, id, ran)
        return _finish(folder, ran, settings, signer)
    except NotStored as full:
        raise _to_be_finished(folder, full, settings) from full
    finally:
        folder.let_go()


def _first_record(folder: RunFolder, id: str, asked: RunbookParameters, settings: Settings) -> object:
    """Write down what is asked before anything begins; a disk that has no room for that stops the run here."""
    folder.write_record(build_record(begun(id, asked, settings, folder), complete=False, ended_at=None))
    return _version(folder)


def _version(folder: RunFolder) -> object:
    """Another one each time the record is written."""
    about = (folder.path / "record.json").stat()
    return about.st_ino, about.st_mtime_ns


def _to_be_finished(folder: RunFolder, full: NotStored, settings: Settings) -> NotStored:
    """What to tell of a run whose folder has no room: how far it is, and that the folder can be finished later."""
    try:
        record = read_record(folder.path)
    except BadPlanFile:
        folder.discard()  # nothing has begun in it
        return NotStored(f"{full.message} No change was sent.", next_step="Free some space, then run again.")
    stood = record.why if record.complete else about_writes(record, settings.journal_url)
    stood = "No change was sent." if stood == NOTHING_WRITTEN else stood  # the sentence before is about writing files
    return NotStored(
        f"{full.message} {stood}", next_step=f"Free some space, then: glhelpers evidence finish {folder.path}"
    )


@dataclass(frozen=True)
class _Ran:
    """What became of a notebook's cells: as far as they ran, and in one sentence what cut them off, if anything has."""

    notebook: NotebookNode | None = None
    cut: str | None = None


def _run(source: Path, given: dict[str, Any], environment: dict[str, str], seconds: int) -> _Ran:
    """Execute the notebook; a cell that fails is no cut, the notebook shows it."""
    executed: list[NotebookNode] = []
    cut: str | None = None
    try:
        with ended_by_signals():
            # What `papermill.execute_notebook` does, but for writing the file twice.
            book = parameterize_notebook(load_notebook_node(str(source)), given, engine_name=ENGINE)
            book = prepare_notebook_metadata(book, source.name, "notebook.ipynb")
            papermill_engines.execute_notebook_with_engine(
                ENGINE,
                book,
                KERNEL_NAME,
                progress_bar=False,
                execution_timeout=seconds,
                kernel_env=environment,
                executed=executed,
            )
            raise_for_execution_errors(executed[-1], None)
    except (PapermillExecutionError, CellExecutionError):
        return _Ran(executed[-1])
    except CellTimeoutError:
        cut = f"A step took longer than {seconds} seconds."
    except DeadKernelError:
        cut = "The notebook's kernel died."
    except EndedBySignal as ended:
        cut = f"The run was ended by {ended}."
    except KeyboardInterrupt:
        cut = "The run was interrupted from the keyboard."
    except (KernelNotGiven, RuntimeError, OSError):
        cut = _NO_KERNEL
    return _Ran(executed[-1] if executed else None, cut)


def _finish(folder: RunFolder, ran: _Ran, settings: Settings, signer: CryptoSigner | None) -> Result:
    record, cut = read_record(folder.path), ran.cut
    if cut is None and _end_is_missing(record):
        cut = _first_error(ran.notebook) or "The run ended before its last step."
    if cut is not None and not record.complete:
        record = cut_off(record, cut, settings.journal_url)
    rows = journal_rows(record, settings)
    notebook = ran.notebook if ran.notebook is not None else notebook_from(record)
    return Result(record, close_folder(folder, record, notebook, signer, rows).path)


def _end_is_missing(record: RunRecord) -> bool:
    """Whether the kernel came to an end of which it could not write the record."""
    return not record.complete and not any(step.state is StepState.failed for step in record.steps)


def _not_started(folder: RunFolder, id: str, ran: _Ran) -> OperatorError:
    said = ran.cut or _first_error(ran.notebook) or "its setup cell failed"
    folder.discard()
    return OperatorError(f"Runbook {id} did not start: {said}", next_step="Run `glhelpers doctor`.")


def _first_error(notebook: NotebookNode | None) -> str | None:
    """The sentence of the error that ended the notebook."""
    if notebook is None:
        return None
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    seen = masking_at(Destination.terminal)
    return next((redact_text(str(output.evalue), seen) for output in outputs if output.output_type == "error"), None)
