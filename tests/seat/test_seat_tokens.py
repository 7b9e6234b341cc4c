"""A token that may do too little, mended at the seat: the sentence, the prompt, and what is looked up again."""

from __future__ import annotations

import getpass
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.request import Request, urlopen

import pytest

from glhelpers.actions.catalogue import CATALOGUE
from glhelpers.models.fact import FactState
from glhelpers.sandbox_process import Running
from glhelpers.seat import seat as at_the_seat
from glhelpers.seat import tokens
from glhelpers.seat.seat import Seat

BILLING = {"system": "gitlab", "method": "GET", "path": "*/gitlab_subscription"}


def put_faults(sandbox: Running, *faults: dict[str, Any]) -> None:
    """Put faults in force; none to end them."""
    body, url = json.dumps(faults).encode(), f"{sandbox.urls['gitlab']}/__sandbox/faults"
    with urlopen(Request(url, data=body, method="PUT", headers={"Content-Type": "application/json"})) as told:
        json.load(told)


@dataclass
class Person:
    """Who sits at the prompts: what is asked, and what is typed; from then on the sandbox refuses nothing."""

    sandbox: Running
    types: str
    asked: list[str] = field(default_factory=list)

    def answer(self, prompt: str) -> str:
        """What a prompt gets; a token that may do more is not refused any more."""
        self.asked.append(prompt)
        if self.types:
            put_faults(self.sandbox)
        return self.types


@pytest.fixture
def person(on_sandbox: Running, monkeypatch: pytest.MonkeyPatch) -> Person:
    """A person with a better token, at a kernel that has been asked for none before."""
    somebody = Person(on_sandbox, on_sandbox.tokens["admin"])
    monkeypatch.setattr(getpass, "getpass", somebody.answer)
    monkeypatch.setattr(tokens, "_LENT", {})
    monkeypatch.setattr(at_the_seat, "_ASKED_FOR_MORE", set())
    monkeypatch.setattr(at_the_seat, "_LEFT", {})
    return somebody


def seat() -> Seat:
    """The seat at the demonstration's case of Force Associate."""
    return Seat(CATALOGUE["force_associate"], dict(CATALOGUE["force_associate"].examples))


def state_of(taken: Seat, name: str) -> FactState:
    """How a fact of the seat's run stands."""
    return next(fact.state for fact in taken.run.known.facts if fact.name == name)


def test_a_refused_read_is_told_and_the_token_asked_for(person: Person, capsys: pytest.CaptureFixture[str]) -> None:
    """The sentence names the service and what it refuses; with a better token the same run knows it, and nothing is saved."""
    put_faults(person.sandbox, {**BILLING, "do": "403"})
    taken = seat()
    view = taken.look_up()
    assert person.asked == ["Token for GitLab.com (empty: none): "]
    said = capsys.readouterr().out
    assert "GitLab.com refuses" in said
    assert "to this token: its scope or its owner's role is too small." in said
    assert "in this kernel's memory" in said
    assert person.types not in said
    assert person.types not in str(view._repr_mimebundle_())
    assert state_of(taken, "gitlab_subscription") is FactState.known


def test_whoever_gives_none_is_asked_once_and_unknown_stays_unknown(
    person: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    """A token that may do no more is no mistake: the rules stop for what is not known, and no second prompt comes."""
    person.types = ""
    put_faults(person.sandbox, {**BILLING, "do": "403"})
    taken = seat()
    taken.look_up()
    assert state_of(taken, "gitlab_subscription") is FactState.unknown
    taken.look_up()
    assert len(person.asked) == 1
    assert capsys.readouterr().out.count("GitLab.com refuses") == 1
    taken.check()
    assert taken.run.known.status == "stopped"


@pytest.mark.parametrize(
    ("system", "path", "name"),
    [("customersdot", "*/orders*", "CustomersDot"), ("zendesk", "*", "Zendesk")],
)
def test_each_service_is_asked_about_by_its_name(person: Person, system: str, path: str, name: str) -> None:
    """Only the token of the service that refused is asked for."""
    person.types = person.sandbox.tokens[system]
    put_faults(person.sandbox, {"system": system, "method": "GET", "path": path, "do": "403"})
    seat().look_up()
    assert person.asked == [f"Token for {name} (empty: none): "]


def test_where_nothing_is_refused_nobody_is_asked(person: Person) -> None:
    """A token that may do all that is needed leads to no prompt."""
    seat().look_up()
    assert person.asked == []
