"""The report of a batch as it is opened from its folder: by axe-core, by its filters, by what it asks the network."""

from __future__ import annotations

from contextlib import closing
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from axe import violations

from glhelpers.batch.ledger import Ended, Ledger, Pass
from glhelpers.batch.rows import Row
from glhelpers.batch.summary import write_summary
from glhelpers.models.finding import Status

pytestmark = pytest.mark.browser


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """The report of a batch whose rows have ended in every way there is; the last two were not run."""
    with closing(Ledger(tmp_path)) as ledger:
        with ledger.filling() as filling:
            for number in range(1, 25):
                runbook = "force_associate" if number % 2 else "self_serve"
                given = {"namespace": f"group-{number}", "subscription_name": "A-S00010002"}
                filling.add(number, Row(number + 1, runbook, given))
            filling.keep_facts({"tickets": "tickets.csv", "profile": "sandbox"})
        for number, status in zip(range(1, 23), cycle(Status), strict=False):
            folder = f"{number}/run"
            (tmp_path / folder).mkdir(parents=True)
            (tmp_path / folder / "notebook.html").write_text("<!doctype html><title>its page</title>")
            rule = ("seats", "Enough seats") if number > 11 else ("", "")
            ended = Ended(status.value, "So it ended.", rule=rule[0], label=rule[1], folder=folder)
            ledger.end_run(ledger.add_run(number, Pass.plan), ended)
        write_summary(ledger, Pass.plan, "", "")
    return tmp_path / "report.html"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_the_report_reads_well_and_its_filters_need_no_script(
    chromium: Any, report: Path, scheme: str, width: int
) -> None:
    """No violation, nothing wider than the screen, nothing asked of the network; a click hides and shows rows."""
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked: list[str] = []
    context.on("request", lambda one: asked.append(one.url) if not one.url.startswith("file:") else None)
    page = context.new_page()
    page.goto(report.as_uri())
    assert [(one["id"], one["nodes"][0]["html"][:120]) for one in violations(page)] == []
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0

    def shown() -> int:
        return int(page.locator("tr.row:visible").count())

    assert shown() == 24
    page.get_by_label("completed (2)").uncheck()
    assert shown() == 22
    page.get_by_label("self_serve", exact=True).uncheck()
    assert shown() == 11
    page.get_by_label("failed: Enough seats", exact=True).check()
    assert shown() == 0
    page.get_by_label("self_serve", exact=True).check()
    assert shown() == 1
    page.locator("tr.row:visible a").click()
    assert page.title() == "its page"
    context.close()
    assert asked == []
