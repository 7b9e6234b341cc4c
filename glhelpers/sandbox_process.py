"""Finds a running sandbox, or starts one that ends with this process."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from glhelpers.errors import BadSettings

__all__ = ["DEMONSTRATION", "Running", "running_sandbox", "shows_demonstration", "start_sandbox", "state_file"]

DEMONSTRATION = "demo"
"""The name of the world that is served where none is asked for; the runbooks' examples are its customers."""

_READY_SECONDS = 20
_HEALTH_SECONDS = 2
_lock = threading.Lock()
_mine: dict[tuple[str | None, str | None], Running] = {}


@dataclass(frozen=True)
class Running:
    """A sandbox that answers: its addresses and the tokens that it made up for its own users."""

    urls: dict[str, str]
    tokens: dict[str, str] = field(repr=False)
    instance: str
    today: str
    process: subprocess.Popen[str] | None = None


def state_file(state_dir: Path) -> Path:
    """Where `glhelpers sandbox serve` says how to reach it."""
    return state_dir / "sandbox.json"


def running_sandbox(state_dir: Path, *, world: str | None, faults: str | None) -> Running:
    """
    The sandbox that `glhelpers sandbox serve` runs, if it answers; else one of this process's own.

    Asking for a world or faults of one's own never takes the one that serves.
    """
    with _lock:
        if world is None and faults is None and (served := _served(state_file(state_dir))) is not None:
            return served
        known = _mine.get((world, faults))
        if known is None or known.process is None or known.process.poll() is not None:
            known = _mine[world, faults] = start_sandbox(world=world, faults=faults)
        return known


def start_sandbox(*, world: str | None = None, faults: str | None = None) -> Running:
    """Start a sandbox that ends when this process does; raises `BadSettings` if it does not come up."""
    command = [sys.executable, "-m", "glhelpers.sandbox", "--json", "--until-stdin-closes"]
    command += ["--world", world] if world else []
    command += ["--faults", faults] if faults else []
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_TOKEN")}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:  # a pipe nobody reads would fill up
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            start_new_session=True,
            env=environment,
        )
        timer = threading.Timer(_READY_SECONDS, process.kill)
        timer.start()
        try:
            line = process.stdout.readline() if process.stdout is not None else ""
        finally:
            timer.cancel()  # after Ctrl-C, too: this process would wait for it before it ends
        try:
            running = _from_line(json.loads(line), process)
        except (ValueError, KeyError, TypeError):
            process.kill()
            process.communicate()
            said.seek(0)
            raise _not_started(said.read()) from None
    atexit.register(_end, process)
    return running


def _not_started(said: str) -> BadSettings:
    lines = said.strip().splitlines()
    return BadSettings(
        f"The sandbox did not start{': ' + lines[-1][:300].rstrip('.') if lines else ''}.",
        next_step="Check the world and faults files, or run `glhelpers sandbox serve` to see more.",
    )


def shows_demonstration(url: str) -> bool:
    """Whether the sandbox at GitLab.com's address has the demonstration's world; one that does not say is taken for it."""
    try:
        return bool(_health(url)["world"] == DEMONSTRATION)
    except (OSError, ValueError, KeyError, TypeError, HTTPException):
        return True


def _from_line(told: dict[str, Any], process: subprocess.Popen[str] | None) -> Running:
    return Running(
        urls={service: told[f"{service}_url"] for service in ("gitlab", "customersdot", "zendesk")},
        tokens=dict(told["tokens"]),
        instance=told["instance"],
        today=told["today"],
        process=process,
    )


def _end(process: subprocess.Popen[str]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(timeout=3)
    except subprocess.TimeoutExpired:
        process.kill()


def _served(path: Path) -> Running | None:
    """A sandbox recorded in the state folder, if it is the very one that answers there."""
    try:
        running = _from_line(json.loads(path.read_text(encoding="utf-8")), None)
        alive = _health(running.urls["gitlab"])
        return running if alive["instance"] == running.instance else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, HTTPException):
        return None  # the file is old, or something else listens there by now


def _health(url: str) -> Any:
    """What a sandbox on this machine says of itself; asked without proxy, redirect or token."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError("no sandbox is anywhere else")
    connection = HTTPConnection(parts.hostname, parts.port, timeout=_HEALTH_SECONDS)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/__sandbox/health")
        return json.loads(connection.getresponse().read(10_000))
    finally:
        connection.close()
