"""Attach a finished run to its issue; takes the executed notebook in where the run folder has none."""

from __future__ import annotations

from pathlib import Path

import nbformat

from glhelpers.clients.clients import open_clients
from glhelpers.errors import BadParameter, BadPlanFile
from glhelpers.evidence.folder import RunFolder, read_record
from glhelpers.evidence.keys import own_signer
from glhelpers.evidence.notebook import finished_notebook
from glhelpers.evidence.page import html_page
from glhelpers.evidence.publish import Attached, attach
from glhelpers.evidence.seal import Seal, examine, seal_again
from glhelpers.evidence.secrets import people_of, register_tokens
from glhelpers.settings import Settings, remembered_notebook

__all__ = ["attach_run"]


def attach_run(run_dir: Path, issue: str, settings: Settings, *, notebook: Path | None, dry_run: bool) -> Attached:
    """
    Upload notebook and page to the issue, with one internal note.

    A run in JupyterLab or by plain papermill leaves its executed notebook elsewhere: `notebook` names it.
    """
    if not run_dir.exists() and not run_dir.is_absolute():
        run_dir = settings.runs_dir / run_dir  # as a cell of JupyterLab names it
    record = read_record(run_dir)
    issue = issue or str(record.parameters.get("issue") or "")
    if not issue:
        raise BadParameter("The run names no issue.", next_step="Give one: --issue group/project#12.")
    register_tokens(settings)
    _refuse_a_broken_seal(run_dir)
    has_own = (run_dir / "notebook.ipynb").is_file()
    source = notebook or (None if has_own else remembered_notebook(settings, record.run_id))
    if source is not None:
        _take_in(run_dir, source)
        seal_again(run_dir, own_signer())
    elif not has_own:
        raise BadPlanFile(
            "The run folder holds no executed notebook, since the run was made in JupyterLab or by papermill.",
            next_step="Save the notebook, then attach with --notebook PATH.",
        )
    with open_clients(settings) as clients:
        return attach(run_dir, clients.gitlab, issue, dry_run=dry_run)


def _refuse_a_broken_seal(run_dir: Path) -> None:
    """What was changed since the run ended is not sent as its evidence; runs of older versions have no seal."""
    looked = examine(run_dir)
    if looked.seal is Seal.absent or looked.whole:
        return
    wrong = ", ".join(f"{name} ({state})" for name, state in looked.files if state != "same") or str(looked.seal)
    raise BadPlanFile(
        f"The run folder is not as it was sealed: {wrong}.",
        next_step="Look with `glhelpers evidence verify`; nothing was sent.",
    )


def _take_in(run_dir: Path, path: Path) -> None:
    record = read_record(run_dir)
    try:
        book = nbformat.read(path, as_version=4)
    except (OSError, ValueError, AttributeError):
        raise BadPlanFile(
            f"{path.name} is not a notebook that can be read.", next_step="Save it in JupyterLab."
        ) from None
    if record.run_id not in nbformat.writes(book):
        raise BadPlanFile(
            f"{path.name} does not hold the outputs of run {record.run_id}.",
            next_step="Save the notebook after its last cell has run, and name the folder that the cell shows.",
        )
    folder = RunFolder(path=run_dir, final=run_dir, run_id=record.run_id)
    with people_of(run_dir):
        finished = finished_notebook(book, record)
        folder.write_text("notebook.ipynb", nbformat.writes(finished))
        folder.write_text("notebook.html", html_page(record, finished))
