"""The runbooks: id, section of the page, parameters, rules, and how each collects, plans and drafts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glhelpers.actions import (
    clear,
    minutes,
    not_visible,
    not_visible_drafts,
    portal_502,
    portal_502_drafts,
    provision_reseller,
    self_serve,
    start_here,
    undo,
)
from glhelpers.actions.collect import collect_association
from glhelpers.actions.plan import minutes_picture, seats_picture
from glhelpers.errors import BadParameter, RunbookContractError
from glhelpers.models.record import Minutes, NextRunbook, Seats
from glhelpers.models.request import (
    AssociationParameters,
    ClearParameters,
    ForceAssociateParameters,
    NotVisibleParameters,
    Portal502Parameters,
    RunbookParameters,
    StartHereParameters,
    UndoParameters,
)
from glhelpers.rules import clear_subscription, force_associate, handbook, subscription_not_visible
from glhelpers.rules import portal_502 as portal_502_rules
from glhelpers.rules import provision_reseller as provision_reseller_rules
from glhelpers.rules import self_serve as self_serve_rules
from glhelpers.rules import start_here as start_here_rules
from glhelpers.rules import undo as undo_rules
from glhelpers.rules.rule import Policy

__all__ = ["CATALOGUE", "Runbook", "notebook_path", "runbook"]


def _no_seats(facts: Any) -> Seats | None:
    return None


def _no_minutes(facts: Any) -> Minutes | None:
    return None


def _namespace_target(facts: Any) -> str | None:
    namespace = facts.namespace.value
    return f"namespace:{namespace.id}" if namespace is not None else None


def _no_next(facts: Any, decision: Any, receipt: Any) -> tuple[NextRunbook, ...]:
    return ()


@dataclass(frozen=True)
class Runbook:
    """
    One section of the page as a procedure; `anchor` is empty for one that no section is about.

    `plan` None: it never writes.  `policies` are all that may judge a run of it, the first one
    unless `policy_of` chooses another by the facts.  `target` names what an earlier run may have
    left a write open on; `next_runbooks` says with which runbook an expert goes on.
    """

    id: str
    title: str
    anchor: str
    purpose: str
    parameters: type[RunbookParameters]
    policies: tuple[Policy[Any], ...]
    collect: Callable[..., Any]
    drafts: Callable[..., Any]
    examples: Mapping[str, str]
    """What the notebook's parameters cell holds by default: values of the sandbox's world."""
    plan: Callable[..., Any] | None = None
    policy_of: Callable[[Any], Policy[Any]] | None = None
    target: Callable[[Any], str | None] = _namespace_target
    seats: Callable[[Any], Seats | None] = _no_seats
    minutes: Callable[[Any], Minutes | None] = _no_minutes
    next_runbooks: Callable[..., tuple[NextRunbook, ...]] = _no_next

    @property
    def writes(self) -> bool:
        """Whether it can change anything."""
        return self.plan is not None

    @property
    def policy(self) -> Policy[Any]:
        """The rules that judge its ordinary case."""
        return self.policies[0]

    def policy_for(self, facts: Any) -> Policy[Any]:
        """The rules that judge these facts."""
        return self.policy_of(facts) if self.policy_of is not None else self.policy


_START_HERE = Runbook(
    id="start_here",
    title="Start here",
    anchor=handbook.SELF_SERVE,
    purpose="Say what a symptom or an error text means, and which runbook fits",
    parameters=StartHereParameters,
    policies=(start_here_rules.POLICY,),
    collect=start_here.collect_start,
    drafts=start_here.drafts_start,
    next_runbooks=start_here.next_start,
    examples={
        "symptom": "group_greyed_out_or_absent",
        "namespace": "mantis-maps",
        "subscription_name": "A-S00010600",
        "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1600",
    },
)

_PORTAL_502 = Runbook(
    id="portal_502",
    title="Troubleshooting 502 errors while provisioning the subscription",
    anchor=handbook.PORTAL_502,
    purpose="Unlink an administrator's account that was linked by mistake, and tell other causes of a 502 apart",
    parameters=Portal502Parameters,
    policies=(portal_502_rules.POLICY,),
    collect=portal_502.collect_portal_502,
    plan=portal_502.plan_unlink,
    drafts=portal_502_drafts.drafts_portal_502,
    next_runbooks=portal_502_drafts.next_portal_502,
    target=portal_502.target_account,
    examples={
        "customer_id": "55020",
        "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1510",
        "issue": "gitlab-com/support/internal-requests#510",
    },
)

_FORCE_ASSOCIATE = Runbook(
    id="force_associate",
    title="Force Associate SaaS Subscription",
    anchor=handbook.FORCE,
    purpose="Put a subscription on a group when the portal cannot: EDU/OSS, or more users than seats",
    parameters=ForceAssociateParameters,
    policies=(force_associate.POLICY, minutes.POLICY),
    policy_of=minutes.policy_of,
    collect=collect_association,
    plan=minutes.plan_of,
    drafts=minutes.drafts_of,
    next_runbooks=minutes.next_of,
    seats=seats_picture,
    minutes=minutes_picture,
    examples={
        "namespace": "fox-university",
        "subscription_name": "A-S00010002",
        "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1002",
        "issue": "gitlab-com/support/internal-requests#2",
    },
)

_CLEAR_SUBSCRIPTION = Runbook(
    id="clear_subscription",
    title="Clear Subscription",
    anchor=handbook.CLEAR,
    purpose="Take the subscription that is in the way off a group, and put the new one on at once",
    parameters=ClearParameters,
    policies=(clear_subscription.POLICY,),
    collect=clear.collect_clear,
    plan=clear.plan_clear,
    drafts=clear.drafts_clear,
    next_runbooks=clear.next_clear,
    seats=seats_picture,
    minutes=minutes_picture,
    examples={
        "namespace": "cobra-cloud",
        "subscription_name": "A-S00010610",
        "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1610",
        "issue": "gitlab-com/support/internal-requests#610",
        "error_text": "unable to associate the subscription as the destination namespace is already associated with a "
        "subscription",
        "proof": "invoice",
        "proof_from": "customer",
        "proof_date": "2026-03-02",
        "proof_link": "https://gitlab.zendesk.com/agent/tickets/1610#invoice",
    },
)

_NOT_VISIBLE = Runbook(
    id="subscription_not_visible",
    title="If the user does not see the subscription",
    anchor=handbook.SEES_NOT,
    purpose="Give a requester who has proved to speak for the customer the view of a subscription in the portal",
    parameters=NotVisibleParameters,
    policies=(subscription_not_visible.POLICY,),
    collect=not_visible.collect_not_visible,
    plan=not_visible.plan_not_visible,
    drafts=not_visible_drafts.drafts_not_visible,
    next_runbooks=not_visible.next_not_visible,
    target=not_visible.target_not_visible,
    examples={
        "customer_id": "5820",
        "subscription_name": "A-S00050300",
        "namespace": "puffin-pharmacy",
        "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1530",
        "issue": "gitlab-com/support/internal-requests#530",
        "proof": "subscription_json",
        "proof_from": "owner",
        "proof_link": "https://gitlab.zendesk.com/agent/tickets/1530#json",
        "pasted_subscription": '{"plan":{"code":"premium","name":"Premium","trial":false,"auto_renew":null,'
        '"upgradable":true,"exclude_guests":false},"usage":{"seats_in_subscription":25,"seats_in_use":25,'
        '"max_seats_used":25,"seats_owed":0},"billing":{"subscription_start_date":"2026-06-01",'
        '"subscription_end_date":"2027-06-01","trial_ends_on":null}}',
    },
)

_PROVISION_RESELLER = Runbook(
    id="provision_reseller",
    title="Provisioning subscriptions for reseller customers",
    anchor=handbook.RESELLER,
    purpose="Tell a purchase through a partner, AWS or GCP, what its customer can do alone, and who may sell seats",
    parameters=AssociationParameters,
    policies=(provision_reseller_rules.POLICY,),
    collect=collect_association,
    drafts=provision_reseller.drafts_reseller,
    next_runbooks=provision_reseller.next_reseller,
    seats=seats_picture,
    minutes=minutes_picture,
    examples={
        "namespace": "heron-hosting",
        "subscription_name": "A-S00050500",
        "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1570",
        "issue": "gitlab-com/support/internal-requests#570",
    },
)

_SELF_SERVE = Runbook(
    id="self_serve",
    title="If the user sees the subscription",
    anchor=handbook.SEES,
    purpose="Say whether the customer can link the group alone, with the steps, or why not and how it goes on",
    parameters=AssociationParameters,
    policies=(self_serve_rules.POLICY,),
    collect=collect_association,
    drafts=self_serve.drafts_self_serve,
    next_runbooks=self_serve.next_self_serve,
    seats=seats_picture,
    minutes=minutes_picture,
    examples={
        "namespace": "gecko-gardens",
        "subscription_name": "A-S00050400",
        "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1550",
        "issue": "gitlab-com/support/internal-requests#550",
    },
)

_UNDO = Runbook(
    id="undo",
    title="Undo a change",
    anchor="",
    purpose="Take back what an earlier run has changed, where there is a way and nobody has acted since",
    parameters=UndoParameters,
    policies=(undo_rules.POLICY,),
    collect=undo.collect_undo,
    plan=undo.plan_undo,
    drafts=undo.drafts_undo,
    target=undo.target_undo,
    examples={},
)

CATALOGUE: dict[str, Runbook] = {
    book.id: book
    for book in (
        _START_HERE,
        _PROVISION_RESELLER,
        _PORTAL_502,
        _FORCE_ASSOCIATE,
        _CLEAR_SUBSCRIPTION,
        _SELF_SERVE,
        _NOT_VISIBLE,
        _UNDO,
    )
}


def runbook(id: str) -> Runbook:
    """The runbook of that id; raises `BadParameter` with the list of ids if there is none."""
    try:
        return CATALOGUE[id]
    except KeyError:
        raise BadParameter(
            f"There is no runbook {id[:60]!r}.", next_step=f"The runbooks are: {', '.join(CATALOGUE)}."
        ) from None


def notebook_path(id: str) -> Path:
    """Where the notebook of a runbook lies: beside the package in a clone, inside it when installed."""
    runbook(id)
    package = Path(__file__).parent.parent
    for folder in (package.parent / "runbooks", package / "_runbooks"):
        if (path := folder / f"{id}.ipynb").is_file():
            return path
    raise RunbookContractError(f"The notebook of runbook {id} is not installed.", next_step="Install glhelpers again.")
