"""What holds for every text and all facts, not only for those of the table."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glhelpers.batch.diagnosis import read_table
from glhelpers.rules.explain import Evidence, Explanation, explain
from glhelpers.rules.explanation import LOOK_UP, SAYS, known_facts
from glhelpers.rules.paragraphs import PARAGRAPHS
from glhelpers.rules.symptom import FORCE_FITS, Case, Symptom
from glhelpers.rules.symptom_match import Phrase
from glhelpers.rules.symptom_text import LONGEST
from glhelpers.rules.symptoms import SYMPTOMS

ROWS = read_table(Path(__file__).with_name("labelled.yaml"))
RUNBOOKS = {
    "start_here",
    "provision_reseller",
    "portal_502",
    "force_associate",
    "clear_subscription",
    "self_serve",
    "subscription_not_visible",
}
FORCED = [
    (symptom, case) for symptom in SYMPTOMS.values() for case in symptom.cases if case.runbook == "force_associate"
]


def choices(name: str) -> list[Any]:
    """The values that a field of `Evidence` may have, unknown among them."""
    if name == "plan_on_gitlab":
        return [None, "free", "Free", "premium", "opensource", "weird", ""]
    values: list[Any] = []
    for part in get_args(Evidence.model_fields[name].annotation):
        values += [True, False] if part is bool else [None] if part is type(None) else list(get_args(part))
    return values


# Written out once more, so that a fact dropped from FORCE_FITS is missed here.
NEEDED: dict[str, set[Any]] = {
    "linked_user": {True},
    "linked_user_is_admin": {False},
    "owner_of_group": {True},
    "occupied_by": {"nothing", "expired_plan"},
    "new_kind": {"plan"},
    "namespace_kind": {"group"},
    "order_linked_here": {False},
    "seats_fit": {True, False},
}
TEXTS = st.one_of(
    st.sampled_from([row.text for row in ROWS if row.runbook == "force_associate"]),
    st.sampled_from([row.text for row in ROWS]),
    st.text(max_size=300),
    st.lists(st.sampled_from([row.text for row in ROWS]), min_size=2, max_size=3).map("\n\n".join),
    st.lists(
        st.sampled_from(
            sorted({word for row in ROWS for word in row.text.split()} | {"not", "no", "\u202e", "\x00", "<b"})
        ),
        max_size=40,
    ).map(" ".join),
)
ANY_EVIDENCE = st.fixed_dictionaries({name: st.sampled_from(choices(name)) for name in Evidence.model_fields})
# Facts near those that allow a force, so that the interesting border is met often.
NEARLY = st.fixed_dictionaries(
    {name: st.just(value[0] if isinstance(value, tuple) else value) for name, value in FORCE_FITS.items()}
    | {
        "seats_fit": st.booleans(),
        "sold_by": st.just("gitlab"),
        "community_program": st.sampled_from(["oss", "none", None]),
    }
    | {"occupied_by": st.sampled_from(["nothing", "expired_plan"])}
)
SEEN = st.one_of(
    ANY_EVIDENCE,
    NEARLY,
    st.tuples(NEARLY, ANY_EVIDENCE, st.sets(st.sampled_from(sorted(LOOK_UP)), max_size=2)).map(
        lambda drawn: drawn[0] | {name: drawn[1][name] for name in drawn[2]}
    ),
)


def forces(answer: Explanation) -> bool:
    """Whether the answer leads to force_associate."""
    return answer.runbook == "force_associate"


@settings(max_examples=300, deadline=None)
@given(TEXTS, SEEN)
def test_every_answer_is_whole(text: str, seen: dict[str, Any]) -> None:
    """No exception; an abstention escalates and names no runbook; anchors and runbooks exist."""
    answer = explain(text, Evidence(**seen))
    assert answer.cause
    assert answer.next_step
    assert PARAGRAPHS[answer.paragraph].anchor == answer.anchor
    assert answer.runbook is None or answer.runbook in RUNBOOKS
    assert (answer.symptom is None) == (answer.confidence == "abstained")
    if answer.symptom is None:
        assert answer.escalate
        assert answer.runbook is None
        assert "Do not force" in answer.next_step
    else:
        assert answer.symptom in SYMPTOMS
        assert answer.evidence
    if answer.confidence == "certain":
        assert answer.missing == ()


@settings(max_examples=300, deadline=None)
@given(TEXTS, SEEN)
def test_force_is_named_only_where_all_facts_are_known_and_fit(text: str, seen: dict[str, Any]) -> None:
    """A force needs every fact, whatever the text says."""
    answer = explain(text, Evidence(**seen))
    if forces(answer):
        assert all(seen.get(name) in values for name, values in NEEDED.items())
        assert answer.confidence == "certain"
        assert not answer.escalate


@settings(max_examples=300, deadline=None)
@given(TEXTS, SEEN, st.data())
def test_knowing_less_never_leads_to_force(text: str, seen: dict[str, Any], data: st.DataObject) -> None:
    """If an answer is no force, no part of its facts makes it one."""
    if not forces(explain(text, Evidence(**seen))):
        fewer = data.draw(st.sets(st.sampled_from(sorted(seen)), max_size=len(seen)).map(sorted))
        assert not forces(explain(text, Evidence(**{name: seen[name] for name in seen if name not in fewer})))


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.runbook == "force_associate"], ids=lambda row: row.text[:40]
)
def test_each_fact_of_a_force_is_needed(row: Any) -> None:
    """Of a row that is forced, taking away any one fact leads to looking it up, with that fact named."""
    needed = next(case.facts for symptom, case in FORCED if symptom.id == row.symptom)
    for name in needed:
        answer = explain(row.text, row.seen.model_copy(update={name: None}))
        assert not forces(answer)
        assert LOOK_UP[name] in answer.missing, name


def test_a_force_is_the_first_case_and_contradicts_every_other() -> None:
    """What the proof of `knowing less` rests on: see the docstring of `Symptom`."""
    assert {symptom.id for symptom, _ in FORCED} == {"asks-to-pay-for-seats", "programme-no-button", "greyed-or-absent"}
    for symptom, case in FORCED:
        assert symptom.cases[0] is case
        assert {*FORCE_FITS, "seats_fit"} <= {*case.facts}
        assert all(disjoint(case, facts) for facts in symptom.denied_by)
        assert all(disjoint(case, other.facts) for other in symptom.cases[1:] if not other.still)


def disjoint(case: Case, facts: Any) -> bool:
    """Whether these facts and those of the case cannot be true at once."""
    wanted = {name: set(value if isinstance(value, tuple) else (value,)) for name, value in facts.items()}
    return any(not wanted[name] & set(case.facts[name]) for name in wanted if name in case.facts)


@pytest.mark.parametrize("symptom", SYMPTOMS.values(), ids=lambda symptom: symptom.id)
def test_a_symptom_is_well_formed(symptom: Symptom) -> None:
    """Its paragraphs exist, its facts have words, what it absorbs exists, its sentences end."""
    assert symptom.absorbs <= {*SYMPTOMS}
    for case in (symptom.usual, *symptom.cases):
        assert (case.paragraph or symptom.paragraph) in PARAGRAPHS
        assert case.cause.endswith(".")
        assert case.next_step.endswith(".")
        assert {*case.still, *symptom.decided_by} <= {*LOOK_UP}
        assert all((name, value) in SAYS for name, values in case.facts.items() for value in values)
    assert symptom.usual.runbook != "force_associate"


def test_every_value_of_the_evidence_has_its_words() -> None:
    """No field is added without a sentence for each of its values and one for what to look up."""
    assert {*LOOK_UP} == {*Evidence.model_fields}
    for name in Evidence.model_fields:
        for value in choices(name):
            for known, short in known_facts(Evidence(**{name: value})).items():
                assert SAYS[known, short]


EXACT = sorted(
    {" ".join(word.words) for symptom in SYMPTOMS.values() for word in symptom.wordings if isinstance(word, Phrase)}
)


@pytest.mark.parametrize("text", EXACT)
@pytest.mark.parametrize(
    "before", ["It is not so that we see: ", "We no longer get ", "Kein ", "This is not a case of ", "instead of "]
)
def test_a_denied_text_is_not_answered(before: str, text: str) -> None:
    """A known error that the text says is not there leads to no answer."""
    assert explain(f'{before}"{text}"').symptom is None


@pytest.mark.parametrize("text", EXACT)
@pytest.mark.parametrize(
    "noise", ["\u202e{}\u202c", "\x1b[31m{}\x1b[0m", "<p class='x'>{}</p>", "\u200b{}\ufeff", "> {}", "{}\x00\x07"]
)
def test_noise_does_not_hide_a_known_text(noise: str, text: str) -> None:
    """Direction marks, colours, markup, quoting and control characters change nothing."""
    assert explain(noise.format(text)) == explain(text)
    assert explain(text).symptom is not None


HOSTILE = {
    "one letter": "a",
    "an opened tag": "<a ",
    "entities": "&amp;amp;",
    "a ligature that grows": "\ufdfa",
    "direction marks": "\u202e\u202d",
    "control characters": "\x00\x1b[",
    "slashes": "/a.b",
    "an address without end": "a@",
    "numbers": "502 ",
    "line ends": "\n \n",
    "quoting": "> | ",
    "many hits": "502 portal ",
    "many denials": "not the group grey ",
    "many phrases": "destination namespace is already associated with a subscription ",
    "lone surrogates": "\ud800",
    "a bracket": "(,",
}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_text_takes_no_long_time(piece: str) -> None:
    """100 kB of anything are read in well under the two seconds that an impatient person waits."""
    text = (piece * (100_000 // len(piece) + 1))[:100_000]
    began = time.perf_counter()
    explain(text)
    assert time.perf_counter() - began < 2


def test_a_text_beyond_all_measure_is_not_read() -> None:
    """Beyond the limit the answer is an abstention that asks for the sentence alone."""
    answer = explain("502 in the portal. " * (LONGEST // 10))
    assert answer.symptom is None
    assert "too long" in answer.cause


def test_an_answer_repeats_nothing_of_a_text_but_known_words() -> None:
    """Names, addresses and secrets that stand in the text do not get into the answer."""
    text = "502 sesame-open-1 pat@example.com acme/tools A-S00012345 in the portal of Pat Doe"
    told = explain(text).model_dump_json()
    assert not [word for word in ("sesame", "pat@", "acme", "00012345", "Doe") if word in told]
