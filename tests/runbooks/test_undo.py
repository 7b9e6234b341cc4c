"""`undo`: which changes can be taken back, when not, and that it goes through the same gate."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from typer.testing import CliRunner
from walks import Walked, approved, planned_and_applied, walk

from glhelpers.batch.undoing import undo_parameters
from glhelpers.cli import app
from glhelpers.errors import BadParameter, GateClosed
from glhelpers.evidence.folder import read_record
from glhelpers.models.record import RunRecord
from glhelpers.runbook import open_runbook
from glhelpers.sandbox.world_file import DEMO, load_world

CASES = {case.ticket: case for case in load_world(DEMO).cases}
FOX, RUNNING, PORTAL, MEMBER = 1002, 1611, 1510, 1530
YES = {"customer_confirmation": "https://gitlab.zendesk.com/agent/tickets/1611#yes"}


def given(ticket: int, **other: str) -> dict[str, str]:
    """The parameters of a case of the demonstration."""
    return {name: str(value) for name, value in CASES[ticket].parameters.items()} | other


def changed(ticket: int, **other: str) -> Walked:
    """A change that a case's runbook has made."""
    done = planned_and_applied(CASES[ticket].runbook, given(ticket, **other))
    assert done.record.status == "completed", done.record.why
    return done


def group(desk: Any, path: str) -> dict[str, Any]:
    """What the change was about, as GitLab.com and CustomersDot show it."""
    from glhelpers.clients.clients import open_clients

    with open_clients(desk.settings) as clients:
        space = clients.gitlab.namespace(path)
        billing = clients.gitlab.gitlab_subscription(space.id)
        orders = clients.customersdot.orders(gl_namespace_id=str(space.id))
        return {
            "plan": billing.plan.code or "free",
            "seats": billing.usage.seats_in_subscription,
            "end": billing.billing.subscription_end_date,
            "extra": space.extra_shared_runners_minutes_limit,
            "orders": sorted(str(order.subscription_name) for order in orders),
        }


def undone(desk: Any, folder: Path, approve: bool = True) -> Walked:
    """Propose the inverse; have a colleague approve it and apply it."""
    asked = undo_parameters(folder, desk.settings)
    first = walk("undo", asked)
    if not approve or first.record.status != "awaiting_approval":
        return first
    return walk("undo", asked, approved(first.folder))


@pytest.mark.parametrize(
    ("ticket", "other", "writes"),
    [(FOX, {}, 2), (RUNNING, {**YES, "subscription_name": ""}, 2), (RUNNING, YES, 4)],
    ids=["associated", "cleared", "replaced"],
)
def test_what_has_an_inverse_is_as_it_was(desk: Any, ticket: int, other: dict[str, str], writes: int) -> None:
    """Plan, seats, term, minutes and links are those from before the change; each request was sent once."""
    path = given(ticket)["namespace"]
    before = group(desk, path)
    done = changed(ticket, **other)
    assert group(desk, path) != before
    back = undone(desk, done.folder)
    assert back.record.status == "completed", back.record.why
    assert group(desk, path) == before
    assert desk.writes() == desk.attempts() == writes
    again = undone(desk, done.folder)
    assert again.record.status == "no_change_needed"
    forth = undone(desk, back.folder)
    assert forth.record.status == "completed", forth.record.why
    assert group(desk, path) != before


def test_granted_minutes_are_taken_back_and_then_the_association(desk: Any) -> None:
    """The later change stands in the way of undoing the earlier one; once it is taken back itself, it does not."""
    before = group(desk, "fox-university")
    first = changed(FOX)
    grant = changed(FOX, compute_minutes="grant")
    assert group(desk, "fox-university")["extra"] > before["extra"]
    early = undone(desk, first.folder)
    assert (early.record.status, early.record.decision.deciding) == (
        "stopped",
        ("nothing-has-changed-since", "nobody-has-acted-since"),
    )
    assert undone(desk, grant.folder).record.status == "completed"
    assert undone(desk, first.folder).record.status == "completed"
    assert group(desk, "fox-university") == before


@pytest.mark.parametrize(
    ("happens", "deciding"),
    [
        (
            {"set_group": {"group": "fox-university", "subscription": {"plan": "premium", "seats": 25}}},
            "nothing-has-changed-since",
        ),
        ({"set_order": {"id": 0, "gl_namespace_id": None}}, "nothing-has-changed-since"),
        ({"set_ticket": {"id": 1002, "status": "closed"}}, "ticket-is-open"),
    ],
    ids=["another plan", "another link", "ticket closed"],
)
def test_what_others_changed_since_is_left_alone(desk: Any, happens: dict[str, Any], deciding: str) -> None:
    """The run stops and names the field, the value that was left and the value of now; nothing is written."""
    done = changed(FOX)
    if "set_order" in happens:
        from glhelpers.clients.clients import open_clients

        with open_clients(desk.settings) as clients:
            (order,) = clients.customersdot.orders(subscription_name="A-S00010002")
        happens["set_order"]["id"] = order.id
    desk.ask("change", happens, "POST")
    stopped = undone(desk, done.folder)
    assert stopped.record.status == "stopped", stopped.record.why
    assert deciding in stopped.record.decision.deciding
    assert desk.writes() == 1


def test_what_a_colleague_did_with_a_tool_is_left_alone(desk: Any) -> None:
    """Even where it left every field as it was: the audit events tell."""
    from glhelpers.clients.clients import open_clients

    done = changed(FOX)
    extra = group(desk, "fox-university")["extra"]
    with open_clients(desk.settings) as clients:
        clients.customersdot.set_extra_minutes("2002", extra, given(FOX)["ticket_url"], key="a-colleague")
    stopped = undone(desk, done.folder)
    assert (stopped.record.status, stopped.record.decision.deciding) == ("stopped", ("nobody-has-acted-since",))
    assert "Support has acted on the group since: set_extra_minutes by" in stopped.record.why


@pytest.mark.parametrize(
    ("ticket", "says"),
    [(PORTAL, "only the customer can"), (MEMBER, "takes an account off")],
    ids=["unlinked", "made a member"],
)
def test_what_has_no_inverse_says_so(desk: Any, ticket: int, says: str) -> None:
    """One sentence, what to do instead, no plan, no request; and the plan had said so before it was approved."""
    done = changed(ticket)
    assert done.record.plan.cannot_be_undone
    stopped = undone(desk, done.folder)
    assert stopped.record.status == "stopped"
    assert stopped.record.plan is None
    assert says in stopped.record.why
    assert stopped.record.next_step
    assert desk.attempts() == 1


def test_one_person_cannot_undo_what_two_agreed_on(desk: Any) -> None:
    """Whoever asks for it does not approve it."""
    done = changed(FOX)
    first = walk("undo", undo_parameters(done.folder, desk.settings))
    assert first.record.plan.second_person
    with pytest.raises(GateClosed, match="second person"):
        approved(first.folder, approver=desk.settings.operator)


def test_the_world_moves_between_plan_and_apply(desk: Any) -> None:
    """The approved inverse is stale; the difference is told and nothing is written."""
    done = changed(FOX)
    asked = undo_parameters(done.folder, desk.settings)
    first = walk("undo", asked)
    approval = approved(first.folder)
    desk.ask(
        "change", {"set_group": {"group": "fox-university", "subscription": {"plan": "premium", "seats": 9}}}, "POST"
    )
    stale = walk("undo", asked, approval)
    assert stale.record.status == "stale_plan"
    assert "Seats in subscription was left at 25 and is 9" in stale.record.why
    assert desk.writes() == 1


def test_only_what_the_journal_knows_is_taken_back(desk: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A run without a change, an edited record, another journal: a sentence, and nothing is looked at."""
    waiting = walk("force_associate", given(FOX))
    with pytest.raises(BadParameter, match="knows of no change"):
        undo_parameters(waiting.folder, desk.settings)
    done = changed(FOX)
    path = done.folder / "record.json"
    record = json.loads(path.read_text())
    record["run_id"], record["plan_digest"] = "20200101T000000.000000Z", "0" * 64
    path.write_text(json.dumps(record))
    with pytest.raises(BadParameter, match="knows of no change"):
        undo_parameters(done.folder, desk.settings)
    for write in ("", "0" * 64):
        stopped = walk("undo", {"write": write, "ticket_url": given(FOX)["ticket_url"]})
        assert (stopped.record.status, stopped.record.decision.deciding) == ("stopped", ("change-is-in-the-journal",))


def test_a_change_at_other_services_is_not_taken_back_here(
    desk: Any, desks: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal is shared, the services are not: the profile has to fit."""
    done = changed(FOX)
    asked = undo_parameters(done.folder, desk.settings)
    shared = desk.settings.journal_url
    with desks() as other:
        monkeypatch.setenv("GLHELPERS_JOURNAL_URL", shared)
        stopped = walk("undo", asked)
        assert stopped.record.decision.deciding == ("change-is-in-the-journal",)
        assert other.attempts() == 0


def recorded(runbook: str, asked: dict[str, str], approval: Path | None = None) -> tuple[str, RunRecord]:
    """What the record cell shows, and the record, of one run from its first step to its last."""
    run = open_runbook(runbook, asked | ({"approval": str(approval)} if approval else {}))
    for step in (run.look_up, run.check, run.plan, run.confirm, run.apply, run.verify):
        step()
    shown = run.record()
    run.close()
    return shown.html, read_record(run.folder.path)


def test_the_record_of_a_change_has_the_way_back_one_press_away(
    desk: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where a person sits: a link to `undo` with the change filled in, whose plan takes exactly this change back."""
    waiting = walk("force_associate", given(FOX))
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "books" / "force_associate.ipynb"))
    (tmp_path / "books").mkdir()
    asked = given(FOX) | {"approval": str(approved(waiting.folder))}
    run = open_runbook("force_associate", asked)
    for step in (run.look_up, run.check, run.plan, run.confirm, run.apply, run.verify):
        step()
    monkeypatch.setattr("glhelpers.run.is_interactive", lambda: True)
    shown = run.record().html
    run.close()
    link = "tickets/1002/undo.ipynb"
    assert f'<a href="{link}">Propose the way back</a>' in shown
    book = nbformat.read(tmp_path / "books" / link, as_version=4)
    filled: dict[str, str] = {}
    exec(next(cell.source for cell in book.cells if "parameters" in cell.metadata.get("tags", [])), {}, filled)
    assert {name: value for name, value in filled.items() if value} == {
        name: value for name, value in undo_parameters(run.folder.path, desk.settings).items() if value
    }
    back = walk("undo", filled)
    assert back.record.status == "awaiting_approval", back.record.why
    assert "undo" not in [step.runbook for step in read_record(run.folder.path).next_runbooks]


def test_only_a_change_with_an_inverse_has_the_line(desk: Any) -> None:
    """Without a person it is the command; a plan that waits and a change without a way back have none."""
    html, waiting = recorded("force_associate", given(FOX))
    assert (waiting.status, "Was this wrong?" in html) == ("awaiting_approval", False)
    folder = max(desk.settings.runs_dir.rglob("force_associate/*/plan.json")).parent
    html, done = recorded("force_associate", given(FOX), approved(folder))
    assert done.status == "completed"
    assert "Was this wrong? Propose the way back" in html
    assert f"1002/force_associate/{done.run_id}</code>" in html.split("glhelpers undo ")[1]
    recorded("portal_502", given(PORTAL))
    folder = max(desk.settings.runs_dir.rglob("portal_502/*/plan.json")).parent
    html, unlinked = recorded("portal_502", given(PORTAL), approved(folder))
    assert (unlinked.status, "Was this wrong?" in html) == ("completed", False)


def test_the_command_shows_the_plan_and_what_stays_done(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`glhelpers undo RUN_DIR`: before and after, what cannot be undone, how to approve; then applied once."""
    done = changed(FOX)
    monkeypatch.setenv("COLUMNS", "200")
    shown = CliRunner().invoke(app, ["undo", str(done.folder)])
    assert shown.exit_code == 0, shown.output
    for words in (
        "Clear Subscription",
        "ultimate",
        "cannot be undone: Mails",
        "a second person must approve",
        "To approve:",
    ):
        assert words in shown.stdout
    plan = max(desk.settings.runs_dir.rglob("undo/*/plan.json"))
    applied = CliRunner().invoke(app, ["undo", str(done.folder), "--approval", str(approved(plan.parent))])
    assert applied.exit_code == 0, applied.output
    assert applied.stdout.startswith("completed")
    assert "Propose the way back: glhelpers undo " in applied.stdout
    assert "Propose the way back" not in shown.stdout
    assert desk.writes() == 2
