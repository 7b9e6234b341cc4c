"""The desk without a browser: which form is shown, what a person says that the page answered, what is handed out."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glhelpers.actions.forms import form_for
from glhelpers.errors import GateClosed, RunbookContractError, WriteInProgress
from glhelpers.gates.desk import ManualDesk
from glhelpers.models.form import ManualAnswer, ManualForm

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
URLS = {"customersdot": "https://customers.example.com", "gitlab": "https://gitlab.example.com"}
TICKET = "https://gitlab.zendesk.com/agent/tickets/1002"
OLD, NEW = "A-S00010001", "A-S00010002"


def associate(name: str = NEW, namespace: str = "fox") -> ManualForm:
    """Force Associate, filled in."""
    given = {"namespace": namespace, "subscription_name": name, "zendesk_ticket_url": TICKET}
    return form_for("force_associate", given, URLS)


CLEAR = form_for("clear_subscription", {"subscription_name": OLD, "zendesk_ticket_url": TICKET}, URLS)


def desk_for(*forms: ManualForm, **more: Any) -> ManualDesk:
    """A desk as a cell makes it."""
    return ManualDesk(forms or (associate(),), "ada", lambda: NOW, **more)


def tell(desk: ManualDesk, kind: str, text: str = "") -> None:
    """Choose an answer, paste a text, press the button."""
    desk.answer.value = kind
    desk.text.value = text
    desk.button.click()


def kinds(desk: ManualDesk) -> list[tuple[str, str]] | None:
    """What was handed out, by action and kind."""
    taken = desk.take()
    return None if taken is None else [(answer.action, answer.kind) for answer in taken]


def test_nothing_is_answered_before_a_person_does() -> None:
    """No answer is chosen at first, the button is disabled, and a click on it records nothing."""
    desk = desk_for()
    assert (desk.answer.index, desk.answer.value, desk.text.value, desk.button.disabled) == (0, "", "", True)
    assert desk.answer.options[0] == ("choose…", "")
    desk.button.click()
    assert desk.take() is None
    assert desk.state == "waiting"


@pytest.mark.parametrize("kind", ["success", "no_answer", "not_done"])
def test_these_answers_need_no_text(kind: str) -> None:
    """Chosen, the button is armed; pressed, the answer stands with name and time."""
    desk = desk_for()
    desk.answer.value = kind
    assert (desk.state, desk.button.disabled) == ("ready", False)
    desk.answer.value = ""
    assert (desk.state, desk.button.disabled) == ("waiting", True)
    tell(desk, kind)
    assert desk.take() == (
        ManualAnswer(action="force_associate", kind=kind, answered_by="ada", answered_at=NOW),  # type: ignore[arg-type]
    )
    assert desk.button.disabled


@pytest.mark.parametrize("blank", ["", "   ", "\n", "\u200b", "\x07"])
def test_an_error_needs_its_text(blank: str) -> None:
    """The exact words decide what to do next: without any the button stays disabled and a click records nothing."""
    desk = desk_for()
    tell(desk, "refused", blank)
    assert desk.button.disabled
    assert desk.take() is None
    desk.text.value = "unable to associate\nthe subscription"
    assert not desk.button.disabled
    desk.button.click()
    taken = desk.take()
    assert taken is not None
    assert taken[0].text == "unable to associate the subscription"


def test_a_first_answer_counts() -> None:
    """Nothing that happens to the widgets afterwards changes it, and it can be taken again."""
    desk = desk_for()
    tell(desk, "success")
    first = desk.take()
    tell(desk, "refused", "no")
    assert desk.take() == first
    assert (desk.answer.disabled, desk.text.disabled) == (True, True)


def test_after_success_the_next_form_comes_without_an_answer() -> None:
    """A double click records one answer: the second click finds the next form, for which nothing was chosen."""
    desk = desk_for(CLEAR, associate())
    assert "Form 1 of 2: Clear Subscription" in desk.card.value
    desk.answer.value = "success"
    desk.button.click()
    desk.button.click()
    assert "Form 2 of 2: Force Associate" in desk.card.value
    assert (desk.answer.index, desk.answer.value, desk.text.value, desk.button.disabled) == (0, "", "", True)
    assert desk.take() is None
    tell(desk, "success")
    assert kinds(desk) == [("clear_subscription", "success"), ("force_associate", "success")]
    assert desk.state == "finished"


@pytest.mark.parametrize("kind", ["refused", "no_answer", "not_done"])
def test_where_the_first_form_fails_nothing_follows(kind: str) -> None:
    """Nothing was done, so there is nothing to put back."""
    desk = desk_for(CLEAR, associate(), on_failure=associate(OLD))
    tell(desk, kind, "an error")
    assert kinds(desk) == [("clear_subscription", kind)]
    assert desk.state == "ended"


@pytest.mark.parametrize("kind", ["refused", "no_answer", "not_done"])
@pytest.mark.parametrize("back", ["success", "refused", "no_answer", "not_done"])
def test_where_a_later_form_fails_the_way_back_comes_with_its_reason(kind: str, back: str) -> None:
    """Whatever went wrong with the second, the group must not stay on Free; the way back is answered once."""
    desk = desk_for(CLEAR, associate(), on_failure=associate(OLD))
    tell(desk, "success")
    tell(desk, kind, "the page's own words")
    assert "The way back: Force Associate: A-S00010001" in desk.card.value
    assert "Force Associate: A-S00010002 with fox did not succeed" in desk.card.value
    assert ("look first" in desk.card.value) == (kind == "no_answer")
    assert desk.take() is None
    tell(desk, back, "words")
    assert kinds(desk) == [("clear_subscription", "success"), ("force_associate", kind), ("force_associate", back)]
    assert desk.state == "ended"


def test_without_a_way_back_a_failure_ends_it() -> None:
    """The run then says how things were left."""
    desk = desk_for(CLEAR, associate())
    tell(desk, "success")
    tell(desk, "refused", "no")
    assert kinds(desk) == [("clear_subscription", "success"), ("force_associate", "refused")]


def test_each_answer_is_kept_before_the_next_form_is_shown() -> None:
    """What could not be kept is not recorded: the sentence is shown, the same form stays, another press may succeed."""
    kept: list[ManualAnswer] = []
    full = True

    def keep(answer: ManualAnswer) -> None:
        if full:
            raise WriteInProgress("The journal is held by another run.", next_step="Try again.")
        kept.append(answer)

    desk = desk_for(CLEAR, associate(), on_answer=keep)
    tell(desk, "success")
    assert "held by another run" in desk.message.value
    assert "Form 1 of 2" in desk.card.value
    full = False
    desk.button.click()
    assert "Form 2 of 2" in desk.card.value
    assert [answer.action for answer in kept] == ["clear_subscription"]


def test_the_form_leads_to_the_page_and_lets_its_values_be_copied() -> None:
    """A link in a tab of its own; a button for each value that the keyboard reaches and a screen reader names."""
    shown = desk_for().card.value
    (url,) = re.findall(r'<a href="([^"]*)" target="_blank" rel="noopener noreferrer"', shown)
    assert html.unescape(url) == associate().url
    buttons = re.findall(r'<button type="button"[^>]* aria-label="Copy ([^"]*)" data-copy="([^"]*)" onclick=', shown)
    assert buttons == [("Namespace ID/Path", "fox"), ("Subscription ID/name", NEW), ("Zendesk ticket link", TICKET)]
    assert "tabindex" not in shown


def test_a_line_for_the_admin_note_can_be_copied() -> None:
    """Where the handbook asks for one."""
    form = form_for("reset_usage", {"namespace": "fox", "zendesk_ticket_url": TICKET}, URLS)
    assert 'aria-label="Copy Line for the admin note"' in desk_for(form).card.value


def test_nothing_on_the_form_can_become_markup() -> None:
    """A group may have any name, a page may answer anything: the desk shows both as text."""
    odd = "\"'><img src=x onerror=alert(1)>"
    desk = desk_for(associate(namespace=odd), associate(), on_failure=associate(OLD, odd))
    shown = [desk.card.value]
    tell(desk, "success", odd)
    shown.append(desk.card.value)
    tell(desk, "refused", odd)
    shown.append(desk.card.value)
    tell(desk, "refused", odd)
    shown += [desk.card.value, desk.message.value]
    assert all("<img" not in text for text in shown)
    assert "&lt;img" in shown[0]


def test_states_are_told_apart_by_words() -> None:
    """Every state has its word and is spoken by a screen reader when it changes."""
    desk = desk_for()
    seen = [desk.message.value]
    desk.answer.value = "success"
    seen.append(desk.message.value)
    desk.button.click()
    seen.append(desk.message.value)
    for word, text in zip(("WAITING", "READY", "FINISHED"), seen, strict=True):
        assert word in text
        assert 'role="status" aria-live="polite"' in text


def test_an_answer_needs_a_person_and_a_desk_a_form() -> None:
    """Neither is made up."""
    with pytest.raises(GateClosed, match="the name of a person"):
        ManualDesk([associate()], " ", lambda: NOW)
    with pytest.raises(RunbookContractError, match="no form"):
        ManualDesk([], "ada", lambda: NOW)


STEP = st.tuples(st.sampled_from(["choose", "text", "press"]), st.sampled_from(["", "success", "refused", "not_done"]))


@given(steps=st.lists(STEP, max_size=25), text=st.text(max_size=5))
def test_whatever_is_clicked_answers_come_in_order_and_only_after_success(
    steps: list[tuple[str, Any]], text: str
) -> None:
    """Any clicking: an answer is recorded by a press only, the second form follows success only, and it ends once."""
    desk = desk_for(CLEAR, associate(), on_failure=associate(OLD))
    for what, kind in steps:
        if what == "choose":
            desk.answer.value = kind
        elif what == "text":
            desk.text.value = text
        else:
            desk.button.click()
    told = [(answer.action, answer.kind) for answer in desk._answers]
    assert len(told) <= sum(what == "press" for what, _ in steps)
    assert [action for action, _ in told] == ["clear_subscription", "force_associate", "force_associate"][: len(told)]
    if len(told) > 1:
        assert told[0][1] == "success"
    if len(told) > 2:
        assert told[1][1] != "success"
    ended = bool(told) and (told[0][1] != "success" or len(told) == 3 or told[1:2] == [("force_associate", "success")])
    assert (desk.take() is not None) == ended
