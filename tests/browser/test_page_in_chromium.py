"""The page of a run as an auditor opens it: light, dark, on a phone, in print; by axe-core and by what it asks the network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe import violations
from playwright.sync_api import Browser, Page, Request
from sandboxes import environment_on, lent_sandbox
from walks import approved

from glhelpers.batch.execute import execute
from glhelpers.sandbox.world_file import DEMO, load_world
from glhelpers.sandbox_process import Running
from glhelpers.settings import load_settings

pytestmark = pytest.mark.browser

CASES = {case.ticket: case for case in load_world(DEMO).cases}
SIZES = {"desk": (1280, 900), "phone": (390, 844)}
ALL_PAGES = (("desk", "light"), ("phone", "dark"))
"""Contrast hangs on the scheme and width on the size; the page with most on it is looked at in every pair of them."""
FIRST_SCREEN = ("Asked", "Found", "Approved", "Changed", "Verified")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Pages of real runs: a written change, a stop, a question to the customer, a cut-off run."""
    folder = tmp_path_factory.mktemp("pages")
    with lent_sandbox() as sandbox:
        yield _pages(sandbox, folder)


def _pages(sandbox: Running, folder: Path) -> dict[str, Path]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment_on(sandbox, folder, "ada").items():
            patch.setenv(name, value)
        settings = load_settings()

        def ran(ticket: int, **more: str) -> Path:
            given = {name: str(value) for name, value in CASES[ticket].parameters.items()} | more
            return execute(CASES[ticket].runbook, given, settings).folder

        planned = ran(1610)
        found = {
            "replaced": ran(1610, approval=str(approved(planned))),
            "associated": ran(1002, approval=str(approved(ran(1002)))),
            "stopped": ran(1017),
            "asks": ran(1611),
        }
        return {name: path / "notebook.html" for name, path in found.items()}


@pytest.fixture(scope="module")
def screen(chromium: Browser) -> Iterator[Page]:
    """What all pages are looked at on, one after another."""
    context = chromium.new_context()
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_page_reads_well(screen: Page, pages: dict[str, Path], request: Any, scheme: str, size: str) -> None:
    """No violation by axe-core (contrast, structure, names), nothing wider than the screen, nothing asked of the network."""
    pictures = Path(request.config.getoption("--screenshots"))
    pictures.mkdir(parents=True, exist_ok=True)
    width, height = SIZES[size]
    screen.set_viewport_size({"width": width, "height": height})
    screen.emulate_media(media="screen", color_scheme=scheme)
    asked: list[str] = []

    def note(one: Request) -> None:
        asked.extend([one.url] if not one.url.startswith("file:") else [])

    screen.on("request", note)
    for name, path in pages.items():
        if name != "replaced" and (size, scheme) not in ALL_PAGES:
            continue
        screen.goto(path.as_uri())
        assert screen.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is (scheme == "dark")
        found = [(one["id"], [node["html"][:120] for node in one["nodes"]][:3]) for one in violations(screen)]
        assert found == [], (name, found)
        wide = screen.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{name} is {wide} pixels wider than the {size}"
        if (size, scheme) != ("phone", "dark") or name == "replaced":
            screen.screenshot(path=pictures / f"50-page-{name}-{size}-{scheme}.png")
    screen.remove_listener("request", note)
    assert asked == []


def test_the_first_screen_answers_what_an_auditor_asks(screen: Page, pages: dict[str, Path]) -> None:
    """Asked, found, approved, changed, verified: above the fold of a laptop, in this order."""
    screen.set_viewport_size({"width": 1280, "height": 900})
    screen.emulate_media(media="screen", color_scheme="light")
    for name, path in pages.items():
        screen.goto(path.as_uri())
        boxes = [screen.locator("dt", has_text=word).first.bounding_box() for word in FIRST_SCREEN]
        tops = [box["y"] for box in boxes if box is not None]
        assert len(tops) == len(FIRST_SCREEN), name
        assert tops == sorted(tops), name
        assert tops[-1] < 900, (name, tops)


def test_a_page_prints_without_its_screen(screen: Page, pages: dict[str, Path], tmp_path: Path) -> None:
    """Black on white whatever the scheme, folded parts open, a few sheets of A4."""
    screen.goto(pages["replaced"].as_uri())
    screen.emulate_media(media="print", color_scheme="dark")
    background = screen.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")
    pdf = screen.pdf(format="A4", path=tmp_path / "page.pdf")
    assert 1 <= pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") + pdf.count(b"/Type/Page") <= 12
