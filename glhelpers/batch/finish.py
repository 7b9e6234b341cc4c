"""Run folders that were left behind unfinished, after `kill -9`, a loss of power or a full disk, brought to their end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from glhelpers.actions.catalogue import CATALOGUE
from glhelpers.batch.closing import MAY_BE_SENT, about_writes, close_folder, cut_off, notebook_of, writes_of
from glhelpers.errors import BadParameter, OperatorError
from glhelpers.evidence.folder import UNFINISHED, RunFolder, final_name, is_unfinished, read_record
from glhelpers.evidence.held import hold_alone, is_held
from glhelpers.evidence.keys import own_signer
from glhelpers.evidence.rebuilt import is_rebuilt
from glhelpers.evidence.seal import journal_rows
from glhelpers.evidence.secrets import register_tokens
from glhelpers.evidence.statement import JournalRows
from glhelpers.evidence.verify import rows_digest
from glhelpers.models.finding import Status
from glhelpers.models.record import RunRecord, StepState
from glhelpers.models.request import ticket_number
from glhelpers.settings import Settings, load_settings
from glhelpers.steps import none_run

__all__ = ["Finished", "finish", "left_behind", "unfinished"]

CUT = "The process that made the run ended without finishing it."
_LATER = "This folder was finished afterwards, with the command glhelpers evidence finish."
_REBUILT = "The executed notebook was lost; what its cells show was made anew from the record."
_NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class Finished:
    """A folder under its final name, and its record; `before`: it had been finished already."""

    record: RunRecord
    folder: Path
    before: bool = False


def unfinished(root: Path) -> list[Path]:
    """All unfinished run folders under a folder of runs, those of runs that are still going on included."""
    return sorted(path for path in root.glob(f"*/*/.*{UNFINISHED}") if path.is_dir() and not path.is_symlink())


def left_behind(runs_dir: Path, ticket_url: str, runbook: str) -> list[Path]:
    """Unfinished folders of this ticket and runbook in which nobody works any more."""
    if runbook not in CATALOGUE:
        return []
    folder = runs_dir / str(ticket_number(ticket_url) or "no-ticket") / runbook
    return sorted(path for path in folder.glob(f".*{UNFINISHED}") if path.is_dir() and not is_held(path))


def finish(run_dir: Path) -> Finished:
    """
    Bring one folder to its end: record, notebook, page, summary, seal, final name.

    What is finished already stays as it is.  Raises `OperatorError` while the run is still going on,
    and `BadParameter` for what is no run folder.
    """
    path = run_dir.absolute()
    done = final_name(path)
    if done.is_dir():
        return Finished(read_record(done), done, before=True)
    runbook = path.parent.name
    if not (is_unfinished(path) and path.is_dir() and not path.is_symlink() and runbook in CATALOGUE):
        raise BadParameter(
            f"{run_dir} is no folder of a run that was left unfinished.",
            next_step="Give a folder such as runs/<ticket>/<runbook>/.<run id>.incomplete, or none for all of them.",
        )
    held = hold_alone(path)
    if held is None:
        raise OperatorError(
            f"The run in {Path(*path.parts[-3:])} is still going on.",
            next_step="Wait until it has ended, or end its process; then finish it.",
        )
    if not held.is_of(path):
        held.release()
        return finish(run_dir)
    folder = RunFolder(path, done, done.name, held)
    try:
        return _finish(folder, runbook)
    finally:
        folder.let_go()


def _finish(folder: RunFolder, runbook: str) -> Finished:
    record = _record_in(folder, runbook)
    settings = _settings_of(record.profile if record.profile != _NOT_RECORDED else None)
    record = _told(record, settings.journal_url)
    notebook = notebook_of(folder, record)
    notices = [_LATER, _REBUILT] if is_rebuilt(notebook) else [_LATER]
    more = tuple(notice for notice in notices if notice not in record.notices)
    record = record.model_copy(update={"notices": (*record.notices, *more)})
    return Finished(record, close_folder(folder, record, notebook, own_signer(), _rows(record, settings)).path)


def _told(record: RunRecord, journal_url: str) -> RunRecord:
    """The record as it stands, if it says how the run ended; else with the cut said in it."""
    if record.complete:
        return record
    failed = any(step.state is StepState.failed for step in record.steps)
    if not failed or record.why.startswith(CUT):
        return cut_off(record, CUT, journal_url)
    if about_writes(record, journal_url) == MAY_BE_SENT and MAY_BE_SENT not in record.why:
        return record.model_copy(update={"why": f"{record.why} {MAY_BE_SENT}", "next_step": "Run again."})
    return record


def _settings_of(profile: str | None) -> Settings:
    """What masks and signs as the run itself would have; its own profile, whichever is in use now."""
    settings = load_settings(profile)
    register_tokens(settings)
    return settings


def _record_in(folder: RunFolder, runbook: str) -> RunRecord:
    """The record that the run has left; of one that left none, what the folder's name tells."""
    if (folder.path / "record.json").exists():
        return read_record(folder.path)
    ticket = folder.path.parent.parent.name
    return RunRecord(
        run_id=folder.run_id,
        runbook=runbook,
        status=Status.failed,
        why=CUT,
        complete=False,
        profile=_NOT_RECORDED,
        production=False,
        operator=_NOT_RECORDED,
        parameters={"ticket": ticket} if ticket.isdecimal() else {},
        started_at=_start_of(folder.run_id),
        steps=tuple(none_run().values()),
        versions={},
    )


def _start_of(run_id: str) -> datetime:
    try:
        return datetime.strptime(run_id, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        raise BadParameter(f"{run_id[:60]!r} is not the id of a run.", next_step="Name the folder of a run.") from None


def _rows(record: RunRecord, settings: Settings) -> tuple[JournalRows, ...] | None:
    """What the journal holds of this run's writes, by whatever address the services were reached then."""
    told, by_target = writes_of(record.run_id, settings.journal_url), journal_rows(record, settings)
    if told is None or by_target is None:
        return None
    own = [
        JournalRows(intent_digest=story.intent.id, rows=len(story.entries), sha256=rows_digest(story.entries))
        for story in told
    ]
    return tuple({row.intent_digest: row for row in (*by_target, *own)}.values())
