"""`glhelpers evidence`: what can be done with the folder of a run afterwards."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from glhelpers.errors import GlhelpersError
from glhelpers.evidence.text import one_line

if TYPE_CHECKING:
    from glhelpers.batch.finish import Finished
    from glhelpers.evidence.verify import Looked

__all__ = ["evidence_app"]

evidence_app = typer.Typer(no_args_is_help=True, help="The folder of a run, afterwards.")
_OTHERWISE = 4


@evidence_app.callback()
def evidence() -> None:
    """What can be done with the folder of a run."""


@evidence_app.command()
def keygen(
    name: Annotated[str, typer.Option(help="Under which name the public key is trusted here; else yours.")] = "",
    file: Annotated[
        Path | None, typer.Option("--file", metavar="PATH", help="A new file, instead of the keyring.")
    ] = None,
) -> None:
    """Make an Ed25519 key that seals run folders; the private half stays in the keyring or the file."""
    from glhelpers.evidence.keys import make_key
    from glhelpers.settings import operator_name

    made, out = make_key(name or operator_name(), file), _console()
    out.print(f"[green]✔[/] The private key is in {escape(made.private)}; with it, runs are signed from now on.")
    out.print(f"  Key id: {made.key_id}\n  The public key, trusted here, for whoever checks your evidence:")
    out.print(f"  {escape(str(made.trusted))}\n{made.public_pem}", end="")


@evidence_app.command()
def trust(
    public_key: Annotated[Path, typer.Argument(help="Somebody's .pub file.")],
    name: Annotated[str, typer.Option(help="Whose it is; otherwise the file's name.")] = "",
) -> None:
    """Trust a signer: from now on evidence that they signed verifies."""
    from glhelpers.evidence.keys import trust as trust_key

    taken = trust_key(public_key, name or public_key.stem)
    _console().print(
        f"[green]✔[/] {escape(taken.name)} is trusted from now on. Ask them whether this is the id of their key: {taken.key.keyid}"
    )


@evidence_app.command()
def verify(
    run_dir: Annotated[Path, typer.Argument(help="The folder of a run.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    signature: Annotated[
        bool | None,
        typer.Option(
            "--require-signature/--allow-unsigned",
            help="Whether nobody's signature is enough; without a word, it is where no signer is trusted.",
            show_default=False,
        ),
    ] = None,
    journal: Annotated[bool, typer.Option("--journal", help="Hold the journal against it, too.")] = False,
) -> None:
    """
    Hold a folder against its manifest and signature: any changed, missing or added byte is told.

    Exit codes: 0 whole and signed by a trusted signer (or unsigned, where that is enough), 4 anything else.
    """
    from glhelpers.evidence.verify import enough, examine, in_journal
    from glhelpers.settings import journal_url

    looked = examine(run_dir)
    differs = in_journal(journal_url(), looked.predicate) if journal and looked.predicate is not None else None
    fine = enough(looked, signature) and differs is None
    if as_json:
        typer.echo(_as_json(looked, fine, differs))
    else:
        _show_looked(looked, run_dir, fine)
        if journal and looked.predicate is not None:
            told = f"[bold red]✘[/] {escape(differs)}" if differs else "[green]✔[/] The journal tells the same."
            _console().print(told)
    raise typer.Exit(0 if fine else _OTHERWISE)


def _as_json(looked: Looked, fine: bool, journal_differs: str | None) -> str:
    from glhelpers.evidence.verify import shown

    told = {
        "ok": fine,
        "whole": looked.whole,
        "seal": looked.seal.value,
        "signer": looked.signer or None,
        "keyid": looked.keyid or None,
        "why": journal_differs or looked.why or None,
        "files": {shown(name): state.value for name, state in looked.files},
        "run": looked.predicate.model_dump(mode="json") if looked.predicate is not None else None,
    }
    return json.dumps(told, indent=1)


def _show_looked(looked: Looked, run_dir: Path, fine: bool) -> None:
    from glhelpers.evidence.verify import FileState, Seal, approved_since, shown

    out = _console()
    table = Table("", "file", "how it stands")
    for name, state in looked.files:
        good = state in (FileState.same, FileState.approved_since)
        table.add_row("[green]✔[/]" if good else "[red]✘[/]", escape(shown(name)), state)
    out.print(table)
    if looked.predicate is not None:
        run = looked.predicate
        told = f"run {run.run_id} of {run.runbook} by {run.operator}, glhelpers {run.glhelpers}: {run.status}"
        out.print(f"  {escape(one_line(told))}{'' if run.complete else ', [bold red]INCOMPLETE[/]'}")
        if run.resealed is not None:
            before = f"by key {run.resealed.keyid[:16]}" if run.resealed.keyid else "by nobody"
            out.print(
                f"  {escape(', '.join(run.resealed.added))} came in after the run; before, it was signed {before}."
            )
        approval = approved_since(run_dir, run)
        if approval is not None and ("approval.json", FileState.approved_since) in looked.files:
            out.print(
                f"  Approved since by {escape(one_line(approval.approved_by))}; the seal does not cover that file."
            )
    words = {
        Seal.signed: f"[green]✔[/] Signed by {escape(looked.signer)}, key {looked.keyid[:16]}.",
        Seal.unsigned: "[bold yellow]![/] signed: no. Whoever changed a file could have changed the manifest, too.",
        Seal.unknown: f"[bold red]✘[/] Unknown signer: key {escape(one_line(looked.keyid)[:64])} is not trusted here.",
        Seal.broken: f"[bold red]✘[/] {escape(looked.why)}",
        Seal.absent: f"[bold red]✘[/] {escape(looked.why)}",
    }
    out.print(words[looked.seal])
    if looked.seal is Seal.unsigned and looked.whole and not fine:
        out.print("  A signature is required here, since signers are trusted; --allow-unsigned does without.")
    out.print("[bold green]Whole.[/]" if looked.whole else "[bold red]Not as it was sealed.[/]")


@evidence_app.command()
def finish(
    run_dir: Annotated[
        Path | None,
        typer.Argument(
            help="An unfinished folder of a run, or a folder of runs; without it, all under the runs folder."
        ),
    ] = None,
) -> None:
    """
    Finish folders that were left behind by `kill -9`, a loss of power or a full disk; they say INCOMPLETE.

    Exit codes: 0 all are finished (or were before, or their runs still go on), 2 the named run still goes on,
    3 there is no room on the disk.
    """
    from glhelpers.batch.finish import finish as finish_run
    from glhelpers.batch.finish import unfinished
    from glhelpers.evidence.folder import is_unfinished
    from glhelpers.evidence.held import is_held
    from glhelpers.settings import runs_folder

    out, root, worst = _console(), run_dir or runs_folder(), 0
    if run_dir is not None and (is_unfinished(run_dir) or (run_dir / "record.json").is_file()):
        _say_finished(out, finish_run(run_dir))
        return
    found = unfinished(root)
    for path in found:
        if is_held(path):
            out.print(f"… {escape(str(path))} is still going on.")
            continue
        try:
            _say_finished(out, finish_run(path))
        except GlhelpersError as error:  # the others are finished all the same
            out.print(f"[bold red]✘[/] {escape(str(error))}")
            worst = max(worst, error.exit_code)
    if not found:
        out.print("No run is unfinished.")
    raise typer.Exit(worst)


def _say_finished(out: Console, done: Finished) -> None:
    told = "was finished before" if done.before else f"finished: {done.record.why}"
    out.print(f"[green]✔[/] {escape(str(done.folder))}\n  {escape(told)}")


@evidence_app.command()
def replay(run_dir: Annotated[Path, typer.Argument(help="The folder of a run.")]) -> None:
    """
    Go through a run again, offline: the answers of then, the rules of today; nothing is written.

    Exit codes: 0 the same findings, plan and status; 4 something comes out otherwise; 2 no record or no answers.
    """
    from glhelpers.batch.replay import replay as replay_run

    out = _console()
    with Console(stderr=True).status("Going through the run again ..."):
        told = replay_run(run_dir)
    then = told.record
    if not told.differences:
        plan = f", the same plan {then.plan_digest[:12]}" if then.plan_digest else ""
        out.print(
            f"[green]✔[/] The same: {told.findings} findings, {then.status}{plan}. Nothing was asked of any service, "
            "and nothing was written."
        )
        return
    table = Table("what", Column("then", overflow="fold"), Column("by the rules of today", overflow="fold"))
    for row in told.differences:
        table.add_row(escape(row.what), escape(row.then), escape(row.now))
    out.print(table)
    versions = then.versions.get("glhelpers", "an unknown version")
    out.print(
        f"[bold yellow]![/] {len(told.differences)} things come out otherwise; the run was made by glhelpers {versions}."
    )
    raise typer.Exit(_OTHERWISE)


def _console() -> Console:
    # In a pipe or a CI log there is no width to ask for.
    return Console(emoji=False, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 150)
