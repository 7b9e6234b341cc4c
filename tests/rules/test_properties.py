"""What holds for all facts, not only for those somebody has thought of."""

from __future__ import annotations

from typing import Any

from association import NAMES, base, facts_of
from hypothesis import given, settings
from hypothesis import strategies as st

from glhelpers.actions.plan import differences, plan_association
from glhelpers.models.change import ChangePlan
from glhelpers.models.finding import Status, Verdict
from glhelpers.rules.force_associate import POLICY
from glhelpers.rules.rule import decide, evaluate

DAYS = st.sampled_from(["2025-11-01", "2026-11-22", "2026-11-23", "2026-11-24", "2027-11-01", None])
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "parameters.ticket_url": st.sampled_from(["", "https://gitlab.zendesk.com/agent/tickets/1", "nonsense"]),
    "parameters.customer_confirmation": st.sampled_from(["", "https://gitlab.zendesk.com/agent/tickets/1#c"]),
    "parameters.customer_id": st.sampled_from(["", "50", "51"]),
    "ticket.status": st.sampled_from(["open", "closed", "weird"]),
    "namespace.kind": st.sampled_from(["group", "user", "project"]),
    "namespace.parent_id": st.sampled_from([None, 3]),
    "namespace.plan": st.sampled_from(["free", "premium", "ultimate", "platinum", None]),
    "namespace.extra_shared_runners_minutes_limit": st.sampled_from([0, 500, None, "<gone>"]),
    "namespace.ci_minutes_usage": st.sampled_from(
        [None, {"total_minutes_used": 9, "monthly_minutes_used": 9, "purchased_minutes_used": 3}]
    ),
    "group.marked_for_deletion_on": DAYS,
    "subscription.kind": st.sampled_from(["plan", "compute_minutes", "storage", "duo", None, "<gone>"]),
    "subscription.plan_code": st.sampled_from(["premium", "ultimate", "silver", "platinum", None, "<gone>"]),
    "subscription.seats": st.one_of(st.none(), st.integers(-5, 10**9), st.just("<gone>")),
    "subscription.start_date": DAYS,
    "subscription.end_date": DAYS,
    "subscription.status": st.sampled_from(["active", "cancelled", None, "<gone>"]),
    "subscription.deployment": st.sampled_from(["saas", "self_managed", None, "<gone>"]),
    "subscription.trial": st.sampled_from([True, False, None, "<gone>"]),
    "subscription.invoice_owner_type": st.sampled_from(["customer", "reseller", "marketplace", "alliance", None]),
    "subscription.community_program": st.sampled_from(["edu", "oss", "startups", None, "<gone>"]),
    "order.gl_namespace_id": st.sampled_from([None, "7", "8"]),
    "order.customer_id": st.sampled_from([50, None]),
    "customer.uid": st.sampled_from(["900", "٣", "x", "", None, "<gone>"]),
    "linked_user.state": st.sampled_from(["active", "blocked", None]),
    "linked_user.is_admin": st.sampled_from([True, False, None]),
    "linked_member.access_level": st.sampled_from([0, 5, 10, 40, 50, 60]),
    "linked_member.expires_at": DAYS,
    "linked_member.membership_state": st.sampled_from(["active", "awaiting", None]),
}
STATES = st.sampled_from(["<absent>", "<unknown>"])


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    """Some fields changed, some facts absent or unknown."""
    chosen = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=8, unique=True))
    drawn = {name: draw(FIELDS[name]) for name in chosen}
    lost = draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True))
    drawn = {
        name: value for name, value in drawn.items() if name.partition(".")[0].replace("order", "orders") not in lost
    }
    if draw(st.booleans()) and "seats_needed" not in lost:
        low = draw(st.integers(0, 50))
        high = low + draw(st.integers(0, 5))
        drawn["seats_needed"] = {
            "low": low,
            "high": high,
            "counts_guests": draw(st.booleans()),
            "live": low,
            "stored": None,
            "max_used": draw(st.one_of(st.none(), st.integers(0, 60))),
        }
    return drawn | {name: draw(STATES) for name in lost}


@settings(max_examples=800, deadline=None)
@given(changes())
def test_every_combination_of_facts_has_exactly_one_outcome(drawn: dict[str, Any]) -> None:
    """No facts raise an error, and the same facts always decide the same; a plan is made only if all rules pass."""
    facts = facts_of(drawn)
    findings = evaluate(POLICY, facts)
    decision = decide(POLICY, findings)
    assert decision == decide(POLICY, evaluate(POLICY, facts))
    assert (decision.status is None) == all(finding.verdict.lets_pass for finding in findings)
    assert decision.status in (
        None,
        Status.stopped,
        Status.needs_customer,
        Status.self_serve,
        Status.handed_off,
        Status.no_change_needed,
    )
    assert len(findings) == len(POLICY.rules)
    assert all(finding.reason and finding.anchor for finding in findings)
    if decision.status is None:
        plan = plan_association(facts, findings, "sandbox")
        assert ChangePlan.model_validate_json(plan.model_dump_json()).digest == plan.digest


@settings(max_examples=300, deadline=None)
@given(changes(), st.sampled_from(NAMES))
def test_an_unknown_fact_never_lets_a_plan_through(drawn: dict[str, Any], lost: str) -> None:
    """Whatever else holds: with any one fact unknown there is no plan."""
    kept = {name: value for name, value in drawn.items() if name.partition(".")[0].replace("order", "orders") != lost}
    facts = facts_of(kept | {lost: "<unknown>"})
    assert decide(POLICY, evaluate(POLICY, facts)).status is not None


@settings(max_examples=300, deadline=None)
@given(changes())
def test_a_plan_changes_with_every_finding(drawn: dict[str, Any]) -> None:
    """Two plans on different findings differ in digest, and the difference can be told in words."""
    first, second = facts_of({}), facts_of(drawn)
    found, other = evaluate(POLICY, first), evaluate(POLICY, second)
    if decide(POLICY, other).status is not None:
        return
    then, now = plan_association(first, found, "sandbox"), plan_association(second, other, "sandbox")
    if found != other:
        assert then.digest != now.digest
    assert (then.digest != now.digest) == bool(differences(then, now))


def test_unknown_and_stop_never_pass() -> None:
    """Only three verdicts let a run go on."""
    assert {verdict for verdict in Verdict if verdict.lets_pass} == {
        Verdict.proceed,
        Verdict.warn,
        Verdict.not_applicable,
    }


def test_the_base_case_knows_every_fact() -> None:
    """The tables' base holds each fact that a rule may use, so that a row only says what differs."""
    assert set(NAMES) == set(base()) - {"parameters"}
