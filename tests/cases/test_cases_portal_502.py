"""The decision table of portal_502, through the whole notebook."""

from __future__ import annotations

from typing import Any

import pytest
from table_world import Ran, read_table, verify_row

pytestmark = pytest.mark.notebook

RUNBOOK = "portal_502"
ROWS: list[dict[str, Any]] = read_table(RUNBOOK)["rows"]


@pytest.mark.parametrize("case", [row["case"] for row in ROWS])
def test_a_row_of_the_table_ends_as_it_says(ran: dict[str, Ran], case: str) -> None:
    """Status, deciding rules, findings, texts, requests sent: all as the row says."""
    verify_row(ran[case])


def test_no_record_holds_a_token_or_somebody_elses_address(ran: dict[str, Ran]) -> None:
    """Neither the token that was lent, nor the addresses of accounts that share the user."""
    lent = 0
    for result in ran.values():
        assert result.record is not None
        text = result.record.model_dump_json()
        assert "sandbox-" not in text
        assert "@example.com" not in text
        lent += '"seen_by":"owner"' in text
    assert lent >= 3
