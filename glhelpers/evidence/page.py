"""The standalone page of a run: one HTML file without script or remote load, the answers first, the notebook last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt
from markupsafe import Markup

from glhelpers.evidence import cards, pictures
from glhelpers.evidence.folder import redacted_record
from glhelpers.evidence.render import environment, stylesheet
from glhelpers.evidence.sanitise import safe_html
from glhelpers.evidence.summary import ANSWERS_CELL, INCOMPLETE_CELL
from glhelpers.models.record import RunRecord

if TYPE_CHECKING:
    # Only a name here: nbformat takes a second to import, and a kernel that writes no notebook never needs it.
    from nbformat import NotebookNode

__all__ = ["html_page"]

_LONGEST_OUTPUT = 20_000
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def html_page(record: RunRecord, notebook: NotebookNode | None = None, stages: Sequence[str] = ()) -> str:
    """
    The page of a run, complete in itself.

    What was asked, found, approved, changed and verified stands on the first screen; below it findings,
    plan, receipt, pictures, facts and drafts from the record, then the notebook's cells with their
    outputs. Only plain text and sanitised HTML of the outputs are taken over.
    """
    record = redacted_record(record)
    cells = list(_cells(notebook)) if notebook is not None else []
    template = environment().get_template("page.html")
    return template.render(
        title=f"{record.runbook.replace('_', ' ').capitalize()}: {_subject(record)}",
        css=Markup(stylesheet() + _page_css()),  # noqa: S704 - our own two files
        summary=cards.summary(record),
        sections=[{"title": title, "body": body} for title, body in _sections(record, stages)],
        cells=cells,
        not_run=sum(cell["kind"] == "code" and not cell["ran"] for cell in cells),
        versions=sorted(record.versions.items()),
    )


@cache
def _page_css() -> str:
    loader = environment().loader
    assert loader is not None  # noqa: S101 - set where the environment is made
    source, _, _ = loader.get_source(environment(), "page.css")
    return source.replace("\n", "")


def _subject(record: RunRecord) -> str:
    named = record.parameters.get("namespace") or record.parameters.get("customer_id") or record.run_id
    return str(named)


def _sections(record: RunRecord, stages: Sequence[str]) -> Iterator[tuple[str, Markup]]:
    if record.receipt is not None:
        yield "What came of the write", cards.receipt(record.receipt)
    if record.plan is not None:
        yield "What was planned", cards.plan(record.plan)
    if record.decision is not None:
        yield "How it was decided", cards.decision(record.decision, stages)
    if record.findings:
        yield "Findings", cards.findings(record.findings)
    if record.stale_differences:
        yield "What moved between plan and apply", cards.differences(record.stale_differences)
    drawn = [pictures.seats_svg(record.seats)] if record.seats is not None else []
    drawn += [pictures.minutes_svg(record.minutes)] if record.minutes is not None else []
    if drawn:
        yield "Seats and compute minutes", Markup('<div class="glh-two">{}</div>').format(Markup("").join(drawn))
    if record.facts:
        yield "Facts, with source and time", cards.facts(record.facts)
    if record.drafts:
        yield "Drafts, ready to send", cards.drafts(record.drafts)
    if record.next_runbooks:
        yield "Go on with", cards.next_runbooks(record.next_runbooks)
    yield "Steps of the run", cards.steps(record.steps)


def _cells(notebook: NotebookNode) -> Iterator[dict[str, Any]]:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            count = cell.get("execution_count")
            ran = cell.metadata.get("glhelpers", {}).get("ran", count is not None)
            label = f"Cell [{count}]" if count is not None else "Cell"
            outputs = [shown for output in cell.get("outputs", []) for shown in _output(output)]
            yield {
                "kind": "code",
                "ran": ran,
                "label": label if ran else f"{label}: not run",
                "source": cell.source,
                "outputs": outputs,
            }
        elif cell.cell_type == "markdown" and cell.get("id") not in (ANSWERS_CELL, INCOMPLETE_CELL):
            yield {"kind": "text", "html": _prose(cell.source)}


def _prose(source: str) -> Markup:
    """A Markdown cell as HTML; its headings stand below those of the page."""
    return Markup(safe_html(_html_of(source)))  # noqa: S704 - sanitised here


@lru_cache(maxsize=256)  # a runbook's texts are the same in all its runs
def _html_of(source: str) -> str:
    tokens = _MARKDOWN.parse(source)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
    return str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def _output(output: NotebookNode) -> Iterator[dict[str, Any]]:
    match output.output_type:
        case "stream":
            yield _text(output.text, "glh-err" if output.get("name") == "stderr" else "glh-out")
        case "error":
            yield _text("\n".join(output.traceback) or f"{output.ename}: {output.evalue}", "glh-err")
        case "display_data" | "execute_result":
            data = output.data
            if "text/html" in data:
                html = safe_html("".join(data["text/html"]))
                yield {"html": Markup(html), "text": "", "style": ""}  # noqa: S704 - sanitised in the line above
            elif "text/plain" in data:
                yield _text(data["text/plain"], "glh-out")


def _text(text: str | list[str], style: str) -> dict[str, Any]:
    whole = "".join(text)
    if len(whole) > _LONGEST_OUTPUT:
        whole = f"{whole[:_LONGEST_OUTPUT]}\n… cut here: {len(whole)} characters in all"
    return {"html": "", "text": whole, "style": style}
