"""The pasted JSON held against what GitLab.com shows: properties that hold for every subscription and every paste."""

from __future__ import annotations

import copy
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glhelpers.models.finding import Verdict
from glhelpers.models.namespace import GitlabSubscription
from glhelpers.rules.pasted_subscription import DRIFTING, IDENTITY, LEAVES, compare, judge_pasted

Tree = dict[str, dict[str, Any]]

days = st.dates(date(2015, 1, 1), date(2035, 12, 31)).map(date.isoformat)
counts = st.integers(0, 10_000)
flags = st.booleans() | st.none()
answers = st.fixed_dictionaries(
    {
        "plan": st.fixed_dictionaries(
            {
                "code": st.sampled_from(("bronze", "silver", "premium", "gold", "ultimate", "opensource")),
                "name": st.text(max_size=12),
                "trial": flags,
                "auto_renew": flags,
                "upgradable": flags,
                "exclude_guests": flags,
            }
        ),
        "usage": st.fixed_dictionaries(
            {
                "seats_in_subscription": st.integers(1, 10_000),
                "seats_in_use": counts,
                "max_seats_used": counts,
                "seats_owed": counts,
            }
        ),
        "billing": st.fixed_dictionaries(
            {"subscription_start_date": days, "subscription_end_date": days, "trial_ends_on": days | st.none()}
        ),
    }
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def seen(tree: Tree) -> GitlabSubscription:
    """The subscription that GitLab.com shows support."""
    return GitlabSubscription.model_validate_json(json.dumps(tree))


def changed(tree: Tree, leaf: str, value: Any) -> str:
    """The paste of a tree with one leaf of another value."""
    part, _, name = leaf.partition(".")
    other = copy.deepcopy(tree)
    other[part][name] = value
    return json.dumps(other)


def at(tree: Tree, leaf: str) -> Any:
    """The value of a leaf."""
    part, _, name = leaf.partition(".")
    return tree[part][name]


@given(answers)
def test_an_honest_paste_proves_it(tree: Tree) -> None:
    """What GitLab.com shows, pasted as it is, passes, and every leaf was looked at."""
    assert judge_pasted(json.dumps(tree, indent=2), seen(tree)).verdict is Verdict.proceed
    leaves = compare(json.dumps(tree), seen(tree))
    assert leaves is not None
    assert tuple(leaf.leaf for leaf in leaves) == LEAVES
    assert all(leaf.same for leaf in leaves)


@given(answers, st.sampled_from(LEAVES), anything)
def test_one_leaf_of_another_value_never_passes(tree: Tree, leaf: str, value: Any) -> None:
    """Whatever stands there instead: an identity leaf stops, any other asks again."""
    if json.dumps(value) == json.dumps(at(tree, leaf)):
        return
    verdict = judge_pasted(changed(tree, leaf, value), seen(tree)).verdict
    assert verdict is (Verdict.stop if leaf in IDENTITY else Verdict.ask)


@given(answers, st.sampled_from(LEAVES))
def test_a_leaf_left_out_asks_again(tree: Tree, leaf: str) -> None:
    """A paste that lacks a value is not the whole answer."""
    part, _, name = leaf.partition(".")
    short = copy.deepcopy(tree)
    del short[part][name]
    assert judge_pasted(json.dumps(short), seen(tree)).verdict is Verdict.ask


@given(answers, st.lists(st.sampled_from(DRIFTING), min_size=1, unique=True))
def test_figures_that_drift_ask_and_never_stop(tree: Tree, leaves: list[str]) -> None:
    """Seats move between two looks; an honest requester is asked again, not turned away."""
    other = copy.deepcopy(tree)
    for leaf in leaves:
        other[leaf.partition(".")[0]][leaf.partition(".")[2]] += 1
    assert judge_pasted(json.dumps(other), seen(tree)).verdict is Verdict.ask


@given(answers, answers)
def test_another_groups_json_never_passes(tree: Tree, other: Tree) -> None:
    """Only the same values in every leaf pass."""
    verdict = judge_pasted(json.dumps(other), seen(tree)).verdict
    assert (verdict is Verdict.proceed) == (other == tree)


@given(answers, st.text(max_size=200) | anything.map(json.dumps))
def test_no_text_whatever_breaks_it(tree: Tree, text: str) -> None:
    """Any text is judged, and none but the subscription's own JSON passes."""
    assert judge_pasted(text, seen(tree)).verdict in (Verdict.ask, Verdict.stop)


@given(answers)
def test_a_group_without_a_subscription_proves_nothing(tree: Tree) -> None:
    """The JSON of a Free group holds nulls only, so that every stranger knows it."""
    nulls: Tree = {part: dict.fromkeys(leaves) for part, leaves in tree.items()}
    assert judge_pasted(json.dumps(nulls), seen(nulls)).verdict is Verdict.stop
    assert judge_pasted(json.dumps(nulls), seen(tree)).verdict is Verdict.stop
    assert judge_pasted(json.dumps(tree), seen(nulls)).verdict is Verdict.stop


WHOLE: Tree = {
    "plan": {
        "code": "premium",
        "name": "Premium",
        "trial": False,
        "auto_renew": None,
        "upgradable": True,
        "exclude_guests": False,
    },
    "usage": {"seats_in_subscription": 1, "seats_in_use": 1, "max_seats_used": 1, "seats_owed": 0},
    "billing": {
        "subscription_start_date": "2026-06-01",
        "subscription_end_date": "2027-06-01",
        "trial_ends_on": None,
    },
}


@pytest.mark.parametrize(
    ("what", "leaf", "value", "verdict"),
    [
        ("true is not 1", "usage.seats_in_subscription", True, Verdict.stop),
        ("1.0 is not 1", "usage.seats_in_subscription", 1.0, Verdict.stop),
        ("a text is no number", "usage.seats_in_subscription", "1", Verdict.stop),
        ("0 is not false", "plan.trial", 0, Verdict.ask),
        ("null is not a day", "billing.subscription_end_date", None, Verdict.stop),
        ("a day with a time is not the day", "billing.subscription_end_date", "2027-06-01T00:00", Verdict.stop),
        ("capitals are not the code", "plan.code", "Premium", Verdict.stop),
    ],
)
def test_kinds_of_value_are_told_apart(what: str, leaf: str, value: Any, verdict: Verdict) -> None:
    """What only looks the same is not the same."""
    assert judge_pasted(changed(WHOLE, leaf, value), seen(WHOLE)).verdict is verdict, what


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("nothing", ""),
        ("a list", "[]"),
        ("an empty object", "{}"),
        ("a refusal", '{"message": "404 Not Found"}'),
        ("nested beyond reason", "[" * 1900),
        ("a key twice", json.dumps(WHOLE).replace('"seats_owed": 0', '"seats_owed": 7, "seats_owed": 0')),
        ("no number", json.dumps(WHOLE).replace('"seats_owed": 0', '"seats_owed": NaN')),
        ("cut off", json.dumps(WHOLE)[:-5]),
        ("a part that is a text", json.dumps({**WHOLE, "usage": "all"})),
        ("a part that is missing", json.dumps({"plan": WHOLE["plan"], "billing": WHOLE["billing"]})),
    ],
)
def test_what_is_no_whole_json_asks_again(what: str, text: str) -> None:
    """The customer is asked for the whole text once more."""
    judgement = judge_pasted(text, seen(WHOLE))
    assert judgement.verdict is Verdict.ask, what
    assert judgement.next_step


@pytest.mark.parametrize("value", ["\\ud800", "\\u0000", "9" * 30])
def test_no_value_is_too_odd_for_the_record(value: str) -> None:
    """Half characters, control characters and endless numbers are kept as the text that was pasted."""
    odd = value if value.isdigit() else f'"{value}"'
    leaves = compare(json.dumps(WHOLE).replace('"seats_in_use": 1', f'"seats_in_use": {odd}'), seen(WHOLE))
    assert leaves is not None
    assert [leaf.leaf for leaf in leaves if not leaf.same] == ["usage.seats_in_use"]
    assert odd in [leaf.pasted for leaf in leaves]
    assert all(leaf.model_dump_json() for leaf in leaves)


def test_a_value_that_gitlab_does_not_tell_is_passed_over() -> None:
    """Another version of GitLab may leave a leaf out; then there is nothing to compare it with."""
    older = copy.deepcopy(WHOLE)
    del older["plan"]["exclude_guests"]
    assert judge_pasted(json.dumps(WHOLE), seen(older)).verdict is Verdict.proceed
    assert judge_pasted(json.dumps(older), seen(older)).verdict is Verdict.proceed
