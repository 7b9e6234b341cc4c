"""
The gate without a face: who may approve which plan, and which approval opens it.

Interactive and unattended runs both end here.  There is no default answer and no time-out that answers.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from glhelpers.errors import GateClosed
from glhelpers.models.change import Approval, ChangePlan, PlanFile

__all__ = ["LONGEST_APPROVAL", "LONGEST_REASON", "SHORTEST_REASON", "grant", "is_a_reason", "refusal"]

LONGEST_APPROVAL = timedelta(hours=24)
"""No approval lives longer, whatever its file says."""

SHORTEST_REASON = 20
"""Characters that a reason for breaking the glass has at least."""

LONGEST_REASON = 500
"""Characters that it has at most."""


def grant(
    file: PlanFile,
    *,
    typed: str,
    approver: str,
    now: datetime,
    lasts: timedelta,
    break_glass: str | None = None,
) -> Approval:
    """
    The approval of this plan by `approver`, who has typed `typed`.

    `break_glass` is the reason why the requester approves alone what takes two.  Raises `GateClosed`
    if the text is not the target's name to the letter, if the file's digest is not the plan's, if the
    plan needs a second person and the approver is the requester, or for a reason that is none.
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
    if break_glass is not None:
        _need_a_reason(plan, break_glass)
    elif plan.second_person and approver == file.requested_by:
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
        break_glass=" ".join(break_glass.split()) if break_glass is not None else None,
    )


def _need_a_reason(plan: ChangePlan, reason: str) -> None:
    if not plan.second_person:
        raise GateClosed(
            "There is no glass to break: this plan needs no second person.", next_step="Leave out --break-glass."
        )
    if not is_a_reason(reason):
        raise GateClosed(
            f"Breaking the glass needs a reason of at least {SHORTEST_REASON} characters in words.",
            next_step="Say why no second person can be had and why it cannot wait; it will be shown in red.",
        )


def is_a_reason(text: str) -> bool:
    """Whether a text says something: long enough, printable, and more than one word."""
    words = " ".join(text.split())
    return SHORTEST_REASON <= len(words) <= LONGEST_REASON and words.isprintable() and len(set(words.split())) > 2


def refusal(
    plan: ChangePlan, approval: Approval, *, now: datetime, spent_at: str | None, break_glass_allowed: bool = False
) -> str | None:
    """
    Why this approval does not open the gate for this plan, in one sentence; None if it does.

    `break_glass_allowed`: whether the profile lets one person approve alone what takes two.
    """
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
    if approval.break_glass is not None:
        if not break_glass_allowed:
            return "The approval breaks the glass, which this profile does not allow."
        return None if is_a_reason(approval.break_glass) else "The approval breaks the glass without a reason."
    if plan.second_person and approval.approved_by == approval.requested_by:
        return f"The plan needs a second person ({'; '.join(plan.second_person)}); one person asked and approved."
    return None
