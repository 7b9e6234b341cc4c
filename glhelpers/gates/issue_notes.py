"""Look up what the issue says about a plan, and who said it."""

from __future__ import annotations

from datetime import timedelta

from glhelpers.clients.gitlab import GitLabClient
from glhelpers.errors import GateClosed, NotFound
from glhelpers.gates.from_issue import Asked, approval_in
from glhelpers.models.change import Approval, ChangePlan
from glhelpers.settings import Settings

__all__ = ["FROM_ISSUE", "read_from_issue"]

FROM_ISSUE = "issue"
"""Given as the approval, it means: look for a colleague's note on the run's issue."""


def read_from_issue(gitlab: GitLabClient, plan: ChangePlan, settings: Settings) -> Approval:
    """
    The approval of this plan that a note on its issue gives.

    Raises `GateClosed` with the reason and the line to write where none does, and the error of a
    service that cannot be read: what is not known never opens the gate.
    """
    if not plan.issue:
        raise GateClosed(
            "The run has no issue on which a colleague could approve.", next_step="Give the parameter issue."
        )
    project, _, iid = plan.issue.rpartition("#")
    runner = gitlab.me()
    try:
        notes = gitlab.notes(project, int(iid))
    except NotFound:
        raise GateClosed(
            f"GitLab.com knows no issue {plan.issue}, or hides it from this token.", next_step="Correct issue."
        ) from None
    now = gitlab.now()
    if now is None:
        raise GateClosed("GitLab.com does not tell its time, so no note can be dated.", next_step="Run again.")
    asked = Asked(
        plan=plan,
        issue=plan.issue,
        operator=settings.operator,
        runner=runner,
        approvers=settings.approvers,
        lasts=timedelta(minutes=settings.approval_minutes),
        now=now,
    )
    return approval_in(asked, notes, gitlab.user)
