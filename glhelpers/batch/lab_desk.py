"""
The folder that JupyterLab opens: fresh copies of the runbooks, so that neither an installation nor a clone is written to.

What a copy shows of an earlier run is kept aside, and can still be attached.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from glhelpers.handing_on import shows_a_run
from glhelpers.sessions import move_remembered_notebook

__all__ = ["EARLIER", "desk_for", "lay_out"]

EARLIER = "earlier"
"""Where notebooks go that show an earlier run, beside the fresh ones."""

_MOST_DESKS = 20


@contextlib.contextmanager
def desk_for(state_dir: Path, runbooks: Path) -> Iterator[Path]:
    """A desk that no other JupyterLab of this person uses, laid out afresh; it is theirs as long as this lasts."""
    for number in range(1, _MOST_DESKS + 1):
        desk = state_dir / ("desk" if number == 1 else f"desk-{number}")
        desk.mkdir(parents=True, exist_ok=True)
        with (desk / ".in-use").open("w") as mark:
            if _is_free(mark.fileno()) or number == _MOST_DESKS:
                lay_out(desk, runbooks, state_dir)
                yield desk
                return


def lay_out(desk: Path, runbooks: Path, state_dir: Path) -> None:
    """Put a fresh copy of every runbook on the desk; one that holds outputs is moved to `EARLIER` before."""
    for source in sorted(runbooks.glob("*.ipynb")):
        copy = desk / source.name
        if copy.is_file() and shows_a_run(copy):
            kept = desk / EARLIER / f"{copy.stem}-{datetime.fromtimestamp(copy.stat().st_mtime):%Y%m%d-%H%M%S}.ipynb"
            kept.parent.mkdir(exist_ok=True)
            copy.rename(kept)
            move_remembered_notebook(state_dir, copy, kept)
        shutil.copyfile(source, copy)


def _is_free(mark: int) -> bool:
    try:
        import fcntl
    except ImportError:  # where there is no such lock, two JupyterLabs share one desk
        return True
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
