"""The command line: arguments in, sentences out, exit codes by how it ended. No logic of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from glhelpers import __version__
from glhelpers.approve_cli import approve_command, show_plan
from glhelpers.batch_cli import batch_command
from glhelpers.errors import GlhelpersError
from glhelpers.evidence_cli import evidence_app
from glhelpers.explain_cli import explain_command
from glhelpers.handbook_cli import handbook_app
from glhelpers.journal_cli import journal_app
from glhelpers.new_runbook_cli import new_runbook_command
from glhelpers.rehearsal_cli import add_rehearsal

if TYPE_CHECKING:
    from glhelpers.batch.tour import Shown
    from glhelpers.models.record import RunRecord
    from glhelpers.settings import Settings

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Executable runbooks for GitLab's License & Renewals support. "
    "Exit codes: 0 ended as it should, 2 bad input, 3 failed, 4 verification failed or stale plan.",
)
sandbox_app = typer.Typer(no_args_is_help=True, help="The stand-in for GitLab.com, CustomersDot and Zendesk.")
app.add_typer(sandbox_app, name="sandbox")
add_rehearsal(sandbox_app)
app.add_typer(handbook_app, name="handbook")
app.add_typer(journal_app, name="journal")
app.add_typer(evidence_app, name="evidence")
app.command(name="explain")(explain_command)
app.command(name="batch")(batch_command)
app.command(name="approve")(approve_command)
app.command(name="new-runbook")(new_runbook_command)
# In a pipe or a CI log there is no width to ask for; tables then get room enough for a path.
_out = Console(soft_wrap=True, emoji=False, width=None if sys.stdout.isatty() else 150)
_err = Console(stderr=True, soft_wrap=True, emoji=False)

_EXIT = {"failed": 3, "verification_failed": 4, "stale_plan": 4}


def main() -> None:
    """Run a command; every foreseen error is one sentence and an exit code, never a traceback."""
    try:
        # Without its own error handling, click gives the exit code back instead of ending the process.
        sys.exit(app(standalone_mode=False) or 0)
    except GlhelpersError as error:
        _say_error(error)
        sys.exit(error.exit_code)
    except typer.Abort:
        _err.print("Stopped.")
        sys.exit(2)
    except KeyboardInterrupt:
        _err.print("Interrupted.")
        sys.exit(3)
    except Exception as error:  # noqa: BLE001 (the last door: usage errors of click, and what nobody foresaw)
        _last_door(error)


def _last_door(error: Exception) -> None:
    from glhelpers.evidence.folder import has_no_room

    if isinstance(error, OSError) and has_no_room(error):
        _err.print("[bold red]✘[/] There is no room on the disk for what was to be written.")
        sys.exit(3)
    show = getattr(error, "show", None)
    if callable(show):
        show()
        sys.exit(2)
    _err.print(f"Something unforeseen went wrong ({type(error).__name__}). Please report it with the command you ran.")
    sys.exit(3)


def _say_error(error: GlhelpersError) -> None:
    _err.print(f"[bold red]✘[/] {escape(error.message)}")
    if error.next_step:
        _err.print(f"  What to do: {escape(error.next_step)}")


def _version(asked: bool) -> None:
    if asked:
        _out.print(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options of every command."""


@app.command()
def runbooks() -> None:
    """List the runbooks: id, purpose, whether they write, and their parameters."""
    from glhelpers.actions.catalogue import CATALOGUE

    table = Table("id", "purpose", "writes", "parameters")
    for book in CATALOGUE.values():
        table.add_row(
            book.id,
            book.purpose,
            "once, after approval" if book.writes else "never",
            ", ".join(book.parameters.model_fields),
        )
    _out.print(table)


@app.command()
def run(
    runbook: Annotated[str, typer.Argument(help="Id of the runbook, such as force_associate.")],
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="A parameter; values stay text."),
    ] = None,
    params: Annotated[
        Path | None, typer.Option("--params", metavar="FILE", help="Parameters as a YAML or JSON file.")
    ] = None,
    approval: Annotated[
        Path | None,
        typer.Option("--approval", metavar="FILE|issue", help="What `glhelpers approve` wrote; or the word issue."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where run folders go.")] = None,
) -> None:
    """Run a runbook without a person: look, judge, plan; with an approval, apply exactly that plan."""
    from glhelpers.kernels.owner import begin

    begin()  # What the kernel needs is imported while this process imports what it needs itself.
    from glhelpers.batch.execute import execute
    from glhelpers.batch.parameters import gather

    _use_out(out)
    given, settings = gather(parameter or [], params, approval), _settings()
    _say_left_behind(settings, str(given.get("ticket_url") or ""), runbook)
    with _err.status(f"Running {escape(runbook)} ..."):
        result = execute(runbook, given, settings)
    _show_result(result.record, result.folder)
    raise typer.Exit(_EXIT.get(result.record.status.value, 0))


@app.command()
def undo(
    run_dir: Annotated[Path, typer.Argument(help="The folder of the run whose change is to be taken back.")],
    approval: Annotated[
        Path | None, typer.Option("--approval", metavar="FILE", help="A colleague's approval of the inverse plan.")
    ] = None,
    ticket_url: Annotated[str, typer.Option(help="The ticket to act on; without it, the run's own.")] = "",
    issue: Annotated[str, typer.Option(help="group/project#iid; without it, the run's own.")] = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where run folders go.")] = None,
) -> None:
    """Propose the inverse of what a run has changed, where there is one; with an approval, apply exactly that."""
    from glhelpers.batch.execute import execute
    from glhelpers.batch.undoing import undo_parameters
    from glhelpers.gates.files import read_plan

    _use_out(out)
    settings = _settings()
    given = undo_parameters(run_dir, settings, ticket_url, issue)
    with _err.status("Looking at what can be taken back ..."):
        result = execute("undo", given | ({"approval": str(approval)} if approval else {}), settings)
    if result.record.status.value == "awaiting_approval" and (result.folder / "plan.json").is_file():
        show_plan(_out, read_plan(result.folder / "plan.json"))
    _show_result(result.record, result.folder)
    raise typer.Exit(_EXIT.get(result.record.status.value, 0))


@app.command()
def attach(
    run_dir: Annotated[Path, typer.Argument(help="The folder of a run.")],
    issue: Annotated[str, typer.Option(help="group/project#iid; without it, the issue of the run.")] = "",
    ticket: Annotated[str, typer.Option(metavar="URL", help="Link of a Zendesk ticket, beside or instead.")] = "",
    label: Annotated[list[str] | None, typer.Option(help="A label for the issue; it must exist.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag for the ticket, beside glhelpers.")] = None,
    notebook: Annotated[Path | None, typer.Option(help="The executed notebook, where the run folder has none.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be sent, send nothing.")] = False,
) -> None:
    """Put a run on an issue (internal note) or a ticket (private comment), with its files; once, or brought up to date."""
    from glhelpers.evidence.attach import Asked, attach_run
    from glhelpers.evidence.attach_words import done, would_send

    asked = Asked(issue, ticket, tuple(label or ()), tuple(tag or ()), notebook, dry_run)
    for told in attach_run(run_dir, asked, _settings()):
        if dry_run:
            for line in would_send(told):
                typer.echo(line)
            continue
        _out.print(f"[green]✔[/] {escape(done(told))}")
        for notice in told.notices:
            _out.print(f"  {escape(notice)}")


@app.command()
def doctor() -> None:
    """Say what is configured, what answers, what is missing, and how to mend it."""
    from glhelpers.batch.doctor import examine

    rows = examine()
    table = Table("", "what", "how it stands", "what to do")
    for row in rows:
        table.add_row("[green]✔[/]" if row.well else "[red]✘[/]", row.what, escape(row.how), escape(row.mend))
    _out.print(table)
    raise typer.Exit(0 if all(row.well for row in rows) else 2)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where run folders go.")] = Path("runs"),
    everything: Annotated[bool, typer.Option("--all", help="All cases of the world, not only the tour.")] = False,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Runs at once; 0 for twice the cores.")] = (
        os.cpu_count() or 1
    )
    * 2,
) -> None:
    """Start the sandbox, run its tickets, show how each ended and where the evidence lies."""
    from glhelpers.batch.demo import run_demo

    _use_out(out)
    shown = run_demo(everything=everything, jobs=jobs, console=_err)
    _show_tour(shown)
    raise typer.Exit(0 if all(case.as_expected for case in shown) else 3)


@app.command(context_settings={"ignore_unknown_options": True})
def lab(
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Passed on to JupyterLab, such as --no-browser or --port 8899.")
    ] = None,
) -> None:
    """Open JupyterLab on the runbooks, with the sandbox (or the chosen profile) as target."""
    from glhelpers.batch.lab import open_lab

    raise typer.Exit(open_lab(arguments or [], _settings()))


@sandbox_app.command()
def serve(
    port: Annotated[
        int, typer.Option(help="GitLab.com's port; CustomersDot and Zendesk take the next two. 0: any.")
    ] = 0,
    world: Annotated[Path | None, typer.Option(metavar="FILE", help="A world; see docs/worlds.md.")] = None,
    faults: Annotated[Path | None, typer.Option(metavar="FILE", help="Misbehaviour; see docs/worlds.md.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line when ready.")] = False,
) -> None:
    """Serve a world on loopback until Ctrl-C; runs on this machine find it by themselves."""
    from glhelpers.batch.lab import serve_sandbox

    raise typer.Exit(serve_sandbox(port, world, faults, as_json=as_json))


def _settings() -> Any:
    from glhelpers.settings import load_settings

    return load_settings()


def _say_left_behind(settings: Settings, ticket_url: str, runbook: str) -> None:
    from glhelpers.batch.finish import left_behind

    for path in left_behind(settings.runs_dir, ticket_url, runbook):
        _err.print(
            "[bold yellow]![/] An earlier run of this runbook for this ticket was cut off and its folder is unfinished; "
            f"finish it: glhelpers evidence finish {escape(_near(path))}"
        )


def _use_out(out: Path | None) -> None:
    if out is not None:
        os.environ["GLHELPERS_RUNS_DIR"] = str(out)


def _show_result(record: RunRecord, folder: Path) -> None:
    from glhelpers.evidence.words import broken_glass
    from glhelpers.handing_on import can_be_taken_back

    colour = {0: "green", 3: "red", 4: "red"}[_EXIT.get(record.status.value, 0)]
    _out.print(f"[bold {colour}]{record.status}[/]  {escape(record.why)}")
    if record.next_step:
        _out.print(f"  Next: {escape(record.next_step)}")
    for notice in record.notices:
        _out.print(f"  {escape(notice)}")
    if (alone := broken_glass(record.approval)) is not None:
        _out.print(f"  [bold white on red]⚠ BREAK-GLASS[/] [red]{escape(alone)}[/]")
    for draft in record.drafts:
        _out.print(f"  Drafted: {escape(draft.title)} (for {escape(draft.audience)})")
    for step in record.next_runbooks:
        _out.print(f"  Go on with: {escape(step.command)}\n              {escape(step.why)}")
    _out.print(f"  Evidence: {escape(_near(folder))}")
    if can_be_taken_back(record):
        _out.print(f"  Was this wrong? Propose the way back: glhelpers undo {escape(_near(folder))}")
    if record.status.value == "awaiting_approval" and (folder / "plan.json").is_file():
        _out.print(f"  To approve: glhelpers approve {escape(_near(folder / 'plan.json'))}")
        if record.plan is not None and record.plan.issue and record.plan_digest:
            from glhelpers.gates.from_issue import approving_line

            _out.print(
                f"  Or an approver writes a note on {escape(record.plan.issue)} that is this line alone:\n"
                f"    {approving_line(record.plan_digest)}\n  and the run is given --approval issue."
            )


def _show_tour(shown: list[Shown]) -> None:
    table = Table("ticket", "status", Column("why", ratio=1), Column("evidence", overflow="fold"), expand=True)
    for row in sorted(shown, key=lambda row: row.case.ticket):
        mark = "" if row.as_expected else f" [red](expected {row.case.expect})[/]"
        where = escape(_near(row.folder)) if row.folder else "–"
        table.add_row(
            str(row.case.ticket),
            f"[bold]{row.status}[/]{mark}",
            f"[dim]{row.case.runbook}: {escape(row.case.name)}[/]\n{escape(row.why)}",
            where,
        )
    _out.print(table)


def _near(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


if __name__ == "__main__":
    main()
