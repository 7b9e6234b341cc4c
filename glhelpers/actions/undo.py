"""`undo`: a change as the journal tells it, its target now, and the plan that takes it back."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

from glhelpers.actions.drafts import ENGINEERS, render
from glhelpers.actions.effects import effect_of
from glhelpers.actions.journal import Entry, Journal
from glhelpers.actions.journal_story import OPEN, Story, stories, told_by
from glhelpers.actions.plan import basis_of
from glhelpers.actions.readback import settled_fields
from glhelpers.actions.reading import Look, Reader
from glhelpers.actions.replace import key_of
from glhelpers.clients.clients import Clients
from glhelpers.errors import BadParameter
from glhelpers.models.change import Change, ChangePlan, Outcome, PlannedStep, Receipt
from glhelpers.models.fact import Fact, FactState, FactUnknown, Source
from glhelpers.models.finding import Decision, Finding
from glhelpers.models.record import Draft, RunRecord
from glhelpers.models.request import UndoParameters, ticket_number
from glhelpers.models.undo_facts import LaterAction, TargetNow, UndoFacts, WrittenChange
from glhelpers.rules.undo import FREE, puts_back
from glhelpers.settings import Settings, load_settings

__all__ = ["collect_undo", "drafts_undo", "plan_undo", "target_undo", "write_of"]

UNDONE = "undone.write"
"""Under this name a plan's basis holds the journal's id of the change that it takes back."""

_REQUESTS = 3
"""A plan has two requests and a way back."""


def write_of(journal: Journal, record: RunRecord) -> str:
    """
    The journal's id of the change that this run made.

    Raises `BadParameter` if the journal knows none: an edited record, another journal, or a run that
    sent nothing.
    """
    told = [story for story in stories(journal) if record.receipt is not None]
    own = [story for story in told if story.intent.run_id == record.run_id]
    same = [story for story in told if record.plan_digest and story.plan.digest == record.plan_digest]
    if not (own or same):
        raise BadParameter(
            f"The journal knows of no change by run {record.run_id}.",
            next_step="A run that ended awaiting_approval, stopped or the like has changed nothing; otherwise set "
            "GLHELPERS_JOURNAL_URL to the journal of that run.",
        )
    return (own or same)[0].intent.id


def collect_undo(clients: Clients, asked: UndoParameters, reader: Reader) -> UndoFacts:
    """The change from the journal; then its target, the audit events and what would be put back, side by side."""
    settings = load_settings()
    told, origin = _told(clients, asked.write, settings) if asked.write else ([], "")
    found = [story for story in told if story.intent.id.startswith(asked.write)]
    story = found[0] if len(found) == 1 else None
    facts = {"written": _written(story, asked, f"{origin}|", settings.profile, reader)}
    number, portal = ticket_number(asked.ticket_url), clients.customersdot
    looks = [Look("me", "Who runs", Source.gitlab, "GET /user", clients.gitlab.me)]
    if number is not None:
        looks.append(
            Look("ticket", "Zendesk ticket", Source.zendesk, "GET /tickets/:id", lambda: clients.zendesk.ticket(number))
        )
    plan = story.plan if story is not None else None
    written: WrittenChange | None = facts["written"].value
    if story is not None and plan is not None and written is not None and written.here:
        looks += _of_the_target(clients, story, plan, settings, _taken_back(told))
        name = puts_back(plan)
        if name is not None:
            looks.append(
                Look(
                    "to_put_back",
                    "Subscription to put back",
                    Source.customersdot,
                    "GET /subscriptions/:name",
                    lambda: portal.subscription(name),
                )
            )
    facts |= reader.round(looks)
    facts.pop("me")
    for missing, label in (
        ("ticket", "Zendesk ticket"),
        ("target_now", "The target now"),
        ("later", "Support Audit Events since"),
        ("to_put_back", "Subscription to put back"),
    ):
        by_hand = missing == "later" and settings.by_hand
        facts.setdefault(
            missing, reader.skipped(missing, label, "nothing tells what to look for", absent=by_hand or not plan)
        )
    facts["today"] = reader.derive("today", "Today", "Date header of GitLab.com", lambda: _today(clients))
    return UndoFacts(parameters=asked, change=plan, **facts)


def _today(clients: Clients) -> Any:
    day = clients.gitlab.today()
    if day is None:
        raise FactUnknown("GitLab.com was not asked anything")
    return day


def _told(clients: Clients, write: str, settings: Settings) -> tuple[list[Story], str]:
    """What the journal tells of the target of this write, and the address that this run would write to."""

    def read() -> dict[str, Any]:
        with closing(Journal(settings.journal_url)) as journal:
            every = stories(journal)
        targets = {story.intent.target for story in every if story.intent.id.startswith(write)}
        rows = [vars(row) for story in every if story.intent.target in targets for row in story.entries]
        return {"rows": rows, "origin": settings.customersdot.base_url}

    kept = clients.aside("journal", write, read)
    return told_by([Entry(**row) for row in kept["rows"]]), str(kept["origin"])


def _written(story: Story | None, asked: UndoParameters, origin: str, profile: str, reader: Reader) -> Fact[Any]:
    name, label = "written", "The change"
    if story is None:
        why = "The journal knows no such change." if asked.write else "No change was named."
        return reader.skipped(name, label, why, absent=True)
    last = story.entries[-1].payload
    told = last.get("told")
    value = WrittenChange(
        write=story.intent.id,
        action=story.plan.action,
        target=f"{story.plan.target.name} ({story.target})",
        run_id=story.intent.run_id,
        operator=story.intent.operator,
        at=datetime.fromisoformat(story.entries[0].at),
        outcome=None if story.state == OPEN else story.state,
        here=story.intent.target == f"{origin}{story.target}" and story.plan.profile == profile,
        told_by=told["by"] if told else None,
    )
    return Fact(
        name=name,
        label=label,
        state=FactState.known,
        value=value,
        source=Source.journal,
        call="the rows of this write",
        read_at=reader.clock(),
    )


def _keys(story: Story) -> set[str]:
    """The idempotency keys of all requests that this write may have sent."""
    return {story.intent.id, *(key_of(story.intent, step) for step in range(_REQUESTS))}


def _taken_back(told: Sequence[Story]) -> set[str]:
    """Keys of changes that were taken back, and of those that took them back: together they changed nothing."""
    keys: set[str] = set()
    for story in told:
        named = next((item.value for item in story.plan.basis if item.name == UNDONE), None)
        undone = next((other for other in told if other.intent.id == named), None)
        if undone is not None and story.state == Outcome.applied:
            keys |= _keys(story) | _keys(undone)
    return keys


def _of_the_target(
    clients: Clients, story: Story, plan: ChangePlan, settings: Settings, taken_back: set[str]
) -> list[Look]:
    by_hand = settings.by_hand

    def now() -> TargetNow:
        return TargetNow(fields=settled_fields(plan, effect_of(plan.action).read_back(clients, plan, by_hand=by_hand)))

    looks = [Look("target_now", "The target now", Source.gitlab, "the read-back of the change", now)]
    if plan.target.kind == "namespace" and not by_hand:
        looks.append(
            Look(
                "later",
                "Support Audit Events since",
                Source.customersdot,
                "GET /support-audit-events",
                lambda: _later(clients, int(plan.target.id), _keys(story), taken_back),
            )
        )
    return looks


def _later(clients: Clients, namespace_id: int, keys: set[str], taken_back: set[str]) -> LaterAction:
    events = clients.customersdot.audit_events(namespace_id=namespace_id)
    ours = max((event.id for event in events if event.idempotency_key in keys), default=None)
    later = [
        event for event in events if ours is not None and event.id > ours and event.idempotency_key not in taken_back
    ]
    return LaterAction(
        found=ours is not None,
        actions=tuple(
            f"{event.action} by {event.requester or 'somebody'} at {event.created_at:%Y-%m-%d %H:%M} UTC"
            for event in later
        ),
    )


def target_undo(facts: UndoFacts) -> str | None:
    """The target of the change is that of its inverse."""
    return facts.change.target.key if facts.change is not None else None


def plan_undo(facts: UndoFacts, findings: Sequence[Finding], profile: str) -> ChangePlan:
    """
    The inverse of the change: what it wrote, written back; always for a second person to approve.

    Pure: the same facts and findings give the same plan.
    """
    then, written = facts.change, facts.written.known()
    if then is None:
        raise FactUnknown("there is no change to take back")
    ticket = facts.parameters.ticket_url
    changes = _changes(then)
    after = {change.field: change.after for change in changes}
    to_free = "plan" in after and after["plan"] in FREE
    return ChangePlan(
        runbook="undo",
        profile=profile,
        target=then.target,
        ticket_url=ticket,
        issue=facts.parameters.issue or None,
        customer_confirmation=facts.parameters.customer_confirmation or None,
        changes=changes,
        basis=basis_of(
            findings,
            (
                (UNDONE, "The change to take back", written.write),
                ("undone.digest", "Digest of its plan", then.digest),
                ("undone.run", "Run that made it", written.run_id),
            ),
        ),
        consequences=(
            f"Takes back what run {written.run_id} by {written.operator} did to {then.target.name}.",
            *((f"{then.target.name} loses its plan at once and is on Free.",) if to_free else ()),
            *(_on_free_between(then)),
        ),
        cannot_be_undone=(
            *then.cannot_be_undone,
            "Mails that GitLab.com or CustomersDot sends because of the undoing stay sent, too.",
        ),
        second_person=(f"the change of {written.operator} was approved, and is taken back",),
        **_requests(then, ticket),
    )


def _on_free_between(then: ChangePlan) -> tuple[str, ...]:
    if then.action != "replace_subscription":
        return ()
    return (
        "Between the two requests, for seconds, the group is on Free; if the second fails, the newer subscription is "
        "put back.",
    )


_OTHER_LINK = {"linked_namespace": "old_linked_namespace", "old_linked_namespace": "linked_namespace"}


def _changes(then: ChangePlan) -> tuple[Change, ...]:
    """Each field the other way round; where two subscriptions swapped places, so do the fields of their orders."""
    swaps = then.action == "replace_subscription"
    turned = []
    for change in then.changes:
        field = _OTHER_LINK.get(change.field, change.field) if swaps else change.field
        turned.append(
            change.model_copy(update={"field": field, "before": change.after, "after": change.before, "note": None})
        )
    return tuple(turned)


def _requests(then: ChangePlan, ticket: str) -> dict[str, Any]:
    """What is sent: action, arguments, and the steps where there are two."""
    namespace, group = then.target.id, then.target.name
    given: dict[str, str | int] = {"zendesk_ticket_url": ticket}

    def clear(name: str) -> dict[str, str | int]:
        return {"subscription_name": name, **given}

    def associate(name: str) -> dict[str, str | int]:
        return {"namespace": namespace, "subscription_name": name, **given}

    name = str(then.arguments.get("subscription_name", ""))
    match then.action:
        case "force_associate":
            return {"action": "clear_subscription", "arguments": clear(name)}
        case "clear_subscription":
            return {"action": "force_associate", "arguments": associate(name)}
        case "set_extra_minutes":
            before = next(change.before for change in then.changes if change.field == "additional_minutes")
            total = int(before or 0)
            return {"action": then.action, "arguments": {"namespace": namespace, "new_total": total, **given}}
        case "replace_subscription":
            old = str(then.arguments["old_subscription_name"])
            put = "Put {name} back on {group}"
            return {
                "action": then.action,
                "arguments": {"old_subscription_name": name, **associate(old)},
                "steps": (
                    PlannedStep(
                        action="clear_subscription", arguments=clear(name), says=f"Clear {name} from {group} again"
                    ),
                    PlannedStep(
                        action="force_associate", arguments=associate(old), says=put.format(name=old, group=group)
                    ),
                ),
                "way_back": PlannedStep(
                    action="force_associate",
                    arguments=associate(name),
                    says=f"If that fails: put {name} on {group} again",
                ),
            }
        case action:
            raise FactUnknown(f"it is not known how {action} is taken back")


def drafts_undo(
    facts: UndoFacts,
    findings: Sequence[Finding],
    decision: Decision,
    plan: ChangePlan | None,
    receipt: Receipt | None,
) -> tuple[Draft, ...]:
    """Whom to call where taking it back did not succeed; the rest is the expert's own words."""
    if receipt is None or receipt.verified:
        return ()
    words = {
        "what": f"Taking back the change on {plan.target.name if plan is not None else 'the target'}",
        "receipt": receipt,
        "ticket": facts.parameters.ticket_url or "none given",
    }
    return (render(("escalation", ENGINEERS, "Taking the change back did not succeed"), words),)
