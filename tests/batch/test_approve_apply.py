"""From plan to change by the command line: asked, approved by typing, applied once, refused whenever anything is off."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from glhelpers.evidence.folder import read_record
from glhelpers.models.change import ChangePlan

pytestmark = pytest.mark.notebook

FITS, OVERAGE, DRIFTS = 1002, 1001, 1024
"""Cases: seats fit; seats owed arise, so that two persons are needed; two people join in between."""


def last_record(desk: Any) -> Any:
    """The record of the latest run."""
    folders = [path for path in desk.settings.runs_dir.glob("*/*/*") if not path.name.startswith(".")]
    return read_record(max(folders, key=lambda path: path.name))


def test_a_plan_is_approved_by_typing_its_target_and_applied_once(desk: Any) -> None:
    """run, approve, run with the approval: completed and verified; the approval opens nothing a second time."""
    code, said = desk.command("run", "force_associate", *desk.words(FITS))
    assert code == 0
    assert "awaiting_approval  The plan waits for approval; nothing was written." in said
    plan = said.split("To approve: glhelpers approve ")[1].split()[0]
    assert desk.attempts() == 0

    code, said = desk.command("approve", plan, typed="fox-universit\n")
    assert code == 2
    assert "What was typed is not 'fox-university', so nothing is approved." in said
    assert not (desk.folder / plan).with_name("approval.json").exists()

    code, said = desk.command("approve", plan, typed="fox-university\n")
    assert code == 0
    assert "for one use" in said
    approval = (desk.folder / plan).with_name("approval.json")
    assert desk.attempts() == 0

    code, said = desk.command("run", "force_associate", *desk.words(FITS), "--approval", str(approval))
    assert code == 0
    assert "completed  The change was made and read back." in said
    assert desk.writes() == 1
    record = last_record(desk)
    assert record.approval.approved_by == "tester"
    assert desk.gitlab("namespaces/fox-university")["plan"] == "ultimate"

    code, said = desk.command("run", "force_associate", *desk.words(FITS), "--approval", str(approval))
    assert code == 0
    assert "no_change_needed" in said
    assert desk.writes() == 1


@pytest.mark.parametrize("typed", ["", "\n", "FOX-UNIVERSITY\n", "fox-university \n", "yes\n", "2002\n"])
def test_nothing_but_the_target_to_the_letter_approves(shared_desk: Any, plan: Path, typed: str) -> None:
    """No answer, another case, a blank too much, `yes`, or the id: refused, and no file is written."""
    code, said = shared_desk.command("approve", str(plan), typed=typed)
    assert code == 2
    assert "Traceback" not in said
    assert not plan.with_name("approval.json").exists()


def test_a_changed_world_makes_the_plan_stale(desk: Any) -> None:
    """Two people join after the approval: exit code 4, the difference in words, nothing written."""
    approval = desk.approved(desk.run(DRIFTS))
    desk.ask("change", {"add_members": {"group": "coral-craft", "count": 2}})
    code, said = desk.command("run", "force_associate", *desk.words(DRIFTS), "--approval", str(approval))
    assert code == 4
    assert "stale_plan  The facts have changed since the plan was approved" in said
    assert "Seats needed, at most: 12, now 14" in said
    assert desk.attempts() == 0
    assert ("Seats needed, at most", "12", "14") in last_record(desk).stale_differences


def edited(path: Path, *place: str, value: Any) -> None:
    """Change one value in a JSON file."""
    content = json.loads(path.read_text())
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    assert inner[place[-1]] != value
    inner[place[-1]] = value
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("plan", "arguments", "subscription_name"), "A-S00010003"),
        (("plan", "target", "id"), "2003"),
        (("plan", "second_person"), ["somebody"]),
        (("digest",), "0" * 64),
    ],
    ids=["another subscription", "another group", "another rule", "another digest"],
)
def test_an_edited_plan_is_not_shown_for_approval(
    shared_desk: Any, plan: Path, place: tuple[str, ...], value: Any
) -> None:
    """The digest does not fit: refused with one sentence before anything is asked."""
    edited(plan, *place, value=value)
    code, said = shared_desk.command("approve", str(plan), typed="fox-university\n")
    assert code == 2
    assert "plan.json was changed after it was made: its digest does not fit." in said
    assert not plan.with_name("approval.json").exists()


def test_a_plan_edited_with_its_digest_made_to_fit_opens_no_gate(shared_desk: Any, plan: Path) -> None:
    """Who forges plan and digest alike gets an approval of another plan, which the run calls stale."""
    edited(plan, "plan", "arguments", "subscription_name", value="A-S00010003")
    digest = ChangePlan.model_validate(json.loads(plan.read_text())["plan"]).digest
    edited(plan, "digest", value=digest)
    assert shared_desk.command("approve", str(plan), typed="fox-university\n")[0] == 0
    record = shared_desk.run(FITS, approval=str(plan.with_name("approval.json"))).record
    assert record.status == "stale_plan"
    assert shared_desk.attempts() == 0


@pytest.mark.parametrize(
    ("name", "value", "status", "says"),
    [
        ("plan_digest", "0" * 64, "stale_plan", "this plan's digest"),
        ("profile", "production", "awaiting_approval", "given for profile production"),
        ("expires_at", "2026-01-01T00:00:00Z", "awaiting_approval", "expired at"),
        ("expires_at", "2099-01-01T00:00:00Z", "awaiting_approval", "claims to live longer"),
        ("target", "namespace:2003", "awaiting_approval", "names another plan"),
    ],
    ids=["another plan", "another profile", "expired", "lives too long", "another target"],
)
def test_an_edited_approval_opens_no_gate(
    shared_desk: Any, plan: Path, name: str, value: str, status: str, says: str
) -> None:
    """Whatever was changed in the file, the run says what is off and sends nothing."""
    assert shared_desk.command("approve", str(plan), typed="fox-university\n")[0] == 0
    approval = plan.with_name("approval.json")
    edited(approval, name, value=value)
    plan.unlink()
    record = shared_desk.run(FITS, approval=str(approval)).record
    assert record.status == status
    assert says in record.why
    assert shared_desk.attempts() == 0


def test_an_approval_with_a_field_of_its_own_is_none(shared_desk: Any, plan: Path) -> None:
    """A file that does not hold exactly an approval ends the run with one sentence."""
    assert shared_desk.command("approve", str(plan), typed="fox-university\n")[0] == 0
    approval = plan.with_name("approval.json")
    approval.write_text(json.dumps({**json.loads(approval.read_text()), "force": True}))
    code, said = shared_desk.command("run", "force_associate", *shared_desk.words(FITS), "--approval", str(approval))
    assert code == 3
    assert "approval.json is not an approval file" in said
    assert "Traceback" not in said
    assert shared_desk.attempts() == 0


def test_seats_owed_need_a_second_person(desk: Any) -> None:
    """Who asked may not approve; a colleague may, and then it is applied."""
    plan = desk.run(OVERAGE).folder / "plan.json"
    code, said = desk.command("approve", str(plan), typed="tanuki-robotics\n")
    assert code == 2
    assert "This plan needs a second person (up to 30 seats owed would arise), and tester asked for it." in said
    assert not plan.with_name("approval.json").exists()
    code, said = desk.command("approve", str(plan), typed="tanuki-robotics\n", GLHELPERS_OPERATOR="colleague")
    assert code == 0, said
    record = desk.run(OVERAGE, approval=str(plan.with_name("approval.json"))).record
    assert [record.status, desk.writes()] == ["completed", 1]


def test_a_plan_of_another_profile_is_not_approved(shared_desk: Any, plan: Path) -> None:
    """A sandbox plan under profile production: refused before it is shown, and nothing is asked of production."""
    environment = {name: "" for name in os.environ if name.startswith("GLHELPERS_") and name.endswith("_URL")}
    code, said = shared_desk.command(
        "approve", str(plan), typed="fox-university\n", **environment, GLHELPERS_PROFILE="production"
    )
    assert code == 2
    assert "The plan was made for profile sandbox, this is production." in said
    assert not plan.with_name("approval.json").exists()
