"""
A run before the fork: what a runbook's code does is done once or twice by the fork server itself.

The interpreter makes code faster that it has run, and remembers where it finds what; httpx, pydantic, Jinja
and our own rules do the same.  What a kernel does for the first time costs it a fifth more, and a kernel does
everything for the first time, unless the process that it is forked from has done it.

The answers are those that a run of the demonstration was given (`rehearsed/answers.json`, as its folder
keeps them); a child of this process gives them over HTTP, so that nothing outside is asked.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

from IPython.core.formatters import DisplayFormatter
from pydantic_core import to_json

from glhelpers.actions.catalogue import runbook
from glhelpers.clients.tape import Heard, read_tape
from glhelpers.evidence.folder import RunFolder
from glhelpers.evidence.redact import forget_secrets
from glhelpers.kernels.process import end_with_parent
from glhelpers.models.finding import Status
from glhelpers.models.request import parse_parameters
from glhelpers.run import Run
from glhelpers.settings import SERVICES, load_settings
from glhelpers.steps import STEPS

__all__ = ["rehearse"]

_RUNBOOK = "force_associate"
_TIMES = 2
_GIVEN = {
    "namespace": "fox-university",
    "subscription_name": "A-S00010002",
    "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1002",
    "issue": "gitlab-com/support/internal-requests#2",
}


def rehearse(where: Path | None = None) -> Status | None:
    """
    Make the run, and forget it; how it ended.

    Its files lie below `where` meanwhile: whoever ends this process takes that folder away.  Nothing is left of it but what makes the next run quicker: no file, thread, connection, variable, token or person.
    """
    with as_file(files("glhelpers.kernels") / "rehearsed") as tape:
        heard = read_tape(tape)
    status = None
    with (
        TemporaryDirectory(prefix="glhelpers-rehearsed-", dir=where) as folder,
        _answering(heard) as address,
        mock.patch.dict(os.environ, _environment(address, Path(folder)), clear=True),
    ):
        for _ in range(_TIMES):
            status = _run(Path(folder))
    forget_secrets()
    return status


def _environment(address: str, folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GLHELPERS_")}
    urls = {f"GLHELPERS_{service.upper()}_URL": address for service in SERVICES}
    tokens = {f"GLHELPERS_{service.upper()}_TOKEN": "rehearsed" for service in SERVICES}
    places = {f"GLHELPERS_{name}": str(folder / name.lower()) for name in ("STATE_DIR", "RUNS_DIR", "CONFIG")}
    return {**kept, **urls, **tokens, **places, "GLHELPERS_PROFILE": "sandbox", "GLHELPERS_OPERATOR": "rehearsed"}


def _run(folder: Path) -> Status:
    book = runbook(_RUNBOOK)
    opened = RunFolder.open(folder / "runs", _GIVEN["ticket_url"], _RUNBOOK, datetime.now(UTC))
    try:
        # As in a kernel: page and seal are made by the process that drives it.
        with mock.patch.dict(os.environ, {"GLHELPERS_RUN_FOLDER": str(opened.path)}):
            run = Run(book, parse_parameters(book.parameters, dict(_GIVEN), book.id), load_settings())
        shown = DisplayFormatter()
        for step in STEPS:
            shown.format(getattr(run, step.replace(" ", "_"))())
        run.close()
        return run.known.status
    finally:
        opened.let_go()


@contextmanager
def _answering(heard: list[Heard]) -> Iterator[str]:
    """The address at which a child of this process gives these answers; it ends with the block."""
    answers = {(one.method, one.path, one.query): one for one in heard}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            found = answers.get((self.command, asked.path, tuple(sorted(parse_qsl(asked.query)))))
            content = to_json(found.body) if found is not None else b"{}"
            self.send_response_only(found.status or 500 if found is not None else 404)
            for name, value in (found.headers if found is not None else {}).items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            end_with_parent(parent)
            try:
                server.serve_forever()
            finally:
                os._exit(0)
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


if __name__ == "__main__":
    sys.exit(0 if rehearse() is Status.awaiting_approval else 1)
