"""The decision tables of the two runbooks that only read: rows, texts, the way on, and what holds for every row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from association import NAMES, facts_of

from glhelpers.actions.provision_reseller import drafts_reseller, next_reseller
from glhelpers.actions.self_serve import drafts_self_serve, next_self_serve
from glhelpers.models.facts import AssociationFacts
from glhelpers.models.finding import Status, Verdict
from glhelpers.rules import provision_reseller, self_serve
from glhelpers.rules.rule import decide, evaluate

TABLES = Path(__file__).parent / "tables"
ORDINARY = {"subscription.community_program": None, "subscription.read_only": False}
PARTNER = ORDINARY | {
    "subscription.invoice_owner_type": "reseller",
    "subscription.read_only": True,
    "subscription.invoice_owner": "Partner Ltd",
}
RUNBOOKS: dict[str, Any] = {
    "self_serve": (self_serve.POLICY, ORDINARY, drafts_self_serve, next_self_serve),
    "provision_reseller": (provision_reseller.POLICY, PARTNER, drafts_reseller, next_reseller),
}
ROWS: list[tuple[str, dict[str, Any]]] = [
    (runbook, row) for runbook in RUNBOOKS for row in yaml.safe_load((TABLES / f"{runbook}.yaml").read_text())
]
EACH = pytest.mark.parametrize(("runbook", "row"), ROWS, ids=[f"{runbook}: {row['case']}" for runbook, row in ROWS])


def facts_for(runbook: str, row: dict[str, Any]) -> AssociationFacts:
    """The runbook's base with the row's changes; a fact that is replaced as a whole takes no changes of the base."""
    base = {place: value for place, value in RUNBOOKS[runbook][1].items() if place.partition(".")[0] not in row["when"]}
    return facts_of(base | row["when"])


@EACH
def test_a_row_ends_as_it_says(runbook: str, row: dict[str, Any]) -> None:
    """Status, deciding rules, texts and the runbook to go on with are those of the row."""
    policy, _, draft, following = RUNBOOKS[runbook]
    facts = facts_for(runbook, row)
    findings = evaluate(policy, facts)
    decision = decide(policy, findings)
    assert (decision.status, decision.why) == (Status(row["ends"]), decision.why)
    if "by" in row:
        assert list(decision.deciding) == row["by"]
    drafts = draft(facts, findings, decision, None, None)
    if "drafts" in row:
        assert [text.kind for text in drafts] == row["drafts"]
    if "next" in row:
        assert [step.runbook for step in following(facts, decision, None)] == row["next"]
    for text in drafts:
        assert "None" not in text.body, text.body
        assert "billing@example.com" not in text.body


@EACH
def test_what_does_not_let_pass_says_what_to_do(runbook: str, row: dict[str, Any]) -> None:
    """Every outcome names the next step, and a customer is answered only where everything needed is known."""
    policy = RUNBOOKS[runbook][0]
    facts = facts_for(runbook, row)
    findings = evaluate(policy, facts)
    decision = decide(policy, findings)
    assert decision.next_step
    if decision.status is Status.self_serve:
        unknown = {finding.rule for finding in findings if finding.verdict is Verdict.unknown}
        assert unknown <= {"linked-user-is-active", "linked-user-owns-the-group"}, unknown


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_every_rule_has_a_row_that_it_decides_or_is_told_why_not(runbook: str) -> None:
    """A rule that never decides anything in the table is either a note or has no test."""
    policy = RUNBOOKS[runbook][0]
    notes = {
        "self_serve": {"seats-owed-are-foreseen"},
        "provision_reseller": {
            "read-only-access-is-expected",
            "seats-owed-are-foreseen",
            "who-may-sell-seats-is-known",
            "seats-over-are-settled-with-the-seller",
        },
    }[runbook]
    decided = {
        rule
        for name, row in ROWS
        if name == runbook
        for rule in decide(policy, evaluate(policy, facts_for(runbook, row))).deciding
    }
    assert {rule.id for rule in policy.rules} - decided <= notes


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_every_row_is_told_apart_by_its_sentence(runbook: str) -> None:
    """No two rows of a table carry the same sentence."""
    sentences = [row["case"] for name, row in ROWS if name == runbook]
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("runbook", RUNBOOKS)
@pytest.mark.parametrize("lost", NAMES)
def test_one_unknown_fact_is_enough_to_stop(runbook: str, lost: str) -> None:
    """Where all else is in order, no reply goes out and nothing is handed on as long as one fact is not known."""
    policy, _, _, following = RUNBOOKS[runbook]
    facts = facts_for(runbook, {"when": {lost: "<unknown>"}})
    decision = decide(policy, evaluate(policy, facts))
    assert decision.status is Status.stopped
    assert following(facts, decision, None) == ()
