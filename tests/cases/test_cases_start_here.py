"""The decision table of start_here, through the whole notebook."""

from __future__ import annotations

from typing import Any

import pytest
from table_world import Ran, read_table, verify_row

from glhelpers.actions.catalogue import CATALOGUE
from glhelpers.models.request import parse_parameters
from glhelpers.rules.explain import explain
from glhelpers.rules.start_here import SEEN, WAYS

pytestmark = pytest.mark.notebook

RUNBOOK = "start_here"
ROWS: list[dict[str, Any]] = read_table(RUNBOOK)["rows"]


@pytest.mark.parametrize("case", [row["case"] for row in ROWS])
def test_a_row_of_the_table_ends_as_it_says(ran: dict[str, Ran], case: str) -> None:
    """Status, deciding rules, findings, texts, requests sent: all as the row says."""
    verify_row(ran[case])


@pytest.mark.parametrize("word", SEEN)
def test_each_symptom_in_a_word_is_understood(word: str) -> None:
    """The sentence that the word stands for is one that the explainer knows."""
    assert explain(SEEN[word]).symptom is not None


def test_what_is_handed_on_is_ready_to_run(ran: dict[str, Ran]) -> None:
    """The parameters are taken by the runbook they are for, but for what it says is still to fill in."""
    handed = 0
    for result in ran.values():
        assert result.record is not None
        for step in result.record.next_runbooks:
            assert step.runbook in WAYS
            if "Still to fill in" not in step.why:
                parse_parameters(CATALOGUE[step.runbook].parameters, dict(step.parameters), step.runbook)
                assert step.command.startswith(f"glhelpers run {step.runbook} -p ")
                handed += 1
    assert handed >= 5


def test_every_runbook_says_why_it_fits_or_not(ran: dict[str, Ran]) -> None:
    """One finding for each runbook of the page, whatever the outcome."""
    for result in ran.values():
        assert result.record is not None
        fits = {finding.rule for finding in result.record.findings if finding.rule.endswith("-fits")}
        assert fits == {f"{id.replace('_', '-')}-fits" for id in WAYS} | {"a-runbook-fits"}
