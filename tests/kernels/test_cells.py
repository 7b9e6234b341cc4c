"""What a kernel shows that hears its cells over one socket: the same as one that papermill and nbclient ask."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NotebookExecutionManager

from glhelpers.kernels.cell_client import CellKernel, run_cells
from glhelpers.kernels.manager import KERNEL_NAME, RunbookKernelManager

pytestmark = pytest.mark.notebook

CELLS = {
    "a result": "1 + 1",
    "a table": "import pandas; pandas.DataFrame({'seats': [10, 25]})",
    "printed and shown, in order": "print('first'); display('second'); print('third')",
    "both streams": "import sys; print('out'); print('err', file=sys.stderr)",
    "a command": "!echo from a shell",
    "another process": "import subprocess; subprocess.run(['echo', 'from a process']); None",
    "the descriptor itself": "import os, time; os.write(1, b'by its number\\n'); time.sleep(0.5)",
    "much printed": "for n in range(5000): print(n)",
    "a display brought up to date": "h = display('before', display_id='x'); h.update('after'); None",
    "output taken back": "from IPython.display import clear_output; print('gone'); clear_output(); print('stays')",
    "a picture": "from IPython.display import SVG; SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>')",
    "waiting": "import asyncio; await asyncio.sleep(0.01); 'waited'",
    "a magic": "%timeit -n1 -r1 -q pass",
    "widgets": "import ipywidgets; ipywidgets.IntSlider(value=7)",
    "output into a widget": "import ipywidgets\nout = ipywidgets.Output()\nwith out:\n    print('inside')\nout",
    "signs of all kinds": "print('é ☃ 😀 \\x1b[31mred\\x1b[0m')",
    "nothing": "x = 1",
    "a comment": "# nothing",
    "an object that cannot be shown": "class No:\n    def __repr__(self): raise ValueError('no')\nNo()",
}
ERRORS = {
    "an error": "print('before'); 1 / 0",
    "no Python": "this is none",
    "an end": "raise SystemExit(3)",
    "a question": "input('?')",
    "an interrupt": "raise KeyboardInterrupt",
}


def _book(*cells: str) -> Any:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell, id=f"c{n}") for n, cell in enumerate(cells)])


def over_cells(*cells: str) -> Any:
    """A notebook after a kernel has heard its cells."""
    book = _book(*cells)
    book.metadata["papermill"] = {}
    manager = NotebookExecutionManager(book, progress_bar=False)
    manager.notebook_start()
    with CellKernel(os.environ) as kernel:
        return run_cells(PapermillNotebookClient(manager, timeout=60), kernel)


def over_jupyter(*cells: str) -> Any:
    """The same notebook after nbclient and a kernel with ports."""
    book = _book(*cells)
    client = NotebookClient(
        book, kernel_name=KERNEL_NAME, kernel_manager_class=RunbookKernelManager, allow_errors=True, timeout=60
    )
    with ThreadPoolExecutor(1) as pool:
        # ipykernel leaves the descriptors alone where it thinks that its own tests run.
        environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
        pool.submit(lambda: asyncio.run(client.async_execute(env=environment))).result()
    return book


def shown(cell: Any) -> list[Any]:
    """What a cell shows, without what differs from kernel to kernel; pieces of a stream as one, streams apart."""
    streams: dict[str, str] = {}
    other: list[Any] = []
    for output in cell.outputs:
        if output.output_type == "stream":
            streams[output.name] = streams.get(output.name, "") + output.text.replace("\r\n", "\n")
        elif output.output_type == "error":
            other.append((output.ename, output.evalue, len(output.traceback)))
        else:
            data = {kind: value for kind, value in output.data.items() if "widget-view" not in kind}
            other.append((output.output_type, data, "application/vnd.jupyter.widget-view+json" in output.data))
    return [streams, other, cell.execution_count]


@pytest.fixture(scope="module")
def books() -> tuple[Any, Any]:
    """All cells in one kernel of either kind."""
    return over_cells(*CELLS.values()), over_jupyter(*CELLS.values())


@pytest.mark.parametrize("what", CELLS)
def test_a_cell_shows_the_same(books: tuple[Any, Any], what: str) -> None:
    """Outputs, their order, and the number of the cell."""
    own, theirs = (book.cells[list(CELLS).index(what)] for book in books)
    assert shown(own) == shown(theirs)


@pytest.mark.parametrize("what", ERRORS)
def test_a_cell_fails_the_same(what: str) -> None:
    """The error is shown, and no cell after it runs."""
    own, theirs = over_cells(ERRORS[what], "'never'"), over_jupyter(ERRORS[what])
    assert shown(own.cells[0]) == shown(theirs.cells[0])
    assert own.cells[1].outputs == []
    assert own.cells[1].execution_count is None
    assert own.cells[0].metadata.papermill["status"] == "failed"


def test_half_a_sign_can_be_told() -> None:
    """What cannot be written as UTF-8 does not end the kernel; the evidence has a sign in its place."""
    book = over_cells("print('\\ud800')", "'goes on'")
    assert book.cells[0].outputs[0].text == "\ud800\n"
    assert book.cells[1].outputs[0].data["text/plain"] == "'goes on'"


def test_the_state_of_widgets_and_the_language_are_kept(books: tuple[Any, Any]) -> None:
    """Under the same keys, for the same models."""
    own, theirs = books
    assert own.metadata["language_info"] == theirs.metadata["language_info"]
    kinds = [
        sorted(
            model["model_name"]
            for model in book.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"].values()
        )
        for book in books
    ]
    assert kinds[0] == kinds[1]
    assert "IntSliderModel" in kinds[0]


def test_a_cell_may_be_expected_to_fail() -> None:
    """By the tag that nbclient knows."""
    book = _book("1 / 0", "'goes on'")
    book.cells[0].metadata["tags"] = ["raises-exception"]
    book.metadata["papermill"] = {}
    manager = NotebookExecutionManager(book, progress_bar=False)
    manager.notebook_start()
    with CellKernel(os.environ) as kernel:
        done = run_cells(PapermillNotebookClient(manager, timeout=60), kernel)
    assert done.cells[1].outputs[0].data["text/plain"] == "'goes on'"


def test_what_was_shown_before_a_cell_was_cut_off_is_kept() -> None:
    """A cell that hangs has told already what it has shown."""
    book = _book("print('told'); display('shown')\nwhile True: pass")
    book.metadata["papermill"] = {}
    manager = NotebookExecutionManager(book, progress_bar=False)
    manager.notebook_start()
    with CellKernel(os.environ) as kernel, pytest.raises(TimeoutError):
        run_cells(PapermillNotebookClient(manager, timeout=2), kernel)
    assert book.cells[0].execution_count == 1
    assert [output.get("text") or output.data["text/plain"] for output in book.cells[0].outputs] == [
        "told\n",
        "'shown'",
    ]
