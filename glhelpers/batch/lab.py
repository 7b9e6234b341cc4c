"""Programs that stay: JupyterLab on the runbooks, the sandbox on its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from glhelpers.batch.execute import notebook_path
from glhelpers.sandbox_process import state_file
from glhelpers.settings import Settings, environment_of, state_folder

__all__ = ["open_lab", "serve_sandbox"]


def open_lab(arguments: list[str], settings: Settings) -> int:
    """Run JupyterLab until it is closed; its kernels reach the services of these settings."""
    environment = {**os.environ, **environment_of(settings)}
    folder = notebook_path("force_associate").parent
    as_root = ["--allow-root"] if os.geteuid() == 0 else []
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}", "--ip=127.0.0.1", *as_root]
    return subprocess.call([*command, *arguments], env=environment)


def serve_sandbox(port: int, world: Path | None, faults: Path | None, *, as_json: bool) -> int:
    """Run the sandbox until Ctrl-C and leave word of it in the state folder while it runs."""
    state = state_file(state_folder())
    state.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "glhelpers.sandbox", "--port", str(port), "--state-file", str(state)]
    command += ["--world", str(world)] if world else []
    command += ["--faults", str(faults)] if faults else []
    command += ["--json"] if as_json else []
    os.execv(sys.executable, command)  # noqa: S606 (this process becomes the sandbox, so that signals reach it)
