"""`glhelpers evidence`: what can be done with the folder of a run afterwards."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

__all__ = ["evidence_app"]

evidence_app = typer.Typer(no_args_is_help=True, help="The folder of a run, afterwards.")
_OTHERWISE = 4


@evidence_app.callback()
def evidence() -> None:
    """What can be done with the folder of a run."""


@evidence_app.command()
def keygen(
    name: Annotated[str, typer.Option(help="Under which name the public key is trusted here.")] = "",
    file: Annotated[
        Path | None, typer.Option("--file", metavar="PATH", help="A new file, instead of the keyring.")
    ] = None,
) -> None:
    """Make an Ed25519 key that seals run folders; the private half stays in the keyring or the file."""
    from glhelpers.evidence.keys import make_key
    from glhelpers.settings import operator_name

    made, out = make_key(name or operator_name(), file), _console()
    out.print(f"[green]✔[/] Key {made.key_id[:16]}… is in {escape(made.private)}; runs are signed with it from now on.")
    out.print(f"  Give the public half to whoever checks your evidence: {escape(str(made.public))}")


@evidence_app.command()
def trust(
    public_key: Annotated[Path, typer.Argument(help="Somebody's .pub file.")],
    name: Annotated[str, typer.Option(help="Whose it is; otherwise the file's name.")] = "",
) -> None:
    """Trust a signer: from now on evidence that they signed verifies."""
    from glhelpers.evidence.keys import trust as trust_key

    taken = trust_key(public_key, name or public_key.stem)
    _console().print(f"[green]✔[/] {escape(taken.name)} is trusted, key {taken.key.keyid[:16]}….")


@evidence_app.command()
def verify(
    run_dir: Annotated[Path, typer.Argument(help="The folder of a run.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    unsigned_is_fine: Annotated[bool, typer.Option("--allow-unsigned", help="Exit 0 where nobody signed.")] = False,
) -> None:
    """
    Hold a folder against its manifest and signature: any changed, missing or added byte is told.

    Exit codes: 0 whole and signed by a trusted signer, 4 anything else.
    """
    from glhelpers.evidence.seal import Seal, examine

    looked = examine(run_dir)
    fine = looked.whole and (looked.seal is Seal.signed or (unsigned_is_fine and looked.seal is Seal.unsigned))
    if as_json:
        told = {"whole": looked.whole, "seal": looked.seal, "signer": looked.signer, "files": dict(looked.files)}
        typer.echo(json.dumps(told | {"run": looked.predicate}, ensure_ascii=False, indent=1))
        raise typer.Exit(0 if fine else _OTHERWISE)
    out = _console()
    for name, state in looked.files:
        good = state in ("same", "approved since")
        out.print(f"{'[green]✔[/]' if good else '[bold red]✘[/]'} {escape(name)}: {state}")
    words = {
        Seal.signed: f"[green]✔[/] Signed by {escape(looked.signer)}.",
        Seal.unsigned: "[bold yellow]![/] Nobody has signed: whoever changed a file could have changed the manifest, too.",
        Seal.unknown: f"[bold red]✘[/] Signed by a key that is not trusted here: {escape(looked.signer[:64])}",
        Seal.broken: "[bold red]✘[/] The signature does not fit the manifest.",
        Seal.absent: "[bold red]✘[/] The folder was never sealed, or its manifest is gone.",
    }
    out.print(words[looked.seal])
    if looked.predicate:
        run = looked.predicate
        out.print(
            f"  run {escape(str(run.get('run_id')))} of {escape(str(run.get('runbook')))}: {escape(str(run.get('status')))}"
        )
    out.print("[bold green]Whole.[/]" if looked.whole else "[bold red]Not as it was sealed.[/]")
    raise typer.Exit(0 if fine else _OTHERWISE)


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
