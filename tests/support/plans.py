"""Plans to approve and to send in tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from association import facts_of

from glhelpers.actions.plan import plan_association
from glhelpers.models.change import PlanFile
from glhelpers.rules.force_associate import POLICY
from glhelpers.rules.rule import evaluate

OVERAGE = {
    "subscription.community_program": None,
    "subscription.seats": 10,
    "parameters.customer_confirmation": "https://gitlab.zendesk.com/agent/tickets/1#c",
}
"""Changes to the base facts under which seats owed would arise, so that a second person is needed."""


def plan_file(
    changes: dict[str, Any] | None = None, *, requested_by: str = "ada", profile: str = "sandbox"
) -> PlanFile:
    """A plan as `plan.json` holds it."""
    facts = facts_of(changes or {})
    plan = plan_association(facts, evaluate(POLICY, facts), profile)
    return PlanFile(plan=plan, digest=plan.digest, requested_by=requested_by, planned_at=datetime.now(UTC))
