"""Plain words for the values of a run: verdicts, statuses, sources, times and whatever a fact holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from glhelpers.evidence.text import one_line
from glhelpers.models.base import OwnModel, WireModel
from glhelpers.models.change import Approval, CheckState, Outcome
from glhelpers.models.fact import Source
from glhelpers.models.finding import Status, Verdict
from glhelpers.models.record import StepState
from glhelpers.rules.handbook import PAGE

__all__ = [
    "ACTION_WORDS",
    "CHECK_SIGNS",
    "OUTCOME_WORDS",
    "SOURCE_WORDS",
    "STATUS_SIGNS",
    "STEP_SIGNS",
    "VERDICT_SIGNS",
    "Sign",
    "action_in_words",
    "broken_glass",
    "field_lines",
    "handbook_link",
    "headline",
    "in_words",
    "moment",
]


class Sign(NamedTuple):
    """An icon and a word that say the same; `tone` is the colour that adds nothing but comfort."""

    icon: str
    word: str
    tone: str


VERDICT_SIGNS: Mapping[Verdict, Sign] = {
    Verdict.proceed: Sign("✓", "passes", "good"),
    Verdict.warn: Sign("!", "passes with a warning", "warn"),
    Verdict.not_applicable: Sign("–", "does not apply", "calm"),
    Verdict.no_change: Sign("=", "nothing to change", "good"),
    Verdict.self_serve: Sign("↗", "the customer can do it", "calm"),
    Verdict.ask: Sign("?", "ask the customer", "warn"),
    Verdict.handoff: Sign("→", "goes on elsewhere", "calm"),
    Verdict.stop: Sign("✕", "stop", "bad"),
    Verdict.unknown: Sign("○", "not known", "bad"),
}

STATUS_SIGNS: Mapping[Status, Sign] = {
    Status.completed: Sign("✓", "Completed: written and verified", "good"),
    Status.no_change_needed: Sign("=", "No change needed", "good"),
    Status.self_serve: Sign("↗", "The customer can do it", "calm"),
    Status.awaiting_approval: Sign("…", "Awaiting approval: nothing is written yet", "warn"),
    Status.needs_customer: Sign("?", "Needs the customer's answer first", "warn"),
    Status.stopped: Sign("✕", "Stopped: nothing was written", "bad"),
    Status.handed_off: Sign("→", "Handed off: it goes on elsewhere", "calm"),
    Status.escalated: Sign("↑", "Escalated: the write did not succeed", "bad"),
    Status.stale_plan: Sign("≠", "Stale plan: nothing was written", "bad"),
    Status.verification_failed: Sign("✕", "Verification failed", "bad"),
    Status.failed: Sign("✕", "Failed: the tool itself could not go on", "bad"),
}

CHECK_SIGNS: Mapping[CheckState, Sign] = {
    CheckState.ok: Sign("✓", "as expected", "good"),
    CheckState.pending: Sign("…", "not yet: refreshed once a day", "warn"),
    CheckState.differs: Sign("✕", "differs", "bad"),
    CheckState.unknown: Sign("○", "not known", "bad"),
}

ACTION_WORDS: Mapping[str, str] = {
    "force_associate": "Force Associate",
    "clear_subscription": "Clear Subscription",
    "replace_subscription": "Clear Subscription, then Force Associate",
    "set_extra_minutes": "Set additional compute minutes",
    "reset_usage": "Reset compute usage",
    "unlink": "Unlink the GitLab.com user",
    "add_membership": "Add to the billing account",
}
"""What a plan does, in the page's words; the record, the journal and the requests keep the names."""

STEP_SIGNS: Mapping[StepState, Sign] = {
    StepState.done: Sign("✓", "done", "good"),
    StepState.failed: Sign("✕", "failed", "bad"),
    StepState.running: Sign("○", "cut off inside", "bad"),
    StepState.not_run: Sign("–", "not run", "calm"),
}

OUTCOME_WORDS: Mapping[Outcome, Sign] = {
    Outcome.applied: Sign("✓", "Applied, and found in place when read back", "good"),
    Outcome.noop: Sign("=", "Already in place: nothing had to change", "good"),
    Outcome.not_applied: Sign("✕", "Not applied", "bad"),
    Outcome.mismatch: Sign("≠", "Answered as done, but what was read back differs", "bad"),
    Outcome.put_back: Sign("↶", "Undone again: everything is as it was", "bad"),
    Outcome.partial: Sign("◐", "Applied in part", "bad"),
    Outcome.unknown: Sign("○", "Not known whether it was applied", "bad"),
}

SOURCE_WORDS: Mapping[Source, str] = {
    Source.gitlab: "GitLab.com",
    Source.customersdot: "CustomersDot",
    Source.zendesk: "Zendesk",
    Source.parameter: "parameter of the run",
    Source.operator: "looked up by hand",
    Source.derived: "worked out from other facts",
    Source.journal: "journal of writes",
}

_LABELS = {
    "additional_purchased_storage_ends_on": "additional storage ends on",
    "additional_purchased_storage_size": "additional storage (MiB)",
    "billable_members_count": "billable members (live)",
    "ci_minutes_usage": "compute minutes",
    "extra_shared_runners_minutes_limit": "additional minutes",
    "gl_namespace_id": "namespace id",
    "gl_namespace_name": "namespace name",
    "max_seats_used": "max seats used (stored)",
    "monthly_minutes_used": "used of the quota",
    "purchased_minutes_used": "used of additional minutes",
    "seats_in_use": "seats in use (stored)",
    "shared_runners_minutes_limit": "compute minutes limit",
    "total_minutes_used": "used this month",
    "uid": "linked user id",
    "web_url": "address",
}

# What an expert looks at first in a record of several fields.
_LEADING = """
    full_path subscription_name name username company email number low high id order_id kind plan plan_code code
    seats quantity status state access_level usage billing seats_in_use end_date gl_namespace_id uid
""".split()  # noqa: SIM905 - reads best as words


def headline(status: Status, complete: bool) -> Sign:
    """The first thing to read of a run; a run that was cut off never reads as if it had ended."""
    sign = STATUS_SIGNS[status]
    if complete:
        return sign
    return Sign("○", "INCOMPLETE: the run was cut off before its end", "bad")


def handbook_link(anchor: str) -> str:
    """Address of the handbook section a rule rests on."""
    safe = "".join(char for char in anchor.lstrip("#") if char.isalnum() or char in "-_")
    return f"{PAGE}#{safe}" if safe else PAGE


def moment(value: datetime | None) -> str:
    """A time in UTC to the second, as `2026-11-23 04:40:23 UTC`."""
    if value is None:
        return "not recorded"
    in_utc = value.astimezone(UTC) if value.tzinfo else value
    return in_utc.strftime("%Y-%m-%d %H:%M:%S UTC")


def in_words(value: object) -> str:
    """Any value on one line; of a record, the fields that an expert looks at first."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return moment(value)
        case date():
            return value.isoformat()
        case OwnModel() | WireModel():
            return in_words(value.model_dump(mode="json"))
        case Mapping():
            return _record_in_words(value)
        case str():
            return one_line(value) or "empty"
        case Sequence():
            return _list_in_words(value)
        case _:
            return str(value)


def field_lines(value: object) -> tuple[tuple[str, str], ...]:
    """Label and value of every field that is told, for the reader who wants all; empty for a plain value."""
    match value:
        case OwnModel() | WireModel():
            return field_lines(value.model_dump(mode="json"))
        case Mapping():
            lines = [_lines_of(str(key), item) for key, item in value.items() if item is not None]
            return tuple(line for group in lines for line in group)
        case [Mapping() | OwnModel() | WireModel() as only]:
            return field_lines(only)
        case list() | tuple() if len(value) > 1 or any(field_lines(item) for item in value):
            return tuple((str(number), in_words(item)) for number, item in enumerate(value, 1))
        case _:
            return ()


def _lines_of(key: str, item: Any) -> tuple[tuple[str, str], ...]:
    label = _label(key)
    if isinstance(item, Mapping):
        return tuple((f"{label}: {inner}", text) for inner, text in field_lines(item))
    return ((label, in_words(item)),)


def _record_in_words(value: Mapping[Any, Any]) -> str:
    known = {str(key): item for key, item in value.items() if item is not None and item != [] and item != {}}
    leading = [key for key in _LEADING if key in known] or list(known)
    return ", ".join(f"{_label(key)} {in_words(known[key])}" for key in leading[:6]) or "none"


def _list_in_words(value: Sequence[Any]) -> str:
    if not value:
        return "none"
    shown = "; ".join(in_words(item) for item in value[:3])
    return shown if len(value) <= 3 else f"{len(value)} in all: {shown}; and {len(value) - 3} more"


def _label(key: str) -> str:
    return _LABELS.get(key, one_line(key).replace("_", " "))


def broken_glass(approval: Approval | None) -> str | None:
    """That one person has approved alone what takes two, and why, without the mark; None if nobody has."""
    if approval is None or approval.break_glass is None:
        return None
    return f"{approval.approved_by} approved alone what takes two people. Reason: {approval.break_glass}"


def action_in_words(action: str) -> str:
    """What a plan or a request does, for people; a name that has no words yet is told as it is."""
    return ACTION_WORDS.get(action, action)
