"""Bring open writes of the journal to an end: by a read-back, or by the word of a person who has looked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

from glhelpers.actions.journal import Journal
from glhelpers.actions.journal_story import OPEN, Story, stories, story_of
from glhelpers.actions.write import Writer
from glhelpers.clients.clients import Clients, open_clients
from glhelpers.errors import BadParameter, GateClosed, GlhelpersError, WriteInProgress
from glhelpers.models.change import Outcome
from glhelpers.settings import Settings

__all__ = ["BY_WORD", "Settled", "settle_by_word", "settle_open_writes"]

BY_WORD = {"applied": Outcome.applied, "not-applied": Outcome.not_applied}
"""What a person can have seen of a change."""

_SHORTEST_REASON = 10


@dataclass(frozen=True)
class Settled:
    """What became of one open write: `outcome` None where it stays open, `why` says why or what was found."""

    story: Story
    outcome: Outcome | None
    why: str


def settle_open_writes(
    settings: Settings, id: str = "", progress: Callable[[Story], None] = lambda story: None
) -> list[Settled]:
    """
    Read back each open write (or the one whose id begins so) and record what became of it; nothing is sent again.

    One exception: the way back of a replaced subscription, which its approval covers.  What cannot
    be told, is still held, or belongs to other services stays open and says why.
    """
    with closing(Journal(settings.journal_url)) as journal, open_clients(settings) as clients:
        told = stories(journal)
        chosen = [story_of(told, id)] if id else [story for story in told if story.state == OPEN]
        writer = _writer(settings, clients, journal)
        settled = []
        for story in chosen:
            progress(story)
            settled.append(_settle(writer, story))
        return settled


def settle_by_word(settings: Settings, id: str, outcome: Outcome, reason: str, typed: str) -> Settled:
    """
    Record a person's word on a write whose outcome no read-back can tell, and free its target.

    The read-back is tried first, and its answer stands.  Raises `GateClosed` if the target was not
    typed to the letter, `BadParameter` without a reason, `WriteInProgress` while its holder lives.
    """
    if len(reason.strip()) < _SHORTEST_REASON:
        raise BadParameter(
            "Settling by word needs a reason of at least ten characters.", next_step="Say where you looked."
        )
    with closing(Journal(settings.journal_url)) as journal, open_clients(settings) as clients:
        story = story_of(stories(journal), id)
        name = story.plan.target.typed
        if typed != name:
            raise GateClosed(f"What was typed is not {name!r}, so nothing is settled.", next_step="Type exactly that.")
        writer = _writer(settings, clients, journal)
        found = _settle(writer, story)
        if found.outcome is not None:
            return found
        if story.intent.holder_is_alive() and not journal.was_given_up(story.intent):
            raise WriteInProgress(found.why, next_step="Wait until that run has ended.")
        if (left := story.intent.in_flight_for()) > 0:
            raise WriteInProgress(
                f"The request may be on its way for {left:.0f} more seconds.", next_step="Wait, then settle again."
            )
        told = {"by": settings.operator, "reason": reason.strip()}
        if not journal.settle(story.intent, outcome.value, [], told):
            return Settled(story, None, "Another run has settled it meanwhile.")
        return Settled(story, outcome, f"by the word of {settings.operator}: {reason.strip()}")


def _settle(writer: Writer, story: Story) -> Settled:
    if story.state != OPEN:
        return Settled(story, Outcome(story.state), "It was settled before.")
    if story.intent.target != writer.target_key(story.target):
        elsewhere = story.intent.target.partition("|")[0]
        return Settled(story, None, f"It was sent to {elsewhere}, which is not what this profile reaches.")
    try:
        found = writer.settle_open(story.target)
    except GlhelpersError as error:
        return Settled(story, None, error.message)
    if found is None:
        return Settled(story, None, "Another run has settled it meanwhile.")
    outcome = found[1].outcome
    if outcome is Outcome.unknown:
        return Settled(story, None, "The read-back cannot tell; look by hand, then settle it with --as and --because.")
    return Settled(story, outcome, f"read back; the tool's answer was: {found[1].answered}")


def _writer(settings: Settings, clients: Clients, journal: Journal) -> Writer:
    return Writer(
        clients=clients,
        journal=journal,
        origin=settings.customersdot.base_url,
        run_id="settling",
        operator=settings.operator,
        in_flight=timedelta(seconds=settings.in_flight_seconds),
        by_hand=settings.by_hand,
    )
