"""A new runbook in a copy of the repository: straight after the command it passes what is demanded of every runbook."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from glhelpers.errors import BadParameter, RunbookContractError
from glhelpers.skeleton.files import SECTIONS, files_of, wanted
from glhelpers.skeleton.insertions import in_catalogue, in_policies

ROOT = Path(__file__).parents[2]
KEPT = ("glhelpers", "runbooks", "tests", "docs", "pyproject.toml", "README.md")
ID = "zoo_2"
META = (
    "test_a_module_says_its_job_and_what_it_offers",
    "test_a_function_is_short_and_a_public_one_says_what_it_promises",
)


@dataclass(frozen=True)
class Copy:
    """A copy of the repository in which the command was run, and what it said."""

    root: Path
    said: str

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A Python module in the copy, with the copy's package."""
        return _in(self.root, *words)


def _in(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The repository with a new runbook."""
    root = tmp_path_factory.mktemp("repository")
    for name in KEPT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("runs"))
        else:
            shutil.copy(ROOT / name, root / name)
    made = _in(root, "glhelpers.cli", "new-runbook", ID, "--title", "The second zoo", "--section", "force")
    assert made.returncode == 0, made.stderr
    return Copy(root, made.stdout)


def test_it_tells_what_it_has_made(copy: Copy) -> None:
    """Every file by its path, each of which is there, and how to go on."""
    for path in (f"runbooks/{ID}.ipynb", f"glhelpers/rules/{ID}.py", f"tests/cases/{ID}.yaml"):
        assert path in copy.said
        assert (copy.root / path).is_file()
    assert "docs/writing_runbooks.md" in copy.said


@pytest.mark.notebook
def test_the_near_tests_pass_straight_away(copy: Copy) -> None:
    """The notebook's contract, the table through the whole notebook, the pages made from the code, papermill, tests/meta."""
    tests = [
        f"tests/cases/test_cases_{ID}.py",
        "tests/runbooks/test_contract.py::test_every_runbook_keeps_the_contract",
        "tests/runbooks/test_contract.py::test_the_parameters_cell_names_exactly_the_parameters",
        "tests/runbooks/test_contract.py::test_every_runbook_of_the_catalogue_has_its_notebook",
        "tests/handbook/test_coverage.py::test_the_page_of_coverage_is_up_to_date",
        "tests/handbook/test_coverage.py::test_nothing_is_left_without_a_row",
        "tests/handbook/test_coverage.py::test_every_policy_of_a_runbook_is_listed",
        "tests/handbook/test_fingerprints.py::test_rules_rest_on_paragraphs_that_are_named",
        "tests/rules/test_document.py",
        f"tests/runbooks/test_papermill.py::test_without_parameters_the_example_runs_on_a_sandbox_of_its_own[{ID}]",
        *(
            f"tests/meta/test_package.py::{test}[glhelpers/{room}/{ID}.py]"
            for test in META
            for room in ("rules", "actions")
        ),
    ]
    done = copy.run("pytest", "-q", "-p", "no:cacheprovider", *tests)
    assert done.returncode == 0, done.stdout[-3000:]


def test_what_it_writes_needs_no_mending(copy: Copy) -> None:
    """Formatted, and without a finding of the linter."""
    files = [str(copy.root / "glhelpers"), str(copy.root / "tests" / "cases"), str(copy.root / "runbooks")]
    for words in (("format", "--check"), ("check",)):
        done = copy.run("ruff", *words, "--no-cache", *files)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("id", "title", "section", "says"),
    [
        ("Upper", "", "", "'Upper' cannot be the id of a runbook."),
        ("a-b", "", "", "'a-b' cannot be the id"),
        ("2_late", "", "", "'2_late' cannot be the id"),
        ("class", "", "", "'class' cannot be the id"),
        ("a" * 41, "", "", "cannot be the id"),
        ("../up", "", "", "cannot be the id"),
        ("fine", 'a "quoted" title', "", "This title cannot be taken over."),
        ("fine", "a {{ template }}", "", "This title cannot be taken over."),
        ("fine", "", "elsewhere", "There is no section 'elsewhere'."),
    ],
)
def test_names_that_do_not_fit_are_refused(id: str, title: str, section: str, says: str) -> None:
    """Before anything is written."""
    with pytest.raises(BadParameter) as caught:
        wanted(id, title, section)
    assert says in str(caught.value)


def test_what_is_there_is_never_written_over(tmp_path: Path) -> None:
    """A runbook or a module of that name; and outside of the repository nothing is made."""
    with pytest.raises(BadParameter, match=r"runbooks/self_serve\.ipynb.* is there already"):
        files_of(wanted("self_serve", "", ""), ROOT)
    with pytest.raises(BadParameter, match=r"glhelpers/rules/seats\.py is there already"):
        files_of(wanted("seats", "", ""), ROOT)
    with pytest.raises(BadParameter, match="is not the repository"):
        files_of(wanted("fine", "", ""), tmp_path)


def test_a_list_of_another_form_is_left_alone() -> None:
    """One sentence with the way on; no half of a change."""
    for change in (lambda: in_catalogue("CATALOGUE = {}\n", "fine", "entry"), lambda: in_policies("", "fine")):
        with pytest.raises(RunbookContractError, match="has another form") as caught:
            change()
        assert "docs/writing_runbooks.md" in str(caught.value)


@pytest.mark.parametrize("id", ["above_all", "portal_60", "zoo"])
@pytest.mark.parametrize("section", ["", "clear"])
def test_wherever_it_sorts_the_lists_need_no_mending(id: str, section: str) -> None:
    """Before all others, between two with numbers, after all; of a section of the page, and of none."""
    for path, text in files_of(wanted(id, "", section), ROOT).items():
        if path.suffix == ".py":
            for words in (("format", "--check"), ("check",)):
                command = [sys.executable, "-m", "ruff", *words, "--no-cache", "--stdin-filename", str(path), "-"]
                done = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=False)
                assert done.returncode == 0, (path, done.stdout, done.stderr)


@pytest.mark.parametrize("section", SECTIONS)
def test_a_first_rule_rests_on_a_paragraph_of_its_section(section: str) -> None:
    """So that no row of the coverage is missing, whichever section is named."""
    made = files_of(wanted("fine", "", section), ROOT)
    constant, paragraph = SECTIONS[section]
    rules = made[Path("glhelpers/rules/fine.py")]
    assert f"anchor=handbook.{constant}," in rules
    assert f'rests_on=("{paragraph}",),' in rules
