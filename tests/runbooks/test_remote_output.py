"""Papermill's own remote paths for outputs, with forked kernels: the executed notebook lies where it was sent."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import nbformat
import pytest

from tests.runbooks.conftest import FOX

pytestmark = pytest.mark.notebook

RUNBOOK = Path(__file__).parents[2] / "runbooks" / "force_associate.ipynb"


class Store(ThreadingHTTPServer):
    """Keeps what is put under a path; the last one counts, as in any store of objects."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        super().__init__(("127.0.0.1", 0), _Request)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Request(BaseHTTPRequestHandler):
    server: Store

    def do_PUT(self) -> None:
        self.server.kept[self.path] = self.rfile.read(int(self.headers["content-length"])).decode()
        self.send_response(201)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@pytest.fixture
def store() -> Iterator[Store]:
    """A store that takes objects by HTTP."""
    with Store() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("kernel", ["glhelpers", "python3"], ids=["forked", "ordinary"])
def test_papermill_sends_the_executed_notebook_to_a_store(kernel: str, store: Store, desk: Any, tmp_path: Path) -> None:
    """`papermill runbook.ipynb http://…`: one whole notebook of this ticket lies there, and the run's folder here."""
    words = [word for name, value in FOX.items() for word in ("-p", name, value)]
    target = f"{store.url}/1002/force_associate.ipynb"
    done = subprocess.run(
        [sys.executable, "-m", "papermill", str(RUNBOOK), target, "--no-progress-bar", "-k", kernel, *words],
        env={**os.environ, **desk.environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert list(store.kept) == ["/1002/force_associate.ipynb"]
    (kept,) = store.kept.values()
    book = nbformat.reads(kept, as_version=4)
    nbformat.validate(book)
    assert book.metadata.papermill.output_path == target
    assert all(cell.execution_count for cell in book.cells if cell.cell_type == "code")
    (folder,) = (tmp_path / "runs" / "1002" / "force_associate").iterdir()
    assert folder.name in kept
    assert desk.attempts() == 0
