"""A training case as its file describes it: the ticket, the world around it, and what is right and wrong there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from glhelpers.errors import BadParameter, BadWorld
from glhelpers.models.base import OwnModel
from glhelpers.models.finding import Status
from glhelpers.rules import handbook
from glhelpers.sandbox.parts import (
    BillingAccountIn,
    CustomerIn,
    GroupIn,
    OrderIn,
    Part,
    SubscriptionIn,
    UserIn,
)

__all__ = [
    "ISSUES",
    "YOURSELF",
    "Asked",
    "Case",
    "Comment",
    "Played",
    "Records",
    "Right",
    "Sent",
    "Solution",
    "Ticket",
    "Wrong",
    "case_named",
    "cases",
    "read_case",
]

ISSUES = "gitlab-com/support/internal-requests"
"""The project of a case's issue, which has the number of its ticket."""

YOURSELF = "you"
"""Who approves a plan that needs no second person."""

_FOLDER = Path(__file__).parent / "cases"
_LEVELS = ("beginner", "practised", "expert")
_TICKETS = "https://gitlab.zendesk.com/agent/tickets"

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Value = str | int | None
Place = Annotated[
    str,
    StringConstraints(
        pattern=r"^(group:[\w./-]+ (plan|seats|additional_minutes)"
        r"|subscription:A-S\d+ group|customer:\d+ uid|billing_account:\w+ members)$"
    ),
]
"""A place in the world whose value can be looked at, such as `group:my-group plan`."""


class Comment(OwnModel):
    """One comment of the ticket; its number in the ticket makes its link."""

    by: Text
    says: Text


class Ticket(OwnModel):
    """The ticket as it arrived."""

    id: Annotated[int, Field(ge=1, lt=10**9)]
    subject: Text
    comments: tuple[Comment, ...] = Field(min_length=1)

    @property
    def url(self) -> str:
        """The link that a runbook takes as `ticket_url`."""
        return f"{_TICKETS}/{self.id}"

    def link_of(self, number: int) -> str:
        """The link of a comment, counted from 1."""
        return f"{self.url}#comment-{number}"


class Played(OwnModel):
    """A run of a runbook; `approved_by` names who approves its plan (`YOURSELF` where one person may), empty: nobody."""

    runbook: Text
    parameters: dict[str, str] = Field(default_factory=dict)
    approved_by: str = ""


class Solution(OwnModel):
    """What is right and why, and the runs that do it."""

    says: Text
    runs: tuple[Played, ...] = Field(min_length=1)


class Sent(OwnModel):
    """A write by what the sandbox calls its action, and the group, subscription or account that it was for."""

    action: Text
    about: str = ""


class Asked(OwnModel):
    """A run by what it was asked; a parameter may be one of several values, `*` for any, `-` for none."""

    runbook: str = ""
    parameters: dict[str, str | list[str]] = Field(default_factory=dict)


class Right(OwnModel):
    """
    What must be in evidence: a run that ended so, exactly these writes, and the world as it stands then.

    `deciding` names rules of which one must have decided; empty: any.
    """

    runbooks: tuple[Text, ...] = Field(min_length=1)
    status: tuple[Status, ...] = Field(min_length=1)
    deciding: tuple[Text, ...] = ()
    parameters: dict[str, str | list[str]] = Field(default_factory=dict)
    sent: tuple[Sent, ...] = ()
    world: dict[Place, Value] = Field(default_factory=dict)


class Wrong(OwnModel):
    """One way to get it wrong, and the sentence for whoever did: a write, a run that was asked so, or a world that is so."""

    says: Text
    sent: Sent | None = None
    asked: Asked | None = None
    world: dict[Place, Value] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_sign(self) -> Wrong:
        if [bool(self.sent), bool(self.asked), bool(self.world)].count(True) != 1:
            raise ValueError("needs exactly one of sent, asked and world")
        return self


class Records(Part):
    """What the case's world holds beside people of Support, tokens, the ticket and its issue (docs/worlds.md)."""

    users: list[UserIn] = Field(default_factory=list)
    groups: list[GroupIn] = Field(default_factory=list)
    subscriptions: list[SubscriptionIn] = Field(default_factory=list)
    orders: list[OrderIn] = Field(default_factory=list)
    customers: list[CustomerIn] = Field(default_factory=list)
    billing_accounts: list[BillingAccountIn] = Field(default_factory=list)


class Case(OwnModel):
    """A training case. `minutes` is about how long it takes; `first` a run that looks only and shows the way in."""

    format: Literal["glhelpers.rehearsal/1"]
    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{2,40}$")]
    title: Text
    teaches: Text
    anchor: Text
    level: Literal["beginner", "practised", "expert"]
    minutes: Annotated[int, Field(ge=1, le=60)]
    ticket: Ticket
    goal: Text
    first: Played
    hint: Text
    solution: Solution
    right: Right
    wrong: tuple[Wrong, ...] = Field(min_length=1)
    world: Records

    @field_validator("anchor")
    @classmethod
    def _of_the_page(cls, anchor: str) -> str:
        if anchor not in {getattr(handbook, name) for name in handbook.__all__ if name != "PAGE"}:
            raise ValueError("is no section of the handbook page")
        return anchor

    @property
    def section(self) -> str:
        """The link of the handbook section that the case is about."""
        return f"{handbook.PAGE}#{self.anchor}"

    @property
    def issue(self) -> str:
        """The case's issue, as a runbook takes it."""
        return f"{ISSUES}#{self.ticket.id}"

    def parameters_of(self, played: Played) -> dict[str, str]:
        """All parameters of one of the case's runs: its own, the ticket's link and the issue."""
        given = {"ticket_url": self.ticket.url, **played.parameters}
        return given if played.runbook in ("start_here",) else {**given, "issue": self.issue}


def read_case(path: Path) -> Case:
    """The case in a file; raises `BadWorld` that names each place where it is not as it must be."""
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise BadWorld(
            f"The training case {path.name} cannot be read ({type(error).__name__}).",
            next_step="See docs/rehearsal.md.",
        ) from None
    try:
        case = Case.model_validate(value)
    except ValidationError as error:
        said = "; ".join(_places(error))
        raise BadWorld(f"{path.name} is no training case: {said}.", next_step="See docs/rehearsal.md.") from None
    if case.id != path.stem:
        raise BadWorld(f"{path.name} holds case {case.id}.", next_step="The id is the name of the file.")
    return case


def _places(error: ValidationError) -> Iterator[str]:
    for item in error.errors(include_input=False, include_url=False):
        yield f"{'.'.join(str(part) for part in item['loc']) or 'the file'}: {item['msg']}"


@cache
def cases() -> tuple[Case, ...]:
    """All cases, the easier ones first; raises `BadWorld` for one that is not as it must be."""
    found = [read_case(path) for path in sorted(_FOLDER.glob("*.yaml"))]
    return tuple(sorted(found, key=lambda case: (_LEVELS.index(case.level), case.ticket.id)))


def case_named(id: str) -> Case:
    """The case of that id; raises `BadParameter` with the list of ids if there is none."""
    for case in cases():
        if case.id == id:
            return case
    raise BadParameter(
        f"There is no training case {id[:60]!r}.",
        next_step=f"The cases are: {', '.join(case.id for case in cases())}.",
    )
