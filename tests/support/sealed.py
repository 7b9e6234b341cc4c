"""Sealed run folders for tests, made once: a run of the demonstration as `glhelpers run` leaves it, and what followed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from sandboxes import addresses, lent_sandbox
from typer.testing import CliRunner
from walks import approved, walk

from glhelpers.batch.execute import execute
from glhelpers.cli import app
from glhelpers.evidence.keys import make_key
from glhelpers.evidence.verify import FileState, examine
from glhelpers.sandbox.world_file import DEMO, load_world
from glhelpers.sandbox_process import Running
from glhelpers.settings import load_settings

__all__ = ["GIVEN", "Sealed", "sealed_folders", "states", "use", "verify"]

GIVEN = {
    name: str(value)
    for name, value in next(case for case in load_world(DEMO).cases if case.ticket == 1002).parameters.items()
}


@dataclass(frozen=True)
class Sealed:
    """
    Folders that ada has signed: one that waits for approval, with its notebook; another; one that has written.

    `unsigned` was made where there was no key.
    """

    root: Path
    waiting: Path
    other: Path
    written: Path
    unsigned: Path

    def copy_of(self, folder: Path, to: Path) -> Path:
        """The same folder to be changed."""
        return Path(shutil.copytree(folder, to / folder.name, symlinks=True))


@cache
def sealed_folders(base: Path) -> Sealed:
    """Made on a sandbox of their own, once for all modules; the environment is as before at the end."""
    root = base / "sealed"
    root.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        _environment(patch, root)
        with lent_sandbox() as running:
            _reach(patch, running)
            unsigned = walk("force_associate", GIVEN).folder
            use(patch, root)
            make_key("ada", root / "key.pem")
            waiting = execute("force_associate", GIVEN, load_settings()).folder
            other = walk("force_associate", GIVEN).folder
            approval = approved(waiting)
            written = walk("force_associate", GIVEN, approval).folder
            approval.unlink()
            return Sealed(root, waiting, other, written, unsigned)


def use(patch: pytest.MonkeyPatch, root: Path) -> None:
    """Have ada's key at hand, and trust it."""
    patch.setenv("GLHELPERS_SIGNING_KEY", str(root / "key.pem"))
    patch.setenv("GLHELPERS_TRUSTED_SIGNERS", str(root / "signers"))


def _environment(patch: pytest.MonkeyPatch, root: Path) -> None:
    values = {"STATE_DIR": "state", "RUNS_DIR": "runs", "CONFIG": "config.toml"}
    for name, path in values.items():
        patch.setenv(f"GLHELPERS_{name}", str(root / path))
    patch.setenv("GLHELPERS_OPERATOR", "tester")


def _reach(patch: pytest.MonkeyPatch, running: Running) -> None:
    for name, value in addresses(running).items():
        patch.setenv(name, value)


def verify(folder: Path, *words: str) -> tuple[int, str]:
    """The command's exit code and what it says."""
    done = CliRunner().invoke(app, ["evidence", "verify", str(folder), *words])
    return done.exit_code, done.output


def states(folder: Path) -> dict[str, str]:
    """What is not as it was."""
    return {name: state.value for name, state in examine(folder).files if state is not FileState.same}
