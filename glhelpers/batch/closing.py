"""The end of a run folder, made from outside the kernel: what is said of a run that was cut off, and the last files."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import papermill as pm
import sqlalchemy as sa

from glhelpers.actions.catalogue import CATALOGUE, notebook_path
from glhelpers.actions.journal import Journal
from glhelpers.actions.journal_story import OPEN, Story, of_run
from glhelpers.errors import BadSettings
from glhelpers.evidence.folder import RunFolder
from glhelpers.evidence.markdown import summary_markdown
from glhelpers.evidence.notebook import finished_notebook, notebook_text
from glhelpers.evidence.page import html_page
from glhelpers.evidence.rebuilt import rebuilt_notebook
from glhelpers.evidence.seal import seal
from glhelpers.evidence.secrets import people_of
from glhelpers.evidence.statement import JournalRows
from glhelpers.models.finding import Status
from glhelpers.models.record import RunRecord, StepState

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner

__all__ = [
    "MAY_BE_SENT",
    "NOTHING_WRITTEN",
    "about_writes",
    "close_folder",
    "cut_off",
    "notebook_from",
    "notebook_of",
    "writes_of",
]

NOTHING_WRITTEN = "Nothing was written."
MAY_BE_SENT = "A change may have been sent: run again, it reads the state back first."


def cut_off(record: RunRecord, cut: str, journal_url: str) -> RunRecord:
    """The record of a run that something has cut off, with that said in it; the same if it is said already."""
    steps = tuple(
        step.model_copy(update={"state": StepState.failed, "error": cut}) if step.state is StepState.running else step
        for step in record.steps
    )
    why = f"{cut} {about_writes(record, journal_url)}"
    return record.model_copy(update={"status": Status.failed, "why": why, "steps": steps, "next_step": "Run again."})


def about_writes(record: RunRecord, journal_url: str) -> str:
    """
    In one sentence whether a run that was cut off has sent anything.

    The journal is asked before it is denied: an intent lies there before a request leaves.
    """
    told = writes_of(record.run_id, journal_url) or ()
    if any(story.state == OPEN for story in told):
        return MAY_BE_SENT
    if told:
        what = f"its outcome is {told[0].state}"
        return f"A change was begun, and {what} (glhelpers journal show {told[0].short_id})."
    return MAY_BE_SENT if record.receipt is not None or _was_sending(record) else NOTHING_WRITTEN


def writes_of(run_id: str, journal_url: str) -> list[Story] | None:
    """What the journal tells of a run's writes; none where there is no journal, None if it cannot be read."""
    address = sa.make_url(journal_url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file():
        return []
    try:
        with closing(Journal(journal_url)) as journal:
            return of_run(journal, run_id)
    except BadSettings:
        return None


def _was_sending(record: RunRecord) -> bool:
    return any(step.name == "apply" and step.state is not StepState.not_run for step in record.steps) and (
        record.approval is not None
    )


def notebook_of(folder: RunFolder, record: RunRecord) -> nbformat.NotebookNode:
    """The notebook of a folder that was left behind, if it was made fit to be kept; else one made from the record."""
    try:
        return nbformat.read(folder.path / "notebook.ipynb", as_version=4)
    except (OSError, ValueError, AttributeError, KeyError):  # not there, or cut short on a full disk
        return notebook_from(record)


def notebook_from(record: RunRecord) -> nbformat.NotebookNode:
    """A notebook made from the record alone, which says so, for a run whose own was lost."""
    return rebuilt_notebook(_prepared(record), record)


def _prepared(record: RunRecord) -> nbformat.NotebookNode:
    """The runbook's notebook with the run's parameters, not executed."""
    known = CATALOGUE[record.runbook].parameters.model_fields
    given = {name: value for name, value in record.parameters.items() if value is not None and name in known}
    prepare: Callable[..., nbformat.NotebookNode] = pm.execute_notebook
    return prepare(str(notebook_path(record.runbook)), None, parameters=given, prepare_only=True, progress_bar=False)


def close_folder(
    folder: RunFolder,
    record: RunRecord,
    notebook: nbformat.NotebookNode,
    signer: CryptoSigner | None,
    rows: tuple[JournalRows, ...] | None,
) -> RunFolder:
    """
    Write notebook, page, summary and record, seal the folder and give it its final name.

    Cut off anywhere and called again with the same, it comes to the same end.
    """
    with people_of(folder.path):
        kept = finished_notebook(notebook, record)
        folder.write_text("notebook.ipynb", notebook_text(kept))
        folder.write_text("notebook.html", html_page(record, kept))
    folder.write_text("summary.md", summary_markdown(record))
    folder.write_record(record)
    seal(folder, record, signer, rows)
    return folder.finalise()
