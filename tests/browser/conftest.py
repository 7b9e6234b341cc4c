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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, sync_playwright
from sandboxes import begin_anew, lent_sandbox

from glhelpers.sandbox_process import Running

OURS = {"include": [[".glh-seat"], [".glh-gate"], [".jp-OutputArea-output .glh"]]}
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
STANDS = ".jp-NotebookPanel:not(.lm-mod-hidden)"
DARK = "@jupyterlab/apputils-extension/themes.jupyterlab-settings"

RUNBOOKS = Path(__file__).parents[2] / "runbooks"


@dataclass
class Lab:
    """A running JupyterLab: its address, its folders, and the sandbox behind it."""

    url: str
    home: Path
    sandbox: Running
    pid: int

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
            if path.is_dir() and path.name not in ("lab-settings", "lab-pages"):
                shutil.rmtree(path)
            elif path.is_file():
                path.unlink()
        shutil.rmtree(self.runs, ignore_errors=True)
        begin_anew(self.sandbox)

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
        with _opened(home, sandbox) as lab:
            yield lab


@pytest.fixture
def lab(lasting_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """JupyterLab as it is when one has just opened it: no kernel, no run, the runbooks as they come, the world as in its file."""
    _point_to(monkeypatch, lasting_lab.home, lasting_lab.sandbox)
    lasting_lab.begin_anew()
    return lasting_lab


@pytest.fixture
def own_lab(on_sandbox: Running, tmp_path: Path) -> Iterator[Lab]:
    """One of the test's own, in the environment as the test has made it until now."""
    with _opened(tmp_path, on_sandbox) as lab:
        yield lab


def _point_to(patch: pytest.MonkeyPatch, home: Path, sandbox: Running) -> None:
    """The environment of whoever works on this sandbox in this folder."""
    for name in ("STATE_DIR", "RUNS_DIR"):
        patch.setenv(f"GLHELPERS_{name}", str(home / name.lower().removesuffix("_dir")))
    patch.setenv("GLHELPERS_CONFIG", str(home / "config.toml"))
    patch.setenv("GLHELPERS_OPERATOR", "tester")
    patch.setenv("GLHELPERS_IN_FLIGHT_SECONDS", "2")
    patch.setenv("GLHELPERS_TRUSTED_SIGNERS", str(home / "signers"))
    for service, url in sandbox.urls.items():
        patch.setenv(f"GLHELPERS_{service.upper()}_URL", url)
        patch.setenv(f"GLHELPERS_{service.upper()}_TOKEN", sandbox.tokens["admin" if service == "gitlab" else service])


def _lay_out(books: Path) -> None:
    """The runbooks as they come, and nothing else."""
    for path in books.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for book in RUNBOOKS.glob("*.ipynb"):
        (books / book.name).write_bytes(book.read_bytes())


@contextmanager
def _opened(home: Path, sandbox: Running) -> Iterator[Lab]:
    """`glhelpers lab` on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home / "jupyter-config"),
        "JUPYTER_DATA_DIR": str(home / "jupyter-data"),
        "JUPYTER_RUNTIME_DIR": str(home / "jupyter-runtime"),
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


@pytest.fixture
def in_the_dark(lab: Lab, own_page: None) -> Iterator[None]:
    """JupyterLab's dark theme, as a person has chosen it before the page is opened."""
    chosen = lab.home / "state" / "lab-settings" / DARK
    chosen.parent.mkdir(parents=True, exist_ok=True)
    chosen.write_text(json.dumps({"theme": "JupyterLab Dark", "adaptive-theme": False}))
    yield
    chosen.unlink()


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

    def open(self, lab: Lab, name: str, *, form: bool = True, alone: bool = False) -> None:
        """Open the notebook, in a fresh workspace if `alone` or the page shows none; wait for its form, or else its kernel."""
        if self.page.url.startswith(lab.url) and not alone:
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


@pytest.fixture(scope="session")
def pages(chromium: Browser) -> list[Page]:
    """The page that one test leaves to the next: to load JupyterLab costs more than most tests do with it."""
    return []


@pytest.fixture
def notebook(chromium: Browser, pages: list[Page], request: pytest.FixtureRequest) -> Iterator[Notebook]:
    """A page on which nothing is open; of its own where the test has a JupyterLab of its own, or asks for it."""
    lends = not {"own_lab", "own_page"} & set(request.fixturenames)
    page = pages.pop() if lends and pages else chromium.new_page(viewport={"width": 1280, "height": 900})
    yield Notebook(page, Path(request.config.getoption("--screenshots")))
    if lends and page.evaluate("Boolean(window.jupyterapp)"):
        page.evaluate("[...jupyterapp.shell.widgets('main')].forEach(widget => widget.dispose())")
        pages.append(page)
    else:
        page.close()


@pytest.fixture
def own_page() -> None:
    """Asked for by a test that does to its page what no other test shall meet."""
