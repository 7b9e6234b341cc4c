"""CustomersDot by hand, played through a real kernel: same plan, gate, journal and read-back; what a person told is marked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from forked import for_a_person

from glhelpers.clients.clients import open_clients
from glhelpers.clients.customersdot import CustomersDotClient
from glhelpers.sandbox_process import Running
from glhelpers.settings import load_settings
from tests.test_session import Session

pytestmark = pytest.mark.notebook

FOX = {
    "namespace": "fox-university",
    "subscription_name": "A-S00010002",
    "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1002",
}
TICKET = FOX["ticket_url"]
OPEN = 'from glhelpers.runbook import open_runbook\nrun = open_runbook("{book}", globals())'
APPROVE = 'run.gate.typed.value = "fox-university"; run.gate.button.click()'
ANSWER = 'w = run.run._desk.widget; w.answer.value = "{kind}"; w.text.value = "{text}"; w.button.click()'


@pytest.fixture
def session(on_sandbox: Running) -> Iterator[Session]:
    """A kernel that reaches the test's sandbox."""
    with for_a_person() as (manager, client):
        yield Session(manager, client, on_sandbox)


@pytest.fixture
def portal(on_sandbox: Running) -> Iterator[CustomersDotClient]:
    """What a person does in the admin pages, here through the adapter."""
    with open_clients(load_settings()) as clients:
        assert isinstance(clients.customersdot, CustomersDotClient)
        yield clients.customersdot


@pytest.fixture
def sheet(portal: CustomersDotClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A sheet of what the admin pages show for fox-university, and the driver that needs it."""
    told = {
        "subscription:A-S00010002": portal.subscription("A-S00010002").model_dump(mode="json", exclude_unset=True),
        "orders:subscription_name=A-S00010002": [
            row.model_dump(mode="json", exclude_unset=True) for row in portal.orders(subscription_name="A-S00010002")
        ],
        "orders:gl_namespace_id=2002": None,
        "customer:5002": portal.customer(5002).model_dump(mode="json", exclude_unset=True),
    }
    path = tmp_path / "sheet.json"
    path.write_text(json.dumps({"read_by": "ada", "read_at": "2026-11-23T10:00:00Z", "lookups": told}))
    monkeypatch.setenv("GLHELPERS_CUSTOMERSDOT_DRIVER", "manual")
    monkeypatch.delenv("GLHELPERS_CUSTOMERSDOT_TOKEN")
    return path


def opened(session: Session, sheet: Path | str, **other: str) -> None:
    """The notebook's first cells."""
    given = {**FOX, "portal_facts": str(sheet), **other}
    session.cell("\n".join(f"{name} = {value!r}" for name, value in given.items()))
    assert session.cell(OPEN.format(book="force_associate")) == ""


def to_the_desk(session: Session) -> None:
    """From look-up to the form of the admin page."""
    for step in ("look_up", "check", "plan", "confirm"):
        assert "Error" not in session.cell(f"run.{step}()")
    session.cell(APPROVE)
    assert "Error" not in session.cell("run.apply()")


def recorded(tmp_path: Path) -> dict[str, Any]:
    """The one record of the test."""
    (path,) = (path for path in (tmp_path / "runs").rglob("record.json"))
    record: dict[str, Any] = json.loads(path.read_text())
    return record


def test_a_change_made_in_the_admin_page_is_read_back(
    sheet: Path, session: Session, portal: CustomersDotClient, tmp_path: Path
) -> None:
    """The person presses, tells, and GitLab.com shows it; nothing was sent by a program; who told what is in the record."""
    opened(session, sheet)
    to_the_desk(session)
    assert session.writes() == 0
    assert session.cell("run.verify()").startswith("GateClosed: It is not told yet what the admin page answered.")
    assert portal.force_associate("2002", "A-S00010002", TICKET, key="by hand").success
    session.cell(ANSWER.format(kind="success", text=""))
    assert session.cell("run.verify()").startswith("APPLIED: ")
    session.cell("run.record()")
    assert session.writes() == 1
    record = recorded(tmp_path)
    assert record["status"] == "completed"
    assert record["receipt"]["answered_by"] == "tester"
    by_hand = {fact["name"] for fact in record["facts"] if fact["source"] == "operator"}
    assert by_hand == {"subscription", "orders", "customer"}
    assert {fact["told_by"] for fact in record["facts"] if fact["name"] in by_hand} == {"ada"}
    checks = {check["field"]: check for check in record["receipt"]["checks"]}
    assert checks["plan"]["told_by"] is None
    assert checks["linked_namespace"]["told_by"] == "tester"


@pytest.mark.parametrize(
    ("kind", "text", "outcome", "status"),
    [
        ("refused", "already associated", "NOT_APPLIED", "escalated"),
        ("not_done", "", "NOT_APPLIED", "escalated"),
        ("success", "", "MISMATCH", "verification_failed"),
        ("no_answer", "", "UNKNOWN", "escalated"),
    ],
)
def test_what_the_page_answered_is_held_against_gitlab(
    sheet: Path, session: Session, tmp_path: Path, kind: str, text: str, outcome: str, status: str
) -> None:
    """Nothing has changed on GitLab.com: whatever the person tells, it is not called done."""
    opened(session, sheet)
    to_the_desk(session)
    session.cell(ANSWER.format(kind=kind, text=text))
    assert session.cell("run.verify()").startswith(outcome)
    session.cell("run.record()")
    assert recorded(tmp_path)["status"] == status


def test_a_page_that_worked_without_an_answer_is_found_out(
    sheet: Path, session: Session, portal: CustomersDotClient
) -> None:
    """The browser showed a time-out, the change is there."""
    opened(session, sheet)
    to_the_desk(session)
    portal.force_associate("2002", "A-S00010002", TICKET, key="by hand")
    session.cell(ANSWER.format(kind="no_answer", text="504"))
    assert session.cell("run.verify()").startswith("APPLIED: ")


def test_what_nobody_has_looked_up_stops_the_run(sheet: Path, session: Session, tmp_path: Path) -> None:
    """Without a sheet the form is shown, and the check names the page to open; nothing can be planned."""
    opened(session, "")
    assert "VBox" in session.cell("run.look_up()")
    assert "stopped: Cannot be judged" in session.cell("run.check()")
    session.cell("run.plan()")
    session.cell("run.record()")
    record = recorded(tmp_path)
    assert record["status"] == "stopped"
    assert "/admin/subscription/A-S00010002" in record["why"]
    assert record["plan"] is None


def test_a_kernel_that_died_over_an_open_form_leaves_nothing_doubled(
    sheet: Path, session: Session, portal: CustomersDotClient
) -> None:
    """The next run reads GitLab.com: not there, so the target is free again; there, so it is done."""
    opened(session, sheet)
    to_the_desk(session)
    session.manager.restart_kernel(now=True)
    session.client.wait_for_ready(timeout=60)
    opened(session, sheet)
    session.cell("run.look_up()")
    assert "no objection" in session.cell("run.check()")
    to_the_desk(session)
    portal.force_associate("2002", "A-S00010002", TICKET, key="by hand")
    session.manager.restart_kernel(now=True)
    session.client.wait_for_ready(timeout=60)
    opened(session, sheet)
    for step in ("look_up", "check", "plan", "confirm", "apply", "verify"):
        session.cell(f"run.{step}()")
    assert session.cell("run.record()").startswith("completed: ")
    assert session.writes() == 1


def press_reset(sandbox: Running) -> None:
    """What a person does in GitLab.com's admin area."""
    page = f"{sandbox.urls['gitlab']}/admin/groups/fox-university"
    with urlopen(f"{page}/edit") as answer:
        token = re.search(r'name="authenticity_token" value="([^"]+)"', answer.read().decode())
    assert token is not None
    fields = urlencode({"authenticity_token": token[1]}).encode()
    urlopen(f"{page}/reset_runners_minutes", data=fields).close()


@pytest.mark.parametrize(
    ("pressed", "outcome", "status"), [(True, "APPLIED: ", "completed"), (False, "MISMATCH: ", "verification_failed")]
)
def test_usage_is_reset_by_a_person_only_and_read_back(
    session: Session,
    portal: CustomersDotClient,
    on_sandbox: Running,
    tmp_path: Path,
    pressed: bool,
    outcome: str,
    status: str,
) -> None:
    """Also where CustomersDot has a gateway: the form of the admin area, its consequence, the note, the read-back."""
    portal.force_associate("2002", "A-S00010002", TICKET, key="first")
    opened(session, "", compute_minutes="reset")
    to_the_desk(session)
    card = session.cell("print(run.run._desk.widget.card.value) or run.run._desk.widget.card.value")
    assert "Reset compute usage" in card
    assert "/admin/groups/fox-university/edit" in card
    assert "| Compute minutes reset |" in card
    if pressed:
        press_reset(on_sandbox)
    session.cell(ANSWER.format(kind="success", text=""))
    assert session.cell("run.verify()").startswith(outcome)
    session.cell("run.record()")
    record = recorded(tmp_path)
    assert record["status"] == status
    checks = {check["field"]: check for check in record["receipt"]["checks"]}
    assert (checks["used"]["found"] == 0) is pressed
    assert checks["additional_minutes"]["found"] == 500
    if pressed:
        assert any("| Compute minutes reset |" in draft["body"] for draft in record["drafts"])
