"""What the journal tells of each write, from intent to end; read only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from glhelpers.actions.journal import Entry, Intent, Journal
from glhelpers.errors import BadParameter
from glhelpers.models.change import ChangePlan

__all__ = ["OPEN", "Story", "flaws", "of_run", "stories", "story_of", "told_by"]

OPEN = "open"
_SHORT = 12


@dataclass(frozen=True)
class Story:
    """One write: its intent, and all rows about it, oldest first."""

    intent: Intent
    entries: tuple[Entry, ...]

    @property
    def short_id(self) -> str:
        """Enough of the id to name the write in a command."""
        return self.intent.id[:_SHORT]

    @property
    def plan(self) -> ChangePlan:
        """What was to be changed."""
        return ChangePlan.model_validate(self.intent.plan)

    @property
    def target(self) -> str:
        """The target's key, without the address of the services."""
        return self.intent.target.partition("|")[2] or self.intent.target

    @property
    def state(self) -> str:
        """The settled outcome, or `open`."""
        return str(self._last("settled", "outcome") or OPEN)

    @property
    def answered(self) -> str | None:
        """What the service answered last, if an answer is kept."""
        said = self._last("answer", "says")
        return str(said) if said is not None else None

    @property
    def why_open(self) -> str | None:
        """Why its holder could not tell the outcome, if it said so."""
        why = self._last("unsettled", "why")
        return str(why) if why is not None else None

    def _last(self, kind: str, name: str) -> object:
        return next((entry.payload.get(name) for entry in reversed(self.entries) if entry.kind == kind), None)


def stories(journal: Journal) -> list[Story]:
    """All writes of the journal, the latest first."""
    return told_by(journal.entries())


def of_run(journal: Journal, run_id: str) -> list[Story]:
    """The writes that a run has begun, the latest first."""
    return [story for story in stories(journal) if story.intent.run_id == run_id]


def told_by(entries: Iterable[Entry]) -> list[Story]:
    """The writes that these rows tell of, the latest first."""
    by_intent: dict[str, list[Entry]] = {}
    for entry in entries:
        by_intent.setdefault(entry.intent_id, []).append(entry)
    told = []
    for rows in by_intent.values():
        rows.sort(key=lambda row: row.seq)
        try:
            told.append(Story(Intent(**rows[0].payload), tuple(rows)))
        except TypeError:
            continue  # a row that was changed, or whose beginning is gone: `flaws` tells
    return sorted(told, key=lambda story: story.entries[0].seq, reverse=True)


def story_of(all_of_them: Sequence[Story], id: str) -> Story:
    """The write whose id begins so; raises `BadParameter` if none or several do."""
    found = [story for story in all_of_them if id and story.intent.id.startswith(id)]
    if len(found) == 1:
        return found[0]
    what = "names several writes" if found else "names no write of this journal"
    raise BadParameter(
        f"{id[:64]!r} {what}.", next_step="Give the id that `glhelpers journal list` shows, or more of it."
    )


def flaws(journal: Journal) -> list[str]:
    """What shows that rows were changed or taken away, in sentences; none if the journal is whole."""
    found = []
    if (row := journal.first_broken_row()) is not None:
        found.append(f"Row {row} does not follow from the one before it: it, or that one, was changed or removed.")
    missing = [id[:_SHORT] for id in journal.unheard_of()]
    if missing:
        found.append(f"Rows of {len(missing)} writes are gone ({', '.join(missing[:5])}): their approvals were spent.")
    return found
