"""What each action sends, and how its effect is read back; nothing here decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from glhelpers.clients.clients import Clients
from glhelpers.errors import RunbookContractError
from glhelpers.models.change import ChangePlan, Scalar
from glhelpers.models.subscription import ToolAnswer
from glhelpers.rules.minutes import quota_now

__all__ = ["EFFECTS", "Effect", "effect_of"]

Found = dict[str, Scalar]


@dataclass(frozen=True)
class Effect:
    """`send` makes the one request; `read_back` gives the plan's fields as the services show them now."""

    send: Callable[[Clients, ChangePlan, str], ToolAnswer]
    read_back: Callable[[Clients, ChangePlan], Found]
    audit_action: str


def _send_force_associate(clients: Clients, plan: ChangePlan, key: str) -> ToolAnswer:
    return clients.customersdot.force_associate(
        str(plan.arguments["namespace"]),
        str(plan.arguments["subscription_name"]),
        str(plan.arguments["zendesk_ticket_url"]),
        key=key,
    )


def _read_back_association(clients: Clients, plan: ChangePlan) -> Found:
    id = int(plan.target.id)
    namespace, subscription = clients.gitlab.namespace(id), clients.gitlab.gitlab_subscription(id)
    orders = clients.customersdot.orders(subscription_name=str(plan.arguments["subscription_name"]))
    start, end = subscription.billing.subscription_start_date, subscription.billing.subscription_end_date
    return {
        "plan": subscription.plan.code or namespace.plan,
        "seats_in_subscription": subscription.usage.seats_in_subscription,
        "start": start.isoformat() if start else None,
        "end": end.isoformat() if end else None,
        "linked_namespace": next((order.gl_namespace_id for order in orders if order.gl_namespace_id), None),
        "quota": quota_now(namespace),
        "additional_minutes": namespace.extra_shared_runners_minutes_limit or 0,
        "additional_storage": namespace.additional_purchased_storage_size or 0,
        "seats_owed": subscription.usage.seats_owed,
    }


EFFECTS = {"force_associate": Effect(_send_force_associate, _read_back_association, "force_associate")}


def effect_of(plan: ChangePlan) -> Effect:
    """The effect that carries out this plan; `RunbookContractError` if no code knows the action."""
    try:
        return EFFECTS[plan.action]
    except KeyError:
        raise RunbookContractError(f"No effect is registered for action {plan.action!r}.") from None
