"""How a run stands, for whoever sits before it: each fact as it comes in, and a sentence below the button."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from IPython.display import clear_output, display

from glhelpers.evidence import show
from glhelpers.evidence.words import STATUS_SIGNS
from glhelpers.gates.copying import spoken
from glhelpers.run import Run

__all__ = ["how_it_stands", "progress"]


@contextmanager
def progress(run: Run) -> Iterator[None]:
    """Each fact as it comes in; the line goes when all are there."""
    began, seen, line = time.monotonic(), [], spoken()

    def told(label: str) -> None:
        seen.append(label)
        line.value = show.progress_line(seen, time.monotonic() - began)

    line.value = show.progress_line(seen, 0.0)
    display(line)
    run.on_looked_up = told
    try:
        yield
    finally:
        run.on_looked_up = lambda label: None
        clear_output(wait=True)
        line.close()


def how_it_stands(run: Run) -> tuple[str, str]:
    """State and sentence for the line below the button, once the steps have run as far as the gate."""
    decision, plan = run.known.decision, run.known.plan
    if run.lacks_a_sheet:
        return "waits", "Step 1 asks for what has to be looked up by hand; save it, and look up again."
    if decision is not None and decision.status is not None:
        return "ended", f"{STATUS_SIGNS[decision.status].word}. Step 2 says why, and what to do."
    if plan is not None and run.gate is not None:
        return "waits", f"Nothing was written by looking up. Step 4 asks whether to change {plan.target.name}."
    return "told", "The steps below have run."
