"""Programs that stay: JupyterLab on the runbooks, the sandbox on its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from glhelpers.actions.catalogue import notebook_path
from glhelpers.batch.lab_desk import desk_for
from glhelpers.kernels.owner import ADDRESS, PROVISIONER, begin
from glhelpers.sandbox_process import state_file
from glhelpers.settings import Settings, environment_of, state_folder

__all__ = ["EXTENSIONS", "open_lab", "serve_sandbox"]

_LAB_ENDS_WITHIN_SECONDS = 10

EXTENSIONS = Path(__file__).parents[1] / "seat" / "labextension"
"""The folder of what JupyterLab's page itself does around a runbook."""

_FIRST = "/lab/tree/start_here.ipynb"

_LAB_SETTINGS = {
    # A gate that is scrolled out of sight must still be there for a screen reader and for "find".
    "@jupyterlab/notebook-extension/tracker.jupyterlab-settings": {"windowingMode": "none"},
    # No request leaves for news about Jupyter, and no question covers the first screen.
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {"fetchNews": "false", "checkForUpdates": False},
}


def open_lab(arguments: list[str], settings: Settings) -> int:
    """
    Run JupyterLab until it is closed; its kernels reach the services of these settings.

    It opens on a desk with fresh copies of the runbooks, unless `--ServerApp.root_dir` names another folder.
    """
    if any(argument.startswith("--ServerApp.root_dir") for argument in arguments):
        return _run_lab(arguments, settings)
    with desk_for(settings.state_dir, notebook_path("force_associate").parent) as desk:
        return _run_lab([f"--ServerApp.root_dir={desk}", *arguments], settings)


def _run_lab(arguments: list[str], settings: Settings) -> int:
    environment = {**os.environ, **environment_of(settings)}
    environment.setdefault("JUPYTERLAB_SETTINGS_DIR", str(_lab_settings(settings.state_dir / "lab-settings")))
    if (kernels := begin()) is not None:
        # A runbook that is opened has its kernel at once: forked from what is being imported while the page loads.
        environment[ADDRESS] = str(kernels)
        environment.setdefault("JUPYTER_DEFAULT_PROVISIONER_NAME", PROVISIONER)
    environment["JUPYTER_CONFIG_PATH"] = _and_before(environment.get("JUPYTER_CONFIG_PATH"), _told_to_pages(settings))
    as_root = ["--allow-root"] if os.geteuid() == 0 else []
    own = [f"--LabApp.default_url={_FIRST}", f"--LabApp.extra_labextensions_path={EXTENSIONS}"]
    command = [sys.executable, "-m", "jupyterlab", *own, "--ip=127.0.0.1", *as_root]
    lab = subprocess.Popen([*command, *arguments], env=environment)
    # Ctrl-C reaches JupyterLab by itself, which asks back; an order to end is passed on, so that none is left behind.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, lambda number, frame: lab.kill())

    def end(number: int, frame: FrameType | None) -> None:
        lab.terminate()
        # A server that waits for a kernel which is just starting does not hear; kernels end with their server.
        signal.alarm(_LAB_ENDS_WITHIN_SECONDS)

    signal.signal(signal.SIGTERM, end)
    return lab.wait()


def _lab_settings(folder: Path) -> Path:
    """JupyterLab's settings for runbooks; what a user has changed since stays as it is."""
    for name, value in _LAB_SETTINGS.items():
        path = folder / name
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(value), encoding="utf-8")
    return folder


def _told_to_pages(settings: Settings) -> Path:
    """A folder of configuration that tells every page which profile it is on."""
    folder = settings.state_dir / "lab-pages" / settings.profile
    path = folder / "labconfig" / "page_config.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"glhelpersProfile": settings.profile, "glhelpersProduction": "yes" if settings.production else "no"}
    path.write_text(json.dumps(told), encoding="utf-8")
    return folder


def _and_before(path: str | None, folder: Path) -> str:
    return os.pathsep.join([str(folder), *([path] if path else [])])


def serve_sandbox(port: int, world: Path | None, faults: Path | None, *, as_json: bool) -> int:
    """Run the sandbox until Ctrl-C and leave word of it in the state folder while it runs."""
    state = state_file(state_folder())
    state.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "glhelpers.sandbox", "--port", str(port), "--state-file", str(state)]
    command += ["--world", str(world)] if world else []
    command += ["--faults", str(faults)] if faults else []
    command += ["--json"] if as_json else []
    os.execv(sys.executable, command)  # noqa: S606 (this process becomes the sandbox, so that signals reach it)
