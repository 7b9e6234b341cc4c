"""
The gate without a face: who may approve which plan, and which approval opens it.

Interactive and unattended runs both end here.  There is no default answer and no time-out that answers.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from glhelpers.errors import GateClosed
from glhelpers.models.change import Approval, ChangePlan, PlanFile

__all__ = ["LONGEST_APPROVAL", "grant", "refusal"]

LONGEST_APPROVAL = timedelta(hours=24)
"""No approval lives longer, whatever its file says."""


def grant(file: PlanFile, *, typed: str, approver: str, now: datetime, lasts: timedelta) -> Approval:
    """
    The approval of this plan by `approver`, who has typed `typed`.

    Raises `GateClosed` if the text is not the target's name to the letter, if the file's digest is
    not the plan's, or if the plan needs a second person and the approver is the requester.
    """
    plan = file.plan
    if file.digest != plan.digest:
        raise GateClosed(
            "The plan file was changed after it was made: its digest does not fit.", next_step="Make the plan anew."
        )
    if typed != plan.target.typed:
        raise GateClosed(
            f"What was typed is not {plan.target.typed!r}, so nothing is approved.",
            next_step="Read the target in the plan and type exactly that.",
        )
    if not approver.strip():
        raise GateClosed("An approval needs the name of a person.", next_step="Set GLHELPERS_OPERATOR.")
    if plan.second_person and approver == file.requested_by:
        raise GateClosed(
            f"This plan needs a second person ({'; '.join(plan.second_person)}), and {approver} asked for it.",
            next_step="Have a colleague run `glhelpers approve` on the plan file.",
        )
    return Approval(
        plan_digest=plan.digest,
        profile=plan.profile,
        target=plan.target.key,
        requested_by=file.requested_by,
        approved_by=approver,
        approved_at=now,
        expires_at=now + min(lasts, LONGEST_APPROVAL),
    )


def refusal(plan: ChangePlan, approval: Approval, *, now: datetime, spent_at: str | None) -> str | None:
    """Why this approval does not open the gate for this plan, in one sentence; None if it does."""
    if approval.profile != plan.profile:
        return f"The approval was given for profile {approval.profile}, this run uses {plan.profile}."
    if approval.plan_digest != plan.digest or approval.target != plan.target.key:
        return "The approval names another plan."
    if spent_at is not None:
        return f"The approval was spent at {spent_at}; it opens the gate once."
    if approval.expires_at - approval.approved_at > LONGEST_APPROVAL:
        return "The approval claims to live longer than an approval may."
    if now >= approval.expires_at:
        return f"The approval expired at {approval.expires_at.isoformat(timespec='minutes')}."
    if now < approval.approved_at - timedelta(minutes=5):
        return "The approval was given in the future; check this machine's clock."
    if plan.second_person and approval.approved_by == approval.requested_by:
        return f"The plan needs a second person ({'; '.join(plan.second_person)}); one person asked and approved."
    return None
