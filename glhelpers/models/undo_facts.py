"""What the rules of `undo` read: a change of an earlier run, and what has become of its target since."""

from __future__ import annotations

from datetime import datetime

from glhelpers.models.base import OwnModel
from glhelpers.models.change import ChangePlan, Scalar
from glhelpers.models.fact import Fact
from glhelpers.models.facts import RunbookFacts
from glhelpers.models.request import UndoParameters
from glhelpers.models.subscription import Subscription

__all__ = ["FieldNow", "LaterAction", "TargetNow", "UndoFacts", "WrittenChange"]


class WrittenChange(OwnModel):
    """
    A change as the journal tells it.

    `outcome` is None while it is not settled; `here` says whether it was sent to the services that
    this run reaches.
    """

    write: str
    action: str
    target: str
    run_id: str
    operator: str
    at: datetime
    outcome: str | None
    here: bool
    told_by: str | None = None


class FieldNow(OwnModel):
    """A field of the change: before it, what it was to become, and what it is now (`read` false: nobody tells)."""

    field: str
    label: str
    before: Scalar
    after: Scalar
    now: Scalar
    read: bool
    counts: bool


class TargetNow(OwnModel):
    """The fields that the change was about."""

    fields: tuple[FieldNow, ...]


class LaterAction(OwnModel):
    """A Support Audit Event on the same group after the change; `found` false where even the change is not listed."""

    found: bool
    actions: tuple[str, ...]


class UndoFacts(RunbookFacts):
    """
    The change, its target now, who acted on it since, and the subscription that would be put back.

    `change` is the plan of the change, as the journal kept it.
    """

    parameters: UndoParameters
    written: Fact[WrittenChange]
    target_now: Fact[TargetNow]
    later: Fact[LaterAction]
    to_put_back: Fact[Subscription]
    change: ChangePlan | None = None
