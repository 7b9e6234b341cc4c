"""The runbooks: id, section of the page, parameters, policy, and how each collects, plans and drafts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from glhelpers.actions.collect import collect_association
from glhelpers.actions.drafts import drafts_for
from glhelpers.actions.plan import minutes_picture, plan_association, seats_picture
from glhelpers.errors import BadParameter
from glhelpers.models.request import ForceAssociateParameters, RunbookParameters
from glhelpers.rules import force_associate, handbook
from glhelpers.rules.rule import Policy

__all__ = ["CATALOGUE", "Runbook", "runbook"]


@dataclass(frozen=True)
class Runbook:
    """One section of the page as a procedure. `writes` says whether it can change anything."""

    id: str
    title: str
    anchor: str
    purpose: str
    writes: bool
    parameters: type[RunbookParameters]
    policy: Policy[Any]
    collect: Callable[..., Any]
    plan: Callable[..., Any]
    drafts: Callable[..., Any]
    seats: Callable[..., Any]
    minutes: Callable[..., Any]
    examples: Mapping[str, str]
    """What the notebook's parameters cell holds by default: values of the sandbox's world."""


CATALOGUE: dict[str, Runbook] = {
    "force_associate": Runbook(
        id="force_associate",
        title="Force Associate SaaS Subscription",
        anchor=handbook.FORCE,
        purpose="Put a subscription on a group when the portal cannot: EDU/OSS, or more users than seats",
        writes=True,
        parameters=ForceAssociateParameters,
        policy=force_associate.POLICY,
        collect=collect_association,
        plan=plan_association,
        drafts=drafts_for,
        seats=seats_picture,
        minutes=minutes_picture,
        examples={
            "namespace": "fox-university",
            "subscription_name": "A-S00010002",
            "ticket_url": "https://gitlab.zendesk.com/agent/tickets/1002",
            "issue": "gitlab-com/support/internal-requests#2",
        },
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
