"""A JupyterLab as `make lab` opens it, and a Chromium that drives it."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from glhelpers.sandbox_process import Running

OURS = {"include": [[".glh-seat"], [".glh-gate"], [".jp-OutputArea-output .glh"]]}
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
DARK = "@jupyterlab/apputils-extension/themes.jupyterlab-settings"

RUNBOOKS = Path(__file__).parents[2] / "runbooks"


@dataclass
class Lab:
    """A running JupyterLab: its address, its folders, and the sandbox behind it."""

    url: str
    runs: Path
    state: Path
    sandbox: Running
    pid: int

    def kernels(self) -> list[str]:
        """What the system calls the kernels that it has given out."""
        family = psutil.Process(self.pid).children(recursive=True)
        return [one.name() for one in family if one.name() == "glh-kernel" or "ipykernel_launcher" in one.cmdline()]

    def writes(self) -> dict[str, object]:
        """What the sandbox has received, by its own count."""
        with urllib.request.urlopen(f"{self.sandbox.urls['gitlab']}/__sandbox/writes") as answer:
            counted: dict[str, object] = json.loads(answer.read())
        return counted


def notes(lab: Lab, iid: int) -> list[str]:
    """The notes on an issue of the sandbox."""
    path = f"/api/v4/projects/gitlab-com%2Fsupport%2Finternal-requests/issues/{iid}/notes"
    asked = urllib.request.Request(
        f"{lab.sandbox.urls['gitlab']}{path}", headers={"PRIVATE-TOKEN": lab.sandbox.tokens["admin"]}
    )
    with urllib.request.urlopen(asked) as answer:
        return [str(note["body"]) for note in json.load(answer) if not note["system"]]


@pytest.fixture
def lab(on_sandbox: Running, tmp_path: Path) -> Iterator[Lab]:
    """`glhelpers lab` on a free port, in the environment as the test has made it until now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(tmp_path / "jupyter-config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "jupyter-data"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "jupyter-runtime"),
    }
    command = [sys.executable, "-m", "glhelpers.cli", "lab", "--", "--no-browser", f"--ServerApp.port={port}"]
    command += [
        "--IdentityProvider.token=test",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={tmp_path / 'books'}",
    ]
    (tmp_path / "books").mkdir()
    for book in RUNBOOKS.glob("*.ipynb"):
        (tmp_path / "books" / book.name).write_bytes(book.read_bytes())
    with (tmp_path / "lab.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}/lab"
    _wait_for(f"{url}?token=test", process)
    yield Lab(url, tmp_path / "runs", tmp_path / "state", on_sandbox, process.pid)
    process.terminate()
    process.wait(timeout=20)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None, "JupyterLab has ended"
        try:
            urllib.request.urlopen(url).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("JupyterLab does not answer")


@pytest.fixture
def in_the_dark(on_sandbox: Running, tmp_path: Path) -> None:
    """JupyterLab's dark theme, as a person has chosen it before; asked for before `lab`."""
    chosen = tmp_path / "state" / "lab-settings" / DARK
    chosen.parent.mkdir(parents=True)
    chosen.write_text(json.dumps({"theme": "JupyterLab Dark", "adaptive-theme": False}))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        yield browser
        browser.close()


@dataclass
class Notebook:
    """A runbook open in JupyterLab, and what a person does with it."""

    page: Page
    pictures: Path

    def open(self, lab: Lab, name: str, *, form: bool = True) -> None:
        """Open the notebook in a fresh workspace and wait for its form, or else for its kernel."""
        self.page.goto(f"{lab.url}/workspaces/w{time.time_ns()}/tree/{name}.ipynb?token=test")
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
        if form:
            self.page.wait_for_selector(".glh-form-message", timeout=60_000)
            self.button("Look up ▸").wait_for()
            return
        self.page.wait_for_selector("text=Python 3 (ipykernel) | Idle", timeout=60_000)
        # A kernel is called idle a moment before JupyterLab has connected to it for good.
        self.page.wait_for_timeout(1500)

    @property
    def panel(self) -> Locator:
        """The notebook that is in front."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def button(self, name: str) -> Locator:
        """A button of the notebook that is in front, by its words."""
        return self.panel.get_by_role("button", name=name)

    def field(self, label: str) -> Locator:
        """A field of its form, by its label."""
        return self.panel.locator(".glh-form").get_by_label(label)

    def field_of_seat(self, label: str) -> Locator:
        """A field above the form, by its label."""
        return self.panel.locator(".glh-seat").get_by_label(label, exact=True)

    @property
    def approve(self) -> Locator:
        """The button of the gate that approves."""
        return self.gate.get_by_role("button", name="Approve this change")

    def menu(self, entry: str) -> None:
        """Choose an entry of the Run menu."""
        self.page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
        self.page.get_by_text(entry, exact=True).click()

    def cell(self, source: str) -> Locator:
        """The code cell with this text."""
        return self.page.locator(".jp-CodeCell", has_text=source).first

    def run_from(self, source: str) -> None:
        """Run this cell and all below it."""
        self.cell(source).locator(".jp-InputArea").click()
        self.menu("Run Selected Cell and All Below")

    @property
    def gate(self) -> Locator:
        """The gate's box."""
        return self.page.locator(".glh-gate").first

    def says(self, state: str) -> None:
        """Wait until the gate's message shows this state."""
        self.page.wait_for_selector(f".glh-gate-message.glh-gate-{state}", timeout=60_000)

    def violations(self) -> list[str]:
        """What axe-core finds wrong in what the runbooks show; JupyterLab's own frame is not ours to judge."""
        found = Axe().run(self.page, context=OURS, options=WCAG).response["violations"]
        return [f"{item['id']}: {node['html'][:200]}" for item in found for node in item["nodes"]]

    def is_in_view(self, part: Locator) -> bool:
        """Whether the upper edge of this can be seen without scrolling."""
        box, frame = part.bounding_box(), self.panel.locator(".jp-WindowedPanel-outer").bounding_box()
        return bool(box and frame and frame["y"] <= box["y"] < frame["y"] + frame["height"] - 40)

    def colleague_approves(self, *, types: str) -> None:
        """Another person runs the command that the gate shows, and types the target."""
        first, *rest = shlex.split(self.gate.locator("code", has_text="glhelpers approve").first.inner_text())
        words = [str(Path(sys.executable).with_name(first)), *rest]
        environment = {**os.environ, "GLHELPERS_OPERATOR": "colleague"}
        said = subprocess.run(words, input=f"{types}\n", env=environment, capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stdout + said.stderr

    def picture(self, name: str, part: Locator | None = None) -> None:
        """Leave a picture for people to look at."""
        self.pictures.mkdir(parents=True, exist_ok=True)
        size, box = self.page.viewport_size, part.bounding_box() if part is not None else None
        if size and box and box["height"] > size["height"] - 160:
            # The notebook scrolls within the page: a part is whole only in a window that holds it.
            self.page.set_viewport_size({"width": size["width"], "height": int(box["height"]) + 200})
            self.page.wait_for_timeout(300)
        (part or self.page).screenshot(path=self.pictures / f"{name}.png")
        if size:
            self.page.set_viewport_size(size)


@pytest.fixture
def notebook(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Notebook]:
    """A page of its own."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    yield Notebook(page, Path(request.config.getoption("--screenshots")))
    page.close()
