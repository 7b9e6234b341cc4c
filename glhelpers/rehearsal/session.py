"""A rehearsal that is going on: where its sandbox is, since when, and how it stands."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from pydantic import AwareDatetime, ValidationError

from glhelpers import clock
from glhelpers.clients.clients import open_clients
from glhelpers.clients.sandbox_control import SandboxControl
from glhelpers.errors import BadParameter, BadSettings, GlhelpersError
from glhelpers.models.base import OwnModel
from glhelpers.rehearsal.case import Case, case_named
from glhelpers.rehearsal.evidence import gather
from glhelpers.rehearsal.verdict import Judgement, judge
from glhelpers.rehearsal.world import world_name, write_world
from glhelpers.sandbox_process import state_file
from glhelpers.settings import SERVICES, Settings, load_settings, state_folder

__all__ = ["Rehearsing", "begin", "judge_running", "need_plain_sandbox", "running_case"]


class Rehearsing(OwnModel):
    """Which case is rehearsed since when, and the process that serves its sandbox."""

    case: str
    began_at: AwareDatetime
    pid: int


def begin(case: Case) -> Path:
    """
    Note that this process is about to serve the case's world, and answer the world's file.

    Whatever was done in an earlier rehearsal counts no more from now on.
    """
    folder = state_folder() / "rehearsal"
    world = write_world(case, folder)
    now = Rehearsing(case=case.id, began_at=clock.now(), pid=os.getpid())
    _note(folder.parent).write_text(now.model_dump_json(indent=1), encoding="utf-8")
    return world


def need_plain_sandbox() -> None:
    """Raise `BadSettings` where the environment would lead runs past the sandbox of a rehearsal."""
    if named := _named():
        raise BadSettings(
            f"{', '.join(named)} would lead your runs past the sandbox of a rehearsal.",
            next_step=f"unset {' '.join(named)}",
        )


def _named() -> list[str]:
    """Variables that name another sandbox than the one that this machine serves."""
    names = [*(f"GLHELPERS_{service.upper()}_URL" for service in SERVICES), "GLHELPERS_WORLD", "GLHELPERS_FAULTS"]
    return [name for name in names if os.environ.get(name)]


def judge_running(id: str, runs_dir: Path | None) -> tuple[Case, Judgement]:
    """
    Judge the rehearsal that is going on; `id` empty: whichever it is.

    Raises `BadParameter` if none is going on, if it is another one, or if its sandbox has ended.
    """
    now = _noted()
    if now is None:
        raise BadParameter("No rehearsal has been started.", next_step="glhelpers sandbox cases lists what there is.")
    case = case_named(id or now.case)
    again = f"glhelpers sandbox rehearse {case.id}"
    if case.id != now.case:
        raise BadParameter(f"The rehearsal that was started last is {now.case}, not {case.id}.", next_step=again)
    # A terminal inside of JupyterLab has the addresses of its sandbox, which is asked below who it is.
    if not _named() and not state_file(state_folder()).is_file():
        raise BadParameter(f"The sandbox of {case.id} has ended, and with it what it had received.", next_step=again)
    # A rehearsal by hand is looked at through the sandbox's own interface all the same.
    settings = replace(load_settings("sandbox"), customersdot_driver="http")
    control = SandboxControl(settings)
    try:
        if not _serves(control, case, now):
            raise BadParameter(f"The sandbox that serves now is not that of {case.id}.", next_step=again)
        with open_clients(settings) as clients:
            found = gather(case, clients, control, runs_dir or settings.runs_dir, now.began_at)
    finally:
        control.close()
    return case, judge(case, found)


def running_case(settings: Settings) -> Case | None:
    """The case whose sandbox these settings reach; None where no rehearsal goes on there."""
    now = _noted()
    if now is None or settings.profile != "sandbox":
        return None
    control = SandboxControl(settings)
    try:
        case = case_named(now.case)
        return case if _serves(control, case, now) else None
    except GlhelpersError:
        return None
    finally:
        control.close()


def _serves(control: SandboxControl, case: Case, now: Rehearsing) -> bool:
    """Whether the sandbox is the one that serves this rehearsal, and no later or earlier one."""
    alive = control.health()
    return (alive.get("world"), alive.get("pid")) == (world_name(case), now.pid)


def _note(state_dir: Path) -> Path:
    return state_dir / "rehearsal" / "now.json"


def _noted() -> Rehearsing | None:
    try:
        return Rehearsing.model_validate_json(_note(state_folder()).read_bytes())
    except (OSError, ValidationError):
        return None
