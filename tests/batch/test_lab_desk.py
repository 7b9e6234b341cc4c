"""The desk that JupyterLab opens on: fresh copies, and nothing thrown away."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from glhelpers.actions.catalogue import CATALOGUE, notebook_path
from glhelpers.batch.lab_desk import EARLIER, desk_for
from glhelpers.sessions import remember_notebook, remembered_notebook
from glhelpers.settings import load_settings

RUNBOOKS = notebook_path("force_associate").parent


def test_a_desk_holds_every_runbook_as_it_was_written(tmp_path: Path) -> None:
    """What was typed into a copy that was never run is gone the next time."""
    with desk_for(tmp_path, RUNBOOKS) as desk:
        copy = desk / "force_associate.ipynb"
        copy.write_text(copy.read_text().replace("fox-university", "another-group"))
    with desk_for(tmp_path, RUNBOOKS) as desk:
        assert {path.stem for path in desk.glob("*.ipynb")} == set(CATALOGUE)
        assert copy.read_bytes() == notebook_path("force_associate").read_bytes()
        assert not (desk / EARLIER).exists()


def test_a_notebook_that_shows_a_run_is_kept_and_still_found(on_sandbox: object, tmp_path: Path) -> None:
    """It can be attached afterwards, though a fresh copy lies in its place."""
    settings = load_settings()
    with desk_for(settings.state_dir, RUNBOOKS) as desk:
        copy = desk / "self_serve.ipynb"
        book = json.loads(copy.read_text())
        book["cells"][-1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "run one"}]
        copy.write_text(json.dumps(book))
    remember_notebook(replace(settings, session_notebook=copy), "20261123T100000.000000Z")
    with desk_for(settings.state_dir, RUNBOOKS):
        assert copy.read_bytes() == notebook_path("self_serve").read_bytes()
    found = remembered_notebook(settings, "20261123T100000.000000Z")
    assert found is not None
    assert found.parent.name == EARLIER
    assert "run one" in found.read_text()


def test_two_labs_have_a_desk_each(tmp_path: Path) -> None:
    """The second does not clear away what the first is working on."""
    with desk_for(tmp_path, RUNBOOKS) as first, desk_for(tmp_path, RUNBOOKS) as second:
        assert first != second
    with desk_for(tmp_path, RUNBOOKS) as again:
        assert again == first
