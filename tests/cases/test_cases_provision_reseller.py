"""The decision table of provision_reseller, through the whole notebook."""

from __future__ import annotations

from typing import Any

import pytest
from table_world import Ran, read_table, verify_row

pytestmark = pytest.mark.notebook

RUNBOOK = "provision_reseller"
ROWS: list[dict[str, Any]] = read_table(RUNBOOK)["rows"]


@pytest.mark.parametrize("case", [row["case"] for row in ROWS])
def test_a_row_of_the_table_ends_as_it_says(ran: dict[str, Ran], case: str) -> None:
    """Status, deciding rules, findings, texts, requests sent: all as the row says."""
    verify_row(ran[case])


def test_no_reply_sends_the_customer_to_pay_in_the_portal(ran: dict[str, Ran]) -> None:
    """Where seats are short, the reply names the seller; the note forbids licences and access for them."""
    for case in ("One seat too few: remove users, or the reseller sells one", "Five seats too few on a marketplace"):
        record = ran[case].record
        assert record is not None
        reply, note = record.drafts
        assert "cannot be paid for there" in reply.body
        assert "no quarterly reconciliation" in reply.body
        assert "Never send licences" in note.body


def test_who_sold_it_is_never_guessed(ran: dict[str, Ran]) -> None:
    """Only both marks together make a direct purchase: no other row goes on in self_serve."""
    direct = {case for case, result in ran.items() if result.record is not None and _goes_to_self_serve(result)}
    assert direct == {"GitLab sold it directly", "An alliance partner sold it, which is no reseller"}


def _goes_to_self_serve(result: Ran) -> bool:
    assert result.record is not None
    return any(step.runbook == "self_serve" for step in result.record.next_runbooks)


def test_nothing_is_ever_planned(ran: dict[str, Ran]) -> None:
    """No row makes a plan or writes."""
    assert all(result.record is not None and result.record.plan is None for result in ran.values())
