"""Evidence on the issue: one internal note however often it is asked for, and an escalation that creates no label."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import glhelpers.sandbox

pytestmark = pytest.mark.notebook

DEMO = Path(glhelpers.sandbox.__file__).parent / "worlds" / "demo.yaml"
LABEL = "Console Escalation - customers"
PROJECT = "projects/gitlab-com%2Fsupport%2Finternal-requests"


def notes(desk: Any, iid: int) -> list[dict[str, Any]]:
    """The notes of people on an issue."""
    return [note for note in desk.gitlab(f"{PROJECT}/issues/{iid}/notes") if not note["system"]]


def uploads(desk: Any) -> int:
    """How many files were uploaded to GitLab.com."""
    return sum(row["path"].endswith("/uploads") for row in desk.ask("writes")["writes"])


def test_attaching_twice_leaves_one_internal_note(desk: Any) -> None:
    """Notebook, page and record are uploaded and linked in one internal note; a second attach sends nothing."""
    folder = str(desk.run(1005).folder)
    code, said = desk.command("attach", folder)
    assert code == 0
    assert "One internal note was added" in said
    (note,) = notes(desk, 5)
    assert note["internal"]
    for name in ("notebook.ipynb", "notebook.html"):
        assert f"[{name}](/uploads/" in note["body"]
    assert "heron-health" in note["body"]
    sent = desk.attempts()
    assert uploads(desk) >= 2

    code, said = desk.command("attach", folder)
    assert code == 0
    assert "The note is there already; nothing was sent" in said
    assert desk.attempts() == sent
    assert len(notes(desk, 5)) == 1


def test_another_issue_can_be_named(desk: Any) -> None:
    """`--issue` sends the note there, and not to the run's own issue."""
    folder = str(desk.run(1005).folder)
    assert desk.command("attach", folder, "--issue", "gitlab-com/support/internal-requests#7")[0] == 0
    assert len(notes(desk, 7)) == 1
    assert notes(desk, 5) == []


def test_a_dry_run_sends_nothing(desk: Any) -> None:
    """It shows the note and names the files; no request that could change anything leaves."""
    folder = str(desk.run(1005).folder)
    code, said = desk.command("attach", folder, "--dry-run")
    assert code == 0
    assert "Would send " in said
    assert "notebook.ipynb" in said
    assert "heron-health" in said
    assert desk.attempts() == 0
    assert notes(desk, 5) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere"], "The run record "),
        (["{folder}", "--issue", "no-project"], "The issue is not named in a form that can be read."),
        (["{folder}", "--issue", "gitlab-com/support/internal-requests#999"], "GitLab.com"),
        (["{folder}", "--notebook", "nowhere.ipynb"], "nowhere.ipynb is not a notebook that can be read."),
    ],
    ids=["no such folder", "a malformed issue", "no such issue", "no such notebook"],
)
def test_what_cannot_be_attached_is_said_in_a_sentence(
    shared_desk: Any, modules_run: Path, words: list[str], says: str
) -> None:
    """Nothing is sent, and the sentence names what is wrong."""
    code, said = shared_desk.command("attach", *[word.format(folder=modules_run) for word in words])
    assert code in (2, 3)
    assert says in said
    assert "Traceback" not in said
    assert shared_desk.attempts() == 0


def test_an_escalated_run_labels_the_issue_and_tells_it_once(desk: Any) -> None:
    """The existing label is put on, with one internal note that gives the answer of the tool."""
    approval = desk.approved(desk.run(1025))
    record = desk.run(1025, approval=str(approval)).record
    assert record.status == "escalated"
    assert desk.gitlab(f"{PROJECT}/issues/25")["labels"] == [LABEL]
    (note,) = notes(desk, 25)
    assert note["internal"]
    assert "Answer of the tool: refused: " in note["body"]
    assert any("has the label" in notice for notice in record.notices)


def test_a_label_that_does_not_exist_is_not_created(served_world: Any, tmp_path: Path) -> None:
    """Where the project lacks the label, the issue gets the note alone, and note and record say so."""
    world = yaml.safe_load(DEMO.read_text())
    (project,) = world["projects"]
    project["labels"] = [f"{LABEL} (old)", LABEL.lower(), "L&R"]
    path = tmp_path / "world.yaml"
    path.write_text(yaml.safe_dump(world))
    with served_world(path) as desk:
        record = desk.run(1025, approval=str(desk.approved(desk.run(1025)))).record
        assert record.status == "escalated"
        assert desk.gitlab(f"{PROJECT}/issues/25")["labels"] == []
        known = {label["name"] for label in desk.gitlab(f"{PROJECT}/labels")}
        assert known == set(project["labels"])
        (note,) = notes(desk, 25)
        assert note["internal"]
        assert "label" in note["body"]
        assert any("got no label" in notice for notice in record.notices)
