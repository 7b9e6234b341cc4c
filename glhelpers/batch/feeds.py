"""What the crew of a batch does next: plan each row, or apply what was approved, a canary first and never too much."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from glhelpers.batch.ledger import Ended, Entry, Ledger, Pass
from glhelpers.batch.work import Job
from glhelpers.errors import GlhelpersError
from glhelpers.gates.files import read_approval
from glhelpers.models.finding import Status

__all__ = ["MISMATCH", "ApplyFeed", "PlanFeed", "approval_of", "is_to_do", "waits", "was_cut_off"]

MISMATCH = (Status.verification_failed.value, Status.escalated.value)
"""After one of these, or a failure in which a change may have been sent, no other change is sent."""

_AGAIN = (Status.failed.value, Status.stale_plan.value)
"""What a batch that is resumed runs again, beside what never ended."""


def is_to_do(entry: Entry) -> bool:
    """Whether a batch that goes on has to run this row: it never ran, was cut off, failed, or its plan is stale."""
    if entry.ended is None or entry.ended.status in _AGAIN:
        return True
    # An approval did not open the gate, or had expired by then: the folder holds it, so a new plan needs a new folder.
    return entry.turn == Pass.apply.value and entry.ended.status == Status.awaiting_approval.value


def waits(entry: Entry) -> bool:
    """Whether a plan of this row waits for approval."""
    ended = entry.ended
    planned = entry.turn == Pass.plan.value and ended is not None and ended.status == Status.awaiting_approval.value
    return planned and ended is not None and bool(ended.folder and ended.digest)


def approval_of(entry: Entry, folder: Path) -> Path | None:
    """The approval that was given for the plan of this row, if there is one and it has not expired."""
    ended = entry.ended
    if ended is None or not waits(entry):
        return None
    path = folder / ended.folder / "approval.json"
    try:
        approval = read_approval(path) if path.is_file() else None
    except GlhelpersError:
        return None  # the run itself would say so; for the batch it is none
    fits = approval is not None and approval.plan_digest == ended.digest
    return path if approval is not None and fits and datetime.now(UTC) < approval.expires_at else None


def was_cut_off(entry: Entry) -> bool:
    """Whether an approved run of this row did not come to its own end: run again, it reads the state back first."""
    return bool(entry.approval) and (entry.ended is None or entry.ended.status == Status.failed.value)


class PlanFeed:
    """Every row that is still to do, in the order of the file."""

    def __init__(self, ledger: Ledger) -> None:
        self._entries = (entry for entry in ledger.entries() if is_to_do(entry))
        self._lock, self._halted = threading.Lock(), False

    def take(self) -> Job | None:
        """The next row."""
        with self._lock:
            entry = None if self._halted else next(self._entries, None)
        return Job(entry.number, entry.row) if entry is not None else None

    def ended(self, job: Job, ended: Ended) -> None:
        """Nothing is to be learnt from it."""

    def halt(self) -> None:
        """Give no row out any more."""
        self._halted = True


class ApplyFeed:
    """
    Rows with an approved plan: one canary first, then side by side, one at a time for each target.

    Until a first change was made and read back, no other begins.  No more than `most` changes are
    sent in all, those of earlier passes counted.  `stopped` says why no further change is sent.
    """

    def __init__(self, ledger: Ledger, most: int) -> None:
        self._ledger, self._most = ledger, most
        self._approved: Iterator[Job] = self._jobs()
        self._deferred: list[Job] = []
        self._changed = threading.Condition()
        self._running: dict[int, str] = {}
        self._proven, self._halted = False, False
        self.stopped = ""

    def take(self) -> Job | None:
        """The next approved row, once the canary, the cap and its target allow it."""
        with self._changed:
            while not (self._halted or self.stopped):
                alone = not self._proven and bool(self._running)
                used = self._ledger.writes(but=self._running) + len(self._running)
                if used >= self._most and not self._running:
                    self._at_the_cap()
                    return None
                if not alone and used < self._most and (job := self._free()) is not None:
                    self._running[job.number] = job.target
                    return job
                if not self._running:
                    return None
                self._changed.wait()
            return None

    def ended(self, job: Job, ended: Ended) -> None:
        """Learn from the end: the canary is proven, or everything stops."""
        with self._changed:
            self._running.pop(job.number, None)
            if ended.status in MISMATCH or (ended.status == Status.failed.value and ended.sent):
                self.stopped = (
                    f"Line {job.row.line} ({job.row.subject}) ended as {ended.status}: {ended.why} "
                    "No further change is sent."
                )
            elif ended.status == Status.completed.value:
                self._proven = True
            self._changed.notify_all()

    def halt(self) -> None:
        """Give no row out any more."""
        with self._changed:
            self._halted = True
            self._changed.notify_all()

    def _at_the_cap(self) -> None:
        left = (self._deferred[0] if self._deferred else None) or next(self._approved, None)
        if left is not None:
            self.stopped = (
                f"The cap of {self._most} changes a batch is reached, and approved plans are left. "
                "Look at what was changed, then go on with a higher --max-writes."
            )

    def _free(self) -> Job | None:
        """An approved row whose target no run of this batch has now."""
        busy = set(self._running.values())
        for job in self._deferred:
            if job.target not in busy:
                self._deferred.remove(job)
                return job
        for job in self._approved:
            if job.target not in busy:
                return job
            self._deferred.append(job)
        return None

    def _jobs(self) -> Iterator[Job]:
        for entry in self._ledger.entries():
            if was_cut_off(entry):
                yield Job(entry.number, entry.row, entry.approval, entry.target)
            elif (path := approval_of(entry, self._ledger.folder)) is not None and entry.ended is not None:
                approval = str(path.relative_to(self._ledger.folder))
                yield Job(entry.number, entry.row, approval, entry.ended.target)
