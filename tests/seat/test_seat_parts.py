"""The parts of the seat without a browser: the form, what a ticket names, late messages, another profile's settings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glhelpers.actions.catalogue import CATALOGUE
from glhelpers.errors import BadSettings
from glhelpers.evidence import show
from glhelpers.gates.presence import LATE_SECONDS, Presence
from glhelpers.models.finding import Status
from glhelpers.models.parameter_words import PARAMETERS
from glhelpers.models.request import StartHereParameters, problems_in
from glhelpers.rules.start_here import SEEN
from glhelpers.runbook import open_runbook
from glhelpers.seat.parameter_form import ParameterForm
from glhelpers.seat.ticket_text import named_in
from glhelpers.settings import load_settings, profiles_to_choose

FOX = dict(CATALOGUE["force_associate"].examples)


def form_of(book: str, told: list[dict[str, str]] | None = None, **values: str) -> ParameterForm:
    """The form of a runbook as the setup cell shows it."""
    model = CATALOGUE[book].parameters
    heard = told if told is not None else []
    return ParameterForm(
        model, values, on_changed=heard.append, on_go=lambda: heard.append({"go": "yes"}), on_ticket=lambda link: None
    )


def test_every_parameter_of_every_runbook_has_its_words() -> None:
    """No field is asked for by its name in the code; no words are left over."""
    asked = {name for book in CATALOGUE.values() for name in book.parameters.model_fields}
    assert asked == set(PARAMETERS)


@pytest.mark.parametrize("book", CATALOGUE)
def test_a_form_holds_exactly_the_parameters_and_the_choices_fit(book: str) -> None:
    """What the form can answer, papermill can inject: same names, and every choice is accepted."""
    form, model = form_of(book), CATALOGUE[book].parameters
    assert set(form.values) == set(model.model_fields)
    for name, words in PARAMETERS.items():
        for choice in words.choices or ():
            if name in model.model_fields:
                assert name not in dict(problems_in(model, {name: choice}))


def test_what_is_wrong_is_told_as_one_types() -> None:
    """A needed field that is empty is no mistake yet, but nothing can be looked up; a wrong one is told below it."""
    told: list[dict[str, str]] = []
    form = form_of("force_associate", told)
    assert form.go.disabled
    assert form.fields["namespace"].message.value == ""
    form.fields["namespace"].widget.value = "fox university"
    assert "is not a group path" in form.fields["namespace"].message.value
    form.fields["namespace"].widget.value = "fox-university"
    form.fields["subscription_name"].widget.value = "A-S00010002"
    assert form.fields["namespace"].message.value == ""
    assert not form.go.disabled
    assert told[-1]["namespace"] == "fox-university"
    form.go.click()
    assert told[-1] == {"go": "yes"}


def test_a_form_that_names_no_change_to_take_back_is_not_ready() -> None:
    """It says what is missing, rather than that all is there, to stop for want of it."""
    form = form_of("undo", ticket_url="https://gitlab.zendesk.com/agent/tickets/1002")
    assert form.go.disabled
    assert "fill in or mend: The change to take back" in form.message.value
    form.fill({"write": "0123abcd"})
    assert not form.go.disabled
    assert "glh-form-ready" in form.message.value


def test_a_press_on_a_form_with_mistakes_asks_for_nothing() -> None:
    """The kernel does not know that a button is disabled."""
    told: list[dict[str, str]] = []
    form = form_of("force_associate", told)
    form.go.click()
    assert told == []


def test_a_symptom_is_proposed_in_words_and_told_as_its_value() -> None:
    """People read words; the parameter keeps the value that rules and saved notebooks know, and free text stays itself."""
    told: list[dict[str, str]] = []
    assert set(PARAMETERS["symptom"].proposed) == set(SEEN)
    for value, words in PARAMETERS["symptom"].proposed.items():
        form = form_of("start_here", told, symptom=value)
        assert form.fields["symptom"].widget.value == words
        assert form.values["symptom"] == value
        form.fields["symptom"].widget.value = "something else"
        assert told[-1]["symptom"] == "something else"
        form.fields["symptom"].widget.value = words
        assert told[-1]["symptom"] == value
        assert "_" not in words


def test_an_answer_that_is_no_choice_is_left_out() -> None:
    """A hand-over or a parameters cell may hold a word that the form does not offer."""
    form = form_of("force_associate", compute_minutes="double")
    assert form.values["compute_minutes"] == ""


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Please link A-S00010002 to https://gitlab.com/fox-university", {"subscription_name": ("A-S00010002",), "namespace": ("fox-university",)}),
        ("https://gitlab.com/groups/fox-university/sub/-/billings", {"namespace": ("fox-university",)}),
        ("See https://gitlab.com/gitlab-com/support/internal-requests/-/issues/12", {"issue": ("gitlab-com/support/internal-requests#12",)}),
        ("A-S00010002 or A-S00010003?", {"subscription_name": ("A-S00010002", "A-S00010003")}),
        ("https://customers.gitlab.com/admin/customer/5002 ada@fox.example", {"customer_id": ("5002",), "customer_email": ("ada@fox.example",)}),
        ("https://gitlab.com/help/ci and https://gitlab.com/users/sign_in", {}),
        ("XA-S00010002, A-S1, http://gitlab.example/fox", {}),
        ("https://gitlab.com.evil.example/fox-university", {}),
    ],
)  # fmt: skip
def test_a_ticket_names_what_stands_there_in_full(text: str, named: dict[str, Any]) -> None:
    """Candidates in the order of their mention; nothing is guessed."""
    assert named_in([text]) == named


@given(st.lists(st.text(max_size=200), max_size=4))
def test_what_any_ticket_names_can_stand_in_a_form(texts: list[str]) -> None:
    """Whatever a stranger writes into a ticket, a proposal is a well-formed parameter."""
    for name, values in named_in(texts).items():
        for value in values:
            assert name not in dict(problems_in(StartHereParameters, {name: value}))


def header(session: str, ago: float) -> dict[str, Any]:
    """The header of a message that a page sent some seconds ago."""
    return {"session": session, "date": datetime.now(UTC) - timedelta(seconds=ago)}


def test_a_message_is_late_by_the_measure_of_its_own_page() -> None:
    """A page whose clock is wrong is not late for that; one whose message waited for the connection is."""
    presence = Presence()
    assert not presence.heard(header("page", 0.1)).held_up
    assert presence.heard(header("page", LATE_SECONDS + 10)).held_up
    slow = Presence()
    assert not slow.heard(header("other", 3600)).held_up
    assert not slow.heard(header("other", 3605)).held_up
    assert slow.heard(header("other", 3600 + LATE_SECONDS + 1)).held_up


def test_another_profile_gets_neither_addresses_nor_tokens_of_this_one(
    on_sandbox: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Chosen in the form, production is production: the sandbox's addresses and tokens stay behind."""
    monkeypatch.setenv("GLHELPERS_CUSTOMERSDOT_DRIVER", "http")
    there = load_settings("production", switched=True)
    assert there.gitlab.base_url == "https://gitlab.com"
    assert there.production
    assert there.by_hand
    assert [end.token for end in (there.gitlab, there.customersdot, there.zendesk)] == [None, None, None]
    back = load_settings("sandbox", switched=True)
    assert back.gitlab.base_url == on_sandbox.urls["gitlab"]
    assert profiles_to_choose() == ["production", "sandbox"]
    with pytest.raises(BadSettings, match="There is no profile"):
        load_settings("staging", switched=True)


def test_a_look_up_tells_of_each_fact_as_it_comes_in(on_sandbox: Any) -> None:
    """Whoever waits sees what is there already; the line names the newest."""
    seen: list[str] = []
    run = open_runbook("force_associate", dict(FOX))
    run.on_looked_up = seen.append
    run.look_up()
    assert "Namespace" in seen
    assert len(seen) >= 8
    assert f"{len(seen)} done, 3 s" in show.progress_line(seen, 3.2)


@pytest.mark.parametrize("status", list(Status))
def test_only_what_halts_is_headed_stop(status: Status) -> None:
    """A question, a refusal or a failure stops the expert; what is done, or goes on with a reply, does not."""
    goes_on = {Status.completed, Status.no_change_needed, Status.handed_off, Status.self_serve}
    card = show.stop_card(status, "Why.", None)
    assert ("■ STOP" in card) == (status not in goes_on)
    assert "What to do:" in card
