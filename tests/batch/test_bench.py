"""The comparison itself: a wrong output is not timed, and the table says what was measured."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.checked import complaint
from bench.light import waves
from bench.measured import measured
from bench.page import put
from bench.plot import svg
from bench.service import environment, served
from bench.table import Taken, cells, lines
from bench.tickets import rows
from bench.ways import WAYS, chosen, prepare
from glhelpers.errors import BadParameter

TWO = rows(2)
FLOOR = chosen("floor-2")[0]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a way that has run two tickets in two plain processes."""
    folder = tmp_path_factory.mktemp("way") / "folder"
    prepare(folder, TWO)
    with served(2) as sandbox:
        given = environment(sandbox, folder, forks=False)
        took = measured(FLOOR.command(folder, TWO), given, folder, seconds_at_most=60)
    assert took.code == 0, took.said
    assert took.cpu > 0
    return folder


def test_two_tickets_that_were_run_are_as_they_should_be(done: Path) -> None:
    """One record each, awaiting approval, of its own ticket."""
    assert complaint(FLOOR, done, TWO) == ""


def _gone(records: list[Path]) -> None:
    shutil.rmtree(records[0].parent)


def _mixed(records: list[Path]) -> None:
    records[0].write_text(records[0].read_text().replace("customer-1", "customer-2", 1))


def _failed(records: list[Path]) -> None:
    records[0].write_text(records[0].read_text().replace('"awaiting_approval"', '"failed"'))


def _twice(records: list[Path]) -> None:
    shutil.copytree(records[0].parent, records[0].parent.with_name("20990101T000000Z-aaaaaa"))


@pytest.mark.parametrize("spoil", [_gone, _mixed, _failed, _twice])
def test_a_spoilt_output_is_found(spoil: Callable[[list[Path]], None], done: Path, tmp_path: Path) -> None:
    """A record that is missing, doubled, another's or of another status."""
    folder = Path(shutil.copytree(done, tmp_path / "folder"))
    spoil(sorted((folder / "runs").rglob("record.json")))
    assert complaint(FLOOR, folder, TWO) != ""


def test_a_way_that_leaves_no_notebook_is_found(done: Path) -> None:
    """The same records without executed notebooks are no output of a way that writes them."""
    assert "notebook of ticket 1" in complaint(chosen("papermill-api")[0], done, TWO)


def _taken(name: str, tickets: int, *seconds: float, wrong: str = "") -> list[Taken]:
    way = next(way for way in WAYS if way.name == name)
    return [Taken(way, tickets, one, 1.0, 100.0, wrong) for one in seconds]


def test_ways_of_unlike_numbers_are_compared_a_ticket() -> None:
    """The slow way had fewer tickets; the figures are medians, ratios are of one ticket's time."""
    found = lines(_taken("papermill-cli", 20, 40, 38, 60) + _taken("ours", 200, 26, 24) + _taken("floor-2", 200, 20))
    table = {line.way.name: cells(line, found) for line in found}
    assert table["papermill-cli"][1:5] == ["20", "40.00", "38.00–60.00", "2000"]
    assert table["ours"][7:] == ["16.0", "1.2"]


def test_a_way_that_failed_once_has_no_time() -> None:
    """Whatever its other rounds took, the line says why, and the picture leaves it out."""
    found = lines(
        _taken("ours", 10, 1.0) + _taken("papermill-cli", 10, 2.0) + _taken("papermill-cli", 10, 2.0, wrong="Mixed.")
    )
    failed = cells(found[1], found)
    assert failed[2] == "failed: Mixed."
    assert cells(found[0], found)[7] == "–"
    picture = ElementTree.fromstring(svg(found))
    assert len(picture.findall("{http://www.w3.org/2000/svg}rect")) == 1


def test_answers_that_came_together_are_one_round_trip() -> None:
    """Three waves of answers, each half a second after the one before."""
    assert waves([1.00, 0.52, 0.50, 1.02, 1.5], 0.5) == 3


def test_only_the_part_between_its_marks_is_replaced(tmp_path: Path) -> None:
    """What a person wrote stays; a page without the part is refused."""
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- figures: ways -->\nold\n<!-- end of ways -->\nafter\n")
    put(page, "ways", r"new \1")
    assert page.read_text() == "before\n<!-- figures: ways -->\n\nnew \\1\n\n<!-- end of ways -->\nafter\n"
    with pytest.raises(BadParameter, match="has no part 'soak'"):
        put(page, "soak", "")


def test_a_command_is_kept_to_its_cores(tmp_path: Path) -> None:
    """One core where one was asked for, and all again afterwards."""
    before = os.sched_getaffinity(0)
    ask = "import os, sys; print(len(os.sched_getaffinity(0)), file=sys.stderr)"
    took = measured([sys.executable, "-c", ask], os.environ, tmp_path, seconds_at_most=60, cores=1)
    assert took.said.strip() == "1"
    assert os.sched_getaffinity(0) == before


def test_a_command_that_hangs_is_ended(tmp_path: Path) -> None:
    """A peer without time limits does not hold up the comparison; its exit code tells."""
    took = measured(["sleep", "600"], os.environ, tmp_path, seconds_at_most=0.2)
    assert took.code == -9
