"""An executed notebook from JupyterLab or papermill, taken into the folder of its run; apart, since nbformat loads slowly."""

from __future__ import annotations

from pathlib import Path

import nbformat

from glhelpers.errors import BadPlanFile
from glhelpers.evidence.folder import RunFolder, read_record
from glhelpers.evidence.keys import own_signer
from glhelpers.evidence.notebook import finished_notebook
from glhelpers.evidence.page import html_page
from glhelpers.evidence.seal import seal_again
from glhelpers.evidence.secrets import people_of

__all__ = ["take_in"]


def take_in(run_dir: Path, path: Path) -> None:
    """
    Put notebook and page into the run folder, and seal it again.

    Raises `BadPlanFile` for what is no notebook, or not that of this run.
    """
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
    seal_again(run_dir, own_signer())
