"""The notebook that is kept: nothing secret in any corner of it, and true about what ran."""

from __future__ import annotations

import nbformat
import pytest
from nbformat import NotebookNode, v4

from glhelpers.evidence.folder import redacted_record
from glhelpers.evidence.markdown import escaped
from glhelpers.evidence.notebook import finished_notebook
from glhelpers.evidence.redact import find_secrets_in_json
from glhelpers.evidence.summary import ANSWERS_CELL, INCOMPLETE_CELL, answers
from glhelpers.models.record import RunRecord

BODY = "a1B2c3D4e5F6g7H8i9J0"
TOKEN = f"glpat-{BODY}"


def _source(book: NotebookNode, text: str) -> None:
    book.cells[1].source = f"token = '{text}'"


def _prose(book: NotebookNode, text: str) -> None:
    book.cells[0].source = f"# {text}"


def _stream(book: NotebookNode, text: str) -> None:
    book.cells[1].outputs = [v4.new_output("stream", name="stdout", text=f"{text}\n")]


def _cut_stream(book: NotebookNode, text: str) -> None:
    half = len(text) // 2
    pieces = (f"x {text[:half]}", f"{text[half:]} y")
    book.cells[1].outputs = [v4.new_output("stream", name="stderr", text=piece) for piece in pieces]


def _result(book: NotebookNode, text: str) -> None:
    data = {"text/plain": text, "text/html": f"<p>{text}</p>", "application/json": {"a": text}, "image/svg+xml": text}
    book.cells[1].outputs = [v4.new_output("execute_result", data, execution_count=1, metadata={"k": text})]


def _error(book: NotebookNode, text: str) -> None:
    lines = [f"\x1b[31mError\x1b[0m {text}", text]
    book.cells[1].outputs = [v4.new_output("error", ename="E", evalue=text, traceback=lines)]


def _cell_metadata(book: NotebookNode, text: str) -> None:
    book.cells[1].metadata["note"] = {"deep": [text]}


def _metadata(book: NotebookNode, text: str) -> None:
    book.metadata["note"] = {"deep": [text]}


def _papermill(book: NotebookNode, text: str) -> None:
    book.metadata.papermill["parameters"]["x"] = text
    book.metadata.papermill["environment_variables"]["X"] = text


def _widget(book: NotebookNode, text: str) -> None:
    book.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {"a": {"value": text}}}}


def _attachment(book: NotebookNode, text: str) -> None:
    book.cells[0]["attachments"] = {f"{text}.png": {"image/png": text}}


PLACES = [_source, _prose, _stream, _cut_stream, _result, _error, _cell_metadata, _metadata, _papermill, _widget]
PLACES += [_attachment]


@pytest.mark.parametrize("secret", [TOKEN, f"https://kim:{BODY}@example.com/", "dana@example.com"])
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__.strip("_"))
def test_no_corner_keeps_a_secret(completed: RunRecord, executed: NotebookNode, place: object, secret: str) -> None:
    """Source, output, error, metadata, widget state, attachment: a secret planted there is gone."""
    place(executed, secret)  # type: ignore[operator]
    kept = finished_notebook(executed, completed)
    text = nbformat.writes(kept)
    assert BODY not in text
    assert "dana@" not in text
    assert find_secrets_in_json(kept) == []
    nbformat.validate(kept)


def test_an_ordinary_notebook_raises_no_alarm(completed: RunRecord, executed: NotebookNode) -> None:
    """What is kept of an ordinary run passes the scanner, pictures, digests and all, and stays small."""
    kept = finished_notebook(executed, completed)
    assert find_secrets_in_json(kept) == []
    assert len(nbformat.writes(kept).encode()) < 200_000


def test_the_notebook_given_is_not_touched(completed: RunRecord, executed: NotebookNode) -> None:
    """The result is a copy."""
    before = nbformat.writes(executed)
    finished_notebook(executed, completed)
    assert nbformat.writes(executed) == before


def test_a_cell_never_run_is_not_called_completed(completed: RunRecord, executed: NotebookNode) -> None:
    """The engine's word is put right: without an execution count nothing ran."""
    kept = finished_notebook(executed, completed)
    assert [cell.metadata.glhelpers.ran for cell in kept.cells if cell.cell_type == "code"] == [True] * 5 + [False]
    assert kept.cells[-1].metadata.papermill.status == "not run"
    assert kept.cells[2].metadata.papermill.status == "completed"


def test_a_cell_of_a_step_that_did_not_run_did_not_run(incomplete: RunRecord, executed: NotebookNode) -> None:
    """Where the record says that a step never started, its cell does not count as run, whatever its number."""
    kept = finished_notebook(executed, incomplete)
    verify = next(cell for cell in kept.cells if "step:verify" in cell.metadata.get("tags", []))
    assert verify.metadata.glhelpers.ran is False
    assert verify.metadata.papermill.status == "not run"


def test_a_run_cut_off_says_so_in_its_first_cell(incomplete: RunRecord, executed: NotebookNode) -> None:
    """The first cell says INCOMPLETE and names the steps; doing it again adds no second one."""
    kept = finished_notebook(finished_notebook(executed, incomplete), incomplete)
    assert kept.cells[0].id == INCOMPLETE_CELL
    assert "INCOMPLETE" in kept.cells[0].source
    assert escaped("Steps that did not run: verify, record.") in kept.cells[0].source
    assert sum(cell.get("id") == INCOMPLETE_CELL for cell in kept.cells) == 1
    assert kept.metadata.papermill.exception is True
    nbformat.validate(kept)


def test_the_record_stands_in_the_metadata(completed: RunRecord, executed: NotebookNode) -> None:
    """A reader finds the same record as in record.json, redacted."""
    kept = finished_notebook(executed, completed)
    record = RunRecord.model_validate(kept.metadata.glhelpers)
    assert record.status is completed.status
    assert record.plan_digest == completed.plan_digest


def test_folders_of_a_person_are_not_told(completed: RunRecord, executed: NotebookNode) -> None:
    """File names stay, folders and the environment go."""
    executed.cells[1].source = 'approval = "/home/kim/approvals/approval.json"'
    kept = finished_notebook(executed, completed)
    assert "kim/" not in nbformat.writes(kept)
    assert kept.metadata.papermill.input_path == "force_associate.ipynb"
    assert kept.metadata.papermill.parameters.approval == "approval.json"
    assert kept.cells[2].source == 'approval = "approval.json"'
    assert "environment_variables" not in kept.metadata.papermill


def test_only_known_kinds_of_output_are_kept(completed: RunRecord, executed: NotebookNode) -> None:
    """Script, widget views and foreign types go; plain text and sanitised HTML stay."""
    data = {"application/javascript": "alert(1)", "text/html": "<b onclick=x>ok</b><script>x</script>"}
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "a"}, "text/plain": "VBox(...)"}
    only = {"application/javascript": "alert(1)"}
    executed.cells[1].outputs = [v4.new_output("display_data", item) for item in (data, view, only)]
    kept = finished_notebook(executed, completed).cells[2].outputs
    assert [dict(output.data) for output in kept] == [
        {"text/html": "<b>ok</b>"},
        {"text/plain": "(an interactive control, not kept)"},
    ]


def test_our_own_pictures_keep_their_style(completed: RunRecord, executed: NotebookNode) -> None:
    """The style of a card is ours, whatever style stood there before."""
    html = finished_notebook(executed, completed).cells[2].outputs[0].data["text/html"]
    assert html.count("<style>") == 1
    assert html.startswith('<div class="glh"><style>.glh{')


def test_a_huge_output_is_cut(completed: RunRecord, executed: NotebookNode) -> None:
    """A flood of text is cut, and says so."""
    _stream(executed, "word " * 100_000)
    text = finished_notebook(executed, completed).cells[2].outputs[0].text
    assert len(text) < 21_000
    assert "cut here" in text


def test_the_first_cell_answers_an_auditor(completed: RunRecord, executed: NotebookNode) -> None:
    """What was asked, found, approved, changed and verified, in the words of the page; once, however often it is made."""
    kept = finished_notebook(finished_notebook(executed, completed), completed)
    first = kept.cells[0]
    assert first.id == ANSWERS_CELL
    assert [cell.get("id") for cell in kept.cells].count(ANSWERS_CELL) == 1
    for question, answer in answers(redacted_record(completed)):
        assert f"| **{question}** | {escaped(answer)} |" in first.source
    assert f"Run `{completed.run_id}`, profile sandbox (not production)" in first.source
    assert all(escaped(notice) in first.source for notice in completed.notices)
    assert len(kept.cells) == len(executed.cells) + 1
