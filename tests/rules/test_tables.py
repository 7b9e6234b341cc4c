"""The decision tables, row by row, and what holds for every row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from association import facts_of

from glhelpers.actions.plan import plan_association
from glhelpers.models.finding import Status
from glhelpers.rules.force_associate import POLICY
from glhelpers.rules.rule import decide, evaluate

ROWS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "tables" / "force_associate.yaml").read_text())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["case"])
def test_a_row_ends_as_it_says(row: dict[str, Any]) -> None:
    """Status and deciding rules are those of the row; where it ends in a plan, the plan can be made."""
    facts = facts_of(row["when"])
    findings = evaluate(POLICY, facts)
    decision = decide(POLICY, findings)
    assert (decision.status or "plan", decision.why) == (row["ends"], decision.why)
    if "by" in row:
        assert list(decision.deciding) == row["by"]
    if decision.status is None:
        assert plan_association(facts, findings, "sandbox").digest


def test_every_rule_has_a_row_that_it_decides_or_is_told_why_not() -> None:
    """A rule that never decides anything in the table is either a note or has no test."""
    notes = {
        "purchase-channel-is-known",
        "usage-is-not-reset",
        "support-admin-tools-are-used",
    }
    decided = {rule for row in ROWS for rule in decide(POLICY, evaluate(POLICY, facts_of(row["when"]))).deciding}
    assert {rule.id for rule in POLICY.rules} - decided == notes


def test_every_row_is_told_apart_by_its_sentence() -> None:
    """No two rows carry the same sentence."""
    sentences = [row["case"] for row in ROWS]
    assert len(set(sentences)) == len(sentences)


def test_what_lets_no_plan_through_says_what_to_do() -> None:
    """Every verdict that ends a run names the next step."""
    for row in ROWS:
        decision = decide(POLICY, evaluate(POLICY, facts_of(row["when"])))
        if decision.status not in (None, Status.no_change_needed):
            assert decision.next_step, row["case"]
