"""The executed notebook made fit to be kept: redacted, without widget state, and true about what ran."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from nbformat import NotebookNode
from nbformat.v4.rwbase import split_lines, strip_transient

from glhelpers.evidence.folder import redacted_record
from glhelpers.evidence.markdown import answers_markdown
from glhelpers.evidence.redact import redact_json, redact_text
from glhelpers.evidence.render import stylesheet
from glhelpers.evidence.sanitise import safe_html
from glhelpers.evidence.summary import ANSWERS_CELL, INCOMPLETE_CELL
from glhelpers.evidence.text import readable_json
from glhelpers.models.record import RunRecord, StepState

__all__ = ["FROM_RECORD", "finished_notebook", "notebook_text", "steps_of"]

FROM_RECORD = "from the record"
"""What `metadata.glhelpers.outputs` of a cell says whose own outputs were lost and are made anew."""

_HOME = re.compile(r"/(?:home|Users)/[^/\s\"':]+|(?<![\w.])/root(?=/)|[A-Za-z]:\\+Users\\+[^\\\s\"']+")
_PATH_KEYS = ("input_path", "output_path")
_LONGEST_STREAM = 20_000


def finished_notebook(notebook: NotebookNode, record: RunRecord) -> NotebookNode:
    """
    A copy of the notebook to be kept with the record.

    The record stands under `metadata.glhelpers`. Every source, output and metadata value is redacted;
    outputs keep plain text, sanitised HTML, streams and errors only. A cell says whether it ran, and
    a cell that never ran is not called completed. The first cell answers an auditor's five questions, and says
    before all else if the run was cut off.
    """
    record = redacted_record(record)
    not_run = {step.name for step in record.steps if step.state is StepState.not_run}
    own = (ANSWERS_CELL, INCOMPLETE_CELL)
    cells = [_finished_cell(NotebookNode(cell), not_run) for cell in notebook.cells if cell.get("id") not in own]
    book = {"cells": [_answers_cell(record), *cells], "metadata": _metadata(notebook.metadata, record)}
    return NotebookNode({**notebook, **book})


def notebook_text(notebook: NotebookNode) -> str:
    """What stands in the file of a notebook: what `nbformat.v4.writes` makes, in half of the time."""
    own = {"cells": deepcopy(notebook.cells), "metadata": NotebookNode(notebook.metadata)}
    return readable_json(_in_order(strip_transient(split_lines(NotebookNode({**notebook, **own})))))


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_order(item) for key, item in sorted(value.items())}
    return [_in_order(item) for item in value] if isinstance(value, list) else value


def _answers_cell(record: RunRecord) -> NotebookNode:
    id = ANSWERS_CELL if record.complete else INCOMPLETE_CELL
    return _node({"cell_type": "markdown", "id": id, "metadata": {"tags": [id]}, "source": answers_markdown(record)})


def _metadata(metadata: Mapping[str, Any], record: RunRecord) -> NotebookNode:
    kept = {key: _plain(value) for key, value in metadata.items() if key not in ("widgets", "glhelpers", "papermill")}
    papermill = metadata.get("papermill")
    if isinstance(papermill, Mapping):
        kept["papermill"] = _papermill(papermill, record)
    kept["glhelpers"] = record.model_dump(mode="json")
    return _node(kept)


def _papermill(papermill: Mapping[str, Any], record: RunRecord) -> dict[str, Any]:
    kept = {str(key): _plain(value) for key, value in papermill.items() if key != "environment_variables"}
    for key in _PATH_KEYS:
        if isinstance(kept.get(key), str):
            kept[key] = re.split(r"[\\/]", kept[key])[-1]
    if isinstance(kept.get("parameters"), dict) and isinstance(kept["parameters"].get("approval"), str):
        kept["parameters"]["approval"] = re.split(r"[\\/]", kept["parameters"]["approval"])[-1]
    if not record.complete:
        kept["exception"] = True
    return kept


def _finished_cell(cell: NotebookNode, not_run: set[str]) -> NotebookNode:
    """The cell itself is changed, but nothing that it holds: it is replaced."""
    cell.metadata = _node({str(key): _plain(value) for key, value in cell.metadata.items()})
    cell.pop("attachments", None)
    if cell.cell_type != "code":
        cell.source = _text(cell.source)
        return cell
    cell.source = _without_folders(_text(cell.source))
    about = cell.metadata.get("glhelpers", {})
    counted = cell.get("execution_count") is not None or (about.get("outputs") == FROM_RECORD and about["ran"])
    ran = counted and not (steps_of(cell) & not_run)
    cell.metadata["glhelpers"] = _node({**about, "ran": ran})
    papermill = cell.metadata.get("papermill")
    if isinstance(papermill, Mapping) and not ran:
        cell.metadata["papermill"] = _node({**papermill, "status": "not run"})
    outputs = [_output(output) for output in _joined([NotebookNode(output) for output in cell.get("outputs", [])])]
    cell.outputs = [output for output in outputs if output is not None]
    return cell


def steps_of(cell: NotebookNode) -> set[str]:
    """The step a cell takes, told by a tag `step:NAME` or by `metadata.glhelpers.step`."""
    tags = cell.metadata.get("tags", [])
    named = {str(tag).removeprefix("step:") for tag in tags if str(tag).startswith("step:")}
    step = cell.metadata.get("glhelpers", {}).get("step")
    return named | ({str(step)} if step else set())


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Consecutive pieces of one stream as one: a secret may have been cut in two by a flush."""
    joined: list[NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last is not None and output.output_type == "stream" == last.output_type and output.name == last.name:
            last["text"] = _string(last.text) + _string(output.text)
        else:
            joined.append(output)
    return joined


def _output(output: NotebookNode) -> NotebookNode | None:
    match output.output_type:
        case "stream":
            output["text"] = _shortened(_text(_string(output.text)))
        case "error":
            output["ename"], output["evalue"] = _text(output.ename), _text(output.evalue)
            output["traceback"] = [_text(line) for line in output.traceback]
        case "display_data" | "execute_result":
            data = _data(output.data)
            if not data:
                return None
            output["data"], output["metadata"] = _node(data), _node({})
        case _:
            return None
    return output


def _data(data: Mapping[str, Any]) -> dict[str, str]:
    if "application/vnd.jupyter.widget-view+json" in data:
        return {"text/plain": "(an interactive control, not kept)"}
    kept = {}
    if "text/html" in data:
        safe = safe_html(_string(data["text/html"]))
        ours = '<div class="glh">'
        kept["text/html"] = safe.replace(ours, f"{ours}<style>{stylesheet()}</style>", 1) if ours in safe else safe
    if "text/plain" in data:
        kept["text/plain"] = _shortened(_text(_string(data["text/plain"])))
    return kept


def _shortened(text: str) -> str:
    if len(text) <= _LONGEST_STREAM:
        return text
    return f"{text[:_LONGEST_STREAM]}\n… cut here: {len(text)} characters in all"


def _string(value: object) -> str:
    return "".join(str(part) for part in value) if isinstance(value, list) else str(value)


def _text(text: str) -> str:
    return _without_home(redact_text(_string(text)))


def _without_home(text: str) -> str:
    return _HOME.sub("~", text) if "/" in text or "\\" in text else text


def _without_folders(source: str) -> str:
    """The injected parameter `approval` keeps the file's name, not the folder it lay in."""
    return re.sub(r"(?m)^(approval\s*=\s*[\"'])[^\"'\n]*[\\/]", r"\1", source)


def _plain(value: Any) -> Any:
    match redact_json(value):
        case str() as text:
            return _without_home(text)
        case dict() as entries:
            return {key: _plain(item) for key, item in entries.items()}
        case list() as items:
            return [_plain(item) for item in items]
        case other:
            return other


def _node(value: Any) -> Any:
    """Plain dictionaries as the nodes that nbformat works with."""
    if isinstance(value, (dict, Mapping)):
        return NotebookNode({str(key): _node(item) for key, item in value.items()})
    return [_node(item) for item in value] if isinstance(value, list) else value
