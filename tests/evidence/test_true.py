"""
Whatever cuts a run off, its four files tell the same truth: INCOMPLETE, and exactly the steps that did not run.

Each row of the table is a real `glhelpers run` against a sandbox, ended in its own way; those that
could not finish their folder are finished by `glhelpers evidence finish`.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from html import unescape
from pathlib import Path
from typing import Any

import nbformat
import pytest
from cut_off import (
    DRIPPING_ANSWER,
    Running,
    fill_the_disk,
    inside,
    kill_kernel,
    let_be,
    signalled,
    slow_reads,
    the_folder,
)
from desk import Desk, desk_on, served, wait_until
from full_disk import FullDisk, small_disk
from sandboxes import environment_on
from walks import approved, walk

from glhelpers.batch.closing import MAY_BE_SENT, NOTHING_WRITTEN
from glhelpers.batch.finish import CUT, finish, left_behind, unfinished
from glhelpers.errors import BadParameter, OperatorError
from glhelpers.evidence.folder import RunFolder, read_record
from glhelpers.evidence.held import is_held
from glhelpers.evidence.seal import Seal, examine
from glhelpers.kernels.owner import ADDRESS, begin
from glhelpers.models.record import RunRecord, StepState
from glhelpers.runbook import STEPS

pytestmark = pytest.mark.notebook

PATIENT = 8
"""Seconds that a cell may take in the row whose cell takes too long."""


@dataclass(frozen=True)
class Row:
    """What ends a run, inside which step, what its record says of that, and whether its folder is finished later."""

    ended_by: str
    step: str
    cut: str
    end: Callable[[Running], None] = field(repr=False)
    says: str = NOTHING_WRITTEN
    finished_later: bool = False
    full: str = ""


AT_REST = (
    Row("a cell takes too long", "look up", f"A step took longer than {PATIENT} seconds.", let_be),
    Row("Ctrl-C", "look up", "The run was interrupted from the keyboard.", signalled(signal.SIGINT)),
    Row("SIGTERM", "look up", "The run was ended by SIGTERM.", signalled(signal.SIGTERM)),
    Row("SIGHUP", "look up", "The run was ended by SIGHUP.", signalled(signal.SIGHUP)),
    Row("the kernel killed", "look up", "The notebook's kernel died.", kill_kernel),
    Row("the runner killed", "look up", CUT, signalled(signal.SIGKILL), finished_later=True),
)
ON_A_FULL_DISK = (
    Row("no room for what was looked up", "look up", CUT, fill_the_disk, finished_later=True, full="runs"),
    Row("no room before the change", "apply", CUT, fill_the_disk, MAY_BE_SENT, finished_later=True, full="runs"),
    Row("no room for the journal", "apply", CUT, fill_the_disk, full="state"),
)
WHILE_SENDING = Row(
    "the runner killed while the change is sent",
    "apply",
    CUT,
    signalled(signal.SIGKILL),
    MAY_BE_SENT,
    finished_later=True,
)
TABLE = (*AT_REST, *ON_A_FULL_DISK[:2], WHILE_SENDING)


@dataclass
class Ended:
    """How a row's command ended, what it said, and what it left."""

    code: int
    said: str
    root: Path
    kind: str = ""
    left: Path | None = None
    finished: str = ""

    @property
    def folder(self) -> Path:
        """The finished folder."""
        return the_folder(self.root / "runs")


@dataclass
class Played:
    """All rows, once played, and how many requests that could change anything had arrived before the last of them."""

    rows: dict[str, Ended]
    attempts: int
    after: int
    desk: Desk


def _begin(desk: Desk, row: Row, root: Path, approval: Path) -> subprocess.Popen[str]:
    words = ["run", "force_associate", *desk.words(1002)]
    words += ["--approval", str(approval)] if row.full or row is WHILE_SENDING else []
    given = {"GLHELPERS_RUNS_DIR": str(root / "runs"), "GLHELPERS_STATE_DIR": str(root / "state")}
    if row in AT_REST and not row.finished_later and (lent := begin()) is not None:
        given[ADDRESS] = str(lent)
    root.mkdir(exist_ok=True)
    if row.end is not let_be:
        return replace(desk, folder=root).begin(*words, **given)
    # The limit of a cell is no option; apart from it this is the command.
    patient = f"m.execute.__kwdefaults__['cell_seconds'] = {PATIENT}; from glhelpers.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", f"import glhelpers.batch.execute as m; {patient}", *words],
        env={**os.environ, **given},
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _play(desk: Desk, row: Row, root: Path, approval: Path, disk: FullDisk | None = None) -> Ended:
    """Begin the run, cut it off inside its step, and keep a copy of the folder where it could not finish it itself."""
    process = _begin(desk, row, root, approval)
    sent = row is not WHILE_SENDING
    folder = wait_until(lambda: (sent or desk.writes()) and inside(root / "runs", row.step))
    if row.finished_later:
        with pytest.raises(OperatorError, match="is still going on"):
            finish(folder)
    row.end(Running(process, disk))
    out, err = process.communicate(timeout=40)
    if disk is not None:
        disk.free()
    ended = Ended(process.returncode, out + err, root, disk.kind if disk else "")
    if row.finished_later or (row.full == "state" and ended.kind == "limit"):
        wait_until(lambda: not is_held(folder))
        ended.left = Path(shutil.copytree(folder, root / "left" / "1002" / "force_associate" / folder.name))
    return ended


def _finish(desk: Desk, ended: Ended) -> None:
    """As a person would, later."""
    if ended.left is not None:
        unfinished_one = ended.root / "runs" / ended.left.relative_to(ended.root / "left")
        state = str(ended.root / "state")
        code, ended.finished = desk.command("evidence", "finish", str(unfinished_one), GLHELPERS_STATE_DIR=state)
        assert code == 0, ended.finished


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """All rows on one sandbox; those that send nothing side by side."""
    base = tmp_path_factory.mktemp("true")
    with served() as sandbox, desk_on(sandbox, base) as desk, ExitStack() as disks, ThreadPoolExecutor(3) as pool:
        approval = approved(walk("force_associate", desk.case(1002)).folder)

        def play(number: int, row: Row) -> Any:
            root = base / str(number)
            disk = disks.enter_context(small_disk(root / row.full)) if row.full else None
            return pool.submit(_play, desk, row, root, approval, disk)

        rows: dict[str, Ended] = {}
        for slow, together in ((3, ON_A_FULL_DISK), (30, AT_REST)):
            desk.misbehave(slow_reads(slow))
            playing = {row.ended_by: play(slow + number, row) for number, row in enumerate(together)}
            rows |= {name: future.result() for name, future in playing.items()}
        attempts = desk.attempts()
        desk.misbehave(DRIPPING_ANSWER)
        rows[WHILE_SENDING.ended_by] = play(100, WHILE_SENDING).result()
        desk.misbehave()
        for ended in rows.values():
            _finish(desk, ended)
        yield Played(rows, attempts, desk.attempts(), desk)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.ended_by)
def test_what_cuts_a_run_off_is_told_by_all_its_files(played: Played, row: Row) -> None:
    """Record, notebook, page and summary: INCOMPLETE, where it was cut off, and exactly the steps that did not run."""
    ended = played.rows[row.ended_by]
    position = STEPS.index(row.step)
    never = f"Steps that did not run: {', '.join(STEPS[position + 1 :])}."
    record = read_record(ended.folder)
    _assert_recorded(record, row, position)
    _assert_in_notebook(nbformat.read(ended.folder / "notebook.ipynb", as_version=4), record, never, position)
    page = (ended.folder / "notebook.html").read_text()
    assert page.index("○ INCOMPLETE.") < page.index("What was planned" if record.plan else "Steps of the run")
    assert never in unescape(page)
    summary = (ended.folder / "summary.md").read_text()
    assert summary.startswith("### ○ force_associate: INCOMPLETE")
    assert never in summary
    assert examine(ended.folder).whole
    assert not [path.name for path in ended.folder.iterdir() if path.name.startswith((".", "executed"))]


def _assert_recorded(record: RunRecord, row: Row, position: int) -> None:
    states = [step.state for step in record.steps]
    assert states == [StepState.done] * position + [StepState.failed] + [StepState.not_run] * (6 - position)
    assert (record.status, record.complete, record.ended_at) == ("failed", False, None)
    assert record.why == f"{row.cut} {row.says}"
    assert record.steps[position].error == row.cut


def _assert_in_notebook(book: Any, record: RunRecord, never: str, position: int) -> None:
    first = book.cells[0].source
    assert first.startswith("# ○ INCOMPLETE")
    assert never in first
    assert re.findall(r"\*\*(\w+)\*\*", first)[-5:] == ["Asked", "Found", "Approved", "Changed", "Verified"]
    assert RunRecord.model_validate(book.metadata.glhelpers) == record
    assert book.metadata.papermill.exception is True
    cells = {cell.id: cell.metadata for cell in book.cells if cell.cell_type == "code"}
    for number, name in enumerate(STEPS):
        about = cells[name.replace(" ", "-")]
        assert about.glhelpers.ran == (number <= position)
        assert about.papermill.status == ["completed", "failed", "not run"][(number > position) + (number >= position)]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.ended_by)
def test_the_command_says_it_in_sentences(played: Played, row: Row) -> None:
    """Exit code 3 (or the signal that nothing can answer), no traceback, and what to do where a folder is unfinished."""
    ended = played.rows[row.ended_by]
    killed = row.cut == CUT and not row.full
    assert ended.code == (-signal.SIGKILL if killed else 3)
    assert "Traceback" not in ended.said
    if row.full:
        assert "the disk is full" in ended.said or "larger than a file may be here" in ended.said
        assert "evidence finish" in ended.said
        assert ("No change was sent." if row.says == NOTHING_WRITTEN else MAY_BE_SENT) in ended.said
    if row.finished_later:
        assert row.cut in ended.finished


def test_nothing_is_sent_without_room_for_intent_and_record(played: Played, record_property: Any) -> None:
    """With an approval that would open the gate: a full disk under the record or the journal, and no request leaves."""
    ended = played.rows["no room for the journal"]
    record_property("full disk", ended.kind)
    print(f"The full disk was made by: {ended.kind}")
    assert played.attempts == 0
    assert played.after == 1, "the one row that was to send its change"
    assert ended.code == 3
    assert "Traceback" not in ended.said
    if ended.kind == "tmpfs":
        assert "The journal could not take the intent; nothing was sent" in ended.said
        assert read_record(ended.folder).steps[STEPS.index("apply")].state is StepState.failed


def _copy(ended: Ended, to: Path) -> Path:
    """The folder as it was left, and beside it the journal that its run had."""
    assert ended.left is not None
    target = to / "runs" / "1002" / "force_associate" / ended.left.name
    return Path(shutil.copytree(ended.left, target))


@pytest.fixture
def left(played: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what a killed runner has left, with the services of its run in the environment."""
    ended = played.rows["the runner killed"]
    _use(played, ended, monkeypatch)
    return _copy(ended, tmp_path)


def _use(played: Played, ended: Ended, patch: pytest.MonkeyPatch) -> None:
    for name, value in environment_on(played.desk.sandbox, ended.root).items():
        patch.setenv(name, value)


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_finishing_is_finished_wherever_it_was_cut_off(left: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """After each of its files the same command comes to the same end; once more, and nothing is touched."""
    expected = _contents(finish(Path(shutil.copytree(left, tmp_path / "once/1002/force_associate" / left.name))).folder)
    write = RunFolder.write_bytes
    for number in range(len(expected)):
        again = Path(shutil.copytree(left, tmp_path / f"cut-{number}/1002/force_associate" / left.name))
        seen = iter(range(number))

        def cut_off(self: RunFolder, name: str, content: bytes, seen: Iterator[int] = seen, **how: bool) -> Path:
            if next(seen, None) is None:
                raise KeyboardInterrupt
            return write(self, name, content)

        with monkeypatch.context() as patch:
            patch.setattr(RunFolder, "write_bytes", cut_off)
            with pytest.raises(KeyboardInterrupt):
                finish(again)
            assert again.is_dir(), "a folder gets its name last"
        done = finish(again)
        assert _contents(done.folder) == expected
        assert finish(again).before
        assert finish(done.folder).before
        assert _contents(done.folder) == expected


def test_a_change_that_the_journal_knows_is_not_denied(played: Played, tmp_path: Path, monkeypatch: Any) -> None:
    """Whatever the record holds: the journal's open intent of this run is looked for, and sealed with it."""
    ended = played.rows[WHILE_SENDING.ended_by]
    _use(played, ended, monkeypatch)
    folder = _copy(ended, tmp_path)
    record = read_record(folder)
    steps = tuple(step.model_copy(update={"state": StepState.not_run}) for step in record.steps)
    early = record.model_copy(update={"approval": None, "steps": steps})
    (folder / "record.json").write_text(early.model_dump_json())
    done = finish(folder)
    assert done.record.why == f"{CUT} {MAY_BE_SENT}"
    predicate = examine(done.folder).predicate
    assert predicate is not None
    assert predicate.journal is not None
    assert len(predicate.journal) == 1


def test_a_run_killed_before_its_first_record_is_told_by_its_name(left: Path) -> None:
    """Nothing but the folder: the id gives the time, the path ticket and runbook; no step had begun."""
    for path in left.iterdir():
        path.unlink()
    done = finish(left)
    assert done.record.why == f"{CUT} {NOTHING_WRITTEN}"
    assert done.record.parameters == {"ticket": "1002"}
    assert {step.state for step in done.record.steps} == {StepState.not_run}
    assert examine(done.folder).seal is Seal.unsigned
    first = nbformat.read(done.folder / "notebook.ipynb", as_version=4).cells[0].source
    assert f"Steps that did not run: {', '.join(STEPS)}." in first


def test_a_run_killed_after_its_last_record_stays_complete(played: Played, left: Path) -> None:
    """What reached its end is not called incomplete because its folder was finished later."""
    whole = walk("force_associate", played.desk.case(1002))
    shutil.rmtree(left)
    whole.folder.rename(left)
    for name in ("manifest.json", "notebook.html", "summary.md"):
        (left / name).unlink()
    done = finish(left)
    assert (done.record.status, done.record.complete, done.record.why) == (
        whole.record.status,
        True,
        whole.record.why,
    )
    book = nbformat.read(done.folder / "notebook.ipynb", as_version=4)
    assert "INCOMPLETE" not in book.cells[0].source
    assert all(cell.metadata.glhelpers.ran for cell in book.cells if cell.cell_type == "code")
    assert examine(done.folder).whole


def test_a_later_run_says_what_to_finish(played: Played, left: Path) -> None:
    """One sentence with the command; without an argument the command finishes all there is."""
    runs = left.parents[2]
    desk = played.desk
    code, said = desk.command("run", "force_associate", "-p", "odd=1", *desk.words(1002), GLHELPERS_RUNS_DIR=str(runs))
    assert code == 2
    assert f"its folder is unfinished; finish it: glhelpers evidence finish {left}" in said
    code, said = desk.command("attach", str(left))
    assert code == 2
    assert f"Finish it: glhelpers evidence finish {left}. Nothing was sent." in said
    code, said = desk.command("evidence", "finish", GLHELPERS_RUNS_DIR=str(runs))
    assert code == 0
    assert f"finished: {CUT} {NOTHING_WRITTEN}" in said
    assert unfinished(runs) == left_behind(runs, desk.case(1002)["ticket_url"], "force_associate") == []
    assert desk.command("evidence", "finish", str(runs))[1].strip() == "No run is unfinished."


@pytest.mark.parametrize("name", ["1002/force_associate/x", "1002/force_associate/.x.incomplete", "."])
def test_only_folders_of_runs_are_finished(tmp_path: Path, name: str) -> None:
    """Anything else gets a sentence, and nothing is made."""
    with pytest.raises(BadParameter, match="no folder of a run"):
        finish(tmp_path / "none" / name)
    assert not (tmp_path / "none").exists()
