"""
The steps of a run: which ran, which failed, and a record that is rewritten at every turn.

What a run knows is kept here, so that the record is true wherever the run ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from glhelpers import clock
from glhelpers.errors import GateClosed, GlhelpersError, RunbookContractError, WriteInProgress
from glhelpers.evidence.folder import RunFolder
from glhelpers.evidence.record import Known, build_record
from glhelpers.evidence.record_text import RecordText
from glhelpers.models.change import ChangePlan, Receipt
from glhelpers.models.finding import Status
from glhelpers.models.record import RunRecord, Step, StepState
from glhelpers.models.request import RunbookParameters
from glhelpers.settings import Settings

__all__ = ["STEPS", "RecordedSteps", "begun", "folder_of", "none_run"]

STEPS = ("look up", "check", "plan", "confirm", "apply", "verify", "record")


class RecordedSteps:
    """What a run knows and the folder that keeps it; a record of it lies there from the first moment on."""

    def __init__(self, known: Known, folder: RunFolder) -> None:
        self.known, self.folder = known, folder
        self._text = RecordText()
        self._settled: tuple[ChangePlan, Receipt] | None = None
        self._write(complete=False)

    @contextmanager
    def _step(self, name: str, *, needs: str | None = None) -> Iterator[None]:
        """Mark a step as running, then done or failed, and write the record at each turn."""
        if needs is not None and self.known.steps[needs].state is not StepState.done:
            raise RunbookContractError(
                f"Step {name!r} needs step {needs!r} first.", next_step="Run the cells from the top."
            )
        for later in STEPS[STEPS.index(name) + 1 :]:
            self.known.steps[later] = Step(name=later, state=StepState.not_run)
        self._forget_from(name)
        self._mark(name, StepState.running, began=_now())
        self._write(complete=False)
        try:
            yield
        except GlhelpersError as error:
            self._failed(name, error.message)
            if isinstance(error, WriteInProgress):
                self._conclude_with(Status.stopped, error.message, error.next_step)
            elif not isinstance(error, GateClosed):
                self._conclude_with(Status.failed, error.message, error.next_step)
            self._write(complete=False)
            raise
        except Exception as error:
            # The one place where anything unforeseen is caught: an expert gets a sentence, the record says where.
            self._failed(name, f"unforeseen {type(error).__name__}")
            self._conclude_with(Status.failed, f"An unforeseen {type(error).__name__} ended step {name!r}.", None)
            self._write(complete=False)
            raise RunbookContractError(
                f"An unforeseen {type(error).__name__} ended step {name!r}.",
                next_step="Report it with the run's record; nothing in the record is secret.",
            ) from error
        self._mark(name, StepState.done)
        if name != "record":
            self._write(complete=False)

    def _forget_from(self, name: str) -> None:
        """Forget what this step and later ones found; what `check` settled for an earlier run outlives the steps after it."""
        self.known.forget_from(name)
        if name in ("look up", "check"):
            self._settled = None
        if self._settled is not None:
            self.known.plan, self.known.receipt = self._settled

    def _mark(self, name: str, state: StepState, began: datetime | None = None) -> None:
        started = began or self.known.steps[name].started_at
        ended = _now() if state in (StepState.done, StepState.failed) else None
        self.known.steps[name] = Step(name=name, state=state, started_at=started, ended_at=ended)

    def _failed(self, name: str, message: str) -> None:
        self._mark(name, StepState.failed)
        self.known.steps[name] = self.known.steps[name].model_copy(update={"error": message})

    def _write(self, *, complete: bool) -> RunRecord:
        record = build_record(self.known, complete=complete, ended_at=_now() if complete else None)
        self.folder.write_text(
            "record.json", self._text.of(record), durable=complete or self._matters_after_a_power_cut()
        )
        return record

    def _matters_after_a_power_cut(self) -> bool:
        """Whether something was approved, sent or has failed; that a look-up was half done, nobody asks afterwards."""
        return self.known.approval is not None or self.known.receipt is not None or self.known.status is Status.failed

    def _conclude_with(self, status: Status, why: str, next_step: str | None) -> None:
        self.known.status, self.known.why, self.known.next_step = status, why, next_step


def begun(runbook: str, asked: RunbookParameters, settings: Settings, folder: RunFolder) -> Known:
    """What is known of a run that has just begun."""
    return Known(
        run_id=folder.run_id,
        runbook=runbook,
        profile=settings.profile,
        production=settings.production,
        operator=settings.operator,
        parameters=asked.recorded(),
        started_at=_now(),
        steps=none_run(),
    )


def none_run() -> dict[str, Step]:
    """The steps of a run of which none has begun."""
    return {name: Step(name=name, state=StepState.not_run) for name in STEPS}


def folder_of(settings: Settings, ticket_url: str, id: str) -> RunFolder:
    """The folder that a driving process has made for this run, else a new one."""
    given = settings.given_folder
    if given is None:
        return RunFolder.open(settings.runs_dir, ticket_url, id, _now())
    return RunFolder.of(given)


def _now() -> datetime:
    return clock.now()
