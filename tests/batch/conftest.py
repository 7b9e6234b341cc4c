"""A desk on a sandbox of the test's own: runs in this process or as a command, and the sandbox's counters."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, desk_on, served, wait_until

from glhelpers.sandbox_process import Running


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk on a fresh sandbox."""
    with served() as sandbox, desk_on(sandbox, tmp_path) as own:
        yield own


@pytest.fixture(scope="module")
def modules_sandbox() -> Iterator[Running]:
    """One sandbox for all tests of a module that change nothing in it."""
    with served() as sandbox:
        yield sandbox


@pytest.fixture
def shared_desk(modules_sandbox: Running, tmp_path: Path) -> Iterator[Desk]:
    """A desk with folders of its own on the module's sandbox."""
    with desk_on(modules_sandbox, tmp_path) as own:
        yield own


@pytest.fixture(scope="module")
def modules_run(modules_sandbox: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of ticket 1002 that awaits approval."""
    with desk_on(modules_sandbox, tmp_path_factory.mktemp("module")) as own:
        return own.run(1002).folder


@pytest.fixture
def plan(modules_run: Path, tmp_path: Path) -> Path:
    """A copy of that run's plan, to be approved, edited, or lost."""
    return Path(shutil.copy(modules_run / "plan.json", tmp_path / "plan.json"))


@pytest.fixture
def served_world(tmp_path: Path) -> Callable[[Path], AbstractContextManager[Desk]]:
    """Opens a desk on a world file."""

    @contextmanager
    def opened(world: Path) -> Iterator[Desk]:
        with served(world=str(world)) as sandbox, desk_on(sandbox, tmp_path) as own:
            yield own

    return opened


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], Any]:
    """Wait until something is so, and give it; fails after twenty seconds."""
    return wait_until
