"""The decision table of self_serve, through the whole notebook."""

from __future__ import annotations

from typing import Any

import pytest
from table_world import Ran, read_table, verify_row

from glhelpers.actions.catalogue import CATALOGUE
from glhelpers.models.request import parse_parameters

pytestmark = pytest.mark.notebook

RUNBOOK = "self_serve"
ROWS: list[dict[str, Any]] = read_table(RUNBOOK)["rows"]


@pytest.mark.parametrize("case", [row["case"] for row in ROWS])
def test_a_row_of_the_table_ends_as_it_says(ran: dict[str, Ran], case: str) -> None:
    """Status, deciding rules, findings, texts, requests sent: all as the row says."""
    verify_row(ran[case])


def test_the_reply_names_the_steps_of_the_way_that_fits(ran: dict[str, Ran]) -> None:
    """Without a group the reply says to link one; with another group it says to change it, and what that one loses."""
    linked = ran["A subscription without a group is linked by the customer"].record
    changed = ran["A subscription on another group is changed by the customer, and that group falls to Free"].record
    assert linked is not None
    assert changed is not None
    for record, says, says_not in (
        (linked, "Link subscription to a group", "Change linked group"),
        (changed, "Change linked group", "Link subscription to a group"),
    ):
        body = record.drafts[0].body
        assert says in body
        assert says_not not in body
        for step in ("Manage Purchases", "Change subscription namespace", "Confirm purchase", "Confirm changes"):
            assert step in body
    assert "falls to Free" in changed.drafts[0].body


def test_what_is_handed_on_can_be_run(ran: dict[str, Ran]) -> None:
    """The next runbook takes the parameters handed on; the customer's confirmation goes with them."""
    for result in ran.values():
        assert result.record is not None
        for step in result.record.next_runbooks:
            if step.runbook in CATALOGUE:
                parse_parameters(CATALOGUE[step.runbook].parameters, dict(step.parameters), step.runbook)
    confirmed = ran["Ten seats for twenty users, and the customer has confirmed it"].record
    assert confirmed is not None
    assert confirmed.next_runbooks[0].parameters["customer_confirmation"].endswith("#yes")


def test_nothing_is_ever_planned(ran: dict[str, Ran]) -> None:
    """No row makes a plan or writes."""
    assert all(result.record is not None and result.record.plan is None for result in ran.values())
