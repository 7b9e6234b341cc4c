"""Training cases played through: one sandbox that holds all of them, and kernels that run what a learner would run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from kernels import Player
from sandboxes import begin_anew, end, environment_on

from glhelpers.batch.tour import approved
from glhelpers.clients.clients import Clients, open_clients
from glhelpers.clients.sandbox_control import SandboxControl
from glhelpers.models.finding import Status
from glhelpers.rehearsal.case import YOURSELF, Case, Played, cases
from glhelpers.rehearsal.evidence import gather
from glhelpers.rehearsal.verdict import Judgement, judge
from glhelpers.rehearsal.world import world_of
from glhelpers.sandbox_process import Running, start_sandbox
from glhelpers.settings import Settings, environment_of, load_settings

__all__ = ["Stage", "staged"]

Turn = Callable[[Clients], object] | list[Played]
"""What a learner does: runs of runbooks, or something past them."""


@dataclass
class Stage:
    """All cases side by side; each `play` begins with the world as in its files."""

    sandbox: Running
    settings: Settings
    control: SandboxControl
    player: Player
    runs: Path = Path()
    since: datetime = datetime.min

    def play(self, turns: Mapping[str, Turn]) -> dict[str, Judgement]:
        """Let each case's learner take their turn, and judge all of these cases afterwards."""
        self.reset()
        self.since = datetime.now(UTC)
        known = {case.id: case for case in cases()}
        self.runs = runs = self.settings.runs_dir / self.since.strftime("%H%M%S%f")
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda each: self._take(known[each[0]], each[1], runs), turns.items()))
        return {id: self.judge(known[id], self.since) for id in turns}

    def judge(self, case: Case, since: datetime) -> Judgement:
        """Judge a case by what there is now."""
        with open_clients(self.settings) as clients:
            return judge(case, gather(case, clients, self.control, self.runs, since))

    def reset(self) -> None:
        """The world as in its files; nothing was ever received."""
        begin_anew(self.sandbox)

    def _take(self, case: Case, turn: Turn, runs: Path) -> None:
        if not isinstance(turn, list):
            with open_clients(self.settings) as clients:
                turn(clients)
            return
        for played in turn:
            given = case.parameters_of(played)
            # The player looks for the newest record below its folder, so each case has one of its own, put together later.
            own = runs / "of" / case.id
            said, record, folder = self.player.play(played.runbook, given, own)
            assert record is not None, said
            if played.approved_by:
                assert folder is not None
                assert record.status is Status.awaiting_approval, (case.id, record.status, record.why)
                assert record.plan is not None
                assert bool(record.plan.second_person) is (played.approved_by != YOURSELF), record.plan.second_person
                approval = approved(folder, self.settings)
                self.player.play(played.runbook, {**given, "approval": str(approval)}, own)
        for ticket in (runs / "of" / case.id).glob("*"):
            ticket.rename(runs / ticket.name)


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """The stage, for as long as the block lasts."""
    path = folder / "all.yaml"
    path.write_text(yaml.safe_dump(world_of(cases(), "all rehearsals")), encoding="utf-8")
    sandbox = start_sandbox(world=str(path))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment_on(sandbox, folder, "learner").items():
            patch.setenv(name, value)
        settings = replace(load_settings(), runs_dir=folder / "runs")
        environment = {**os.environ, **environment_of(settings)}
    control = SandboxControl(settings)
    yield Stage(sandbox, settings, control, Player(environment))
    control.close()
    end(sandbox)
