"""A sandbox to attach to, with an issue and a ticket for every test, and a way to be killed while attaching."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import nbformat
import yaml
from nbformat import v4
from pydantic import SecretStr

from glhelpers.clients.gitlab import GitLabClient
from glhelpers.clients.log import RequestLog
from glhelpers.clients.retry import RetryBudget
from glhelpers.clients.transport import Transport
from glhelpers.clients.zendesk import ZendeskClient
from glhelpers.evidence.folder import RunFolder
from glhelpers.evidence.publish import Attached, parse_issue
from glhelpers.evidence.publish_issue import attach_to_issue
from glhelpers.evidence.publish_outbox import Outbox
from glhelpers.evidence.publish_ticket import attach_to_ticket
from glhelpers.models.record import RunRecord

PROJECT = "gitlab-com/support/internal-requests"
LABEL = "Console Escalation - customers"
CLOSED = "https://gitlab.zendesk.com/agent/tickets/1000"
IN_FLIGHT = 0.05
_MOST = 300
_WORLD = {
    "format": "glhelpers.world/1",
    "name": "attach",
    "today": "2026-11-23",
    "switches": {"notes_a_minute": 1000, "zendesk_refuses": [".ipynb"]},
    "users": [{"id": 1, "username": "robin", "admin": True}, {"id": 2, "username": "sam", "admin": True}],
    "tokens": [
        {"name": "admin", "value": "attach-robin", "user": "robin", "scopes": ["api", "admin_mode"]},
        {"name": "other", "value": "attach-sam", "user": "sam", "scopes": ["api", "admin_mode"]},
        {"name": "zendesk", "value": "attach-zendesk", "system": "zendesk"},
    ],
    "projects": [
        {
            "id": 7,
            "path": PROJECT,
            "labels": [LABEL, "Console Escalation::Customers", "Console Escalation::Sales", "L&R"],
            "issues": [{"iid": number, "title": f"Issue {number}"} for number in range(1, _MOST)],
        }
    ],
    "tickets": [
        {"id": 1000, "subject": "Closed", "status": "closed"},
        *({"id": 1000 + number, "subject": "Open", "tags": ["saas"]} for number in range(1, _MOST)),
    ],
}


@dataclass
class Desk:
    """A server of one's own, clients that talk to it, and an outbox of the test's own."""

    ready: dict[str, Any]
    http: httpx.Client
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    journal_url: str = ""
    waits: list[float] = field(default_factory=list)
    in_flight: float = IN_FLIGHT

    def new(self, folder: Path) -> Desk:
        """The same server for another test: no faults, an outbox as new."""
        self.misbehave()
        self.journal_url, self.waits = f"sqlite:///{folder / 'journal.db'}", []
        self.in_flight = IN_FLIGHT
        return self

    def issue(self) -> str:
        """An issue that nobody has used."""
        return f"{PROJECT}#{next(self._numbers)}"

    def ticket(self) -> str:
        """A ticket that nobody has used, by its link."""
        return f"https://gitlab.zendesk.com/agent/tickets/{1000 + next(self._numbers)}"

    def gitlab(self, token: str = "admin") -> GitLabClient:
        """A client of GitLab.com."""
        return GitLabClient(self._transport("gitlab", token))

    def zendesk(self) -> ZendeskClient:
        """A client of Zendesk."""
        return ZendeskClient(self._transport("zendesk", "zendesk"))

    def outbox(self, service: str = "gitlab", **more: Any) -> Outbox:
        """The outbox of a service. Waits are told in `waits`; only those for a request on its way take their time."""
        more = {"in_flight": timedelta(seconds=self.in_flight), "sleep": self._wait, "operator": "robin", **more}
        return Outbox(self.journal_url, self.ready[f"{service}_url"], **more)

    def to_issue(self, folder: Path, issue: str, token: str = "admin", **more: Any) -> Attached:
        """Attach to an issue."""
        with self.outbox() as outbox:
            return attach_to_issue(folder, self.gitlab(token), issue, outbox, **more)

    def to_ticket(self, folder: Path, ticket: str, **more: Any) -> Attached:
        """Attach to a ticket."""
        with self.outbox("zendesk") as outbox:
            return attach_to_ticket(folder, self.zendesk(), ticket, outbox, **more)

    def killed(self, attach: Callable[[], object], prepare: Callable[[], None]) -> int:
        """Attach in a process that `prepare` has taught to die; its exit code, -9 for a `kill -9`."""

        def live_and_die() -> None:
            prepare()
            attach()

        child = multiprocessing.get_context("fork").Process(target=live_and_die)
        child.start()
        child.join(20)
        return child.exitcode if child.exitcode is not None else 0

    def misbehave(self, *faults: dict[str, Any]) -> None:
        """Faults from now on; none to end them."""
        self.http.put("/__sandbox/faults", json=list(faults)).raise_for_status()

    def writes(self) -> list[dict[str, Any]]:
        """Every write that reached the server, refused ones included."""
        rows: list[dict[str, Any]] = self.http.get("/__sandbox/writes").json()["writes"]
        return rows

    def switch(self, **switches: Any) -> None:
        """Change how the systems behave."""
        self.http.post("/__sandbox/change", json={"set_switches": switches}).raise_for_status()

    def comments(self, ticket: str) -> list[dict[str, Any]]:
        """The comments of a ticket as Zendesk tells them, attachments included."""
        answer = self._zendesk(ticket, "/comments.json")
        rows: list[dict[str, Any]] = answer["comments"]
        return rows

    def tags(self, ticket: str) -> list[str]:
        """The tags of a ticket."""
        tags: list[str] = self._zendesk(ticket, ".json")["ticket"]["tags"]
        return tags

    def post_note(self, issue: str, token: str = "admin", **body: Any) -> httpx.Response:
        """A note as anybody may write one."""
        project, iid = parse_issue(issue)
        path = f"/api/v4/projects/{project.replace('/', '%2F')}/issues/{iid}/notes"
        return self.http.post(path, json=body, headers={"PRIVATE-TOKEN": self.ready["tokens"][token]})

    def comment(self, ticket: str, **comment: Any) -> None:
        """A comment as anybody may write one."""
        self._zendesk(ticket, ".json", "PUT", {"ticket": {"comment": comment}})

    def _zendesk(self, ticket: str, path: str, method: str = "GET", body: Any = None) -> dict[str, Any]:
        number = ticket.rpartition("/")[2]
        headers = {"Authorization": f"Bearer {self.ready['tokens']['zendesk']}"}
        url = f"{self.ready['zendesk_url']}/api/v2/tickets/{number}{path}"
        answer: dict[str, Any] = self.http.request(method, url, headers=headers, json=body).raise_for_status().json()
        return answer

    def _transport(self, service: str, token: str) -> Transport:
        secret = SecretStr(self.ready["tokens"][token])
        url = self.ready[f"{service}_url"]
        return Transport(service, url, secret, log=RequestLog(), budget=RetryBudget(), sleep=self._wait)

    def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        if 0 < seconds <= self.in_flight:
            time.sleep(seconds)


@cache
def desk() -> Desk:
    """One server for all tests of this process; it ends with the process."""
    folder = Path(tempfile.mkdtemp())
    (folder / "world.yaml").write_text(yaml.safe_dump(_WORLD))
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "glhelpers.sandbox",
            "--json",
            "--until-stdin-closes",
            "--world",
            folder / "world.yaml",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    return Desk(ready, httpx.Client(base_url=ready["gitlab_url"], trust_env=False))


def bare(record: RunRecord) -> RunRecord:
    """The record without what makes it long."""
    return record.model_copy(update={"facts": (), "findings": (), "drafts": (), "plan": None, "plan_digest": None})


def small_folder(root: Path, record: RunRecord) -> Path:
    """The folder of a run, with a notebook and a page that are as short as they can be."""
    made = RunFolder.open(root, "", record.runbook, record.started_at)
    made.write_record(record)
    cell = v4.new_code_cell("run.record()", execution_count=1, id="a")
    made.write_text("notebook.ipynb", nbformat.writes(v4.new_notebook(cells=[cell])))
    made.write_text("notebook.html", "<!doctype html><title>Run</title><p>All of it was read back</p>")
    return made.finalise().path


def die(*_: Any, **__: Any) -> Any:
    """As an operator's `kill -9`, or the kernel's own."""
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(owner: type, name: str, *, nth: int = 0, after: bool = False) -> None:
    """The nth call of this method is the last thing that this process does, or the first that it does not do."""
    call, left = getattr(owner, name), iter(range(nth, -1, -1))

    def wrapped(*given: Any, **named: Any) -> Any:
        last = next(left) == 0
        if last and not after:
            die()
        answer = call(*given, **named)
        return die() if last else answer

    setattr(owner, name, wrapped)
