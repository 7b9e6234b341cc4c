"""From plan to proof: the change proposed, a person's approval of exactly that change, what came of it."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Literal

import rfc8785
from pydantic import AwareDatetime

from glhelpers.models.base import OwnModel

__all__ = [
    "Approval",
    "BasisItem",
    "Change",
    "ChangePlan",
    "Check",
    "CheckState",
    "Outcome",
    "PlanFile",
    "PlannedStep",
    "Receipt",
    "Scalar",
    "StepReceipt",
    "Target",
    "digest_of",
]

Scalar = str | int | bool | None


def digest_of(model: OwnModel) -> str:
    """SHA-256 (hex) of the model's canonical JSON (RFC 8785), the same on every machine."""
    return _digest_of_json(model.model_dump_json())


@lru_cache(maxsize=64)
def _digest_of_json(text: str) -> str:
    """Remembered by every character of the content, since a run asks for the digest of one plan a dozen times."""
    return hashlib.sha256(rfc8785.dumps(json.loads(text))).hexdigest()


class Target(OwnModel):
    """What is written to. `typed` is the text a person must type to show that they mean this one."""

    kind: Literal["namespace", "customer", "subscription"]
    id: str
    name: str
    typed: str

    @property
    def key(self) -> str:
        """Name of the target in the journal: one open write at a time per key."""
        return f"{self.kind}:{self.id}"


class Change(OwnModel):
    """
    One field before and after; `note` says what is odd about it.

    `lags`: the service shows it only after its daily refresh. `foreseen` false: nobody can tell what
    it will be, so it is read back and shown, but decides nothing.
    """

    field: str
    label: str
    before: Scalar
    after: Scalar
    lags: bool = False
    foreseen: bool = True
    note: str | None = None


class BasisItem(OwnModel):
    """One value that a rule used: if it differs at apply time, the plan is stale."""

    name: str
    label: str
    value: Scalar


class PlannedStep(OwnModel):
    """One request of a plan: `arguments` is exactly what will be sent to `action`; `says` is it in words."""

    action: str
    arguments: dict[str, str | int]
    says: str


class ChangePlan(OwnModel):
    """
    A proposed write as a value: nothing in it depends on the clock or on who asked.

    `arguments` is exactly what will be sent to `action`. A plan of several requests lists them in
    `steps`, in order, and in `way_back` the one request that undoes the first if a later one fails.
    `second_person` lists the reasons, if any, why the approver must be someone else than the
    requester.
    """

    format: Literal["glhelpers.plan/1"] = "glhelpers.plan/1"
    runbook: str
    action: str
    profile: str
    target: Target
    ticket_url: str
    issue: str | None = None
    customer_confirmation: str | None = None
    arguments: dict[str, str | int]
    steps: tuple[PlannedStep, ...] = ()
    way_back: PlannedStep | None = None
    changes: tuple[Change, ...]
    basis: tuple[BasisItem, ...]
    consequences: tuple[str, ...] = ()
    cannot_be_undone: tuple[str, ...] = ()
    second_person: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Identity of the plan: two plans are the same if and only if their digests are."""
        return digest_of(self)


class PlanFile(OwnModel):
    """`plan.json`: the plan with its digest, and who asked for it when."""

    format: Literal["glhelpers.plan-file/1"] = "glhelpers.plan-file/1"
    plan: ChangePlan
    digest: str
    requested_by: str
    planned_at: datetime


class Approval(OwnModel):
    """
    `approval.json`: a person's word on one plan, for a limited time, to be spent once.

    `note` and `issue` say in which note on which issue it was given, if it was.  `break_glass` is the
    reason why one person has approved alone what takes two.
    """

    format: Literal["glhelpers.approval/1"] = "glhelpers.approval/1"
    plan_digest: str
    profile: str
    target: str
    requested_by: str
    approved_by: str
    approved_at: AwareDatetime
    expires_at: AwareDatetime
    note: int | None = None
    issue: str | None = None
    break_glass: str | None = None

    @property
    def id(self) -> str:
        """Identity in the journal, where it is spent once; a note is spent once, whoever has read it."""
        if self.note is None:
            return digest_of(self)
        return digest_of(_NoteApproval(plan_digest=self.plan_digest, note=self.note, approved_at=self.approved_at))


class _NoteApproval(OwnModel):
    plan_digest: str
    note: int
    approved_at: AwareDatetime


class Outcome(StrEnum):
    """What became of a write. Only a read-back makes it `applied`; `put_back`: undone again, all as it was."""

    applied = "APPLIED"
    noop = "NOOP"
    not_applied = "NOT_APPLIED"
    mismatch = "MISMATCH"
    put_back = "PUT_BACK"
    partial = "PARTIAL"
    unknown = "UNKNOWN"


class CheckState(StrEnum):
    """`pending`: a stored figure that the service refreshes once a day has not moved yet."""

    ok = "ok"
    pending = "pending"
    differs = "differs"
    unknown = "unknown"


class Check(OwnModel):
    """One field read back after the write; `told_by` where a person read it, since no service tells."""

    field: str
    label: str
    before: Scalar
    expected: Scalar
    found: Scalar
    state: CheckState
    told_by: str | None = None


class StepReceipt(OwnModel):
    """One request of a plan that has several: what was sent when, and what was answered."""

    action: str
    says: str
    answered: str
    sent_at: datetime | None = None
    answered_at: datetime | None = None
    audit_event_id: int | None = None


class Receipt(OwnModel):
    """
    What was sent, what was answered, what was read back.

    `answered_by` names the person who told what an admin page answered, where a person had to press
    the button.  `seconds_on_free` is for how long the group was without a plan between two requests;
    `left_on_free` that it still is.

    `answered` is the tool's own word in our words (`success`, `refused: …`, `no answer: …`);
    `settled_from_journal` is true where an earlier run had sent the write and this one only read back.
    """

    action: str
    outcome: Outcome
    answered: str
    sent_at: datetime | None = None
    answered_at: datetime | None = None
    audit_event_id: int | None = None
    answered_by: str | None = None
    settled_from_journal: bool = False
    checks: tuple[Check, ...] = ()
    steps: tuple[StepReceipt, ...] = ()
    seconds_on_free: float | None = None
    left_on_free: bool = False
    state: str | None = None

    @property
    def verified(self) -> bool:
        """Whether the read-back found the change in place."""
        return self.outcome in (Outcome.applied, Outcome.noop)
