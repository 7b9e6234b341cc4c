"""The customer's portal token at the prompt: typed into a real kernel, used once, and found nowhere afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from forked import for_a_person
from jupyter_client.blocking.client import BlockingKernelClient

from glhelpers.sandbox_process import Running

pytestmark = pytest.mark.notebook

SETUP = """
customer_id, ticket_url = "55020", "https://gitlab.zendesk.com/agent/tickets/1510"
ask_for_token = "yes"
from glhelpers.runbook import open_runbook
run = open_runbook("portal_502", globals())
"""
TOKEN = "sandbox-portal"
"""A token of the demonstration's world, of a user who is not linked to the account."""


@dataclass
class Typing:
    """A kernel as JupyterLab drives it, and a person who answers each prompt with `types`."""

    client: BlockingKernelClient
    types: str = TOKEN
    prompts: list[dict[str, Any]] = field(default_factory=list)
    shown: list[Any] = field(default_factory=list)

    def cell(self, code: str, *, may_ask: bool = True) -> None:
        """Run a cell; all that it shows is kept."""

        def answer(message: dict[str, Any]) -> None:
            self.prompts.append(message["content"])
            self.client.input(self.types)

        self.client.execute_interactive(
            code,
            allow_stdin=may_ask,
            stdin_hook=answer,
            output_hook=lambda message: self.shown.append(message["content"]),
            timeout=30,
        )

    def all_shown(self) -> str:
        """Everything that the cells have shown, in every form."""
        return json.dumps(self.shown, default=str)


@pytest.fixture
def person(on_sandbox: Running) -> Iterator[Typing]:
    """A person at a kernel that reaches the test's sandbox."""
    with for_a_person() as (_, client):
        yield Typing(client)


def run_through(person: Typing, *, may_ask: bool = True) -> None:
    """The notebook's cells, up to the end."""
    person.cell(SETUP, may_ask=may_ask)
    for step in ("look_up", "check", "plan", "confirm", "apply", "verify", "record"):
        person.cell(f"run.{step}()", may_ask=may_ask)


def test_the_token_typed_is_used_and_kept_nowhere(person: Typing, tmp_path: Path) -> None:
    """One hidden prompt; GitLab.com tells whose the token is; no output and no file holds it."""
    run_through(person)
    assert [(asked["password"], "portal token" in asked["prompt"]) for asked in person.prompts] == [(True, True)]
    shown = person.all_shown()
    assert "belongs to GitLab.com user id" in shown
    assert "but user id 5510 is linked" in shown
    assert TOKEN not in shown
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "record.json" and '"owner"' in path.read_text("utf-8") for path in files)
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]


@pytest.mark.parametrize("typed", ["", "   "], ids=["nothing", "blanks"])
def test_without_one_the_portals_own_is_asked_about(person: Typing, typed: str) -> None:
    """An empty answer is no token: CustomersDot is asked whose it keeps."""
    person.types = typed
    person.cell(SETUP)
    person.cell("print(run.look_up(), run.run._facts.token.value.seen_by)")
    assert len(person.prompts) == 1
    assert "adapter" in person.all_shown()


def test_nobody_is_asked_where_nobody_sits(person: Typing) -> None:
    """Without a front end that may ask there is no prompt, and the run goes on with CustomersDot's word."""
    person.cell(SETUP, may_ask=False)
    person.cell("print(run.look_up(), run._facts.token.value.seen_by)", may_ask=False)
    assert person.prompts == []
    assert "adapter" in person.all_shown()


def test_a_token_that_is_set_is_not_asked_for(person: Typing) -> None:
    """What stands in the environment is used without a prompt, and is shown as little."""
    person.cell(f"import os; os.environ['GLHELPERS_PORTAL_TOKEN'] = '{TOKEN[:8]}' + '{TOKEN[8:]}'")
    person.cell(SETUP)
    person.cell("print(run.look_up(), run.run._facts.token.value.seen_by)")
    assert person.prompts == []
    assert "owner" in person.all_shown()
    person.shown = [content for content in person.shown if "code" not in content]
    assert TOKEN not in person.all_shown()
