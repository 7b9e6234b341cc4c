"""Which notebook of JupyterLab a run was made in: noted in the state folder, since the path is nobody else's business."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from glhelpers.settings import Settings

__all__ = ["move_remembered_notebook", "remember_notebook", "remembered_notebook"]


def remember_notebook(settings: Settings, run_id: str) -> None:
    """Note where JupyterLab keeps the notebook of a run; in the state folder, since the path is nobody else's business."""
    if settings.session_notebook is None:
        return
    folder = settings.state_dir / "sessions"
    with suppress(OSError):  # whoever attaches the run can name the notebook
        folder.mkdir(parents=True, exist_ok=True)
        (folder / run_id).write_text(str(settings.session_notebook.absolute()), encoding="utf-8")


def remembered_notebook(settings: Settings, run_id: str) -> Path | None:
    """Where the notebook of a run lies, if it was run in JupyterLab on this machine and is still there."""
    try:
        path = Path((settings.state_dir / "sessions" / run_id).read_text(encoding="utf-8"))
    except OSError:
        return None
    return path if path.is_file() else None


def move_remembered_notebook(state_dir: Path, before: Path, now: Path) -> None:
    """Say of every run whose notebook lay at `before` that it lies at `now`."""
    for note in (state_dir / "sessions").glob("*"):
        with suppress(OSError):
            if note.read_text(encoding="utf-8") == str(before.absolute()):
                note.write_text(str(now.absolute()), encoding="utf-8")
