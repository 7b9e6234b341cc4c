"""Attach a finished run to its issue and its ticket; takes the executed notebook in where the run folder has none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from glhelpers.clients.clients import Clients, open_clients
from glhelpers.errors import BadParameter, BadPlanFile
from glhelpers.evidence.folder import is_unfinished, read_record
from glhelpers.evidence.publish import Attached, parse_issue
from glhelpers.evidence.publish_issue import attach_to_issue
from glhelpers.evidence.publish_outbox import Outbox
from glhelpers.evidence.publish_ticket import attach_to_ticket
from glhelpers.evidence.seal import Seal, examine
from glhelpers.evidence.secrets import register_tokens
from glhelpers.models.finding import Status
from glhelpers.models.record import RunRecord
from glhelpers.sessions import remembered_notebook
from glhelpers.settings import Endpoint, Settings

__all__ = ["TAG", "Asked", "attach_run"]

TAG = "glhelpers"
"""The tag by which tickets with evidence are found."""


@dataclass(frozen=True)
class Asked:
    """Where to attach, and what to put on besides; empty texts mean "not there"."""

    issue: str = ""
    ticket: str = ""
    labels: Sequence[str] = ()
    tags: Sequence[str] = ()
    notebook: Path | None = None
    dry_run: bool = False


def attach_run(run_dir: Path, asked: Asked, settings: Settings) -> Iterator[Attached]:
    """
    Attach the run to the issue, the ticket, or both; one result after the other, as they come.

    Without either, the run's own issue is taken.  A run in JupyterLab or by plain papermill leaves
    its executed notebook elsewhere: `notebook` names it.  A folder that is not as it was sealed is
    not sent.
    """
    if not run_dir.exists() and not run_dir.is_absolute():
        run_dir = settings.runs_dir / run_dir  # as a cell of JupyterLab names it
    if is_unfinished(run_dir):
        raise BadPlanFile(
            f"The run folder {run_dir.name} was left unfinished, so there is nothing sealed to send.",
            next_step=f"Finish it: glhelpers evidence finish {run_dir}. Nothing was sent.",
        )
    record = read_record(run_dir)
    issue = asked.issue or ("" if asked.ticket else str(record.parameters.get("issue") or ""))
    if not issue and not asked.ticket:
        raise BadParameter(
            "The run names no issue.",
            next_step="Give one, --issue group/project#12, or a ticket, --ticket https://gitlab.zendesk.com/agent/tickets/<number>.",
        )
    if issue:
        parse_issue(issue)
    register_tokens(settings)
    _refuse_a_broken_seal(run_dir)
    _complete(run_dir, record, asked.notebook, settings)
    with open_clients(settings) as clients:
        if issue:
            yield _to_issue(run_dir, issue, asked, record, clients, settings)
        if asked.ticket:
            yield _to_ticket(run_dir, asked, clients, settings)


def _to_issue(
    run_dir: Path, issue: str, asked: Asked, record: RunRecord, clients: Clients, settings: Settings
) -> Attached:
    labels = _labels(asked.labels, clients, issue, settings, record)
    with _outbox(settings, settings.gitlab) as outbox:
        return attach_to_issue(run_dir, clients.gitlab, issue, outbox, labels=labels, dry_run=asked.dry_run)


def _to_ticket(run_dir: Path, asked: Asked, clients: Clients, settings: Settings) -> Attached:
    tags = (TAG, *asked.tags)
    with _outbox(settings, settings.zendesk) as outbox:
        return attach_to_ticket(run_dir, clients.zendesk, asked.ticket, outbox, tags=tags, dry_run=asked.dry_run)


def _outbox(settings: Settings, service: Endpoint) -> Outbox:
    in_flight = timedelta(seconds=settings.in_flight_seconds)
    return Outbox(settings.journal_url, service.base_url, operator=settings.operator, in_flight=in_flight)


def _labels(
    asked: Sequence[str], clients: Clients, issue: str, settings: Settings, record: RunRecord
) -> tuple[str, ...]:
    """What was asked for, and on an escalated run the label of escalations, if the project has it."""
    label = settings.escalation_label
    if record.status is not Status.escalated or label in asked:
        return tuple(asked)
    known = clients.gitlab.labels(parse_issue(issue).project, label)
    return (*asked, label) if any(one.name == label for one in known) else tuple(asked)


def _complete(run_dir: Path, record: RunRecord, notebook: Path | None, settings: Settings) -> None:
    """See that the folder holds the executed notebook."""
    has_own = (run_dir / "notebook.ipynb").is_file()
    source = notebook or (None if has_own else remembered_notebook(settings, record.run_id))
    if source is not None:
        from glhelpers.evidence.attach_notebook import take_in

        take_in(run_dir, source)
    elif not has_own:
        raise BadPlanFile(
            "The run folder holds no executed notebook, since the run was made in JupyterLab or by papermill.",
            next_step="Save the notebook, then attach with --notebook PATH.",
        )


def _refuse_a_broken_seal(run_dir: Path) -> None:
    """What was changed since the run ended is not sent as its evidence; runs of older versions have no seal."""
    looked = examine(run_dir)
    if looked.seal is Seal.absent or looked.whole:
        return
    wrong = ", ".join(f"{name} ({state})" for name, state in looked.files if state != "same") or str(looked.seal)
    raise BadPlanFile(
        f"The run folder is not as it was sealed: {wrong}.",
        next_step="Look with `glhelpers evidence verify`; nothing was sent.",
    )
