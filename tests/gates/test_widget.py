"""The gate's face without a browser: what a person types and presses, and what it then hands out."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from plans import OVERAGE, plan_file

from glhelpers.errors import GateClosed
from glhelpers.gates.decision import grant
from glhelpers.gates.widget import STATES, ConfirmGate
from glhelpers.models.change import Approval, PlanFile


def gate_for(file: PlanFile, spent: dict[str, str] | None = None, **more: Any) -> ConfirmGate:
    """A gate as a cell makes it."""
    return ConfirmGate(
        file,
        card="<p>the plan</p>",
        operator="ada",
        lasts=timedelta(hours=1),
        clock=lambda: datetime.now(UTC),
        spent=(spent or {}).get,
        **more,
    )


def test_a_gate_is_closed_until_the_target_is_typed() -> None:
    """Disabled at first, armed by the exact text, disarmed when it changes."""
    gate = gate_for(plan_file())
    assert gate.typed.value == ""
    assert (gate.state, gate.button.disabled) == ("closed", True)
    for text in ("fo", "Fox", " fox", "fox ", "foxes", "f\u043ex", "fox\u200b", "*", ""):
        gate.typed.value = "fox"
        assert (gate.state, gate.button.disabled) == ("armed", False)
        gate.typed.value = text
        assert (gate.state, gate.button.disabled) == ("closed", True), repr(text)
    assert gate.take() is None


def test_a_click_on_a_closed_gate_approves_nothing() -> None:
    """The kernel does not know that a button is disabled; the gate checks what was typed."""
    gate = gate_for(plan_file())
    gate.button.click()
    assert gate.state == "refused"
    assert gate.take() is None


def test_two_clicks_are_one_approval_and_it_is_handed_out_once() -> None:
    """A second click message changes nothing; the approval can be taken a single time."""
    gate = gate_for(plan_file())
    gate.typed.value = "fox"
    gate.button.click()
    gate.button.click()
    assert gate.state == "approved"
    approval = gate.take()
    assert approval is not None
    assert approval.approved_by == "ada"
    assert gate.take() is None
    assert gate.state == "spent"
    gate.button.click()
    assert gate.take() is None


def test_a_gate_made_again_knows_nothing_of_the_old_answer() -> None:
    """Running the cell again starts from nothing."""
    first = gate_for(plan_file())
    first.typed.value = "fox"
    first.button.click()
    second = gate_for(plan_file())
    assert (second.state, second.typed.value, second.button.disabled) == ("closed", "", True)
    assert second.take() is None


def test_two_presses_to_apply_run_the_cells_once() -> None:
    """The page runs what it is told: told twice, it would run a step again whose record is closed by then."""
    asked: list[str] = []
    gate = gate_for(plan_file(), can_apply=lambda: True, on_apply=lambda: asked.append("apply") is None)
    gate.apply.click()
    assert asked == [], "nothing is approved yet"
    gate.typed.value = "fox"
    gate.button.click()
    gate.apply.click()
    gate.apply.click()
    assert asked == ["apply"]


def test_an_approval_outlives_no_further_typing() -> None:
    """Once approved, neither text nor click changes what was approved."""
    gate = gate_for(plan_file())
    gate.typed.value = "fox"
    gate.button.click()
    approved = gate._approval
    gate.typed.value = "something else"
    gate.second.value = "approval.json"
    gate.button.click()
    assert gate.state == "approved"
    assert gate.button.disabled
    assert gate.take() is approved


def test_what_the_plan_says_cannot_become_markup() -> None:
    """A group may have any name; the gate shows it as text."""
    name = "<img src=x onerror=alert(1)>"
    gate = gate_for(plan_file({"namespace.full_path": name}))
    assert name not in gate.message.value
    assert "&lt;img" in gate.message.value


def test_states_are_told_apart_by_words() -> None:
    """Every state has its word and its sign, not only a colour."""
    gate = gate_for(plan_file())
    seen = [gate.message.value]
    gate.typed.value = "fox"
    seen.append(gate.message.value)
    gate.button.click()
    seen.append(gate.message.value)
    gate.take()
    seen.append(gate.message.value)
    for word, text in zip(("CLOSED", "ARMED", "APPROVED", "BEING APPLIED"), seen, strict=True):
        assert word in text
        assert 'role="status"' in text


def approval_file(path: Path, file: PlanFile, *, ago: timedelta = timedelta(0), **changed: Any) -> Approval:
    """Bob's approval of this plan, with whatever was changed in it afterwards."""
    approval = grant(file, typed="fox", approver="bob", now=datetime.now(UTC) - ago, lasts=timedelta(hours=1))
    approval = approval.model_copy(update=changed)
    path.write_text(approval.model_dump_json())
    return approval


def test_a_second_person_approves_by_file(tmp_path: Path) -> None:
    """Where two people are needed, typing does not suffice: the button works with the other one's file only."""
    file = plan_file(OVERAGE)
    path = tmp_path / "approved elsewhere.json"
    approval_file(path, file)
    gate = gate_for(file, plan_path=tmp_path / "a folder" / "plan.json")
    assert gate.second.layout.display != "none"
    assert gate.second.value == str(tmp_path / "a folder" / "approval.json"), "where the command writes it"
    assert f"glhelpers approve &#x27;{tmp_path}/a folder/plan.json&#x27;" in gate.box.children[0].value
    gate.typed.value = "fox"
    gate.button.click()
    assert (gate.state, gate.button.disabled) == ("refused", False)
    assert "press the button again" in gate.message.value
    gate.second.value = str(path)
    assert (gate.state, gate.button.disabled) == ("armed", False), "a corrected file can be tried at once"
    gate.button.click()
    assert gate.state == "approved"
    approval = gate.take()
    assert approval is not None
    assert (approval.requested_by, approval.approved_by) == ("ada", "bob")


def test_the_button_can_be_pressed_again_once_the_colleague_has_approved(tmp_path: Path) -> None:
    """Pressed too early it refuses; when the command has left its file, the same press approves: nothing is retyped."""
    file = plan_file(OVERAGE)
    gate = gate_for(file, plan_path=tmp_path / "plan.json")
    gate.typed.value = "fox"
    assert "colleague" in gate.message.value
    gate.button.click()
    assert gate.state == "refused"
    approval_file(tmp_path / "approval.json", file)
    gate.button.click()
    assert gate.state == "approved"
    gate.button.click()
    assert gate.take() is not None
    assert gate.take() is None


def test_a_file_does_not_replace_the_typing(tmp_path: Path) -> None:
    """With a valid file and another text, the button stays closed, and a click is refused."""
    file = plan_file(OVERAGE)
    path = tmp_path / "approval.json"
    approval_file(path, file)
    gate = gate_for(file)
    gate.second.value = str(path)
    gate.typed.value = "foxes"
    assert (gate.state, gate.button.disabled) == ("closed", True)
    gate.button.click()
    assert gate.state == "refused"
    assert gate.take() is None


def test_one_person_suffices_where_nothing_is_owed() -> None:
    """The field for a file is not shown then."""
    assert gate_for(plan_file()).second.layout.display == "none"


@pytest.mark.parametrize(
    ("ago", "changed", "spent", "said"),
    [
        (timedelta(hours=2), {}, False, "expired"),
        (timedelta(hours=-2), {}, False, "in the future"),
        (timedelta(0), {"expires_at": datetime(2099, 1, 1, tzinfo=UTC)}, False, "longer than an approval may"),
        (timedelta(0), {}, True, "spent"),
        (timedelta(0), {"approved_by": "ada"}, False, "second person"),
        (timedelta(0), {"plan_digest": "0" * 64}, False, "another plan"),
        (timedelta(0), {"profile": "production"}, False, "profile production"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_a_sentence(
    ago: timedelta, changed: dict[str, Any], spent: bool, said: str, tmp_path: Path
) -> None:
    """Too old, too young, used, one's own, of another plan, of another profile."""
    file = plan_file(OVERAGE)
    path = tmp_path / "approval.json"
    approval = approval_file(path, file, ago=ago, **changed)
    gate = gate_for(file, {approval.id: "2026-11-23T09:00:00"} if spent else {})
    gate.typed.value, gate.second.value = "fox", str(path)
    gate.button.click()
    assert gate.state == "refused"
    assert said in gate.message.value
    assert gate.take() is None


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "{}",
        "[]",
        "null",
        '{"format": "glhelpers.approval/1"}',
        "\x00\ud83e".encode("utf-8", "surrogatepass"),
        "[" * 100_000,
        "x" * 2_000_000,
    ],
)
def test_a_file_that_is_no_approval_is_refused_with_a_sentence(content: str | bytes | None, tmp_path: Path) -> None:
    """A missing, empty, foreign, garbled or huge file opens nothing and shows no traceback."""
    path = tmp_path / "approval.json"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert "approval.json" in refused(str(path))


def test_a_time_without_a_zone_is_no_time(tmp_path: Path) -> None:
    """Whether an approval has expired must not depend on where it is read."""
    file = plan_file(OVERAGE)
    path = tmp_path / "approval.json"
    approval_file(path, file)
    path.write_text(path.read_text().replace('Z"', '"'))
    assert "is not an approval file" in refused(str(path))


@pytest.mark.parametrize(
    "place", ["", ".", "/dev/zero", "/proc/self/mem", "a\x00b", "x" * 5000, "~nobody/approval.json"]
)
def test_a_path_that_is_no_file_is_refused_with_a_sentence(place: str) -> None:
    """A folder, a device, a name that no file can have."""
    assert "cannot be read" in refused(place) or "is not an approval file" in refused(place)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Nobody will ever write into it."""
    os.mkfifo(tmp_path / "approval.json")
    assert "cannot be read" in refused(str(tmp_path / "approval.json"))


def refused(place: str) -> str:
    """What the gate says to a file at this place, which must not open it."""
    gate = gate_for(plan_file(OVERAGE))
    gate.typed.value, gate.second.value = "fox", place
    gate.button.click()
    assert gate.state == "refused"
    assert gate.take() is None
    assert "Traceback" not in gate.message.value
    return str(gate.message.value)


def test_a_colleagues_note_stands_in_for_the_file() -> None:
    """The button looks for it; where none counts the gate says why and stays closed; with one, the target is still typed."""
    file = plan_file(OVERAGE)
    notes: list[Approval] = []

    def find() -> Approval:
        if not notes:
            raise GateClosed("No note on the issue approves this plan.", next_step="Have one written.")
        return notes[0]

    gate = gate_for(file, find_note=find)
    gate.typed.value = "fox"
    gate.look.click()
    assert gate.state == "closed"
    assert "No note on the issue approves this plan." in gate.message.value
    notes.append(grant(file, typed="fox", approver="bob", now=datetime.now(UTC), lasts=timedelta(hours=1)))
    gate.look.click()
    assert gate.state == "armed"
    gate.button.click()
    assert gate.state == "approved"
    approval = gate.take()
    assert approval is not None
    assert approval.approved_by == "bob"


def test_a_stale_gate_has_forgotten_everything() -> None:
    """Neither what was typed nor what was approved counts any more, and no press brings it back."""
    gate = gate_for(plan_file())
    gate.typed.value = "fox"
    gate.button.click()
    gate.go_stale("The page was loaded again.")
    assert gate.state == "stale"
    assert gate.take() is None
    gate.typed.value = ""
    gate.typed.value = "fox"
    gate.button.click()
    assert (gate.state, gate.take()) == ("stale", None)


def test_only_the_newest_gate_can_be_pressed() -> None:
    """A gate that was made before another one is stale: there is never a choice of two."""
    first = gate_for(plan_file())
    first.typed.value = "fox"
    second = gate_for(plan_file())
    assert (first.state, second.state) == ("stale", "closed")


def test_every_state_has_a_sign_and_a_word_of_its_own() -> None:
    """Told apart without colour."""
    assert len({sign for sign, _ in STATES.values()}) == len({word for _, word in STATES.values()}) == len(STATES)
    gate = gate_for(plan_file())
    gate.typed.value = "fox"
    gate.button.click()
    gate.take()
    for state in ("applied", "refused", "stale"):
        gate.conclude(state, "It is over.")
        sign, word = STATES[state]
        assert sign in gate.message.value
        assert word.upper() in gate.message.value
        assert gate.button.disabled
