"""`glhelpers approve`: one plan, typed; or the plans of a batch, each typed or by a list that was reviewed."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from glhelpers.errors import BadParameter, GateClosed

if TYPE_CHECKING:
    from glhelpers.batch.approving import Waiting
    from glhelpers.models.change import PlanFile
    from glhelpers.settings import Settings

__all__ = ["approve_command", "show_plan"]


def approve_command(
    plan: Annotated[Path, typer.Argument(help="The plan.json of a run that awaits approval, or a batch's folder.")],
    break_glass: Annotated[
        str | None,
        typer.Option(
            "--break-glass", metavar="REASON", help="Approve alone what takes two people; shown in red ever after."
        ),
    ] = None,
    write_list: Annotated[
        bool, typer.Option("--list", help="For a batch: write its plans to plans.csv, to be reviewed.")
    ] = False,
    reviewed: Annotated[
        Path | None,
        typer.Option("--reviewed", metavar="FILE", help="For a batch: approve what was typed into this list."),
    ] = None,
) -> None:
    """Show a plan, ask for its target to be typed, and write an approval.json beside it; so for all plans of a batch."""
    from glhelpers.settings import load_settings

    settings = load_settings()
    if plan.is_dir():
        if break_glass is not None:
            raise BadParameter(
                "The glass is broken for one plan at a time.",
                next_step="Name the plan.json in the folder of its run, with --break-glass.",
            )
        _approve_batch(plan, settings, write_list, reviewed)
        return
    if write_list or reviewed is not None:
        raise BadParameter("--list and --reviewed are for the folder of a batch.", next_step="Name that folder.")
    _approve_one(plan, settings, break_glass)


def _approve_one(plan: Path, settings: Settings, break_glass: str | None) -> None:
    from glhelpers.gates.decision import grant
    from glhelpers.gates.files import read_plan

    out, file = _console(), read_plan(plan)
    _same_profile(file, settings)
    show_plan(out, file)
    out.print(f"You approve as [bold]{escape(settings.operator)}[/]. Nothing is written to any service by approving.")
    if break_glass is not None and not settings.break_glass:
        raise BadParameter(
            f"Profile {settings.profile} does not let one person approve alone.",
            next_step="Find a second person; or have break_glass = true set in the profile.",
        )
    typed = typer.prompt(f"Type {file.plan.target.typed} to approve", default="", show_default=False)
    if break_glass is not None:
        out.print("[bold white on red]⚠ BREAK-GLASS[/] [red]You approve alone what takes two people.[/]")
        if typer.prompt("Type BREAK GLASS to go on", default="", show_default=False) != "BREAK GLASS":
            raise GateClosed("The glass was not broken; nothing is approved.", next_step="Find a second person.")
    granted = grant(
        file,
        typed=typed,
        approver=settings.operator,
        now=datetime.now(UTC),
        lasts=timedelta(minutes=settings.approval_minutes),
        break_glass=break_glass,
    )
    target = plan.with_name("approval.json")
    target.write_text(granted.model_dump_json(indent=1) + "\n", encoding="utf-8")
    out.print(f"[green]✔[/] Approved until {granted.expires_at:%H:%M} UTC, for one use: {escape(str(target))}")


def _approve_batch(folder: Path, settings: Settings, write_list: bool, reviewed: Path | None) -> None:
    from glhelpers.batch.approving import LIST, approve_listed, approve_typed, waiting_in, write_plans

    out = _console()
    if write_list:
        count = write_plans(folder)
        out.print(f"[green]✔[/] {count} plans that wait are listed in {escape(str(folder / LIST))}.")
        out.print(
            "  To approve one, write its target into the column `approve`, to the letter; leave the others empty.\n"
            f"  Then: glhelpers approve {escape(str(folder))} --reviewed {escape(str(folder / LIST))}"
        )
        return
    out.print(f"You approve as [bold]{escape(settings.operator)}[/]. Nothing is written to any service by approving.")
    if reviewed is not None:
        results = approve_listed(folder, reviewed, settings)
    else:
        _show_plans(out, folder)
        results = (
            approve_typed(one, _typed_for(out, one), settings) for one in waiting_in(folder) if one.approved is None
        )
    approved, refused = 0, 0
    for plan, why in results:
        about = f"line {plan.entry.row.line}, {escape(plan.file.plan.target.name)}"
        if why is None:
            approved += 1
            out.print(f"[green]✔[/] {about}: approved for one use.")
        elif why:
            refused += 1
            out.print(f"[red]✘[/] {about}: {escape(why)}")
    out.print(f"{approved} approved, {refused} refused. An approval lasts {settings.approval_minutes} minutes.")
    raise typer.Exit(2 if refused else 0)


def _typed_for(out: Console, one: Waiting) -> str:
    show_plan(out, one.file)
    typed: str = typer.prompt(
        f"Type {one.file.plan.target.typed} to approve, nothing to leave it", default="", show_default=False
    )
    return typed


def _show_plans(out: Console, folder: Path) -> None:
    from glhelpers.batch.approving import changes_in_words, waiting_in
    from glhelpers.evidence.words import action_in_words

    table = Table("line", "ticket", "action", Column("target", overflow="fold"), Column("what changes", ratio=1), "")
    for one in waiting_in(folder):
        plan = one.file.plan
        table.add_row(
            str(one.entry.row.line),
            str(one.entry.row.ticket or "–"),
            action_in_words(plan.action),
            f"{escape(plan.target.name)} ({plan.target.id})",
            escape(changes_in_words(plan)) + (" [yellow]second person[/]" if plan.second_person else ""),
            "[green]approved[/]" if one.approved else "waits",
        )
    out.print(table if table.row_count else "No plan of this batch waits for approval.")


def _same_profile(file: PlanFile, settings: Settings) -> None:
    if file.plan.profile != settings.profile:
        raise BadParameter(
            f"The plan was made for profile {file.plan.profile}, this is {settings.profile}.",
            next_step="Set GLHELPERS_PROFILE to the plan's profile.",
        )


def show_plan(out: Console, file: PlanFile) -> None:
    """Show all that a person has to know of a plan before they approve it."""
    from glhelpers.evidence.words import action_in_words

    plan = file.plan
    out.print(
        f"[bold]{action_in_words(plan.action)}[/] on [bold]{escape(plan.target.name)}[/] (id {plan.target.id}), "
        f"profile [bold]{plan.profile}[/]"
    )
    table = Table("what", "before", "after", "")
    for change in plan.changes:
        same = change.before == change.after
        after = escape(_word(change.after))
        table.add_row(
            change.label,
            escape(_word(change.before)),
            after if same else f"[bold]{after}[/]",
            escape(change.note or ""),
        )
    out.print(table)
    for number, step in enumerate(plan.steps, 1):
        out.print(f"  {number}. {escape(step.says)}")
    if plan.way_back is not None:
        out.print(f"  If a later one fails: {escape(plan.way_back.says)}")
    for line in plan.consequences:
        out.print(f"  • {escape(line)}")
    for line in plan.cannot_be_undone:
        out.print(f"  [yellow]cannot be undone:[/] {escape(line)}")
    for line in plan.second_person:
        out.print(f"  [yellow]a second person must approve:[/] {escape(line)}")
    out.print(
        f"  asked for by {escape(file.requested_by)} at {file.planned_at:%Y-%m-%d %H:%M} UTC, digest {file.digest[:12]}"
    )


def _word(value: object) -> str:
    return "–" if value is None else str(value)


def _console() -> Console:
    # In a pipe or a CI log there is no width to ask for; tables then get room enough for a path.
    return Console(soft_wrap=True, emoji=False, width=None if sys.stdout.isatty() else 150)
