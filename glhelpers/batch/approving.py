"""Approving the plans of a batch: each typed, or by a list into which a person has typed each target."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from glhelpers.batch.feeds import approval_of, waits
from glhelpers.batch.ledger import FILE, Entry, Ledger
from glhelpers.batch.summary import safe_cell, whole_file
from glhelpers.errors import BadParameter, BadPlanFile, GateClosed, GlhelpersError
from glhelpers.gates.decision import grant
from glhelpers.gates.files import read_plan
from glhelpers.models.change import ChangePlan, PlanFile
from glhelpers.settings import Settings

__all__ = ["LIST", "Waiting", "approve_listed", "approve_typed", "changes_in_words", "waiting_in", "write_plans"]

LIST = "plans.csv"
"""The list to be reviewed, in the batch's folder."""

_COLUMNS = (
    "approve",
    "target",
    "line",
    "ticket",
    "runbook",
    "action",
    "name",
    "changes",
    "consequences",
    "cannot_be_undone",
    "second_person",
    "requested_by",
    "notebook",
    "digest",
)
_LARGEST = 50_000_000


@dataclass(frozen=True)
class Waiting:
    """A row whose plan waits: the plan as it lies in the run's folder, and its approval, if there is one already."""

    entry: Entry
    path: Path
    file: PlanFile
    approved: Path | None


def waiting_in(folder: Path) -> Iterator[Waiting]:
    """
    The plans of a batch that wait, in the order of its list.

    Raises `BadPlanFile` for a folder that holds no batch, or a plan that is not the one that its run has made.
    """
    if not (folder / FILE).is_file():
        raise BadPlanFile(
            f"The folder {folder} holds no batch.",
            next_step="Name the folder that `glhelpers batch` was given with --out, or the plan.json of a run.",
        )
    root = folder.absolute()
    with closing(Ledger(root)) as ledger:
        for entry in ledger.entries():
            ended = entry.ended
            if ended is None or not waits(entry):
                continue
            path = root / ended.folder / "plan.json"
            file = read_plan(path)
            if file.digest != ended.digest:
                raise BadPlanFile(
                    f"The plan of line {entry.row.line} is not the one that its run has made.",
                    next_step="Run the row again in a new batch.",
                )
            yield Waiting(entry, path, file, approval_of(entry, root))


def changes_in_words(plan: ChangePlan) -> str:
    """What the plan changes, field by field, on one line."""
    changed = [change for change in plan.changes if change.before != change.after]
    return "; ".join(f"{one.label}: {_word(one.before)} -> {_word(one.after)}" for one in changed)


def write_plans(folder: Path) -> int:
    """Write the list of all plans that wait and are not approved; its column `approve` is empty. Gives their number."""
    count = 0
    with whole_file(folder / LIST) as file:
        table = csv.DictWriter(file, _COLUMNS)
        table.writeheader()
        for one in waiting_in(folder):
            if one.approved is None:
                count += 1
                table.writerow({name: safe_cell(value) for name, value in _row(one).items()})
    return count


def approve_typed(one: Waiting, typed: str, settings: Settings) -> tuple[Waiting, str | None]:
    """Approve a plan for which `typed` was typed; the second value says why not, and is empty if nothing was typed."""
    if not typed:
        return one, ""
    try:
        if one.file.plan.profile != settings.profile:
            raise GateClosed(f"The plan was made for profile {one.file.plan.profile}, this is {settings.profile}.")
        granted = grant(
            one.file,
            typed=typed,
            approver=settings.operator,
            now=datetime.now(UTC),
            lasts=timedelta(minutes=settings.approval_minutes),
        )
    except GateClosed as closed:
        return one, str(closed)
    with whole_file(one.path.with_name("approval.json")) as file:
        file.write(granted.model_dump_json(indent=1) + "\n")
    return one, None


def approve_listed(folder: Path, reviewed: Path, settings: Settings) -> Iterator[tuple[Waiting, str | None]]:
    """
    Approve what was typed into the list, and nothing else, in the order of the batch.

    Raises `BadParameter` before anything is approved if a line of it names no waiting plan of this
    batch by its digest, or if what was typed is not the target.
    """
    typed = _typed_in(reviewed)
    lines = {digest: line for digest, (line, _) in typed.items()}
    problems = []
    for one in waiting_in(folder):
        line, text = typed.get(one.file.digest, (0, ""))
        lines.pop(one.file.digest, None)
        if text and text != one.file.plan.target.typed:
            problems.append(f"line {line}, approve: it is not the target of this plan, {one.file.plan.target.typed!r}")
    problems += [f"line {line}, digest: no plan of this batch that waits has it" for line in lines.values()]
    if problems:
        raise _nothing_approved(reviewed, problems)
    for one in waiting_in(folder):
        if one.approved is None and one.file.digest in typed:
            yield approve_typed(one, typed[one.file.digest][1], settings)


def _typed_in(reviewed: Path) -> dict[str, tuple[int, str]]:
    """Line and text by digest, of the lines in which something was typed."""
    typed: dict[str, tuple[int, str]] = {}
    problems = []
    try:
        if not reviewed.is_file() or reviewed.stat().st_size > _LARGEST:
            raise FileNotFoundError(None, "no such file, or far too large")
        with reviewed.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file, strict=True)
            if not {"approve", "digest"} <= set(table.fieldnames or ()):
                problems.append("line 1: the columns `approve` and `digest` are not there")
            for row in table:
                text, digest = (row.get("approve") or "").strip(), (row.get("digest") or "").strip()
                if not text:
                    continue
                if digest in typed:
                    problems.append(f"line {table.line_num}, digest: it stands in line {typed[digest][0]} already")
                typed[digest] = (table.line_num, text)
    except (OSError, ValueError, csv.Error) as error:
        why = getattr(error, "strerror", None) or "it is no CSV in UTF-8"
        raise BadParameter(f"The list {reviewed.name} cannot be read ({why}).", next_step="Check it.") from None
    if problems:
        raise _nothing_approved(reviewed, problems)
    return typed


def _nothing_approved(reviewed: Path, problems: list[str]) -> GlhelpersError:
    told = "\n".join(f"  {problem}" for problem in problems)
    return BadParameter(
        f"Nothing was approved; {reviewed.name} is not as it must be:\n{told}",
        next_step="Write the list anew with --list, and type each target into it.",
    )


def _row(one: Waiting) -> dict[str, object]:
    plan = one.file.plan
    return {
        "approve": "",
        "target": plan.target.typed,
        "line": one.entry.row.line,
        "ticket": one.entry.row.ticket,
        "runbook": plan.runbook,
        "action": plan.action,
        "name": plan.target.name,
        "changes": changes_in_words(plan),
        "consequences": "; ".join(plan.consequences),
        "cannot_be_undone": "; ".join(plan.cannot_be_undone),
        "second_person": "; ".join(plan.second_person),
        "requested_by": one.file.requested_by,
        "notebook": str(one.path.with_name("notebook.html")),
        "digest": one.file.digest,
    }


def _word(value: object) -> str:
    return "–" if value is None else str(value)
