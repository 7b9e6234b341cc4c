"""The ways in: papermill and nbclient as they are, the fallback where nothing can be forked, and what is preloaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from forked import play
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager, start_new_kernel

from glhelpers.kernels.manager import KERNEL_NAME
from glhelpers.kernels.owner import ADDRESS

pytestmark = pytest.mark.notebook

FALLBACKS = {
    "switched off": {ADDRESS: "off"},
    "no server at the address": {ADDRESS: "/nowhere"},
}


def test_papermill_forks_by_the_name_of_the_kernel(tmp_path: Path) -> None:
    """`papermill -k glhelpers`, unchanged: parameters injected, outputs kept."""
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("n = 1"), nbformat.v4.new_code_cell("print(n + 1)")]
    )
    book.cells[0].metadata["tags"] = ["parameters"]
    book.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python 3"}
    nbformat.write(book, tmp_path / "in.ipynb")
    command = [sys.executable, "-m", "papermill", "in.ipynb", "out.ipynb", "-k", KERNEL_NAME, "-p", "n", "41"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ordinary kernels" not in done.stderr
    assert nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[-1].outputs[0].text == "42\n"


def test_a_stock_manager_gets_a_forked_kernel() -> None:
    """jupyter_client's own manager, by the kernelspec that was installed with the package."""
    assert KERNEL_NAME in KernelSpecManager().find_kernel_specs()
    played = play("'well'", kernel_manager_class=AsyncKernelManager)
    assert played.shown == ("well",)
    assert played.forked


def test_a_kernel_that_is_started_again_has_the_same_address() -> None:
    """A client that holds the old ports goes on after a restart."""
    manager, client = start_new_kernel(kernel_name=KERNEL_NAME)
    try:
        before = manager.get_connection_info()
        client.execute("x = 1", reply=True, timeout=30)
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=30)
        reply = client.execute("x", reply=True, timeout=30)
        assert manager.get_connection_info() == before
        assert reply["content"]["ename"] == "NameError"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("why", FALLBACKS)
def test_without_a_server_a_kernel_is_started(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same notebook in an ordinary process; nothing but the time differs."""
    for name, value in FALLBACKS[why].items():
        monkeypatch.setenv(name, value)
    played = play("import sys; print(sys.argv[0].rsplit('/', 1)[-1])")
    assert played.shown == ("__main__.py",)
    assert not played.forked


def test_settings_that_an_interpreter_reads_at_its_start_are_not_ignored() -> None:
    """Such a kernel cannot be forked from a server that has other ones."""
    played = play("hash('the same')", env={**os.environ, "PYTHONHASHSEED": "7"})
    again = play("hash('the same')", env={**os.environ, "PYTHONHASHSEED": "7"})
    assert not played.forked
    assert played.shown == again.shown


def test_the_notice_is_one_sentence(tmp_path: Path) -> None:
    """Said once for a process, however many notebooks follow."""
    script = "import sys; sys.path.insert(0, sys.argv[1]); from forked import play; play('1'); play('1')"
    support = str(Path(__file__).parents[1] / "support")
    done = subprocess.run(
        [sys.executable, "-c", script, support],
        env={**os.environ, ADDRESS: "off"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.count("ordinary kernels") == 1


ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def test_a_server_with_a_second_thread_refuses() -> None:
    """A library that begins a thread when it is imported would make forks hang; it is told, not tried."""
    script = (
        "import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start(); "
        "from glhelpers.kernels.preload import preload; preload()"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        env={**os.environ, **ONE_THREAD},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Kernels cannot be forked: an imported library has begun 1 thread(s)." in done.stderr


LATE = """
import sys
before = {{*{before!r}, 'runpy', 'glhelpers.kernels.protocol', 'glhelpers.kernels.child'}}
print([name for name in sys.modules if name not in before and not name.startswith(('_', 'encodings'))])
"""


def test_a_runbook_imports_nothing_that_the_server_has_not(tmp_path: Path) -> None:
    """What is imported in each kernel again costs each ticket; the list of the server is kept complete."""
    listed = "from glhelpers.kernels.preload import preload; preload(); import sys, json; print(json.dumps(list(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", listed],
        env={**os.environ, **ONE_THREAD},
        capture_output=True,
        text=True,
        check=True,
    )
    before = json.loads(done.stdout)
    run = (
        "from glhelpers.runbook import open_runbook\n"
        "run = open_runbook('force_associate', dict(namespace='acme-labs', subscription_name='A-S00010010'))\n"
        "for step in (run.look_up, run.check, run.plan, run.confirm, run.apply, run.verify, run.record):\n"
        "    display(step())"
    )
    environment = {**os.environ, "GLHELPERS_RUNS_DIR": str(tmp_path / "runs")}
    played = play(run, LATE.format(before=before), env=environment)
    assert played.shown[-1] == "[]"
