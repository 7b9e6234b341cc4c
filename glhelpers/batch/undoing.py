"""From the folder of a run to the run that takes back what it has changed."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from glhelpers.actions.journal import Journal
from glhelpers.actions.undo import write_of
from glhelpers.evidence.folder import read_record
from glhelpers.settings import Settings

__all__ = ["undo_parameters"]


def undo_parameters(run_dir: Path, settings: Settings, ticket_url: str = "", issue: str = "") -> dict[str, str]:
    """
    Parameters of runbook `undo` for the change of the run in this folder; its ticket and issue unless others are given.

    Raises an error of one sentence if the folder holds no record, or if the journal knows no change of that run.
    """
    record = read_record(run_dir)
    with closing(Journal(settings.journal_url)) as journal:
        write = write_of(journal, record)
    then = {name: str(value) for name, value in record.parameters.items() if value is not None}
    return {
        "write": write,
        "ticket_url": ticket_url or then.get("ticket_url", ""),
        "issue": issue or then.get("issue", ""),
    }
