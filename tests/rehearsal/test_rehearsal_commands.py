"""The commands of a rehearsal as a learner types them: a real sandbox in another process, real runs, a real verdict."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sandboxes import addresses, lent_sandbox

from glhelpers.cli import main
from glhelpers.rehearsal.card import case_card
from glhelpers.rehearsal.case import case_named, cases
from glhelpers.rehearsal.session import begin, running_case
from glhelpers.rehearsal.words import command_of, solution_lines
from glhelpers.sandbox_process import Running, running_sandbox
from glhelpers.settings import load_settings

Command = Callable[..., tuple[int, str]]
SEATS = "forty_users_ten_seats"


@pytest.fixture
def glhelpers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    """The command, run in this process as the shell would run it."""
    monkeypatch.chdir(tmp_path)

    def command(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["glhelpers", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capfd.readouterr()
        return int(ended.value.code or 0), told.out + told.err

    return command


@pytest.fixture
def rehearsing(tmp_path: Path) -> Iterator[str]:
    """`glhelpers sandbox rehearse` in another terminal; what it has printed until its sandbox was ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "glhelpers.cli", "sandbox", "rehearse", SEATS],
        env=dict(os.environ),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("Runs on this machine"):
            break
    yield "".join(said)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)


@pytest.mark.notebook
def test_a_rehearsal_from_the_ticket_to_the_verdict(rehearsing: str, glhelpers: Command) -> None:
    """The ticket is printed; what is to be typed next works as it stands; the judge goes from not yet to right."""
    case = case_named(SEATS)
    assert case.ticket.subject in rehearsing
    assert case.ticket.link_of(1) in rehearsing
    assert case.goal in " ".join(rehearsing.split())
    assert glhelpers("sandbox", "judge")[0] == 4
    printed = next(line for line in rehearsing.splitlines() if line.startswith("  glhelpers run "))
    code, said = glhelpers(*shlex.split(printed)[1:])
    assert (code, "handed_off" in said) == (0, True)
    code, said = glhelpers("sandbox", "judge", SEATS)
    assert (code, "not yet" in said, "start_here" in said) == (4, True, True)
    assert glhelpers(*shlex.split(command_of(case, case.solution.runs[0]))[1:])[0] == 0
    code, said = glhelpers("sandbox", "judge", SEATS)
    assert code == 0, said
    assert "right" in said
    assert case.section in said
    code, said = glhelpers("sandbox", "judge", "who_may_see_it")
    assert (code, f"The rehearsal that was started last is {SEATS}" in said) == (2, True)
    with lent_sandbox() as other, _as_in_lab(other):
        code, said = glhelpers("sandbox", "judge")
    assert (code, f"The sandbox that serves now is not that of {SEATS}" in said) == (2, True)
    with _as_in_lab(running_sandbox(Path(os.environ["GLHELPERS_STATE_DIR"]), world=None, faults=None)):
        assert glhelpers("sandbox", "judge")[0] == 0


@contextmanager
def _as_in_lab(sandbox: Running) -> Iterator[None]:
    """The environment of a terminal inside of JupyterLab, which names the sandbox that it was opened on."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in addresses(sandbox).items():
            patch.setenv(name, value)
        yield


def test_the_cases_are_listed(glhelpers: Command) -> None:
    """Id, level and minutes of each."""
    code, said = glhelpers("sandbox", "cases")
    assert code == 0
    for case in cases():
        assert case.id in said
        assert case.level in said


def test_hint_and_solution_are_printed_and_nothing_is_started(glhelpers: Command, tmp_path: Path) -> None:
    """The solution with its commands, the second person's among them; the hint without."""
    case = case_named("owed_seats_confirmed")
    code, said = glhelpers("sandbox", "rehearse", case.id, "--hint")
    assert (code, " ".join(said.split())) == (0, " ".join(case.hint.split()))
    code, said = glhelpers("sandbox", "rehearse", case.id, "--solution")
    assert code == 0
    assert "GLHELPERS_OPERATOR=colleague glhelpers approve runs/9102/force_associate/<run id>/plan.json" in said
    assert not (tmp_path / "state").exists()


def test_nothing_to_judge_is_said(glhelpers: Command) -> None:
    """Before any rehearsal: one sentence, exit code 2."""
    code, said = glhelpers("sandbox", "judge")
    assert code == 2
    assert "No rehearsal has been started." in said


def test_a_case_is_shown_only_where_its_sandbox_serves(on_sandbox: Running) -> None:
    """Neither before a rehearsal, nor on a sandbox that is another's, nor on another profile."""
    assert running_case(load_settings()) is None
    begin(case_named(SEATS))
    assert running_case(load_settings()) is None, "what serves here is the demonstration"


def test_an_environment_that_leads_past_the_sandbox_is_refused(
    glhelpers: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Addresses of other services would take the learner's runs elsewhere."""
    monkeypatch.setenv("GLHELPERS_GITLAB_URL", "http://127.0.0.1:9")
    code, said = glhelpers("sandbox", "rehearse", SEATS)
    assert code == 2
    assert "GLHELPERS_GITLAB_URL would lead your runs past the sandbox" in said


def test_commands_name_the_sandbox_where_another_profile_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rehearsal never goes to a real service because of a variable that was left set."""
    monkeypatch.setenv("GLHELPERS_PROFILE", "production")
    lines = [line for line in solution_lines(case_named("button_is_missing")) if "glhelpers " in line]
    assert len(lines) == 3
    assert all("GLHELPERS_PROFILE=sandbox glhelpers " in line for line in lines)


@pytest.mark.parametrize("id", [case.id for case in cases()])
def test_a_card_tells_the_case_and_not_its_solution(id: str) -> None:
    """Ticket, goal, level and command; escaped, and without anything that loads or runs."""
    case = case_named(id)
    card = case_card(case)
    assert f"glhelpers sandbox rehearse {id}" in card
    assert case.section in card
    assert case.ticket.link_of(len(case.ticket.comments)) in card
    assert case.solution.says[:40] not in card
    assert case.hint[:40] not in card
    assert "<script" not in card
