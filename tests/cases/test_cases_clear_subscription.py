"""The decision table of clear_subscription, through the whole notebook."""

from __future__ import annotations

from typing import Any

import pytest
from table_world import Ran, read_table, verify_row

pytestmark = pytest.mark.notebook

RUNBOOK = "clear_subscription"
ROWS: list[dict[str, Any]] = read_table(RUNBOOK)["rows"]


@pytest.mark.parametrize("case", [row["case"] for row in ROWS])
def test_a_row_of_the_table_ends_as_it_says(ran: dict[str, Ran], case: str) -> None:
    """Status, deciding rules, findings, texts, requests sent: all as the row says."""
    verify_row(ran[case])


def test_how_long_a_group_was_on_free_is_told(ran: dict[str, Ran]) -> None:
    """Each replaced subscription tells the seconds; one that could not be put back says that it is on Free."""
    replaced = ran["An expired plan is replaced by the new one in one plan"].record
    assert replaced is not None
    assert replaced.receipt is not None
    assert replaced.receipt.seconds_on_free is not None
    assert 0 < replaced.receipt.seconds_on_free < 60
    assert [step.action for step in replaced.receipt.steps] == ["clear_subscription", "force_associate"]
    left = ran["The second request and the way back both fail: the record says so in so many words"].record
    assert left is not None
    assert left.receipt is not None
    assert left.receipt.left_on_free
    assert left.receipt.seconds_on_free is None
    assert "is on Free" in left.why
    assert any("on Free now" in draft.body for draft in left.drafts)
