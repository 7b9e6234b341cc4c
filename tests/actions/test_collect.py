"""What is looked up for an association: in how many rounds, with how many requests, and what a refusal makes of a fact."""

from __future__ import annotations

from typing import Any

import pytest

from glhelpers.errors import ServiceUnavailable
from glhelpers.models.fact import FactState


@pytest.mark.parametrize(("ticket", "rounds", "reads"), [(1002, 3, 10), (1001, 3, 12), (1018, 3, 10), (1023, 3, 10)])
def test_reads_go_out_side_by_side(desk: Any, ticket: int, rounds: int, reads: int) -> None:
    """At most three dependent round trips before the gate, and about ten reads."""
    _, reader = desk.facts(ticket)
    assert len(reader.rounds) <= rounds <= 3
    requests = desk.control("GET", "requests")
    assert requests["count"] == sum(len(names) for names in reader.rounds)
    assert requests["count"] <= reads


def test_the_requests_of_a_round_overlap(desk: Any) -> None:
    """With every answer delayed by a fifth of a second, all facts are there after about three of them."""
    import time

    desk.control("PUT", "faults", [{"do": "latency", "seconds": 0.2}])
    began = time.monotonic()
    desk.facts(1002)
    assert time.monotonic() - began < 10 * 0.2


@pytest.mark.parametrize(
    ("ticket", "fact", "state"),
    [
        (1002, "namespace", FactState.known),
        (1002, "linked_member", FactState.known),
        (1016, "linked_user", FactState.unknown),
        (1023, "customer", FactState.absent),
        (1022, "ticket", FactState.unknown),
    ],
)
def test_a_fact_knows_how_it_stands(desk: Any, ticket: int, fact: str, state: FactState) -> None:
    """Known, absent by the service's word, or not known."""
    facts, _ = desk.facts(ticket)
    assert getattr(facts, fact).state is state


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ({"do": "nan", "path": "*/namespaces/fox-university"}, FactState.unknown),
        ({"do": "html", "path": "*/namespaces/fox-university"}, FactState.unknown),
        ({"do": "redirect", "path": "*/namespaces/fox-university"}, FactState.unknown),
        ({"do": "truncated_json", "path": "*/namespaces/fox-university", "times": 1}, FactState.known),
        ({"do": "502", "path": "*/namespaces/fox-university", "times": 1}, FactState.known),
        ({"do": "429", "path": "*/namespaces/fox-university", "times": 1, "retry_after": "0"}, FactState.known),
    ],
)
def test_a_malformed_answer_is_unknown_and_a_passing_fault_is_asked_again(
    desk: Any, fault: dict[str, Any], state: FactState
) -> None:
    """What cannot be trusted is not guessed at; what fails once is read again."""
    desk.control("PUT", "faults", [fault])
    facts, _ = desk.facts(1002)
    assert facts.namespace.state is state


def test_a_service_that_stays_away_ends_the_look_up(desk: Any) -> None:
    """A 502 that does not pass is no fact about the customer."""
    with pytest.raises(ServiceUnavailable):
        desk.facts(1028)


@pytest.mark.parametrize(
    ("ticket", "low", "high", "counts"), [(1001, 40, 40, True), (1030, 25, 25, True), (1036, 15, 15, False)]
)
def test_guests_are_counted_as_the_new_plan_counts_them(
    desk: Any, ticket: int, low: int, high: int, counts: bool
) -> None:
    """Free to Premium adds Guests, Premium to Ultimate takes them out."""
    facts, _ = desk.facts(ticket)
    needed = facts.seats_needed.known()
    assert (needed.low, needed.high, needed.counts_guests) == (low, high, counts)
