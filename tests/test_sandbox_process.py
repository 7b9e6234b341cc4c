"""The sandbox of this machine: found if it serves, else started, and never left behind."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest
from processes import gone

from glhelpers.errors import BadSettings
from glhelpers.sandbox_process import Running, running_sandbox, start_sandbox, state_file
from glhelpers.settings import load_settings


def _told(running: Running) -> str:
    urls = {f"{service}_url": url for service, url in running.urls.items()}
    return json.dumps({**urls, "tokens": running.tokens, "instance": running.instance, "today": running.today})


def _record(text: str) -> Path:
    path = state_file(Path(os.environ["GLHELPERS_STATE_DIR"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_running_sandbox_is_found(sandbox: Running) -> None:
    """`sandbox serve` in another terminal is what a run talks to."""
    _record(_told(sandbox))
    settings = load_settings()
    assert settings.gitlab.base_url == sandbox.urls["gitlab"]
    assert settings.gitlab.token is not None
    assert settings.gitlab.token.get_secret_value() == sandbox.tokens["admin"]
    assert "sandbox-admin" not in repr(sandbox)


class _Stranger(BaseHTTPRequestHandler):
    """A server that has the port of a sandbox that is gone."""

    says = b"{}"

    def do_GET(self) -> None:
        if self.says.startswith(b"HTTP"):
            self.wfile.write(self.says)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.says)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.mark.parametrize("url", ["http://127.1:{port}", "http://0.0.0.0:{port}", "https://127.0.0.1:{port}", "x"])
def test_a_record_that_points_off_this_machine_is_not_asked(url: str, mine: list[Running]) -> None:
    """Only plain loopback addresses are ever asked whether they are the sandbox."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        told = dict.fromkeys(("gitlab", "customersdot", "zendesk"), url.format(port=listening.getsockname()[1]))
        _record(_told(Running(told, {}, "any", "2026-11-23")))
        assert load_settings().gitlab.base_url != told["gitlab"]
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert len(mine) == 1


@pytest.mark.parametrize(
    "says",
    [b"{}", b"[]", b'{"instance": "another"}', b"<html>", b"\xff", b"HTTP/9 what\r\n\r\n", b"HTTP/1.1 302 F\r\n\r\n"],
)
def test_a_stranger_on_the_port_is_not_the_sandbox(says: bytes, mine: list[Running]) -> None:
    """Whoever cannot name the instance is somebody else, and gets no token."""
    handler = type("Handler", (_Stranger,), {"says": says})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        _record(_told(Running(dict.fromkeys(("gitlab", "customersdot", "zendesk"), url), {}, "gone", "2026-11-23")))
        assert load_settings().gitlab.base_url != url
    assert len(mine) == 1


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", "not json", '{"gitlab_url": 3}', "GONE", "FILE", "FAR"],
)
def test_a_stale_state_file_is_ignored(text: str, mine: list[Running]) -> None:
    """What is left of a sandbox that is gone does not stop a run: it starts its own."""
    address = {"GONE": "http://127.0.0.1:1", "FILE": "file:///etc", "FAR": "http://192.0.2.1"}.get(text)
    urls = dict.fromkeys(("gitlab", "customersdot", "zendesk"), address or "")
    _record(_told(Running(urls, {"admin": "x"}, "i", "2026-11-23")) if address else text)
    began = time.monotonic()
    assert load_settings().on_loopback
    assert len(mine) == 1
    assert time.monotonic() - began < 8


@pytest.fixture
def mine(monkeypatch: pytest.MonkeyPatch) -> list[Running]:
    """The sandboxes that this process would have started; none really is."""
    started: list[Running] = []

    def start(**_: object) -> Running:
        urls = dict.fromkeys(("gitlab", "customersdot", "zendesk"), "http://127.0.0.1:9")
        tokens = dict.fromkeys(("admin", "customersdot", "zendesk"), "x")
        started.append(Running(urls, tokens, "mine", "2026-11-23"))
        return started[-1]

    monkeypatch.setattr("glhelpers.sandbox_process.start_sandbox", start)
    monkeypatch.setattr("glhelpers.sandbox_process._mine", {})
    return started


@pytest.mark.parametrize("end", ["", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "raise SystemExit(3)"])
def test_a_sandbox_on_demand_starts_once_and_ends_with_its_process(end: str) -> None:
    """However the process ends, its sandbox ends too; twenty threads that ask at once share one."""
    code = f"""
        import json
        from concurrent.futures import ThreadPoolExecutor
        import psutil
        from glhelpers.settings import load_settings
        with ThreadPoolExecutor(20) as pool:
            found = {{each.gitlab.base_url for each in pool.map(lambda _: load_settings(), range(20))}}
        assert load_settings().gitlab.base_url in found
        print(json.dumps([len(found), [child.pid for child in psutil.Process().children()]]), flush=True)
        {end}
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False, timeout=30
    )
    urls, children = json.loads(ran.stdout)
    assert (urls, len(children)) == (1, 1)
    assert gone(children[0])


def test_the_sandbox_is_told_no_token_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that needs no secret gets none."""
    monkeypatch.setenv("GLHELPERS_GITLAB_TOKEN", "planted")
    running = start_sandbox()
    assert running.process is not None
    environment = psutil.Process(running.process.pid).environ()
    running.process.communicate(timeout=5)
    assert "planted" not in str(environment)


@pytest.mark.parametrize(
    ("variable", "content", "words"),
    [
        ("GLHELPERS_WORLD", "- 1\n", "is not a world"),
        ("GLHELPERS_WORLD", "{", "world"),
        ("GLHELPERS_WORLD", None, "world"),
        ("GLHELPERS_FAULTS", "{do: 3}", "fault"),
    ],
)
def test_a_bad_world_is_one_sentence(
    variable: str, content: str | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is named and what to do about it; no traceback, and no sandbox is left behind."""
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    monkeypatch.setenv(variable, str(path))
    before = set(psutil.Process().children())
    with pytest.raises(BadSettings, match=r"The sandbox did not start: .*mine\.yaml") as caught:
        load_settings()
    assert words in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert "\n" not in str(caught.value)
    new = set(psutil.Process().children()) - before
    assert not [child for child in new if "glhelpers.sandbox" in " ".join(child.cmdline())]


def test_a_sandbox_that_was_killed_is_started_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """One for a process, as long as it lives."""
    monkeypatch.setattr("glhelpers.sandbox_process._mine", {})
    folder = Path(os.environ["GLHELPERS_STATE_DIR"])
    first = running_sandbox(folder, world=None, faults=None)
    assert running_sandbox(folder, world=None, faults=None) is first
    assert first.process is not None
    first.process.kill()
    first.process.communicate()
    second = running_sandbox(folder, world=None, faults=None)
    assert second.instance != first.instance
    assert second.process is not None
    second.process.communicate(timeout=5)


def test_a_world_of_ones_own_is_not_the_one_that_serves(sandbox: Running, mine: list[Running]) -> None:
    """Whoever names a world or faults gets them, and another for another world."""
    folder = Path(os.environ["GLHELPERS_STATE_DIR"])
    _record(_told(sandbox))
    assert running_sandbox(folder, world=None, faults=None).instance == sandbox.instance
    for world, faults in (("a.yaml", None), ("b.yaml", None), (None, "f.yaml")):
        assert running_sandbox(folder, world=world, faults=faults).instance == "mine"
    assert len(mine) == 3
