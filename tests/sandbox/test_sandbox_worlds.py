"""The worlds that come with the project hold together, and the documentation's examples are what they claim."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from glhelpers.actions.catalogue import CATALOGUE
from glhelpers.models.finding import Status
from glhelpers.models.request import ticket_number
from glhelpers.sandbox.changes import Change
from glhelpers.sandbox.faults import parse_faults
from glhelpers.sandbox.world import World
from glhelpers.sandbox.world_file import DEMO, load_world

DOCS = Path(__file__).parents[2] / "docs" / "worlds.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def demo() -> World:
    return load_world(DEMO)


def test_the_example_in_the_documentation_is_a_world(tmp_path: Path, start_sandbox: Any, serving: Any) -> None:
    """It loads, and is served."""
    path = tmp_path / "one.yaml"
    path.write_text(BLOCKS[0])
    assert [case.expect for case in load_world(path).cases] == [Status.completed]
    process, told = start_sandbox("--world", str(path), "--until-stdin-closes")
    token = {"PRIVATE-TOKEN": told["tokens"]["admin"]}
    answer = serving.client.get(f"{told['gitlab_url']}/api/v4/namespaces/penguin-press", headers=token)
    process.stdin.close()
    process.stdout.close()
    process.wait(timeout=5)
    assert answer.json()["billable_members_count"] == 25


def test_the_changes_and_faults_in_the_documentation_are_such() -> None:
    """Every line of the other two examples is accepted."""
    changes = yaml.safe_load(BLOCKS[1])["between"]
    assert {name for change in changes for name in change} == set(Change.model_fields)
    assert len([Change.model_validate(change) for change in changes]) == 12
    assert len(parse_faults(yaml.safe_load(BLOCKS[2]))) == 3


def test_the_tour_shows_every_status(demo: World) -> None:
    """Somebody who runs the demonstration has seen each way in which a run may end."""
    assert {case.expect for case in demo.cases if case.tour} == set(Status)


def test_every_case_stands_alone(demo: World) -> None:
    """Own ticket and own issue; own subscription and own group where something may be written."""
    for field in ("subscription_name", "namespace", "issue"):
        apart = [case for case in demo.cases if field == "issue" or CATALOGUE[case.runbook].writes]
        used = Counter(case.parameters[field] for case in apart if field in case.parameters)
        assert not [value for value, count in used.items() if count > 1], field
    assert len({case.ticket for case in demo.cases}) == len(demo.cases)


def test_parameters_of_cases_are_parameters(demo: World) -> None:
    """They pass the runbook's own check, and name an issue and a ticket that are there."""
    issues = {f"{project.path}#{issue.iid}" for project in demo.projects for issue in project.issues}
    for case in demo.cases:
        asked = CATALOGUE[case.runbook].parameters.model_validate(case.parameters)
        assert asked.issue in issues or not CATALOGUE[case.runbook].writes, case.name
        assert ticket_number(asked.ticket_url) in (case.ticket, None), case.name


def test_plans_on_gitlab_fit_the_orders(demo: World) -> None:
    """Where a group has a paid plan, an order names it, with the same plan, seats and term."""
    subscriptions = {item.name: item for item in demo.subscriptions}
    for group in demo.groups:
        row = group.subscription
        if row is None or row.plan == "free":
            continue
        linked = [subscriptions[order.subscription_name] for order in demo.orders if order.gl_namespace_id == group.id]
        shown = [(item.plan_code, item.seats, item.start_date, item.end_date) for item in linked if item.kind == "plan"]
        assert (row.plan, row.seats, row.start, row.end) in shown, group.path
        assert row.max_seats_used >= row.seats_in_use, group.path


def test_people_are_made_up(demo: World) -> None:
    """Every address lies at or under example.com."""
    addresses = [user.email for user in demo.users] + [customer.email for customer in demo.customers]
    assert all(f".{address.rpartition('@')[2]}".endswith(".example.com") for address in addresses if address)
