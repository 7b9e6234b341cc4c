"""The labelled table: what people paste, and the answer that an expert would want."""

from __future__ import annotations

from pathlib import Path

import pytest

from glhelpers.batch.diagnosis import Labelled, Outcome, figures, main, measure, page, read_table
from glhelpers.errors import BadParameter
from glhelpers.rules.symptoms import SYMPTOMS

TABLE = Path(__file__).with_name("labelled.yaml")
ROWS = read_table(TABLE)
TUNED = [row for row in ROWS if not row.held_out]
HELD_OUT = [row for row in ROWS if row.held_out]


def named(row: Labelled) -> str:
    """The beginning of the row's text, as a test's name."""
    return " ".join(row.text.split())[:60] or "empty"


@pytest.mark.parametrize("row", TUNED, ids=named)
def test_a_tuned_row_is_answered_as_labelled(row: Labelled) -> None:
    """Symptom and runbook are those of the row."""
    (measured,) = measure([row])
    assert (measured.symptom, measured.runbook) == (row.symptom, row.runbook)


def test_no_wrong_answer_proposes_a_write() -> None:
    """Over all rows, held out ones too, no wrong answer has a write as its way on."""
    assert [one.row.text for one in measure(ROWS) if one.wrongly_proposes_a_write] == []


def test_the_figures_of_held_out_rows_are_those_recorded() -> None:
    """A change of wordings that moves these figures must be seen, for better or worse."""
    counts = figures(measure(HELD_OUT))
    print(counts)
    assert (counts.rows, counts.right_answers, counts.right_abstentions) == (97, 47, 43)
    assert (counts.abstained, counts.wrong, counts.wrong_writers, counts.wrong_writes) == (5, 2, 2, 0)


def test_the_table_is_large_and_broad_enough() -> None:
    """At least 120 rows, 40 of them held out; every symptom has a row in either part or is told here."""
    assert len(ROWS) >= 120
    assert len(HELD_OUT) >= 40
    assert {row.symptom for row in ROWS} == {*SYMPTOMS, "abstain"}
    assert {*SYMPTOMS} - {row.symptom for row in HELD_OUT} == {
        "subscription-not-found",
        "scope-too-small",
        "not-authorized",
    }


def test_no_text_is_in_the_table_twice_with_the_same_facts() -> None:
    """A row counted twice would flatter the figures; a held-out text is not a tuned one."""
    seen = [(" ".join(row.text.casefold().split()), row.seen.model_dump_json()) for row in ROWS]
    assert len(set(seen)) == len(seen)
    assert not {row.text.casefold() for row in TUNED} & {row.text.casefold() for row in HELD_OUT}


def test_the_page_of_diagnosis_is_up_to_date() -> None:
    """docs/diagnosis.md is what the command in its head prints."""
    kept = Path(__file__).parents[2] / "docs" / "diagnosis.md"
    assert kept.read_text(encoding="utf-8") == page(ROWS)


def test_an_abstention_where_one_is_due_is_right() -> None:
    """And one where an answer is due is counted apart from a wrong answer."""
    due = Labelled(kind="x", text="nothing known", symptom="abstain", runbook="none")
    lost = Labelled(kind="x", text="nothing known", symptom="portal-502", runbook="portal_502")
    wrong = Labelled(kind="x", text="Email has already been taken", symptom="abstain", runbook="none")
    outcomes = [one.outcome for one in measure([due, lost, wrong])]
    assert outcomes == [Outcome.right, Outcome.abstained, Outcome.wrong]
    assert figures(measure([wrong])).wrong_writes == 1


def test_what_is_no_table_is_told_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing, broken or foreign file ends with exit code 2 and a sentence."""
    broken = tmp_path / "broken.yaml"
    broken.write_text("- {kind: x, text: y}", encoding="utf-8")
    with pytest.raises(BadParameter, match="no table"):
        read_table(broken)
    assert main([str(tmp_path / "none.yaml")]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert main([]) == 2


def test_the_command_prints_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m glhelpers.batch.diagnosis TABLE.yaml` writes Markdown to standard output."""
    assert main([str(TABLE)]) == 0
    assert capsys.readouterr().out == page(ROWS)
