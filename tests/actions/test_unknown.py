"""Unknown never lets a write through: of the facts that end in a plan, any one that nobody knows ends in a stop."""

from __future__ import annotations

from typing import Any

import pytest

from glhelpers.actions.catalogue import CATALOGUE
from glhelpers.actions.reading import Reader
from glhelpers.models.fact import FactState
from glhelpers.models.finding import Status
from glhelpers.rules.rule import decide, evaluate
from tests.actions.conftest import ALL_CASES, Desk

PLANNED = [1002, 1024, 1610, 1612, 1510, 1530]
"""Cases of every runbook that writes, each of which ends in a plan as it stands."""

NOT_NEEDED = {
    "billing_account": "an invoice proves ownership without it",
    "token_user": "asked for only where the token is not the linked user's",
}
"""Facts that the rules may use, but not in these cases."""


def facts_of(desk: Desk, ticket: int) -> tuple[Any, Any]:
    """The runbook and the facts of a case, read from the sandbox."""
    case = ALL_CASES[ticket]
    book = CATALOGUE[case.runbook]
    asked = book.parameters.model_validate({name: str(value) for name, value in case.parameters.items()})
    return book, book.collect(desk.clients, asked, Reader())


@pytest.mark.parametrize("ticket", PLANNED)
def test_any_one_fact_that_is_not_known_stops_the_plan(desk: Desk, ticket: int) -> None:
    """As they are the facts make a plan; with any one of them unknown they make none."""
    book, facts = facts_of(desk, ticket)
    policy = book.policy_for(facts)
    assert decide(policy, evaluate(policy, facts)).status is None
    used = {name for rule in policy.rules for name in rule.uses}
    let_through = []
    for fact in facts.all():
        unknown = fact.model_copy(update={"state": FactState.unknown, "value": None, "why": "nobody knows"})
        changed = facts.model_copy(update={fact.name: unknown})
        decision = decide(policy, evaluate(policy, changed))
        if decision.status is None:
            let_through.append(fact.name)
        else:
            assert decision.status is Status.stopped, (fact.name, decision.why)
    assert [name for name in let_through if name in used and name not in NOT_NEEDED] == []
