"""What is looked up for an association: in how many rounds, with how many requests, and what a refusal makes of a fact."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from glhelpers.actions.collect import MOST_GUESTS
from glhelpers.clients.clients import Clients, open_clients
from glhelpers.errors import NotAuthenticated, RateLimited, ServiceError, ServiceUnavailable
from glhelpers.models.fact import FactState
from glhelpers.sandbox.world_file import DEMO
from glhelpers.sandbox_process import start_sandbox
from tests.actions.conftest import CASES, Desk, impatient

KNOWN, ABSENT, UNKNOWN = FactState.known, FactState.absent, FactState.unknown
NAMESPACE = {"path": "*/namespaces/fox-university"}


@pytest.mark.parametrize("ticket", sorted(set(CASES) - {1028}))
def test_reads_go_out_side_by_side(desk: Desk, ticket: int) -> None:
    """In every case at most three dependent round trips; ten reads, or twelve where Guests count and one for each of them."""
    facts, reader = desk.facts(ticket)
    assert len(reader.rounds) <= 3
    requests = desk.control("GET", "requests")
    assert requests["count"] == sum(len(names) for names in reader.rounds)
    assert {row["method"] for row in requests["requests"]} == {"GET"}
    asked = [name for names in reader.rounds for name in names]
    assert len(asked) == len(set(asked)), "nothing is asked twice"
    guests = sum(name.startswith("guest:") for name in asked)
    assert 6 <= len(asked) - guests <= (12 if "members" in asked else 10)
    assert guests == (5 if ticket == 1036 else 0)
    assert {fact.name for fact in facts.all()} == set(type(facts).model_fields) - {"parameters", "grants"}


def test_the_requests_of_a_round_overlap(desk: Desk) -> None:
    """With every answer delayed by a fifth of a second, ten reads take about three delays, not ten."""
    desk.faults({"do": "latency", "seconds": 0.2})
    began = time.monotonic()
    desk.facts(1002)
    assert 3 * 0.2 <= time.monotonic() - began < 8 * 0.2


@pytest.mark.parametrize(
    ("ticket", "not_known"),
    [
        (1002, {}),
        (1012, {"seats_needed": UNKNOWN}),
        (1016, {"linked_user": UNKNOWN, "linked_member": UNKNOWN}),
        (1018, {"seats_needed": UNKNOWN}),
        (1022, {"ticket": UNKNOWN}),
        (1023, {"customer": ABSENT, "linked_user": UNKNOWN, "linked_member": UNKNOWN}),
    ],
)
def test_a_fact_knows_how_it_stands(desk: Desk, ticket: int, not_known: dict[str, FactState]) -> None:
    """Known with a source, absent by the service's word, or not known; and in the latter two cases why."""
    facts, _ = desk.facts(ticket)
    assert {fact.name: fact.state for fact in facts.all() if fact.state is not KNOWN} == not_known
    for fact in facts.all():
        assert (fact.value is None) is (fact.state is not KNOWN)
        assert (fact.why is None) is (fact.state is KNOWN)


def test_what_the_figures_of_a_case_are(desk: Desk) -> None:
    """The values that an expert would have looked up by hand."""
    facts, _ = desk.facts(1036)
    assert facts.namespace.known().id == 2036
    assert facts.gitlab_subscription.known().plan.code == "premium"
    assert [order.id for order in facts.orders.known()] == [7036]
    assert [occupant.subscription_name for occupant in facts.occupants.known()] == ["A-S00020036"]
    assert facts.customer.known().uid == "136"
    assert facts.linked_user.known().username == "owner-36"
    assert facts.linked_member.known().access_level == 50
    assert facts.today.known().isoformat() == "2026-11-23"


@pytest.mark.parametrize(
    ("status", "state", "why"),
    [
        (404, ABSENT, "the service answers that there is none, or hides it from this token"),
        (403, UNKNOWN, "GitLab.com answered 403 to /namespaces/:id"),
        (400, UNKNOWN, "GitLab.com answered 400 to /namespaces/:id"),
        (410, UNKNOWN, "GitLab.com answered 410 to /namespaces/:id"),
    ],
)
def test_what_a_refusal_makes_of_a_fact(desk: Desk, status: int, state: FactState, why: str) -> None:
    """Only a 404 says that there is none; whatever hangs on the namespace is not known then, and not asked."""
    desk.change(set_group={"group": "fox-university", "answers": status})
    facts, reader = desk.facts(1002)
    assert (facts.namespace.state, facts.namespace.why) == (state, why)
    assert facts.group.state is state
    assert facts.occupants.state is facts.linked_member.state is facts.seats_needed.state is UNKNOWN
    assert reader.rounds[1:] == [("customer",), ("linked_user",)]


def test_a_route_that_this_token_may_not_use_leaves_the_others(desk: Desk) -> None:
    """A stranger sees a public group, but neither its plan nor its billable members."""
    desk.change(set_group={"group": "tern-tech", "visibility": "public"})
    token = SecretStr(desk.sandbox.tokens["stranger"])
    gitlab = replace(desk.settings.gitlab, token=token)
    with open_clients(replace(desk.settings, gitlab=gitlab)) as clients:
        facts, _ = desk.facts(1036, clients)
    assert facts.namespace.state is facts.subscription.state is KNOWN
    assert (facts.gitlab_subscription.state, facts.seats_needed.state) == (UNKNOWN, UNKNOWN)
    assert "403" in str(facts.gitlab_subscription.why)


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ({"do": "nan"}, UNKNOWN),
        ({"do": "html"}, UNKNOWN),
        ({"do": "redirect"}, UNKNOWN),
        ({"do": "wrong_type"}, UNKNOWN),
        ({"do": "huge"}, UNKNOWN),
        ({"do": "truncated_json", "times": 1}, KNOWN),
        ({"do": "cut", "times": 1}, KNOWN),
        ({"do": "502", "times": 1}, KNOWN),
        ({"do": "429", "times": 1, "retry_after": "0"}, KNOWN),
    ],
)
def test_a_malformed_answer_is_unknown_and_a_passing_fault_is_asked_again(
    desk: Desk, fault: dict[str, Any], state: FactState
) -> None:
    """What cannot be trusted is not guessed at; what fails once is read again."""
    desk.faults({**NAMESPACE, **fault})
    facts, _ = desk.facts(1002)
    assert facts.namespace.state is state


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"do": "502"}, ServiceUnavailable),
        ({"do": "503"}, ServiceUnavailable),
        ({"do": "cut"}, ServiceUnavailable),
        ({"do": "truncated_json"}, ServiceUnavailable),
        ({"do": "429", "retry_after": "86400"}, RateLimited),
    ],
)
def test_a_service_that_stays_away_ends_the_look_up(
    desk: Desk, fault: dict[str, Any], error: type[ServiceError]
) -> None:
    """What does not pass is no fact about the customer; the run ends, and soon."""
    desk.faults({**NAMESPACE, **fault})
    began = time.monotonic()
    with pytest.raises(error):
        desk.facts(1002)
    assert time.monotonic() - began < 10


def test_a_service_that_is_too_slow_ends_the_look_up(desk: Desk) -> None:
    """Whoever was waited for until the deadline is not asked to wait again."""
    desk.faults({**NAMESPACE, "do": "slow_drip", "seconds": 0.2})
    began = time.monotonic()
    with impatient(desk.settings, 0.6) as clients, pytest.raises(ServiceUnavailable, match=r"longer than 0\.6 s"):
        desk.facts(1002, clients)
    assert time.monotonic() - began < 2


def test_a_service_that_cannot_be_reached_ends_the_look_up(desk: Desk, unreachable: Clients) -> None:
    """A refused connection says nothing about the customer."""
    with pytest.raises(ServiceUnavailable, match="CustomersDot cannot be reached"):
        desk.facts(1002, unreachable)


@pytest.mark.parametrize("token", ["expired", "revoked"])
def test_a_token_that_is_not_accepted_ends_the_look_up(desk: Desk, token: str) -> None:
    """The operator must mend it, so it is said at once and is no unknown fact."""
    gitlab = replace(desk.settings.gitlab, token=SecretStr(desk.sandbox.tokens[token]))
    clients = open_clients(replace(desk.settings, gitlab=gitlab))
    with clients, pytest.raises(NotAuthenticated, match="GLHELPERS_GITLAB_TOKEN"):
        desk.facts(1002, clients)


@pytest.mark.parametrize(
    ("ticket", "low", "high", "counts"), [(1001, 40, 40, True), (1030, 25, 25, True), (1036, 15, 15, False)]
)
def test_guests_are_counted_as_the_new_plan_counts_them(
    desk: Desk, ticket: int, low: int, high: int, counts: bool
) -> None:
    """Free to Premium adds Guests, Premium to Ultimate takes them out."""
    facts, _ = desk.facts(ticket)
    needed = facts.seats_needed.known()
    assert (needed.low, needed.high, needed.counts_guests) == (low, high, counts)


def test_too_many_guests_to_ask_about_one_by_one_make_a_range(desk: Desk) -> None:
    """Each of them may hold a higher role below: between none and all of them fall out."""
    desk.change(add_members={"group": "tern-tech", "count": MOST_GUESTS, "level": "guest"})
    facts, reader = desk.facts(1036)
    needed = facts.seats_needed.known()
    assert (needed.low, needed.high) == (15, 15 + 5 + MOST_GUESTS)
    assert not any(name.startswith("guest:") for names in reader.rounds for name in names)


def test_a_guest_whose_memberships_cannot_be_read_makes_a_range(desk: Desk) -> None:
    """One of five may hold a higher role below."""
    desk.faults({"path": "*/billable_members/*/memberships", "do": "nan", "times": 1})
    needed = desk.facts(1036)[0].seats_needed.known()
    assert (needed.low, needed.high) == (15, 16)


def test_guests_of_subgroups_who_cannot_be_seen_make_a_range(desk: Desk) -> None:
    """Free shows them in a count only; Premium may bill each of them."""
    desk.change(add_members={"group": "viper-ventures/platform", "count": 3, "level": "guest"})
    needed = desk.facts(1018, namespace="viper-ventures")[0].seats_needed.known()
    assert (needed.low, needed.high) == (23, 26)


def test_a_guest_with_a_higher_role_below_keeps_the_seat(desk: Desk, tmp_path: Path) -> None:
    """A Guest of the group who is Developer in a subgroup is billed on Ultimate too."""
    world = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    tern = next(group for group in world["groups"] if group["path"] == "tern-tech")
    tern["members"].append({"user": "colleague", "level": "guest"})
    below = {"id": 3036, "path": "tern-tech/labs", "parent": "tern-tech"}
    world["groups"].append({**below, "members": [{"user": "colleague", "level": "developer"}]})
    path = tmp_path / "world.yaml"
    path.write_text(yaml.safe_dump(world), encoding="utf-8")
    running = start_sandbox(world=str(path))
    try:
        gitlab = replace(desk.settings.gitlab, base_url=running.urls["gitlab"])
        portal = replace(desk.settings.customersdot, base_url=running.urls["customersdot"])
        zendesk = replace(desk.settings.zendesk, base_url=running.urls["zendesk"])
        theirs = replace(desk.settings, gitlab=gitlab, customersdot=portal, zendesk=zendesk)
        with open_clients(theirs) as clients:
            needed = desk.facts(1036, clients)[0].seats_needed.known()
    finally:
        assert running.process is not None
        running.process.communicate(timeout=5)
    assert (needed.low, needed.high) == (16, 16)
