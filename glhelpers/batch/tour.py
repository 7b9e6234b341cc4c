"""The demonstration: the cases of a sandbox world, each run as its user would, many at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from glhelpers.batch.execute import execute
from glhelpers.clients.sandbox_control import SandboxControl
from glhelpers.errors import GlhelpersError
from glhelpers.gates.decision import grant
from glhelpers.gates.files import read_plan
from glhelpers.models.finding import Status
from glhelpers.settings import Settings

__all__ = ["Case", "Shown", "approved", "cases_of", "tour"]

_COLLEAGUE = "a colleague"


@dataclass(frozen=True)
class Case:
    """A ticket of the sandbox: what is asked, whether somebody approves, how it should end."""

    name: str
    ticket: int
    runbook: str
    parameters: dict[str, Any]
    approve: bool
    between: tuple[dict[str, Any], ...]
    expect: str
    tour: bool


@dataclass(frozen=True)
class Shown:
    """A case with how it ended; `as_expected` compares with what the world says."""

    case: Case
    status: str
    why: str
    folder: Path | None

    @property
    def as_expected(self) -> bool:
        """Whether the case ended as its author wrote."""
        return self.status == self.case.expect


def cases_of(control: SandboxControl, *, all_of_them: bool = False) -> list[Case]:
    """The cases of the running world, in its order; only those of the tour unless all are wanted."""
    cases = [
        Case(
            name=row["name"],
            ticket=row["ticket"],
            runbook=row["runbook"],
            parameters=dict(row["parameters"]),
            approve=bool(row.get("approve", False)),
            between=tuple(row.get("between") or ()),
            expect=row["expect"],
            tour=bool(row.get("tour", False)),
        )
        for row in control.cases()
    ]
    return [case for case in cases if all_of_them or case.tour]


def tour(
    cases: Sequence[Case], settings: Settings, control: SandboxControl, *, jobs: int, began: Callable[[Case], None]
) -> Iterator[Shown]:
    """Run the cases side by side and give each as it ends."""
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures = {pool.submit(_one, case, settings, control, began): case for case in cases}
        for future in as_completed(futures):
            yield future.result()


def _one(case: Case, settings: Settings, control: SandboxControl, began: Callable[[Case], None]) -> Shown:
    began(case)
    try:
        result = execute(case.runbook, case.parameters, settings)
        if case.approve and result.record.status is Status.awaiting_approval:
            for change in case.between:
                control.change(change)
            approval = approved(result.folder, settings)
            result = execute(case.runbook, {**case.parameters, "approval": str(approval)}, settings)
    except GlhelpersError as error:
        return Shown(case, Status.failed.value, str(error), None)
    return Shown(case, result.record.status.value, result.record.why, result.folder)


def approved(folder: Path, settings: Settings) -> Path:
    """What `glhelpers approve` does with a run's plan, played by a colleague of whoever runs the demonstration."""
    file = read_plan(folder / "plan.json")
    approval = grant(
        file,
        typed=file.plan.target.typed,
        approver=_COLLEAGUE,
        now=datetime.now(UTC),
        lasts=timedelta(minutes=settings.approval_minutes),
    )
    path = folder / "approval.json"
    path.write_text(approval.model_dump_json(indent=1), encoding="utf-8")
    return path
