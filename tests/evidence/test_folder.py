"""The run folder: nobody else's, never half written, and named complete only when it is."""

from __future__ import annotations

import os
import resource
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from glhelpers.errors import BadParameter, BadPlanFile, OperatorError
from glhelpers.evidence.folder import RunFolder, read_record, redacted_record, run_id_of
from glhelpers.models.change import PlanFile
from glhelpers.models.record import RunRecord

START = datetime(2026, 11, 23, 4, 40, 23, 123456, tzinfo=UTC)
TICKET = "https://gitlab.zendesk.com/agent/tickets/401001"


def test_the_name_says_incomplete_until_the_end(tmp_path: Path, completed: RunRecord) -> None:
    """While a run goes on its folder is hidden and called incomplete; the last step renames it."""
    folder = RunFolder.open(tmp_path, TICKET, "force_associate", START)
    assert folder.path == tmp_path / "401001" / "force_associate" / ".20261123T044023.123456Z.incomplete"
    folder.write_record(completed)
    done = folder.finalise()
    assert done.path == tmp_path / "401001" / "force_associate" / "20261123T044023.123456Z"
    assert not folder.path.exists()
    assert read_record(done.path) == redacted_record(completed)
    assert done.finalise() == done


@pytest.mark.parametrize("link", ["", "../../etc", "https://evil.example/agent/tickets/1", f"{TICKET}/../../x"])
def test_no_link_leads_elsewhere(tmp_path: Path, link: str) -> None:
    """Anything but a well-formed ticket link ends in the folder for runs without one."""
    assert (
        RunFolder.open(tmp_path, link, "force_associate", START).path.parent == tmp_path / "no-ticket/force_associate"
    )


@pytest.mark.parametrize("runbook", ["", "..", "../x", "a/b", "A", "x" * 80, ".hidden"])
def test_no_runbook_name_leads_elsewhere(tmp_path: Path, runbook: str) -> None:
    """A name that is no runbook's is refused, and nothing is made."""
    with pytest.raises(BadParameter):
        RunFolder.open(tmp_path, TICKET, runbook, START)
    assert list(tmp_path.iterdir()) == []


def test_a_run_id_is_utc_and_needs_a_zone() -> None:
    """The id is the same wherever the clock of the machine stands."""
    east = START.astimezone(timezone(timedelta(hours=9)))
    assert run_id_of(east) == "20261123T044023.123456Z"
    with pytest.raises(BadParameter):
        run_id_of(START.replace(tzinfo=None))


def test_runs_of_the_same_microsecond_get_folders_of_their_own(tmp_path: Path) -> None:
    """However many start at once, also beside finished ones, no two share a folder."""
    first = RunFolder.open(tmp_path, TICKET, "force_associate", START).finalise()
    barrier = threading.Barrier(8)

    def start(_: int) -> RunFolder:
        barrier.wait()
        return RunFolder.open(tmp_path, TICKET, "force_associate", START)

    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(start, range(8)))
    assert len({folder.run_id for folder in folders} | {first.run_id}) == 9
    assert all(folder.path.is_dir() for folder in folders)


def test_a_reader_never_sees_half_a_record(tmp_path: Path, completed: RunRecord, stopped: RunRecord) -> None:
    """While records are written over and over, every read finds a whole one."""
    folder = RunFolder.open(tmp_path, TICKET, "force_associate", START)
    folder.write_record(completed)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            folder.write_record(stopped)
            folder.write_record(completed)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = {read_record(folder.path).status for _ in range(200)}
    finally:
        stop.set()
        writer.join()
    assert seen <= {completed.status, stopped.status}
    assert sorted(path.name for path in folder.path.iterdir()) == ["record.json"]


def test_files_are_for_the_operator_alone(tmp_path: Path) -> None:
    """Folder and files cannot be read by other users of the machine."""
    folder = RunFolder.open(tmp_path, TICKET, "force_associate", START)
    path = folder.write_text("notebook.html", "<p>Grüße</p>")
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert path.read_text(encoding="utf-8") == "<p>Grüße</p>"


@pytest.mark.parametrize("name", ["../x.json", "x/y.json", ".hidden.json", "x", "", "x.json\n"])
def test_no_file_name_leads_elsewhere(tmp_path: Path, name: str) -> None:
    """Only a plain file name is written."""
    folder = RunFolder.open(tmp_path, TICKET, "force_associate", START)
    with pytest.raises(BadParameter):
        folder.write_text(name, "x")


def test_a_plan_keeps_its_digest_in_a_file(tmp_path: Path, completed: RunRecord) -> None:
    """A plan written and read back is the same plan."""
    assert completed.plan is not None
    folder = RunFolder.open(tmp_path, TICKET, "force_associate", START)
    file = PlanFile(plan=completed.plan, digest=completed.plan.digest, requested_by="kim.expert", planned_at=START)
    path = folder.write_json("plan.json", file)
    assert PlanFile.model_validate_json(path.read_bytes()).plan.digest == completed.plan.digest


def test_redaction_leaves_the_plan_as_it_was(completed: RunRecord) -> None:
    """What is redacted in a record does not touch the plan, or its digest would tell another plan."""
    shown = redacted_record(completed)
    assert shown.plan == completed.plan
    assert shown.plan_digest == completed.plan_digest
    assert "dana@example.com" not in shown.model_dump_json()
    assert redacted_record(shown) == shown


def test_a_folder_that_cannot_be_made_is_told_in_one_sentence(tmp_path: Path) -> None:
    """A file where the folder should be gives a sentence with what to do."""
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(OperatorError, match=r"cannot be made: .*\. Free some space or choose another folder"):
        RunFolder.open(tmp_path / "runs", TICKET, "force_associate", START)


def test_a_full_disk_is_told_in_one_sentence(tmp_path: Path, completed: RunRecord) -> None:
    """A file that does not fit gives a sentence, leaves the former record in place and no rest behind."""
    folder = RunFolder.open(tmp_path, TICKET, "force_associate", START)
    folder.write_record(completed)
    before = (folder.path / "record.json").read_bytes()
    former_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    former_handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, former_limit[1]))
        with pytest.raises(OperatorError, match="cannot be written"):
            folder.write_record(completed)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former_limit)
        signal.signal(signal.SIGXFSZ, former_handler)
    assert (folder.path / "record.json").read_bytes() == before
    assert os.listdir(folder.path) == ["record.json"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no such file"),
        ("", "is not a run record"),
        ("{}", "is not a run record"),
        ('{"format": "glhelpers.record/2"}', "is not a run record"),
        ("[1, 2", "is not a run record"),
    ],
)
def test_what_is_no_record_is_told_in_one_sentence(tmp_path: Path, content: str | None, says: str) -> None:
    """A missing, broken or foreign file gives a sentence with what to do, and no value of it."""
    if content is not None:
        (tmp_path / "record.json").write_text(content)
    with pytest.raises(BadPlanFile, match=says) as caught:
        read_record(tmp_path)
    assert caught.value.next_step
