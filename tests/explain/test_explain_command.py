"""The command that explains an error text, as a person would use it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from glhelpers.actions.catalogue import CATALOGUE
from glhelpers.errors import BadParameter
from glhelpers.explain_cli import _PARAMETERS, explain_command
from glhelpers.models.request import RunbookParameters

KNOWN = "unable to associate the subscription as the destination namespace is already associated with a subscription"
app = typer.Typer()
app.command()(explain_command)


def told(*arguments: str, given: str | bytes | None = None) -> str:
    """What the command prints; it ends well."""
    result = CliRunner().invoke(app, list(arguments), input=given, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_a_known_text_is_explained_in_words() -> None:
    """Cause, evidence, what to look up, next step, handbook link and the command of the runbook."""
    shown = told(KNOWN)
    for part in ("already-associated", "Cause:", "Evidence:", "Look up:", "Next step:", "#clear-subscription"):
        assert part in shown
    assert "glhelpers run clear_subscription -p namespace=" in shown


def test_an_unknown_text_ends_well_too() -> None:
    """Abstaining is an answer: exit code 0, no command, an escalation."""
    shown = told("the moon is blue")
    assert "Not explained (abstained)" in shown
    assert "Escalate:  yes" in shown
    assert "Command:" not in shown


def test_the_text_may_come_from_a_pipe() -> None:
    """`-` reads standard input, also where it is not UTF-8."""
    assert told("-", given=KNOWN) == told(KNOWN)
    assert "Not explained" in told("-", given=b"\xff\xfe\x00 \x80")
    assert "too long" in told("-", given="x" * 1_000_000)


def test_facts_can_be_given() -> None:
    """A fact changes the answer."""
    answer = json.loads(told(KNOWN, "--json", "-s", "occupied_by=active_plan"))
    assert (answer["symptom"], answer["runbook"], answer["escalate"]) == ("already-associated", None, True)
    assert json.loads(told("502 in the portal", "--json", "-s", "portal_up=false"))["runbook"] is None


@pytest.mark.parametrize("pair", ["occupied_by=anything", "colour=blue", "linked_user=perhaps", "no-pair"])
def test_a_fact_that_is_none_is_refused(pair: str) -> None:
    """Unknown names and values are an error of the person, told in a sentence."""
    with pytest.raises(BadParameter):
        CliRunner().invoke(app, [KNOWN, "-s", pair], catch_exceptions=False)


def test_json_holds_every_field() -> None:
    """The answer as JSON has all fields of `Explanation`."""
    assert {*json.loads(told(KNOWN, "--json"))} == {
        "symptom", "cause", "evidence", "missing", "next_step", "runbook", "anchor", "paragraph", "escalate", "confidence"
    }  # fmt: skip


@pytest.mark.parametrize("runbook", _PARAMETERS)
def test_the_command_shown_names_parameters_that_the_runbook_takes(runbook: str) -> None:
    """What a person copies is not refused for a name, and misses nothing that is required."""
    model: Any = CATALOGUE[runbook].parameters if runbook in CATALOGUE else RunbookParameters
    names = {pair.partition("=")[0] for pair in _PARAMETERS[runbook]}
    if runbook in CATALOGUE:
        assert names <= {*model.model_fields}
        assert {name for name, field in model.model_fields.items() if field.is_required()} <= names


def test_the_command_is_found_without_heavy_imports() -> None:
    """Importing the command costs nothing of what notebooks need."""
    code = "import sys, glhelpers.explain_cli; print([m for m in ('pandas', 'httpx', 'nbformat') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
