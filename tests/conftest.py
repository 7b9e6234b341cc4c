"""Every test has folders of its own; no test reads this machine's configuration or talks to anything but loopback."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring
from sandboxes import addresses, lent_sandbox
from xdist.scheduler import LoadScopeScheduling

from glhelpers.kernels.owner import ADDRESS, begin
from glhelpers.sandbox_process import Running

# Neither this machine's keyring nor one that another test has defined (any class of that kind offers itself): only what
# a test sets itself. Fixtures of a module begin before those of a test, so it is set for all from the start.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
keyring.set_keyring(NoKeyring())


# A shell that begins the tests in the background has them ignore Ctrl-C, and with them all that they begin.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an input takes to be drawn says something of the machine, not of what is tried.
hypothesis.settings.register_profile("suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--screenshots DIR` says where the browser tests leave their pictures."""
    parser.addoption("--screenshots", default="artefacts/screenshots", help="folder for pictures of the browser tests")


class ByModule(LoadScopeScheduling):  # type: ignore[misc]
    """
    Gives each module to one worker as a whole, and to one worker all that is done in a browser.

    One JupyterLab and one Chromium serve all of that.  (`--dist loadgroup` of pytest-xdist 3.8 tells groups by a
    part of pytest that pytest 9.2 no longer reads.)
    """

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return "browser" if module.startswith("tests/browser/") else module


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByModule:
    """Whatever `--dist` says."""
    return ByModule(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first, so that no worker is left alone with it at the end."""
    slow = {item.path for item in items if item.get_closest_marker("notebook") or item.get_closest_marker("browser")}
    items.sort(key=lambda item: (item.get_closest_marker("browser") is None, item.path not in slow))


OWN_KERNELS = (
    "kernels/",
    "skeleton/",
    "torture/",
    "batch/test_dask",
    "batch/test_soak",
    "batch/test_starts",
)
"""Rooms and modules where whoever is started has a server of forked kernels of its own, as with a user; elsewhere one is lent."""


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """State, runs and configuration in the test's folder; no GLHELPERS_* from outside."""
    for name in list(os.environ):
        if name.startswith("GLHELPERS_"):
            monkeypatch.delenv(name)
    place = request.path.relative_to(Path(__file__).parent).as_posix()
    # Begun before the test's own environment, so that no test takes it for something that it has left behind.
    if not place.startswith(OWN_KERNELS) and (lent := begin()) is not None:
        monkeypatch.setenv(ADDRESS, str(lent))
    monkeypatch.setenv("GLHELPERS_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("GLHELPERS_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("GLHELPERS_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("GLHELPERS_OPERATOR", "tester")
    monkeypatch.setenv("GLHELPERS_IN_FLIGHT_SECONDS", "2")
    monkeypatch.setenv("GLHELPERS_TRUSTED_SIGNERS", str(tmp_path / "signers"))
    keyring.set_keyring(NoKeyring())


@pytest.fixture
def sandbox() -> Iterator[Running]:
    """A sandbox for this test alone, with the demonstration's world as in its file."""
    with lent_sandbox() as running:
        yield running


@pytest.fixture
def on_sandbox(sandbox: Running, monkeypatch: pytest.MonkeyPatch) -> Running:
    """The same, with the environment pointing to it as a user's would."""
    for name, value in addresses(sandbox).items():
        monkeypatch.setenv(name, value)
    return sandbox
