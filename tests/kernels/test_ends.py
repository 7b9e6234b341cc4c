"""However a kernel, its server or its owner ends: nothing is left running, and nothing waits for ever."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from forked import DOORS, Played, play, play_cells
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from processes import gone

from glhelpers.kernels.app import CPU_SECONDS, MEMORY_MB
from glhelpers.kernels.owner import begin, end

pytestmark = pytest.mark.notebook

LEAVE_ONE = "import subprocess; subprocess.Popen(['sleep', '1000'], start_new_session=False).pid"


def the_server() -> psutil.Process:
    """The one server of this process."""
    (server,) = [child for child in psutil.Process().children() if child.name() == "glh-fork-server"]
    return server


@pytest.mark.parametrize("stop", ["immediate", "graceful"])
def test_what_a_cell_has_started_ends_with_its_kernel(stop: str) -> None:
    """The kernel, its children and its folder of temporary files."""
    shown = play("import os; os.getpid()", LEAVE_ONE, "import tempfile; tempfile.gettempdir()", stop=stop).shown
    assert gone(int(shown[0]), int(shown[1]))
    assert not Path(shown[2]).exists()
    assert the_server().children() == []


def test_what_a_cell_has_started_ends_with_a_kernel_that_hears_cells() -> None:
    """As soon as the notebook is done, and with the kernel: there is nothing to ask it to end."""
    shown = play_cells("import os; os.getpid()", LEAVE_ONE, "import tempfile; tempfile.gettempdir()").shown
    assert gone(int(shown[0]), int(shown[1]))
    assert not Path(shown[2]).exists()
    assert the_server().children() == []


def test_what_a_notebook_registers_for_its_end_is_done(tmp_path: Path) -> None:
    """A kernel that is asked to end runs the exit functions, and ends within what jupyter_client waits for it."""
    path = tmp_path / "done"
    play(f"import atexit, pathlib; atexit.register(pathlib.Path({str(path)!r}).touch)", stop="graceful")
    assert path.exists()


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize(
    ("cell", "error"),
    [
        ("import os; os._exit(3)", DeadKernelError),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", DeadKernelError),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", DeadKernelError),
        ("while True: pass", CellTimeoutError),
        ("1 / 0", CellExecutionError),
    ],
)
def test_a_kernel_that_dies_harms_nobody_else(cell: str, error: type[Exception], door: Callable[..., Played]) -> None:
    """Beside it and after it, kernels of the same server go on; nothing of it is left."""
    with ThreadPoolExecutor(2) as pool:
        beside = pool.submit(play, "import time; time.sleep(2); 'well'")
        with pytest.raises(error):
            door(cell, timeout=1 if error is CellTimeoutError else 60)
        assert beside.result().shown == ("well",)
    assert door("'well'").shown == ("well",)
    assert the_server().children() == []


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_kernel_may_take_so_much_memory(door: Callable[..., Played]) -> None:
    """A cell that asks for more gets an error in the notebook; a run asks for far less."""
    environment = {**os.environ, MEMORY_MB: "400"}
    with pytest.raises(CellExecutionError, match="MemoryError"):
        door("x = bytearray(800_000_000)", env=environment)
    assert door("len(bytearray(80_000_000))", env=environment).shown == ("80000000",)


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_kernel_may_burn_so_much_time(door: Callable[..., Played]) -> None:
    """A process that goes on computing is ended by the system, whatever its cells do about interrupts."""
    with pytest.raises(DeadKernelError):
        door("while True: pass", env={**os.environ, CPU_SECONDS: "1"})


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_killed_server_is_replaced(tmp_path: Path, door: Callable[..., Played]) -> None:
    """The notebook that it carried ends at once with an error; the next one has a new server."""
    play("1")
    killed = the_server()
    with ThreadPoolExecutor(1) as pool:
        write = f"import os, pathlib; pathlib.Path({str(tmp_path / 'pid')!r}).write_text(f'[{{os.getpid()}}]')"
        running = pool.submit(door, write, "import time; time.sleep(60)")
        (kernel,) = _written(tmp_path / "pid")
        killed.kill()
        with pytest.raises(DeadKernelError):
            running.result(timeout=30)
    assert gone(killed.pid, kernel)
    played = door("'well'")
    assert played.shown == ("well",)
    assert played.forked


@pytest.mark.parametrize("name", ["play", "play_cells"])
def test_a_killed_owner_leaves_nothing_running(tmp_path: Path, name: str) -> None:
    """kill -9 of the process that drives the batch: server, kernels and what their cells have started are gone."""
    script = (
        f"import sys; sys.path.insert(0, sys.argv[1]); from forked import {name} as play; "
        "play('import os; os.getpid()', 'import subprocess, os, json, pathlib; "
        'child = subprocess.Popen(["sleep", "1000"]).pid; '
        'pathlib.Path("pids").write_text(json.dumps([os.getpid(), os.getppid(), child]))\', '
        "'import time; time.sleep(1000)', timeout=1000)"
    )
    support = str(Path(__file__).parents[1] / "support")
    owner = subprocess.Popen(
        [sys.executable, "-c", script, support], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    numbers = _written(tmp_path / "pids")
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert len(numbers) == 3
    assert gone(*numbers)


def _written(path: Path) -> list[int]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            return [int(number) for number in json.loads(path.read_text())]
        except (OSError, ValueError):
            time.sleep(0.05)
    raise AssertionError("The kernel was not reached.")


@pytest.fixture
def fresh() -> Callable[[], Path | None]:
    """Ends the server, so that the next one is this test's own."""
    end()
    return begin


def test_an_owner_that_ends_takes_its_folder_along(fresh: Callable[[], Path | None]) -> None:
    """Nothing stays in the system's folder of temporary files."""
    folder = fresh()
    assert folder is not None
    play("1")
    server = the_server().pid
    end()
    assert gone(server)
    assert not folder.exists()


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_forty_kernels_at_once_are_forty_kernels(door: Callable[..., Played]) -> None:
    """None loses a port to another, none is mixed up with another: each shows its own number, all outputs included."""
    with ThreadPoolExecutor(8) as pool:
        played = list(pool.map(lambda n: door(*[f"print({n}, {cell})" for cell in range(5)]), range(40)))
    assert [one.shown for one in played] == [tuple(f"{n} {cell}" for cell in range(5)) for n in range(40)]
    assert all(one.forked for one in played)
    assert the_server().children() == []


@pytest.mark.parametrize(
    "begins",
    [
        "from glhelpers.kernels.owner import connected; asked = lambda: connected(dict(os.environ))",
        "from glhelpers.sandbox_process import start_sandbox as asked",
    ],
    ids=["forked kernels", "sandbox"],
)
def test_who_is_interrupted_while_something_starts_does_not_wait_for_it(begins: str) -> None:
    """Ctrl-C at once: the command ends in seconds, not when the start would have been given up."""
    script = f"import os, time; {begins}; print('begun', flush=True); asked(); time.sleep(60)"
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=15) != 0
    process.stdout.close()
