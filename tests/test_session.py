"""A person's session, played through a real kernel that may ask: the gate, its one press, and cells run out of turn."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

from glhelpers.errors import BadParameter
from glhelpers.sandbox_process import Running
from glhelpers.session import View, is_interactive, parameters_in

pytestmark = pytest.mark.notebook

SETUP = """
namespace, subscription_name = "fox-university", "A-S00010002"
ticket_url = "https://gitlab.zendesk.com/agent/tickets/1002"
notes_to_self = ["a person's session holds other variables too"]
from glhelpers.runbook import open_runbook
run = open_runbook("force_associate", globals())
"""
PRESS = 'run.gate.typed.value = "fox-university"; run.gate.button.click(); run.gate.button.click()'


@dataclass
class Session:
    """A kernel as JupyterLab drives it: every cell may ask for input."""

    manager: KernelManager
    client: BlockingKernelClient
    sandbox: Running

    def cell(self, code: str, *, may_ask: bool = True) -> str:
        """Run a cell; what it showed as text, or the sentence it ended with."""
        shown: list[str] = []

        def hook(message: dict[str, Any]) -> None:
            content = message["content"]
            match message["msg_type"]:
                case "execute_result" | "display_data":
                    shown.append(content["data"].get("text/plain", ""))
                case "error":
                    shown.extend(content["traceback"])

        self.client.execute_interactive(code, allow_stdin=may_ask, output_hook=hook, timeout=30)
        return "\n".join(shown)

    def writes(self) -> int:
        """How many changes the support tools have made."""
        with urlopen(f"{self.sandbox.urls['gitlab']}/__sandbox/writes") as told:
            return int(json.load(told)["support_tools"])


@pytest.fixture
def session(on_sandbox: Running) -> Iterator[Session]:
    """A kernel that reaches the test's sandbox."""
    manager, client = start_new_kernel(kernel_name="python3", stderr=subprocess.DEVNULL)
    yield Session(manager, client, on_sandbox)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


def test_a_person_is_asked_and_one_press_is_one_change(session: Session) -> None:
    """Run All stops at the gate; two presses are one change; what was approved once is forgotten when asked again."""
    assert session.cell(SETUP) == ""
    assert session.cell("run.check()").startswith("RunbookContractError: Nothing was looked up yet.")
    for step in ("look_up", "check", "plan", "confirm"):
        assert "Error" not in session.cell(f"run.{step}()")
    stopped = session.cell("run.apply()").splitlines()
    assert stopped[0] == "GateClosed: Nobody has approved the plan; nothing was written."
    assert len(stopped) == 2
    assert session.cell("run.verify()").startswith("RunbookContractError: Step 'verify' needs step 'apply' first.")

    session.cell(PRESS)
    session.cell("run.confirm()")
    assert session.cell("run.apply()").startswith("GateClosed: ")
    assert session.writes() == 0

    session.cell(PRESS)
    assert "Error" not in session.cell("run.apply()")
    assert session.cell("run.verify()").startswith("APPLIED: ")
    assert session.writes() == 1
    session.cell("run.apply()")
    session.cell("run.verify()")
    assert "completed: The change was made and read back." in session.cell("run.record()")
    assert session.writes() == 1


def test_a_wrong_text_leaves_the_button_without_effect(session: Session) -> None:
    """A press that no typed target has armed approves nothing."""
    session.cell(SETUP)
    for step in ("look_up", "check", "plan", "confirm"):
        session.cell(f"run.{step}()")
    session.cell('run.gate.typed.value = "fox-universit"; run.gate.button.click()')
    assert session.cell("run.apply()").startswith("GateClosed: ")
    assert session.writes() == 0


def test_only_a_front_end_that_may_ask_makes_a_session(session: Session) -> None:
    """The same kernel is a person's or not by each cell's own word; without a person, stray variables are refused."""
    ask = "__import__('glhelpers.session', fromlist=['session']).is_interactive()"
    assert session.cell(ask) == "True"
    assert session.cell(ask, may_ask=False) == "False"
    said = session.cell(SETUP, may_ask=False)
    assert said.splitlines()[0].startswith("BadParameter: Runbook force_associate cannot start: ")
    assert "notes_to_self is not a parameter of this runbook" in said


def test_outside_a_notebook_nobody_is_there() -> None:
    """A plain Python process is no person's session."""
    assert not is_interactive()
    code = "from glhelpers.session import is_interactive; raise SystemExit(is_interactive())"
    assert subprocess.run([sys.executable, "-c", code], timeout=20).returncode == 0


@pytest.mark.parametrize(
    ("variables", "known"),
    [
        ({"namespace": "a", "_hidden": 1, "run": object(), "open_runbook": print}, {"namespace": "a"}),
        ({"namespace": "a", "colour": "blue"}, {"namespace": "a", "colour": "blue"}),
        ({"namespace": 7, "issue": None}, {"namespace": 7, "issue": None}),
        ({}, {}),
    ],
    ids=["the notebook's own names", "an unknown name is passed on, to be refused", "values stay as they are", "none"],
)
def test_parameters_are_found_among_variables(variables: dict[str, Any], known: dict[str, Any]) -> None:
    """Everything that could be meant as a parameter is taken, so that a mistyped name is not lost."""
    assert parameters_in(variables, {"namespace", "issue"}) == known


@pytest.mark.parametrize("value", [print, sys, object(), {"a"}], ids=["a function", "a module", "an object", "a set"])
def test_what_is_no_value_is_refused(value: object) -> None:
    """A cell before the setup may hold values only."""
    with pytest.raises(BadParameter, match="defines more than parameters"):
        parameters_in({"namespace": "a", "helper": value}, {"namespace"})


def test_a_view_shows_html_or_text() -> None:
    """A notebook gets both, everything else the text."""
    view = View("<b>x</b>", "x", {"application/x": "y"})
    assert view._repr_mimebundle_() == {"text/html": "<b>x</b>", "text/plain": "x", "application/x": "y"}
    assert repr(view) == "x"
