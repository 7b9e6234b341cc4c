"""The next runbook as a notebook of its own: parameters filled in, everything else as it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from glhelpers.actions.catalogue import CATALOGUE, notebook_path
from glhelpers.handing_on import filled_notebooks
from glhelpers.models.record import NextRunbook


def filled(book: str, parameters: dict[str, str], folder: Path) -> nbformat.NotebookNode:
    """The copy of a runbook with these parameters."""
    step = NextRunbook(runbook=book, why="it fits", parameters=parameters)
    links = filled_notebooks([step], folder)
    return nbformat.read(folder / links[step.command], as_version=4)


@pytest.mark.parametrize("id", CATALOGUE)
def test_a_copy_differs_in_its_parameters_only(id: str, tmp_path: Path) -> None:
    """A valid notebook; each parameter has its value or none; no other cell has changed."""
    hostile = "a'\"\n__import__('os')"
    copy = filled(id, {"ticket_url": hostile, "unknown": "x"}, tmp_path)
    nbformat.validate(copy)
    original = nbformat.read(notebook_path(id), as_version=4)
    differing = [
        number for number, pair in enumerate(zip(copy.cells, original.cells, strict=True)) if pair[0] != pair[1]
    ]
    (number,) = differing
    assert copy.cells[number].metadata.tags == ["parameters"]
    given: dict[str, str] = {}
    exec(copy.cells[number].source, {}, given)
    assert given == {name: hostile if name == "ticket_url" else "" for name in CATALOGUE[id].parameters.model_fields}


def test_a_copy_for_another_change_leaves_the_first_as_it_is(tmp_path: Path) -> None:
    """The link of an earlier record leads to its own change, and to what was run there, whatever comes after it."""
    ticket = "https://gitlab.zendesk.com/agent/tickets/1002"
    steps = [
        NextRunbook(runbook="undo", why="", parameters={"write": write, "ticket_url": ticket})
        for write in ("a1b2c3d4", "e5f6a7b8")
    ]
    first, second = (filled_notebooks([step], tmp_path)[step.command] for step in steps)
    assert (first, second) == ("tickets/1002/undo.ipynb", "tickets/1002/undo-2.ipynb")
    book = nbformat.read(tmp_path / first, as_version=4)
    (gate,) = [cell for cell in book.cells if "step:confirm" in cell.metadata.get("tags", [])]
    gate.outputs = [nbformat.v4.new_output("stream", text="asked")]
    nbformat.write(book, tmp_path / first)
    assert filled_notebooks(steps, tmp_path) == {steps[0].command: first, steps[1].command: second}
    (gate,) = [
        cell
        for cell in nbformat.read(tmp_path / first, as_version=4).cells
        if "step:confirm" in cell.metadata.get("tags", [])
    ]
    assert gate.outputs[0].text == "asked"


@pytest.mark.parametrize("content", ["", "no JSON", "{}", '{"cells": [{}]}'])
def test_a_file_that_is_no_notebook_stays(content: str, tmp_path: Path) -> None:
    """Somebody has put it there; the copy stands beside it."""
    other = tmp_path / "tickets" / "no-ticket" / "self_serve.ipynb"
    other.parent.mkdir(parents=True)
    other.write_text(content)
    step = NextRunbook(runbook="self_serve", why="", parameters={})
    assert filled_notebooks([step], tmp_path) == {step.command: "tickets/no-ticket/self_serve-2.ipynb"}
    assert other.read_text() == content


def test_a_folder_that_cannot_be_written_gives_no_link(tmp_path: Path) -> None:
    """The command is there all the same."""
    blocked = tmp_path / "tickets"
    blocked.write_text("a file stands where the folder should be")
    assert filled_notebooks([NextRunbook(runbook="self_serve", why="", parameters={})], tmp_path) == {}


def test_opening_a_runbook_does_not_load_what_only_files_of_notebooks_need() -> None:
    """Each kernel imports the package: nbformat, nbconvert, pandas and rich stay out of it."""
    code = "import sys, glhelpers.runbook; print([m for m in ('nbformat', 'nbconvert', 'pandas', 'papermill', 'rich') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
