"""Sandboxes lent to one test after another: each begins with its world as in the file, nothing received and no faults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

from glhelpers.sandbox_process import Running, start_sandbox

__all__ = ["addresses", "begin_anew", "end", "environment_on", "lent_sandbox"]

_free: list[Running] = []


@contextmanager
def lent_sandbox() -> Iterator[Running]:
    """One that serves the demonstration to nobody else; it is kept for the next who asks."""
    while _free and not _lives(_free[-1]):
        end(_free.pop())
    sandbox = _free.pop() if _free else start_sandbox()
    begin_anew(sandbox)
    try:
        yield sandbox
    finally:
        _free.append(sandbox)


def begin_anew(sandbox: Running) -> None:
    """The world as in its file; nothing was ever received, and every answer comes as it should."""
    for method, what, body in (("PUT", "faults", b"[]"), ("POST", "reset", b"")):
        asked = Request(f"{sandbox.urls['gitlab']}/__sandbox/{what}", method=method, data=body)
        asked.add_header("Content-Type", "application/json")
        urlopen(asked, timeout=20).close()


def addresses(sandbox: Running) -> dict[str, str]:
    """Variables that point to the sandbox, with the tokens that a user would have."""
    values = {}
    for service, url in sandbox.urls.items():
        values[f"GLHELPERS_{service.upper()}_URL"] = url
        values[f"GLHELPERS_{service.upper()}_TOKEN"] = sandbox.tokens["admin" if service == "gitlab" else service]
    return values


def environment_on(sandbox: Running, folder: Path, operator: str = "tester") -> dict[str, str]:
    """Variables that make a process use the sandbox, and folders of its own under this one."""
    return {
        "GLHELPERS_STATE_DIR": str(folder / "state"),
        "GLHELPERS_RUNS_DIR": str(folder / "runs"),
        "GLHELPERS_CONFIG": str(folder / "config.toml"),
        "GLHELPERS_OPERATOR": operator,
        "GLHELPERS_IN_FLIGHT_SECONDS": "2",
        **addresses(sandbox),
    }


def end(sandbox: Running) -> None:
    """End one that this process has started."""
    assert sandbox.process is not None
    sandbox.process.communicate(timeout=10)


def _lives(sandbox: Running) -> bool:
    return sandbox.process is not None and sandbox.process.poll() is None
