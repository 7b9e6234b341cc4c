"""Approving many plans: each typed, or by a reviewed list; never more than was typed, never another plan."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from plans import OVERAGE, plan_file

from glhelpers.batch.ledger import Ended, Ledger, Pass
from glhelpers.batch.rows import Row
from glhelpers.cli import main
from glhelpers.gates.files import read_approval

Told = tuple[int, str]
Command = Callable[..., Told]


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    """A batch of three plans by ada that wait; the third needs a second person."""
    folder = tmp_path / "batch"
    folder.mkdir()
    with closing(Ledger(folder)) as ledger:
        with ledger.filling() as filling:
            for number in (1, 2, 3):
                given = {"namespace": f"group-{number}", "subscription_name": "A-S00010002"}
                filling.add(number, Row(number + 1, "force_associate", given))
        for number in (1, 2, 3):
            file = plan_file(OVERAGE if number == 3 else None)
            link = f"https://gitlab.zendesk.com/agent/tickets/{number}"
            plan = file.plan.model_copy(update={"ticket_url": link})
            run = folder / str(number)
            run.mkdir()
            own = file.model_copy(update={"plan": plan, "digest": plan.digest})
            (run / "plan.json").write_text(own.model_dump_json())
            ended = Ended("awaiting_approval", "The plan waits.", folder=str(number), digest=plan.digest)
            ledger.end_run(ledger.add_run(number, Pass.plan), ended)
    return folder


@pytest.fixture
def approve(batch: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """`glhelpers approve` on the batch: its exit code and all it said."""

    def run(*words: str, typed: str = "", by: str = "bob") -> Told:
        for service in ("GITLAB", "CUSTOMERSDOT", "ZENDESK"):
            monkeypatch.setenv(f"GLHELPERS_{service}_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("GLHELPERS_OPERATOR", by)
        monkeypatch.setattr(sys, "argv", ["glhelpers", "approve", str(batch), *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said), pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), said.getvalue()

    return run


def approvals(batch: Path) -> list[int]:
    """The rows that have an approval, each of its own plan."""
    found = sorted(batch.glob("*/approval.json"))
    for path in found:
        assert read_approval(path).plan_digest in (path.parent / "plan.json").read_text()
    return [int(path.parent.name) for path in found]


def edited(batch: Path, *changes: dict[str, str]) -> str:
    """The list of the batch with some cells changed, row by row."""
    rows = list(csv.DictReader((batch / "plans.csv").open(newline="")))
    path = batch / "reviewed.csv"
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows({**row, **change} for row, change in zip(rows, changes, strict=False))
    return str(path)


def test_each_plan_is_shown_and_its_target_typed(batch: Path, approve: Command) -> None:
    """One typed, one left, one typed wrongly: one approval; the table names all three."""
    target = next(csv.DictReader(io.StringIO(listed(batch, approve))))["target"]
    code, said = approve(typed=f"{target}\n\nyes\n")
    assert code == 2
    assert said.count("waits") == 3
    assert "1 approved, 1 refused" in said
    assert "What was typed is not" in said
    assert approvals(batch) == [1]
    assert approve(typed=f"\n{target}\n")[0] == 0
    assert approvals(batch) == [1, 3]


def listed(batch: Path, approve: Command) -> str:
    """The list that is written to be reviewed."""
    code, said = approve("--list")
    assert code == 0, said
    return (batch / "plans.csv").read_text()


def test_a_list_that_nobody_has_filled_in_approves_nothing(batch: Path, approve: Command) -> None:
    """The column to approve is empty as it is written; there is no way to approve all unread."""
    rows = list(csv.DictReader(io.StringIO(listed(batch, approve))))
    assert [row["approve"] for row in rows] == [""] * 3
    assert len({row["digest"] for row in rows}) == 3
    code, said = approve("--reviewed", str(batch / "plans.csv"))
    assert (code, approvals(batch)) == (0, [])
    assert "0 approved, 0 refused" in said


def test_only_what_was_typed_into_the_list_is_approved(batch: Path, approve: Command) -> None:
    """Two of three; the list written next names only the one that is left."""
    target = next(csv.DictReader(io.StringIO(listed(batch, approve))))["target"]
    code, said = approve("--reviewed", edited(batch, {"approve": target}, {}, {"approve": target}))
    assert code == 0, said
    assert approvals(batch) == [1, 3]
    assert len(listed(batch, approve).splitlines()) == 2


def test_a_second_person_is_needed_in_a_list_as_well(batch: Path, approve: Command) -> None:
    """Who asked for the plans may approve their own where one person is enough, and is refused where two are needed."""
    target = next(csv.DictReader(io.StringIO(listed(batch, approve))))["target"]
    code, said = approve("--reviewed", edited(batch, *[{"approve": target}] * 3), by="ada")
    assert code == 2
    assert "needs a second person" in said
    assert approvals(batch) == [1, 2]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"approve": "yes"}, "line 2, approve: it is not the target of this plan"),
        ({"approve": "TARGET", "digest": "f" * 64}, "line 2, digest: no plan of this batch that waits has it"),
        ({"approve": "TARGET", "digest": "OTHER"}, "line 3, digest: it stands in line 2 already"),
    ],
    ids=["another text", "another plan", "twice"],
)
def test_a_list_with_a_mistake_approves_nothing_at_all(
    batch: Path, approve: Command, change: dict[str, str], says: str
) -> None:
    """The good line beside it is not approved either."""
    rows = list(csv.DictReader(io.StringIO(listed(batch, approve))))
    known = {"TARGET": rows[0]["target"], "OTHER": rows[1]["digest"]}
    change = {name: known.get(value, value) for name, value in change.items()}
    code, said = approve("--reviewed", edited(batch, change, {"approve": rows[1]["target"]}))
    assert code == 2
    assert says in said
    assert approvals(batch) == []


def test_a_plan_that_was_changed_after_its_run_is_approved_by_nobody(batch: Path, approve: Command) -> None:
    """Another plan in the folder, sound in itself: not the one that the run has made."""
    (batch / "1" / "plan.json").write_text((batch / "2" / "plan.json").read_text())
    code, said = approve("--list")
    assert code == 2
    assert "The plan of line 2 is not the one that its run has made." in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--reviewed", "nowhere.csv"), "cannot be read"),
        (("--break-glass", "because nobody else is here today"), "one plan at a time"),
    ],
)
def test_what_does_not_fit_is_told(approve: Command, words: tuple[str, ...], says: str) -> None:
    """One sentence and exit code 2."""
    code, said = approve(*words)
    assert code == 2
    assert says in said
