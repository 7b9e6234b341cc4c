"""One person approving alone what takes two: only with a reason, only where the profile allows it, and in red ever after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from walks import walk

from glhelpers.actions.journal import Journal
from glhelpers.cli import app
from glhelpers.errors import GlhelpersError
from glhelpers.evidence.folder import read_record
from glhelpers.evidence.markdown import note_markdown
from glhelpers.evidence.page import html_page
from glhelpers.gates.decision import is_a_reason
from glhelpers.sandbox.world_file import DEMO, load_world
from glhelpers.sandbox_process import Running
from glhelpers.settings import journal_url

CASES = {case.ticket: case for case in load_world(DEMO).cases}
REASON = "The whole team is away and the customer's pipelines stand still since noon"


def given(ticket: int) -> dict[str, str]:
    """The parameters of a case."""
    return {name: str(value) for name, value in CASES[ticket].parameters.items()}


def approve(plan: Path, *words: str, typed: str) -> Any:
    """`glhelpers approve` as the person who asked, with what is typed."""
    return CliRunner().invoke(app, ["approve", str(plan), *words], input=typed)


@pytest.mark.parametrize(
    ("reason", "is_one"),
    [
        (REASON, True),
        ("  spread \n over   lines, but a sentence all the same ", True),
        ("", False),
        ("because", False),
        ("x" * 40, False),
        ("no no no no no no no no no no no", False),
        ("a reason with a bell \x07 in the middle of it", False),
        (" " * 50, False),
        ("a word " * 200, False),
    ],
)
def test_what_counts_as_a_reason(reason: str, is_one: bool) -> None:
    """A sentence, not a filler."""
    assert is_a_reason(reason) is is_one


def test_it_is_shown_wherever_the_run_is(on_sandbox: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Approved alone, applied once; terminal, record, page, note and journal say so with the reason, not by colour alone."""
    monkeypatch.setenv("COLUMNS", "200")
    planned = walk("clear_subscription", given(1610))
    plan = planned.folder / "plan.json"
    done = approve(plan, "--break-glass", REASON, typed="cobra-cloud\nBREAK GLASS\n")
    assert done.exit_code == 0, done.output
    assert "⚠ BREAK-GLASS You approve alone what takes two people." in done.output
    ran = walk("clear_subscription", given(1610), plan.with_name("approval.json"))
    assert ran.record.status == "completed", ran.record.why
    assert ran.record.approval is not None
    assert ran.record.approval.break_glass == REASON
    record = read_record(ran.folder)
    page, note = html_page(record, None), note_markdown(record, {})
    assert 'class="glh-alarm glh-red" role="alert"' in page
    for text in (page, note):
        assert "⚠ BREAK-GLASS" in text
        assert REASON.replace("'", "&#39;") in text or REASON in text
    (intent, *_) = Journal(journal_url()).entries()
    assert intent.payload["break_glass"] == REASON
    listed = CliRunner().invoke(app, ["journal", "list"])
    assert "⚠ BREAK-GLASS" in listed.stdout
    shown = CliRunner().invoke(app, ["journal", "show", intent.intent_id[:12]])
    assert REASON in " ".join(shown.stdout.split())


@pytest.mark.parametrize(
    ("ticket", "reason", "typed", "says"),
    [
        (1610, REASON, "cobra-cloud\nyes\n", "The glass was not broken"),
        (1610, REASON, "cobra-clou\nBREAK GLASS\n", "nothing is approved"),
        (1610, "because", "cobra-cloud\nBREAK GLASS\n", "needs a reason"),
        (1002, REASON, "fox-university\nBREAK GLASS\n", "There is no glass to break"),
    ],
    ids=["phrase not typed", "target not typed", "no reason", "one person is enough"],
)
def test_it_is_not_given_lightly(on_sandbox: Running, ticket: int, reason: str, typed: str, says: str) -> None:
    """Target, phrase and reason, and only where two are needed; else no approval is written."""
    plan = walk(CASES[ticket].runbook, given(ticket)).folder / "plan.json"
    refused = approve(plan, "--break-glass", reason, typed=typed)
    assert isinstance(refused.exception, GlhelpersError)
    assert says in refused.exception.message
    assert not plan.with_name("approval.json").exists()


@pytest.mark.parametrize("at", ["approving", "applying"])
def test_a_profile_has_to_allow_it(on_sandbox: Running, tmp_path: Path, at: str) -> None:
    """Where it is not allowed, neither the command nor a file that was made elsewhere breaks the glass."""
    plan = walk("clear_subscription", given(1610)).folder / "plan.json"
    if at == "applying":
        assert approve(plan, "--break-glass", REASON, typed="cobra-cloud\nBREAK GLASS\n").exit_code == 0
    (tmp_path / "config.toml").write_text("[profiles.sandbox]\nbreak_glass = false\n")
    if at == "approving":
        refused = approve(plan, "--break-glass", REASON, typed="cobra-cloud\nBREAK GLASS\n")
        assert isinstance(refused.exception, GlhelpersError)
        assert "does not let one person approve alone" in refused.exception.message
        return
    ran = walk("clear_subscription", given(1610), plan.with_name("approval.json"))
    assert ran.record.status == "awaiting_approval"
    assert "breaks the glass, which this profile does not allow" in ran.record.why


@pytest.mark.parametrize("forged", ["", "x", " " * 30])
def test_a_reason_put_into_the_file_by_hand_is_judged_too(on_sandbox: Running, forged: str) -> None:
    """Editing an approval file does not get around the reason."""
    plan = walk("clear_subscription", given(1610)).folder / "plan.json"
    assert approve(plan, "--break-glass", REASON, typed="cobra-cloud\nBREAK GLASS\n").exit_code == 0
    path = plan.with_name("approval.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"break_glass": forged}))
    ran = walk("clear_subscription", given(1610), path)
    assert (ran.record.status, "without a reason" in ran.record.why) == ("awaiting_approval", True)
