"""What a read-back shows, as a table: all of it, none of it, a part of it, or too little to tell."""

from __future__ import annotations

from typing import Any

import pytest

from glhelpers.actions.readback import checks_of, shape_of
from glhelpers.models.change import Change, ChangePlan, Target

PLAN = ChangePlan(
    runbook="portal_502",
    action="unlink",
    profile="sandbox",
    target=Target(kind="customer", id="5", name="account 5", typed="5"),
    ticket_url="https://gitlab.zendesk.com/agent/tickets/1",
    arguments={"customer_id": 5},
    changes=(
        Change(field="uid", label="Linked user", before="29", after=None),
        Change(field="portal", label="The portal", before="502", after="answers"),
        Change(field="owed", label="Seats owed", before=0, after=3, lags=True),
        Change(field="quota", label="Quota", before=400, after=None, foreseen=False),
    ),
    basis=(),
)


@pytest.mark.parametrize(
    ("case", "found", "told_by", "by_hand", "shape"),
    [
        ("all as planned", {"uid": None, "portal": "answers"}, None, False, "after"),
        ("what lags or is not foreseen decides nothing", {"uid": None, "portal": "answers", "owed": 0, "quota": 9}, None, False, "after"),
        ("nothing has moved", {"uid": "29", "portal": "502"}, None, False, "before"),
        ("one has moved", {"uid": None, "portal": "502"}, None, False, "between"),
        ("somebody else is linked", {"uid": "30", "portal": "502"}, None, False, "between"),
        ("the service keeps one to itself, the other is as planned", {"portal": "answers"}, None, False, "unread"),
        ("the service keeps one to itself, the other has not moved", {"portal": "502"}, None, False, "before"),
        ("nothing is told", {}, None, False, "unread"),
        ("by hand, nothing is told", {}, None, True, "unread"),
        ("by hand, a person's word is all there is", {}, "ada", True, "after"),
        ("by hand, a service tells otherwise than the person", {"portal": "502"}, "ada", True, "before"),
        ("by hand, what a service tells is as planned", {"portal": "answers"}, None, True, "after"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)  # fmt: skip
def test_what_a_read_back_shows(
    case: str, found: dict[str, Any], told_by: str | None, by_hand: bool, shape: str
) -> None:
    """Only what is read, or told by a person where no service can, makes a change done."""
    assert shape_of(PLAN, checks_of(PLAN, found, told_by), by_hand=by_hand) == shape, case
