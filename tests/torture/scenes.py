"""One scene for each action: the runbook, its parameters, what was done before, and how many requests a way through takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from walks import approved, walk

from glhelpers.batch.undoing import undo_parameters
from glhelpers.sandbox.world_file import DEMO, load_world
from glhelpers.settings import load_settings

from .battery import Ground

__all__ = ["SCENES", "Scene", "prepared"]

_CASES = {case.ticket: case for case in load_world(DEMO).cases}
_YES = {"customer_confirmation": "https://gitlab.zendesk.com/agent/tickets/1611#yes"}


@dataclass(frozen=True)
class Scene:
    """
    A change that a case of the demonstration calls for.

    `requests` is what one approval may send: two and a way back where a subscription is replaced.
    `first` is a scene whose change is made before; `undoes` says that this one takes it back.
    """

    action: str
    ticket: int
    other: Mapping[str, str] = field(default_factory=dict)
    requests: int = 1
    effects: int = 1
    first: Scene | None = None
    undoes: bool = False

    @property
    def runbook(self) -> str:
        """The runbook that makes the change."""
        return "undo" if self.undoes else str(_CASES[self.ticket].runbook)

    @property
    def given(self) -> dict[str, str]:
        """The parameters of the case."""
        return {name: str(value) for name, value in _CASES[self.ticket].parameters.items()} | dict(self.other)


_FORCE = Scene("force_associate", 1002)
_CLEAR = Scene("clear_subscription", 1611, {**_YES, "subscription_name": ""})

SCENES = (
    _FORCE,
    _CLEAR,
    Scene("replace_subscription", 1611, _YES, requests=3, effects=2),
    Scene("set_extra_minutes", 1002, {"compute_minutes": "grant"}, first=_FORCE),
    Scene("unlink", 1510),
    Scene("add_membership", 1530),
    Scene("undo of force_associate", 1002, first=_FORCE, undoes=True),
    Scene("undo of clear_subscription", 1611, first=_CLEAR, undoes=True),
)


def prepared(ground: Ground, scene: Scene) -> tuple[dict[str, str], Path]:
    """The world as new, what comes before done; the parameters, and a colleague's approval of the plan."""
    ground.fresh_world()
    given = scene.given
    if scene.first is not None:
        before = walk(scene.first.runbook, scene.first.given)
        done = walk(scene.first.runbook, scene.first.given, approved(before.folder))
        assert done.record.status == "completed", done.record.why
        if scene.undoes:
            given = undo_parameters(done.folder, load_settings())
    planned = walk(scene.runbook, given)
    assert planned.record.status == "awaiting_approval", f"{scene.action}: {planned.record.why}"
    return given, approved(planned.folder)
