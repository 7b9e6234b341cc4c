"""`glhelpers new-runbook`: a runbook that runs and passes the tests, to be filled with rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["new_runbook_command"]


def new_runbook_command(
    id: Annotated[str, typer.Argument(metavar="ID", help="Its id, such as merge_request_limit.")],
    title: Annotated[str, typer.Option(help="Its title; without one, the id in words.")] = "",
    section: Annotated[
        str, typer.Option(help="The handbook section: reseller, 502, force, clear, sees, sees-not. Empty: none.")
    ] = "",
) -> None:
    """
    Make the skeleton of a runbook in this repository: notebook, catalogue entry, rules, a table of cases.

    It looks up the facts of an association, judges the ticket and the group, and hands on; it writes
    nothing.  docs/writing_runbooks.md goes on from there.
    """
    from glhelpers.skeleton.files import make, wanted

    new = wanted(id, title, section)
    for path in make(new, Path.cwd()):
        typer.echo(f"  {path}")
    typer.echo("To try it:")
    typer.echo(
        f"  pytest -q tests/runbooks/test_contract.py tests/cases/test_cases_{new.id}.py tests/handbook/test_coverage.py"
    )
    typer.echo(f"  glhelpers run {new.id} -p namespace=gecko-gardens -p subscription_name=A-S00050400 \\")
    typer.echo("      -p ticket_url=https://gitlab.zendesk.com/agent/tickets/1550")
    typer.echo("How to go on: docs/writing_runbooks.md")
