"""What axe-core finds wrong in a page."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

__all__ = ["violations"]

_RUN = "([part, options]) => axe.run(part ?? document, options).then(found => found.violations)"


def violations(page: Page, part: Any = None, **options: Any) -> list[dict[str, Any]]:
    """The violations alone: what a page does well is not collected, and axe-core is read once for a page."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(Axe().axe_script)
    found: list[dict[str, Any]] = page.evaluate(_RUN, [part, {**options, "resultTypes": ["violations"]}])
    return found
