"""
May a change be taken back: was it made, is there an inverse, and is all as the change left it?

The handbook has no section on undoing; these rules rest on what the tools can do.
"""

from __future__ import annotations

from glhelpers.models.change import ChangePlan, Outcome
from glhelpers.models.fact import FactState, FactUnknown
from glhelpers.models.finding import Verdict
from glhelpers.models.undo_facts import UndoFacts, WrittenChange
from glhelpers.rules.request import ticket_is_open, ticket_link_is_well_formed
from glhelpers.rules.rule import Judgement, Policy, passes, rule

__all__ = ["FREE", "INVERSES", "POLICY", "puts_back"]

INVERSES = {
    "force_associate": "clear_subscription",
    "clear_subscription": "force_associate",
    "replace_subscription": "replace_subscription",
    "set_extra_minutes": "set_extra_minutes",
}
"""Action, and the one that takes it back."""

FREE = (None, "free", "default")

_NO_WAY_BACK = {
    "unlink": (
        "No tool links a GitLab.com user to an account: only the customer can, by signing in.",
        "Ask the customer to link the account again in the Customers Portal.",
    ),
    "add_membership": (
        "No tool takes an account off a billing account.",
        "Ask Billing Ops to remove the account from the billing account.",
    ),
    "reset_usage": (
        "The use of compute minutes that was reset is kept nowhere, so it cannot be put back.",
        "Tell the customer what was reset; the admin note holds the figures.",
    ),
}
_MADE = (Outcome.applied.value,)


def puts_back(plan: ChangePlan) -> str | None:
    """The subscription that the inverse puts on the group again, if it does."""
    if plan.action == "clear_subscription":
        return str(plan.arguments["subscription_name"])
    return str(plan.arguments["old_subscription_name"]) if plan.action == "replace_subscription" else None


def _made(facts: UndoFacts) -> WrittenChange:
    written = facts.written.known()
    if written.outcome not in _MADE:
        raise FactUnknown("no change was made")
    return written


@rule(
    "change-is-in-the-journal",
    "The journal knows the change",
    stage="change",
    anchor="",
    paragraph="Only what the journal holds is taken for made; a run folder can be edited",
    uses=("written",),
)
def change_is_in_the_journal(facts: UndoFacts) -> Judgement:
    if facts.written.state is FactState.absent:
        return Judgement(
            Verdict.stop,
            facts.written.why or "The journal knows no such change.",
            "Run `glhelpers undo RUN_DIR`, or give the id that `glhelpers journal list` shows as write.",
        )
    written = facts.written.known()
    if not written.here:
        return Judgement(
            Verdict.stop,
            "The change was sent to other services than those of this profile.",
            "Set GLHELPERS_PROFILE to the profile of the run that made it.",
        )
    return passes(f"{written.operator} sent {written.action} to {written.target} in run {written.run_id}.")


@rule(
    "change-was-made",
    "The change was made, and read back",
    stage="change",
    anchor="",
    paragraph="There is nothing to take back of a change that was not made, and nothing to rely on if nobody knows",
    uses=("written",),
)
def change_was_made(facts: UndoFacts) -> Judgement:
    if facts.written.state is FactState.absent:
        return Judgement(Verdict.not_applicable, "There is no change.")
    written = facts.written.known()
    match written.outcome:
        case None:
            return Judgement(
                Verdict.stop,
                "What became of the change is not known yet.",
                f"Find out first: glhelpers journal settle {written.write[:12]}",
            )
        case Outcome.applied.value:
            word = f", by the word of {written.told_by}" if written.told_by else " and read back"
            return passes(f"The change was made{word}.")
        case Outcome.not_applied.value | Outcome.put_back.value | Outcome.noop.value:
            return Judgement(Verdict.no_change, f"That run changed nothing ({written.outcome}).")
        case _:
            return Judgement(
                Verdict.stop,
                f"That change ended as {written.outcome}: nobody can say what its inverse is.",
                "Look at the group by hand, with the engineers who have console access.",
            )


@rule(
    "there-is-an-inverse",
    "The tools have a way to take this change back",
    stage="inverse",
    anchor="",
    paragraph="Support Admin Tools: what each can do",
    uses=("written",),
)
def there_is_an_inverse(facts: UndoFacts) -> Judgement:
    action = _made(facts).action
    if action in _NO_WAY_BACK:
        return Judgement(Verdict.stop, *_NO_WAY_BACK[action])
    if action not in INVERSES or facts.change is None:
        return Judgement(Verdict.unknown, f"It is not known how {action} is taken back.", "Look at it by hand.")
    before = {change.field: change.before for change in facts.change.changes}
    here = facts.change.target.id
    if action == "force_associate" and before.get("plan") not in FREE:
        return Judgement(
            Verdict.stop,
            f"Before the change the group showed {before['plan']} of a subscription that had ended; that does not come back.",
            "If the group shall be on Free, run clear_subscription.",
        )
    if action == "force_associate" and before.get("linked_namespace") not in (None, here):
        return Judgement(
            Verdict.stop,
            f"Before the change the order was linked to namespace {before['linked_namespace']}: moving it back is a new "
            "association.",
            "Run force_associate for that namespace.",
        )
    return passes(f"{INVERSES[action].replace('_', ' ').capitalize()} takes it back.")


@rule(
    "subscription-to-put-back-runs",
    "The subscription that would be put back is active and in its term",
    stage="inverse",
    anchor="",
    paragraph="A subscription that has ended gives a group nothing",
    uses=("to_put_back", "today"),
)
def subscription_to_put_back_runs(facts: UndoFacts) -> Judgement:
    if facts.change is None or puts_back(facts.change) is None:
        return Judgement(Verdict.not_applicable, "No subscription is put back.")
    if facts.to_put_back.state is FactState.absent:
        return Judgement(Verdict.stop, "The subscription that was on the group is gone.", "Look at it in CustomersDot.")
    old, today = facts.to_put_back.known(), facts.today.known()
    if old.end_date is None:
        raise FactUnknown("CustomersDot does not tell when the subscription ends")
    if old.status != "active" or old.end_date < today:
        return Judgement(
            Verdict.stop,
            f"{old.name} is {old.status} and ends on {old.end_date.isoformat()}: it cannot carry the group any more.",
            "Find out with the customer which subscription shall be on the group.",
        )
    return passes(f"{old.name} is active until {old.end_date.isoformat()}.")


@rule(
    "nothing-has-changed-since",
    "The target is as the change left it",
    stage="state",
    anchor="",
    paragraph="What somebody else has changed since is not ours to overwrite",
    uses=("target_now",),
)
def nothing_has_changed_since(facts: UndoFacts) -> Judgement:
    _made(facts)
    fields = [field for field in facts.target_now.known().fields if field.counts]
    silent = [field.label for field in fields if not field.read]
    differs = [field for field in fields if field.read and field.now != field.after]
    moved = [field for field in fields if field.before != field.after]
    if moved and all(field.read and field.now == field.before for field in fields):
        return Judgement(Verdict.no_change, "All is as it was before the change.")
    if differs:
        told = "; ".join(f"{field.label} was left at {field.after} and is {field.now}" for field in differs)
        return Judgement(
            Verdict.stop,
            f"Somebody else has changed the target since: {told}.",
            "Find out who and why; a new change is a new run of its own.",
        )
    if silent:
        raise FactUnknown(f"{', '.join(silent)} cannot be read")
    return passes("All is as the change left it.")


@rule(
    "nobody-has-acted-since",
    "No Support Audit Event on the group is younger than the change",
    stage="state",
    anchor="",
    paragraph="Support Audit Events: who did what to a group, on which ticket",
    uses=("later",),
)
def nobody_has_acted_since(facts: UndoFacts) -> Judgement:
    _made(facts)
    if facts.later.state is FactState.absent:
        return Judgement(Verdict.warn, "Support Audit Events are not read where CustomersDot is worked by hand.")
    later = facts.later.known()
    if later.actions:
        return Judgement(
            Verdict.stop,
            f"Support has acted on the group since: {'; '.join(later.actions)}.",
            "Find out why; a new change is a new run of its own.",
        )
    if not later.found:
        raise FactUnknown("the Support Audit Events do not hold the change, so none can be called younger")
    return passes("Nobody has acted on the group with a support tool since.")


POLICY: Policy[UndoFacts] = Policy(
    runbook="undo",
    stages=("change", "request", "inverse", "state"),
    rules=(
        change_is_in_the_journal,
        change_was_made,
        ticket_link_is_well_formed,
        ticket_is_open,
        there_is_an_inverse,
        subscription_to_put_back_runs,
        nothing_has_changed_since,
        nobody_has_acted_since,
    ),
)
