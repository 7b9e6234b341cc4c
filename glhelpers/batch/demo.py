"""The demonstration with its progress display."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from glhelpers.batch.tour import Case, Shown, cases_of, tour
from glhelpers.clients.sandbox_control import SandboxControl
from glhelpers.errors import BadSettings
from glhelpers.settings import load_settings

__all__ = ["run_demo"]


def run_demo(*, everything: bool, jobs: int, console: Console) -> list[Shown]:
    """Run the sandbox's cases; a bar in a terminal, one plain line a case elsewhere."""
    settings = load_settings("sandbox")
    if not settings.on_loopback:
        raise BadSettings("The demonstration runs on the sandbox only.", next_step="Unset GLHELPERS_GITLAB_URL.")
    control = SandboxControl(settings)
    cases = cases_of(control, all_of_them=everything)
    shown: list[Shown] = []
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("tickets", total=len(cases))

        def began(case: Case) -> None:
            bar.update(task, description=f"ticket {case.ticket}: {case.name[:50]}")

        for result in tour(cases, settings, control, jobs=jobs, began=began):
            shown.append(result)
            bar.advance(task)
            if not console.is_terminal:
                console.print(f"{len(shown)}/{len(cases)} ticket {result.case.ticket}: {result.status}", markup=False)
    control.close()
    return shown
