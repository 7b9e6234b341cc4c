"""A JupyterLab as `make lab` opens it, and a Chromium that drives it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from axe import violations
from playwright.sync_api import Browser, Locator, Page, sync_playwright
from sandboxes import begin_anew, environment_on, lent_sandbox

from glhelpers.sandbox_process import Running, state_file

OURS = {"include": [[".glh-seat"], [".glh-gate"], [".jp-OutputArea-output .glh"]]}
WCAG = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
STANDS = ".jp-NotebookPanel:not(.lm-mod-hidden)"
SCREEN: Any = {"width": 1280, "height": 900}
OF_THE_LAB = ("lab-settings", "lab-pages", "rehearsal")
"""Folders of the state that were there when it had just been opened."""

RUNBOOKS = Path(__file__).parents[2] / "runbooks"


@dataclass
class Lab:
    """A running JupyterLab: its address, its folders, and the sandbox behind it."""

    url: str
    home: Path
    sandbox: Running
    pid: int
    pages: list[Page] = field(default_factory=list)
    """The page that one test leaves to the next: to load JupyterLab costs more than most tests do with it."""

    @property
    def runs(self) -> Path:
        """Where the folders of runs lie."""
        return self.home / "runs"

    @property
    def books(self) -> Path:
        """What the file browser shows."""
        return self.home / "books"

    def kernels(self) -> list[str]:
        """What the system calls the kernels that it has given out."""
        family = psutil.Process(self.pid).children(recursive=True)
        return [one.name() for one in family if one.name() == "glh-kernel" or "ipykernel_launcher" in one.cmdline()]

    def writes(self) -> dict[str, object]:
        """What the sandbox has received, by its own count."""
        with urllib.request.urlopen(f"{self.sandbox.urls['gitlab']}/__sandbox/writes") as answer:
            counted: dict[str, object] = json.loads(answer.read())
        return counted

    def begin_anew(self) -> None:
        """As it was when it had just been opened; no page may show it meanwhile."""
        for kernel in self._server("GET", "kernels"):
            self._server("DELETE", f"kernels/{kernel['id']}")
        _lay_out(self.books)
        for path in (self.home / "state").iterdir():
            if path.is_dir() and path.name not in OF_THE_LAB:
                shutil.rmtree(path)
            elif path.is_file() and path != state_file(path.parent):
                path.unlink()
        shutil.rmtree(self.runs, ignore_errors=True)
        shutil.rmtree(self._kernelspec, ignore_errors=True)
        (self.home / "config.toml").unlink(missing_ok=True)
        begin_anew(self.sandbox)

    def give_kernels(self, **environment: str) -> None:
        """Until it begins anew, its kernels have this in their environment, which their kernelspec may add to."""
        command = ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        told = {"argv": command, "display_name": "Python 3 (ipykernel)", "language": "python", "env": environment}
        self._kernelspec.mkdir(parents=True)
        (self._kernelspec / "kernel.json").write_text(json.dumps(told))

    @property
    def _kernelspec(self) -> Path:
        return self.home / "jupyter" / "kernels" / "python3"

    def _server(self, method: str, path: str) -> Any:
        asked = urllib.request.Request(f"{self.url.removesuffix('/lab')}/api/{path}", method=method)
        asked.add_header("Authorization", "token test")
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return json.loads(answer.read() or "null")


def notes(lab: Lab, iid: int) -> list[str]:
    """The notes on an issue of the sandbox."""
    path = f"/api/v4/projects/gitlab-com%2Fsupport%2Finternal-requests/issues/{iid}/notes"
    asked = urllib.request.Request(
        f"{lab.sandbox.urls['gitlab']}{path}", headers={"PRIVATE-TOKEN": lab.sandbox.tokens["admin"]}
    )
    with urllib.request.urlopen(asked) as answer:
        return [str(note["body"]) for note in json.load(answer) if not note["system"]]


@pytest.fixture(scope="session")
def lasting_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One JupyterLab for all tests that ask for nothing of its own, with a sandbox that nobody else uses."""
    home = tmp_path_factory.mktemp("lab")
    with lent_sandbox() as sandbox, pytest.MonkeyPatch.context() as patch:
        _point_to(patch, home, sandbox)
        with opened(home, sandbox) as lab:
            yield lab


@pytest.fixture
def lab(lasting_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """JupyterLab as it is when one has just opened it: no kernel, no run, the runbooks as they come, the world as in its file."""
    _point_to(monkeypatch, lasting_lab.home, lasting_lab.sandbox)
    lasting_lab.begin_anew()
    return lasting_lab


@pytest.fixture
def own_lab(on_sandbox: Running, tmp_path: Path, chromium: Browser) -> Iterator[Lab]:
    """One of the test's own, in the environment as the test has made it until now."""
    with opened(tmp_path, on_sandbox) as lab:
        yield lab
        for page in lab.pages:
            page.context.close()


def _point_to(patch: pytest.MonkeyPatch, home: Path, sandbox: Running) -> None:
    """The environment of whoever works on this sandbox in this folder."""
    for name, value in environment_on(sandbox, home).items():
        patch.setenv(name, value)
    patch.setenv("GLHELPERS_TRUSTED_SIGNERS", str(home / "signers"))


def _lay_out(books: Path) -> None:
    """The runbooks as they come, and nothing else."""
    for path in books.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for book in RUNBOOKS.glob("*.ipynb"):
        (books / book.name).write_bytes(book.read_bytes())


@contextmanager
def opened(home: Path, sandbox: Running) -> Iterator[Lab]:
    """`glhelpers lab` on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home / "jupyter-config"),
        "JUPYTER_DATA_DIR": str(home / "jupyter-data"),
        "JUPYTER_RUNTIME_DIR": str(home / "jupyter-runtime"),
        "JUPYTER_PATH": str(home / "jupyter"),
    }
    command = [sys.executable, "-m", "glhelpers.cli", "lab", "--", "--no-browser", f"--ServerApp.port={port}"]
    command += ["--IdentityProvider.token=test", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={home / 'books'}"]
    command += ["--LabApp.expose_app_in_browser=True"]
    (home / "books").mkdir()
    _lay_out(home / "books")
    with (home / "lab.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}/lab"
    _wait_for(f"{url}?token=test", process)
    yield Lab(url, home, sandbox, process.pid)
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


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                # Pages live for seconds here: to compile a script once more for speed costs more than it brings.
                "--js-flags=--no-opt --no-maglev",
            ],
        )
        yield browser
        browser.close()


@dataclass
class Notebook:
    """A runbook open in JupyterLab, and what a person does with it."""

    page: Page
    pictures: Path

    def open(self, lab: Lab, name: str, *, form: bool = True) -> None:
        """Open the notebook, in a fresh workspace if the page shows none; wait for its form, or else its kernel."""
        if self.page.url.startswith(lab.url):
            self.page.evaluate(
                "async path => { await jupyterapp.commands.execute('docmanager:open', { path }) }", f"{name}.ipynb"
            )
            self.page.locator("#jp-main-dock-panel .lm-mod-current", has_text=f"{name}.ipynb").wait_for()
        else:
            self.page.goto(f"{lab.url}/workspaces/w{time.time_ns()}/tree/{name}.ipynb?token=test")
        self.panel.locator(".jp-CodeCell").first.wait_for(timeout=60_000)
        if form:
            self.panel.locator(".glh-form-message").first.wait_for(timeout=60_000)
            self.button("Look up ▸").wait_for()
            return
        self.page.wait_for_selector("text=Python 3 (ipykernel) | Idle", timeout=60_000)
        # A kernel is called idle a moment before JupyterLab has connected to it for good.
        self.page.wait_for_timeout(1500)

    def close_all(self) -> None:
        """Close all that the page shows."""
        self.page.evaluate("[...jupyterapp.shell.widgets('main')].forEach(widget => widget.dispose())")

    @property
    def light(self) -> bool:
        """Whether the ground is light."""
        return bool(self.page.evaluate("document.body.dataset.jpThemeLight === 'true'"))

    def choose_ground(self, *, light: bool) -> None:
        """Choose JupyterLab's light or dark theme, unless it is there."""
        if light != self.light:
            theme = f"JupyterLab {'Light' if light else 'Dark'}"
            self.page.evaluate("theme => { jupyterapp.commands.execute('apputils:change-theme', { theme }) }", theme)
            self.page.wait_for_selector(f"body[data-jp-theme-light={str(light).lower()}]", state="attached")

    @property
    def panel(self) -> Locator:
        """The notebook that is in front."""
        return self.page.locator(STANDS)

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
        return self.panel.locator(".jp-CodeCell", has_text=source).first

    def run_from(self, source: str) -> None:
        """Run this cell and all below it."""
        self.cell(source).locator(".jp-InputArea").click()
        self.menu("Run Selected Cell and All Below")

    @property
    def gate(self) -> Locator:
        """The gate's box."""
        return self.panel.locator(".glh-gate").first

    def says(self, state: str) -> None:
        """Wait until the gate's message shows this state."""
        self.panel.locator(f".glh-gate-message.glh-gate-{state}").first.wait_for(timeout=60_000)

    def violations(self) -> list[str]:
        """What axe-core finds wrong in what the runbooks show; JupyterLab's own frame is not ours to judge."""
        found = violations(self.page, OURS, runOnly=WCAG)
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
def notebook(chromium: Browser, lab: Lab, request: pytest.FixtureRequest) -> Iterator[Notebook]:
    """A page on which nothing is open; of its own where the test asks for it."""
    lends = "own_page" not in request.fixturenames
    page = lab.pages.pop() if lends and lab.pages else chromium.new_context(viewport=SCREEN).new_page()
    notebook = Notebook(page, Path(request.config.getoption("--screenshots")))
    yield notebook
    if lends and page.evaluate("Boolean(window.jupyterapp)"):
        notebook.choose_ground(light=True)
        notebook.close_all()
        lab.pages.append(page)
    else:
        page.context.close()


@pytest.fixture
def own_page() -> None:
    """Asked for by a test that does to its page what no other test shall meet."""
