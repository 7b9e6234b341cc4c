"""Every case of the demo world, headless through real kernels: how it ends, which rule decides, what was written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import nbformat
import pytest
import yaml

from glhelpers.batch.tour import Case, Shown, cases_of, tour
from glhelpers.clients.sandbox_control import SandboxControl
from glhelpers.evidence.folder import read_record
from glhelpers.evidence.scan import scan_bundle
from glhelpers.models.record import RunRecord, StepState
from glhelpers.runbook import STEPS

pytestmark = pytest.mark.notebook

WORLD = Path(__file__).parents[2] / "glhelpers" / "sandbox" / "worlds" / "demo.yaml"
CASES: list[dict[str, Any]] = yaml.safe_load(WORLD.read_text())["cases"]

STEPS_OF = {1610: 2, 1612: 3}
"""Cases whose plan has several requests: clear, associate, and the way back where the second is refused."""

SENT_NOTHING = {"awaiting_approval", "stale_plan", "failed"}
"""How a run with an approval can end without a request to a support tool."""
ASKED_TO_WRITE = {case["ticket"] for case in CASES if case.get("approve") and case["expect"] not in SENT_NOTHING}
REFUSED = {case["ticket"] for case in CASES if case["expect"] == "escalated"}
"""Cases whose request arrives and is refused: nothing is changed."""


@dataclass
class Toured:
    """All cases, run once, with what the sandbox counted."""

    shown: dict[int, Shown]
    counted: dict[str, Any]

    def folder(self, ticket: int) -> Path:
        """The folder of the case's last run."""
        folder = self.shown[ticket].folder
        assert folder is not None
        return folder

    def record(self, ticket: int) -> RunRecord:
        """The record of the case's last run."""
        return read_record(self.folder(ticket))


@pytest.fixture(scope="module")
def toured(desks: Callable[[], AbstractContextManager[Any]]) -> Iterator[Toured]:
    """Every case of the world on one sandbox, three at a time."""
    with desks() as desk:
        control = SandboxControl(desk.settings)
        cases = cases_of(control, all_of_them=True)
        begun: list[Case] = []
        shown = {row.case.ticket: row for row in tour(cases, desk.settings, control, jobs=3, began=begun.append)}
        control.close()
        assert len(begun) == len(cases) == len(shown)
        yield Toured(shown, desk.ask("writes"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['ticket']}-{case['expect']}")
def test_a_case_ends_as_its_author_wrote(toured: Toured, case: dict[str, Any]) -> None:
    """The status is the expected one, the deciding rule too, and the reason is a sentence."""
    record = toured.record(case["ticket"])
    assert toured.shown[case["ticket"]].as_expected, record.why
    assert record.status == case["expect"]
    assert record.why.endswith(".")
    if "deciding" in case:
        assert record.decision is not None
        assert case["deciding"] in record.decision.deciding


@pytest.mark.parametrize("ticket", [case["ticket"] for case in CASES])
def test_a_run_leaves_evidence_that_is_whole(toured: Toured, ticket: int) -> None:
    """Record, notebook and page are there, small, without scripts, and say the same; nothing is left half-written."""
    folder, record = toured.folder(ticket), toured.record(ticket)
    names = {path.name for path in folder.iterdir()}
    assert {"record.json", "notebook.ipynb", "notebook.html"} <= names
    assert names <= {
        "answers.json",
        "manifest.json",
        "summary.md",
        "record.json",
        "notebook.ipynb",
        "notebook.html",
        "plan.json",
        "approval.json",
    }
    assert ("plan.json" in names) == (record.plan is not None)
    assert folder.name == record.run_id
    page = (folder / "notebook.html").read_text()
    assert "<script" not in page.lower()
    assert record.why.split(".")[0].split("'")[0].split('"')[0][:40] in page
    notebook = nbformat.read(folder / "notebook.ipynb", as_version=4)
    assert notebook.metadata.glhelpers.run_id == record.run_id
    assert "widgets" not in notebook.metadata


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["ticket"]))
def test_a_record_says_which_steps_ran(toured: Toured, case: dict[str, Any]) -> None:
    """All steps are done in a complete record; a run that failed names its failed step and those that never ran."""
    record = toured.record(case["ticket"])
    states = {step.name: step.state for step in record.steps}
    assert tuple(states) == STEPS
    if case["expect"] == "failed":
        assert not record.complete
        assert StepState.failed in states.values()
        assert states["record"] is StepState.not_run
    else:
        assert record.complete
        assert record.ended_at is not None
        assert set(states.values()) == {StepState.done}


def test_the_support_tools_received_one_request_for_each_case_that_writes(toured: Toured) -> None:
    """Each of these cases has sent the requests of its plan, each once; no other case has sent any."""
    sent = [
        row for row in toured.counted["writes"] if "/support-tools/" in row["path"] or "/memberships" in row["path"]
    ]
    keys = [row["idempotency_key"] for row in sent]
    assert len(sent) == len(set(keys)) == sum(STEPS_OF.get(ticket, 1) for ticket in ASKED_TO_WRITE)
    refused = [row for row in sent if not row["applied"]]
    assert len(refused) == len(REFUSED)


def test_an_issue_hears_only_of_runs_that_were_not_verified(toured: Toured) -> None:
    """Labels and notes went to the issues of the runs that ended escalated or unverified, to no other."""
    told = {case["ticket"] - 1000 for case in CASES if case["expect"] in ("escalated", "verification_failed")}
    other = [row for row in toured.counted["writes"] if row["system"] != "customersdot"]
    issues = {int(match[1]) for row in other if (match := re.search(r"/issues/(\d+)", row["path"]))}
    assert issues == told
    assert len(other) == 2 * len(told)


def test_no_record_holds_a_token_or_a_folder_of_this_machine(toured: Toured) -> None:
    """Neither the sandbox's tokens nor the folders of the runs stand in any file of any case."""
    home = str(toured.folder(1002).parents[3])
    for shown in toured.shown.values():
        assert shown.folder is not None
        for path in shown.folder.iterdir():
            text = path.read_text()
            assert "sandbox-admin" not in text
            assert "sandbox-customersdot" not in text
            assert home not in text


def test_a_record_is_plain_json_that_the_model_reads(toured: Toured) -> None:
    """What lies on disk is exactly what the record's model would write."""
    for ticket in toured.shown:
        text = (toured.folder(ticket) / "record.json").read_text()
        assert json.loads(text) == toured.record(ticket).model_dump(mode="json")


def test_every_bundle_is_small(toured: Toured) -> None:
    """Of every run, those before an approval included: the notebook under 200 kB, all files together under 1 MB."""
    (runs,) = {toured.folder(ticket).parents[2] for ticket in toured.shown}
    folders = [record.parent for record in runs.glob("*/*/*/record.json")]
    assert len(folders) > len(CASES)
    notebooks = [(folder / "notebook.ipynb").stat().st_size for folder in folders]
    bundles = [sum(path.stat().st_size for path in folder.iterdir()) for folder in folders]
    told = {"notebooks": notebooks, "bundles": bundles}
    print({name: (max(sizes), median(sizes)) for name, sizes in told.items()})
    assert max(notebooks) < 200_000
    assert max(bundles) < 1_000_000


def test_no_bundle_raises_a_false_alarm(toured: Toured) -> None:
    """What stands before publishing lets every folder of the tour pass, those before an approval included."""
    (runs,) = {toured.folder(ticket).parents[2] for ticket in toured.shown}
    assert len(list(runs.glob("*/*/*/record.json"))) > len(CASES)
    assert scan_bundle(runs) == ()
