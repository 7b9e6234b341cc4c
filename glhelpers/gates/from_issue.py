"""
An approval that a second person gave as a note on the GitLab issue.

Only one form counts: a note that consists of the one line `glhelpers approve <digest>`, written by
a person on the profile's list of approvers who is not the one that runs.  Everything else is
refused, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from glhelpers.errors import GateClosed
from glhelpers.gates.decision import LONGEST_APPROVAL
from glhelpers.models.change import Approval, ChangePlan
from glhelpers.models.namespace import User
from glhelpers.models.ticket import Author, Note

__all__ = ["Asked", "approval_in", "approving_line", "revoking_line"]

_CLOCKS_DIFFER = timedelta(minutes=1)


@dataclass(frozen=True)
class Asked:
    """What is to be approved, who runs, and who may approve."""

    plan: ChangePlan
    issue: str
    operator: str
    runner: User
    approvers: tuple[str, ...]
    lasts: timedelta
    now: datetime
    """By GitLab.com's clock, which also dates the notes."""


def approving_line(digest: str) -> str:
    """The whole text of a note that approves the plan with this digest."""
    return f"glhelpers approve {digest}"


def revoking_line(digest: str) -> str:
    """The whole text of a note that takes an approval back."""
    return f"glhelpers revoke {digest}"


def approval_in(asked: Asked, notes: Sequence[Note], person: Callable[[int], User]) -> Approval:
    """
    The approval that the latest word on the issue gives.

    `person` looks up the author of a note.  Raises `GateClosed` with the reason why none counts; of
    several notes that do not count, the latest is explained.
    """
    word, taken_back = approving_line(asked.plan.digest), revoking_line(asked.plan.digest)
    said = sorted((note for note in notes if asked.plan.digest in note.body), key=_when, reverse=True)
    authors = {note.author.id for note in said if note.author is not None and note.body.strip() == word}
    first_reason: str | None = None
    for note in said:
        if note.body.strip() == taken_back and not note.system and _may_revoke(asked, note, authors):
            by = note.author.username if note.author is not None else "somebody"
            raise _closed(asked, first_reason or f"{by} has taken the approval back in note {note.id}.")
        try:
            return _approval(asked, note, word, person)
        except _Objection as objection:
            first_reason = first_reason or str(objection)
    others = any("glhelpers approve" in note.body for note in notes)
    wrong = "The notes on the issue approve another plan (another digest)."
    raise _closed(asked, first_reason or (wrong if others else "No note on the issue approves this plan."))


def _when(note: Note) -> tuple[float, int]:
    return (note.created_at.timestamp() if note.created_at is not None else 0.0), note.id


def _may_revoke(asked: Asked, note: Note, authors: set[int]) -> bool:
    """Whoever approved, may approve, or runs; to take back is always safe, so an edited note does as well."""
    if note.author is None:
        return False
    listed = _listed(asked, note.author.username)
    return listed or note.author.id in authors or note.author.id == asked.runner.id


def _listed(asked: Asked, username: str) -> bool:
    return username.casefold() in {name.casefold() for name in asked.approvers}


class _Objection(Exception):
    """Why a note does not approve the plan, in one sentence."""


def _approval(asked: Asked, note: Note, word: str, person: Callable[[int], User]) -> Approval:
    which, author, written = f"Note {note.id}", note.author, note.created_at
    if note.system or author is None or written is None or note.updated_at is None:
        raise _Objection(f"{which} is no note of a person.")
    if note.body.strip() != word:
        raise _Objection(
            f"{which} holds the digest among other text; it has to be the one line {word[:25]}… and nothing else."
        )
    by, expires = author.username, written + min(asked.lasts, LONGEST_APPROVAL)
    objections = (
        (author.id == asked.runner.id, f"is by {by}, whose token runs this; a second person has to approve."),
        (by.casefold() == asked.operator.casefold(), f"is by {by}, who asked for it; a second person has to approve."),
        (not _listed(asked, by), f"is by {by}, who is not on the profile's list of approvers."),
        (note.updated_at != written, f"by {by} was edited after it was written."),
        (written > asked.now + _CLOCKS_DIFFER, f"by {by} is dated in the future."),
        (asked.now >= expires, f"by {by} expired at {expires:%Y-%m-%d %H:%M} UTC."),
    )
    for holds, says in objections:
        if holds:
            raise _Objection(f"{which} {says}")
    if (told := _about_the_person(author, person)) is not None:
        raise _Objection(f"{which} is by {by}, {told}")
    return Approval(
        plan_digest=asked.plan.digest,
        profile=asked.plan.profile,
        target=asked.plan.target.key,
        requested_by=asked.operator,
        approved_by=by,
        approved_at=written,
        expires_at=expires,
        note=note.id,
        issue=asked.issue,
    )


def _about_the_person(author: Author, person: Callable[[int], User]) -> str | None:
    user = person(author.id)
    if user.id != author.id or user.username != author.username:
        return "of whom GitLab.com tells another name."
    if user.bot is not False:
        return (
            "a bot; a person has to approve." if user.bot else "of whom GitLab.com does not tell whether it is a bot."
        )
    if user.state != "active":
        return f"whose account is {user.state or 'in a state that is not told'}, not active."
    return None


def _closed(asked: Asked, why: str) -> GateClosed:
    listed = ", ".join(asked.approvers) or "nobody: the profile has no `approvers`"
    return GateClosed(
        why,
        next_step=f"One of the approvers ({listed}) writes a note on {asked.issue} that is this line and nothing else: "
        f"{approving_line(asked.plan.digest)}",
    )
