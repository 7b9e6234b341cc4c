"""What a batch leaves: summary.csv, summary.json and report.html, written row by row from its ledger."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from markupsafe import Markup

from glhelpers.batch.feeds import was_cut_off
from glhelpers.batch.ledger import Entry, Ledger, Pass
from glhelpers.errors import OperatorError
from glhelpers.evidence.redact import redact_text
from glhelpers.evidence.render import environment, stylesheet
from glhelpers.evidence.words import STATUS_SIGNS, Sign
from glhelpers.models.finding import Status

__all__ = ["NOT_RUN", "Totals", "safe_cell", "whole_file", "write_summary"]

NOT_RUN = "not_run"
"""The state of a row that has no run, or none that came to an end."""

_NO_OBJECTION = "nothing stands against the change"
_SIGN_NOT_RUN = Sign("○", "Not run yet", "calm")
_SIGN_COULD = Sign("…", "Could be changed: looked at only", "warn")
_COLUMNS = (
    "line",
    "runbook",
    "ticket",
    "subject",
    "status",
    "rule",
    "rule_label",
    "why",
    "next_step",
    "plan_digest",
    "sent",
    "ended_at",
    "folder",
    "notebook",
)


@dataclass
class Totals:
    """How a batch stands: rows by status, what keeps it from going on, and where its report lies."""

    folder: Path
    turn: Pass
    counts: Counter[str] = field(default_factory=Counter)
    states: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    left: int = 0
    halted: str = ""
    stopped: str = ""

    @property
    def exit_code(self) -> int:
        """By the worst end of all rows: 4 a change that does not show, 3 a failed run or one not made, 4 a stale plan."""
        if self.counts[Status.verification_failed.value]:
            return 4
        if self.counts[Status.failed.value] or self.halted or self.stopped or self.left:
            return 3
        return 4 if self.counts[Status.stale_plan.value] else 0


def write_summary(ledger: Ledger, turn: Pass, halted: str, stopped: str) -> Totals:
    """Write the three files into the batch's folder, each as a whole, and give the totals."""
    totals = Totals(ledger.folder, turn, halted=halted, stopped=stopped)
    for entry in ledger.entries():
        status = entry.ended.status if entry.ended is not None else NOT_RUN
        totals.counts[status] += 1
        totals.states[_state(entry)] += 1
        unfinished = was_cut_off(entry) if turn is Pass.apply else entry.ended is None
        totals.left += unfinished
    with whole_file(ledger.folder / "summary.csv") as file:
        table = csv.DictWriter(file, _COLUMNS)
        table.writeheader()
        for row in _rows(ledger):
            table.writerow({name: safe_cell(row[name]) for name in _COLUMNS})
    with whole_file(ledger.folder / "summary.json") as file:
        _write_json(file, ledger, totals)
    with whole_file(ledger.folder / "report.html") as file:
        _write_page(file, ledger, totals)
    return totals


def safe_cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula: such a text gets an apostrophe in front."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _state(entry: Entry) -> tuple[str, str, str]:
    """Status, deciding rule and its label: rows of the same state had the same answer."""
    ended = entry.ended
    if ended is None:
        return NOT_RUN, "", ""
    label = ended.label or (_NO_OBJECTION if ended.status != Status.failed.value else "")
    return ended.status, ended.rule, label


def _rows(ledger: Ledger) -> Iterator[dict[str, Any]]:
    for entry in ledger.entries():
        ended = entry.ended
        status, rule, label = _state(entry)
        yield {
            "line": entry.row.line,
            "runbook": entry.row.runbook,
            "ticket": entry.row.ticket,
            "subject": redact_text(entry.row.subject),
            "status": status,
            "rule": rule,
            "rule_label": label,
            "why": redact_text(ended.why) if ended else "",
            "next_step": redact_text(ended.next_step) if ended else "",
            "plan_digest": ended.digest if ended else "",
            "sent": ("yes" if ended.sent else "no") if ended else "",
            "ended_at": entry.ended_at,
            "folder": ended.folder if ended else "",
            "notebook": _page_of(ledger.folder, ended.folder) if ended else "",
        }


def _page_of(root: Path, folder: str) -> str:
    path = f"{folder}/notebook.html"
    return path if folder and (root / path).is_file() else ""


def _write_json(file: IO[str], ledger: Ledger, totals: Totals) -> None:
    head = {
        "format": "glhelpers.batch/1",
        "pass": totals.turn.value,
        "tickets": ledger.fact("tickets"),
        "profile": ledger.fact("profile"),
        "shard": ledger.fact("shard"),
        "rows_in_all": totals.counts.total(),
        "changes_sent": ledger.writes(),
        "by_status": dict(sorted(totals.counts.items())),
        "by_state": [
            {"status": status, "rule": rule, "rule_label": label, "rows": count}
            for (status, rule, label), count in totals.states.most_common()
        ],
        "halted": totals.halted or None,
        "stopped": totals.stopped or None,
        "exit_code": totals.exit_code,
    }
    file.write(json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}") + ',\n "rows": [')
    for number, row in enumerate(_rows(ledger)):
        file.write(("," if number else "") + "\n  " + json.dumps(row, ensure_ascii=False))
    file.write("\n ]\n}\n")


def _write_page(file: IO[str], ledger: Ledger, totals: Totals) -> None:
    signs = {**{status.value: sign for status, sign in STATUS_SIGNS.items()}, NOT_RUN: _SIGN_NOT_RUN}
    order, audit = list(signs), totals.turn is Pass.audit

    def sign(status: str, label: str) -> Sign:
        could = audit and status == Status.stopped.value and label == _NO_OBJECTION
        return _SIGN_COULD if could else signs[status]

    states = [
        {"id": number, "sign": sign(status, label), "status": status, "rule": rule, "label": label, "rows": count}
        for number, ((status, rule, label), count) in enumerate(
            sorted(totals.states.items(), key=lambda item: (order.index(item[0][0]), -item[1], item[0]))
        )
    ]
    ids = {(state["status"], state["rule"], state["label"]): state["id"] for state in states}
    rows = (
        {
            **row,
            "sign": sign(row["status"], row["rule_label"]),
            "state": ids[row["status"], row["rule"], row["rule_label"]],
        }
        for row in _rows(ledger)
    )
    runbooks = sorted({entry.row.runbook for entry in ledger.entries()})
    page = (
        environment()
        .get_template("report.html")
        .stream(
            title=f"Batch of {totals.counts.total()} rows: {ledger.fact('tickets')}",
            css=Markup(stylesheet() + _css("page.css") + _css("report.css")),  # noqa: S704 - our own files
            totals=totals,
            audit=audit,
            statuses=[(status, signs[status], totals.counts[status]) for status in order if totals.counts[status]],
            states=states,
            runbooks=runbooks,
            rows=rows,
            profile=ledger.fact("profile"),
            changes=ledger.writes(),
        )
    )
    page.enable_buffering(50)
    file.writelines(page)


def _css(name: str) -> str:
    loader = environment().loader
    assert loader is not None  # noqa: S101 - set where the environment is made
    return loader.get_source(environment(), name)[0].replace("\n", "")


@contextmanager
def whole_file(path: Path) -> Iterator[IO[str]]:
    """A file that is there as a whole, or as it was before."""
    staged = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with staged.open("w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
    except OSError as error:
        raise OperatorError(
            f"{path} cannot be written ({error.strerror}).", next_step="Free some space, then run the command again."
        ) from None
