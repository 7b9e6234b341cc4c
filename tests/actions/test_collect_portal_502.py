"""What is looked up for portal_502: in how many rounds, what a failure makes of a fact, and where a lent token goes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from glhelpers.actions.portal_502 import collect_portal_502
from glhelpers.actions.reading import Reader
from glhelpers.errors import ServiceError, ServiceUnavailable
from glhelpers.models.fact import FactState
from glhelpers.models.portal_502_facts import Portal502Facts
from glhelpers.models.request import Portal502Parameters
from tests.actions.conftest import Desk

KNOWN, ABSENT, UNKNOWN = FactState.known, FactState.absent, FactState.unknown
LINKED_ADMIN, OPENS, IDS_DIFFER = 55020, 55022, 55023
TICKET = "https://gitlab.zendesk.com/agent/tickets/1510"
CHECK = {"system": "customersdot", "path": "*/impersonation-check"}
LENT = "lent-only-to-this-test"


def look(desk: Desk, account: int = LINKED_ADMIN, token: str = "", **asked: str) -> tuple[Portal502Facts, Reader]:
    """The facts about an account, perhaps with a lent token, and the reader that read them."""
    clients = replace(desk.clients, portal_token=SecretStr(token) if token else None)
    given = {"customer_id": str(account), "ticket_url": TICKET} | asked
    reader = Reader()
    return collect_portal_502(clients, Portal502Parameters.model_validate(given), reader), reader


@pytest.mark.parametrize(("account", "rounds"), [(LINKED_ADMIN, 2), (OPENS, 2), (IDS_DIFFER, 3), (999999, 1)])
def test_reads_go_out_side_by_side(desk: Desk, account: int, rounds: int) -> None:
    """Two dependent round trips, a third for a token of somebody else; nothing is asked twice, nothing is changed."""
    facts, reader = look(desk, account)
    assert len(reader.rounds) == rounds
    asked = [name for names in reader.rounds for name in names]
    assert len(asked) == len(set(asked)) == desk.control("GET", "requests")["count"]
    assert desk.control("GET", "writes")["attempts"] == 0
    assert {fact.name for fact in facts.all()} == set(type(facts).model_fields) - {"parameters"}


@pytest.mark.parametrize(
    ("fault", "opens"),
    [("502", False), ("500", None), ("503", None), ("504", None), ("cut", None), ("html", None), ("wrong_type", None)],
)
def test_only_a_502_is_the_502(desk: Desk, fault: str, opens: bool | None) -> None:
    """Whatever else goes wrong while impersonating is not known, with the reason; the other facts are."""
    desk.faults({**CHECK, "do": fault})
    facts, _ = look(desk, OPENS)
    if opens is None:
        assert (facts.answer.state, bool(facts.answer.why)) == (UNKNOWN, True)
    else:
        assert facts.answer.known().opens is opens
    assert facts.linked_user.state is KNOWN


def test_whom_nobody_reaches_ends_the_look_up(desk: Desk) -> None:
    """CustomersDot as a whole fails: no facts, one sentence."""
    desk.faults({"system": "customersdot", "do": "503"})
    with pytest.raises(ServiceUnavailable):
        look(desk)


@pytest.mark.parametrize(
    ("path", "fact"),
    [
        ("*/adapter/v1/status", "portal_works"),
        ("*/token-info", "token"),
        ("*/adapter/v1/customers", "same_uid"),
        ("*/users/5510", "linked_user"),
    ],
)
def test_an_answer_out_of_shape_is_not_known(desk: Desk, path: str, fact: str) -> None:
    """A sign-in page instead of JSON."""
    desk.faults({"path": path, "do": "html"})
    facts, _ = look(desk)
    assert getattr(facts, fact).state is UNKNOWN


@pytest.mark.parametrize(("login", "state"), [("valid", "valid"), ("expired", "refused"), ("none", "none")])
def test_the_portals_token_is_told_apart(desk: Desk, login: str, state: str) -> None:
    """Valid, not taken any more, none kept: three things that are known."""
    desk.change(set_customer={"id": LINKED_ADMIN, "portal_login": login})
    facts, _ = look(desk)
    told = facts.token.known()
    assert (told.state, told.resource_owner_id, told.seen_by) == (state, 5510 if state == "valid" else None, "adapter")
    assert facts.token_user.state is ABSENT


def test_the_owner_of_another_token_is_looked_up(desk: Desk) -> None:
    """Who that is, and whether an administrator."""
    facts, _ = look(desk, IDS_DIFFER)
    assert (facts.linked_user.known().id, facts.token_user.known().id) == (5512, 5511)
    assert facts.token_user.known().is_admin is False


def test_nobody_linked_is_known(desk: Desk) -> None:
    """Absent is knowledge: there is no linked user, and nobody to share it with."""
    desk.change(set_customer={"id": LINKED_ADMIN, "uid": None})
    facts, _ = look(desk)
    assert [facts.linked_user.state, facts.same_uid.state, facts.token_user.state] == [ABSENT] * 3
    assert facts.answer.known().opens


def test_an_address_of_two_accounts_names_neither(desk: Desk) -> None:
    """Unknown, with the number of accounts and no address."""
    desk.change(set_customer={"id": OPENS, "email": "billing520@example.com"})
    facts, _ = look(desk, customer_id="", customer_email="billing520@example.com")
    assert facts.customer.state is UNKNOWN
    assert facts.customer.why is not None
    assert facts.customer.why.startswith("2 accounts")
    assert "@" not in facts.customer.why


def test_a_lent_token_is_shown_to_gitlab_alone(desk: Desk) -> None:
    """One request of GitLab.com is made with it; CustomersDot is not asked about its own, and nothing keeps it."""
    facts, _ = look(desk, token=LENT)
    told = facts.token.known()
    assert (told.state, told.seen_by, facts.token.call) == ("refused", "owner", "GET /oauth/token/info")
    asked: list[dict[str, Any]] = desk.control("GET", "requests")["requests"]
    assert [row["system"] for row in asked if "token" in row["path"]] == ["gitlab"]
    kept = [repr(asked), repr(desk.clients.request_log.rows), facts.model_dump_json(), repr(facts)]
    assert not any(LENT in text for text in kept)
    assert LENT not in repr(replace(desk.clients, portal_token=SecretStr(LENT)))


@pytest.mark.parametrize("fault", ["429", "html", "redirect"])
def test_a_failing_look_at_a_lent_token_does_not_show_it(desk: Desk, fault: str) -> None:
    """Whatever GitLab.com answers, neither a fact nor an error holds the token."""
    desk.faults({"system": "gitlab", "path": "/oauth/token/info", "do": fault, "to": "https://elsewhere.example.com/"})
    said = ""
    try:
        facts, _ = look(desk, token=LENT)
        said = repr(facts)
        assert facts.token.state is UNKNOWN
    except ServiceError as error:
        said = f"{error!r} {error}"
        assert fault == "429", said
    assert said
    assert LENT not in said
