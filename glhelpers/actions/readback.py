"""Read a change back and say what it shows: all of it, none of it, a part of it."""

from __future__ import annotations

from glhelpers.actions.effects import Found
from glhelpers.models.change import Change, ChangePlan, Check, CheckState, Outcome, Scalar
from glhelpers.models.undo_facts import FieldNow
from glhelpers.rules.occupancy import same_plan

__all__ = ["checks_of", "classify", "settled_fields", "shape_of"]


def checks_of(plan: ChangePlan, found: Found, told_by: str | None = None) -> tuple[Check, ...]:
    """
    Each field of the plan next to what was found.

    `told_by` is the person whose word counts for fields that no service tells; without one such a
    field is unknown.
    """
    return tuple(_check(change, found, told_by) for change in plan.changes)


def settled_fields(plan: ChangePlan, found: Found) -> tuple[FieldNow, ...]:
    """Each field of a change that was made, next to what it is now; figures that nobody foresaw do not count."""
    return tuple(
        FieldNow(
            field=change.field,
            label=change.label,
            before=change.before,
            after=change.after,
            now=_as_planned(change, found.get(change.field)),
            read=change.field in found,
            counts=change.foreseen and not change.lags,
        )
        for change in plan.changes
    )


def _as_planned(change: Change, value: Scalar) -> Scalar:
    """Plan codes have old and new spellings: one that means the planned one is read as it."""
    return change.after if change.field == "plan" and _same(change.after, value) else value


def _check(change: Change, found: Found, told_by: str | None) -> Check:
    by_word = change.field not in found and told_by is not None
    value = change.after if by_word else found.get(change.field)
    return Check(
        field=change.field,
        label=change.label,
        before=change.before,
        expected=change.after,
        found=value,
        told_by=told_by if by_word else None,
        state=CheckState.ok if by_word else _state(change, found),
    )


def _state(change: Change, found: Found) -> CheckState:
    if change.field not in found or not change.foreseen:
        return CheckState.unknown
    value = found[change.field]
    if value == change.after or (change.field == "plan" and _same(change.after, value)):
        return CheckState.ok
    return CheckState.pending if change.lags else CheckState.differs


def _same(expected: object, found: object) -> bool:
    return isinstance(expected, str) and isinstance(found, str) and same_plan(expected, found)


def shape_of(plan: ChangePlan, checks: tuple[Check, ...], *, by_hand: bool = False) -> str:
    """
    `after`: all is as planned; `before`: nothing has moved; `between`: some of it has; `unread`: too little is told.

    Where CustomersDot is worked by hand, what only CustomersDot tells may be missing; elsewhere a
    field that a service keeps to itself is never taken for done.
    """
    uncounted = {change.field for change in plan.changes if change.lags or not change.foreseen}
    counted = [check for check in checks if check.field not in uncounted and check.state is not CheckState.unknown]
    # A person's word counts only for fields that no service tells; where a service tells others, those decide.
    counted = [check for check in counted if check.told_by is None] or counted
    silent = [check for check in checks if check.field not in uncounted and check.state is CheckState.unknown]
    if not counted or (silent and not by_hand and all(check.state is CheckState.ok for check in counted)):
        return "unread"
    if all(check.state is CheckState.ok for check in counted):
        return "after"
    moving = [check for check in counted if check.before != check.expected]
    untouched = all(check.found == check.before for check in counted)
    return "before" if untouched and moving else "between"


def classify(shape: str, succeeded: bool, refused: bool, acted: bool | None) -> Outcome:
    """The outcome of one request; `acted` is whether the audit events hold it, None if they cannot tell."""
    if shape == "after":
        return Outcome.applied
    if shape == "between":
        return Outcome.partial
    if shape == "unread":
        return Outcome.not_applied if refused else Outcome.unknown
    if succeeded:
        return Outcome.mismatch
    if refused:
        return Outcome.not_applied
    # No answer, nothing moved: only the audit events can say that the request never arrived.
    if acted is None:
        return Outcome.unknown
    return Outcome.mismatch if acted else Outcome.not_applied
