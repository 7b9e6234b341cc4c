"""A notebook for a run whose executed one was lost: the runbook's cells, with what the record holds in them."""

from __future__ import annotations

from collections.abc import Mapping

from nbformat import NotebookNode, v4

from glhelpers.evidence import show
from glhelpers.evidence.notebook import FROM_RECORD, steps_of
from glhelpers.models.record import RunRecord, Step, StepState

__all__ = ["is_rebuilt", "rebuilt_notebook"]

_LOST = "What this cell had shown was lost with its process."
_INJECTED = "injected-parameters"
_STATUS: Mapping[StepState, str] = {
    StepState.not_run: "not run",
    StepState.running: "failed",
    StepState.failed: "failed",
    StepState.done: "completed",
}


def rebuilt_notebook(prepared: NotebookNode, record: RunRecord) -> NotebookNode:
    """
    The runbook's notebook, its parameters filled in, as the record knows that it ran.

    No number of a cell is made up; what a cell shows is made from the record, and says so.
    """
    steps = {step.name: step for step in record.steps}
    begun = any(step.state is not StepState.not_run for step in record.steps)
    for cell in prepared.cells:
        if cell.cell_type != "code":
            continue
        if _INJECTED in cell.metadata.get("tags", []):
            cell["id"] = _INJECTED  # papermill draws one: made anew, the notebook would be another
        taken = [steps[name] for name in steps_of(cell) if name in steps]
        state = taken[0].state if taken else (StepState.done if begun else StepState.not_run)
        ran = state is not StepState.not_run
        cell.metadata["glhelpers"] = {"ran": ran, "outputs": FROM_RECORD}
        cell.metadata["papermill"] = {"status": _STATUS[state]}
        cell.outputs = _outputs(taken[0], record) if taken and ran else []
    return prepared


def is_rebuilt(notebook: NotebookNode) -> bool:
    """Whether a notebook is such a one."""
    return any(cell.metadata.get("glhelpers", {}).get("outputs") == FROM_RECORD for cell in notebook.cells)


def _outputs(step: Step, record: RunRecord) -> list[NotebookNode]:
    html = _known(step.name, record)
    said = f"{_LOST} {'The record holds:' if html else 'The record holds nothing to show here.'}"
    outputs = [v4.new_output("stream", name="stdout", text=f"{said}\n")]
    if html:
        outputs.append(v4.new_output("display_data", {"text/html": html, "text/plain": f"{step.name}: see the record"}))
    if step.error:
        outputs.append(v4.new_output("stream", name="stderr", text=f"{step.error}\n"))
    return outputs


def _known(step: str, record: RunRecord) -> str:
    """What a step had found, as its cell shows it; empty if the record holds nothing of it."""
    if step == "look up" and record.facts:
        return show.facts_table(record.facts)
    if step == "check" and record.decision is not None:
        return show.decision_path(record.decision, record.decision.stages) + show.findings_table(record.findings)
    if step == "plan" and record.plan is not None:
        return show.plan_card(record.plan)
    if step == "verify" and record.receipt is not None:
        return show.receipt_card(record.receipt)
    return show.summary_card(record) if step == "record" else ""
