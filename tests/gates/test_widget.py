"""The gate's face without a browser: what a person types and presses, and what it then hands out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from plans import OVERAGE, plan_file

from glhelpers.gates.decision import grant
from glhelpers.gates.widget import ConfirmGate
from glhelpers.models.change import PlanFile


def gate_for(file: PlanFile, spent: dict[str, str] | None = None) -> ConfirmGate:
    """A gate as a cell makes it."""
    return ConfirmGate(
        file,
        card="<p>the plan</p>",
        operator="ada",
        lasts=timedelta(hours=1),
        clock=lambda: datetime.now(UTC),
        spent=(spent or {}).get,
    )


def test_a_gate_is_closed_until_the_target_is_typed() -> None:
    """Disabled at first, armed by the exact text, disarmed when it changes."""
    gate = gate_for(plan_file())
    assert (gate.state, gate.button.disabled) == ("closed", True)
    gate.typed.value = "fo"
    assert (gate.state, gate.button.disabled) == ("closed", True)
    gate.typed.value = "fox"
    assert (gate.state, gate.button.disabled) == ("armed", False)
    gate.typed.value = "foxes"
    assert (gate.state, gate.button.disabled) == ("closed", True)
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
    assert gate_for(plan_file()).take() is None


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
    for word, text in zip(("CLOSED", "ARMED", "APPROVED", "SPENT"), seen, strict=True):
        assert word in text
        assert 'role="status"' in text


@pytest.mark.parametrize(
    ("approver", "later", "spent", "state"),
    [
        ("bob", timedelta(0), False, "approved"),
        ("bob", timedelta(hours=-2), False, "refused"),
        ("bob", timedelta(0), True, "refused"),
    ],
)
def test_a_second_person_approves_by_file(
    approver: str, later: timedelta, spent: bool, state: str, tmp_path: Path
) -> None:
    """Where two people are needed, the button works only with a valid file of the other one."""
    file = plan_file(OVERAGE)
    approval = grant(file, typed="fox", approver=approver, now=datetime.now(UTC) + later, lasts=timedelta(hours=1))
    path = tmp_path / "approval.json"
    path.write_text(approval.model_dump_json())
    gate = gate_for(file, {approval.id: "2026-11-23T09:00:00"} if spent else {})
    gate.typed.value = "fox"
    gate.button.click()
    assert gate.state == "refused"
    gate.second.value = str(path)
    gate.button.click()
    assert gate.state == state


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"format": "glhelpers.approval/1"}', "x" * 2_000_000])
def test_a_file_that_is_no_approval_is_refused_with_a_sentence(content: str | None, tmp_path: Path) -> None:
    """A missing, empty, foreign or huge file opens nothing and shows no traceback."""
    path = tmp_path / "approval.json"
    if content is not None:
        path.write_text(content)
    gate = gate_for(plan_file(OVERAGE))
    gate.typed.value, gate.second.value = "fox", str(path)
    gate.button.click()
    assert gate.state == "refused"
    assert "Traceback" not in gate.message.value
