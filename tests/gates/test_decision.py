"""Who may approve what, and which approval opens the gate: one table for every face of the gate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from plans import OVERAGE, plan_file

from glhelpers.errors import GateClosed
from glhelpers.gates.decision import grant, refusal

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("typed", ["", "Fox", "fox ", " fox", "fo", "fox\n", "7", "yes", "f\u043ex"])
def test_only_the_target_to_the_letter_is_an_approval(typed: str) -> None:
    """Anything but the exact text approves nothing."""
    with pytest.raises(GateClosed):
        grant(plan_file(), typed=typed, approver="bob", now=NOW, lasts=HOUR)


def test_a_plan_file_that_was_changed_cannot_be_approved() -> None:
    """The digest in the file must be the plan's."""
    file = plan_file()
    other = file.model_copy(update={"plan": file.plan.model_copy(update={"ticket_url": "https://example.com"})})
    with pytest.raises(GateClosed, match="digest"):
        grant(other, typed="fox", approver="bob", now=NOW, lasts=HOUR)


def test_a_second_person_is_someone_else() -> None:
    """Where seats owed would arise, the requester cannot approve; a colleague can."""
    file = plan_file(OVERAGE)
    assert file.plan.second_person
    with pytest.raises(GateClosed, match="second person"):
        grant(file, typed="fox", approver="ada", now=NOW, lasts=HOUR)
    assert grant(file, typed="fox", approver="bob", now=NOW, lasts=HOUR).approved_by == "bob"


def test_nobody_is_no_approver() -> None:
    """An approval names a person."""
    with pytest.raises(GateClosed):
        grant(plan_file(), typed="fox", approver=" ", now=NOW, lasts=HOUR)


@pytest.mark.parametrize(
    ("sentence", "changes", "later", "spent_at", "refused"),
    [
        ("fresh", {}, timedelta(minutes=1), None, None),
        ("a minute before its end", {}, timedelta(minutes=59), None, None),
        ("at its end", {}, timedelta(minutes=60), None, "expired"),
        ("spent before", {}, timedelta(minutes=1), "2026-11-23T09:00:30", "spent"),
        ("of another plan", {"plan_digest": "0" * 64}, timedelta(minutes=1), None, "another plan"),
        ("of another profile", {"profile": "production"}, timedelta(minutes=1), None, "profile"),
        ("given in the future", {}, timedelta(minutes=-10), None, "future"),
        ("by a clock a little ahead", {}, timedelta(minutes=-4), None, None),
        ("with a life too long", {"expires_at": NOW + timedelta(days=30)}, timedelta(minutes=1), None, "longer"),
    ],
)
def test_an_approval_opens_the_gate_or_not(
    sentence: str, changes: dict[str, Any], later: timedelta, spent_at: str | None, refused: str | None
) -> None:
    """Each row is one approval at one moment."""
    file = plan_file()
    approval = grant(file, typed="fox", approver="bob", now=NOW, lasts=HOUR).model_copy(update=changes)
    why = refusal(file.plan, approval, now=NOW + later, spent_at=spent_at)
    if refused is None:
        assert why is None, sentence
    else:
        assert why is not None, sentence
        assert refused in why, sentence


def test_one_person_cannot_ask_and_approve_by_editing_the_file() -> None:
    """An approval whose two names are one is refused where two are needed."""
    file = plan_file(OVERAGE)
    approval = grant(file, typed="fox", approver="bob", now=NOW, lasts=HOUR).model_copy(update={"approved_by": "ada"})
    assert "second person" in (refusal(file.plan, approval, now=NOW, spent_at=None) or "")
