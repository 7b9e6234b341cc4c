"""What each action sends, and how its effect is read back; nothing here decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from glhelpers.clients.clients import Clients
from glhelpers.errors import RunbookContractError
from glhelpers.models.change import ChangePlan, Scalar
from glhelpers.models.subscription import ToolAnswer
from glhelpers.rules.minutes import quota_now

__all__ = ["EFFECTS", "Effect", "Found", "effect_of"]

Found = dict[str, Scalar]
Arguments = Mapping[str, str | int]


def _nothing(clients: Clients, plan: ChangePlan) -> Found:
    return {}


@dataclass(frozen=True)
class Effect:
    """
    `send` makes the one request; `on_gitlab` and `in_portal` give the plan's fields as they are now.

    Where CustomersDot is worked by hand, only `on_gitlab` is read.  `send` None: the services offer
    no way but an admin page.  `audit_action` is the action's name in the Support Audit Events.
    `repeatable`: there are no such events of it, but a second one would change nothing, so that a
    state without it, once the request cannot be on its way any more, means that it was not made.
    """

    send: Callable[[Clients, Arguments, str], ToolAnswer] | None
    on_gitlab: Callable[[Clients, ChangePlan], Found] = _nothing
    in_portal: Callable[[Clients, ChangePlan], Found] = _nothing
    audit_action: str | None = None
    repeatable: bool = False

    def read_back(self, clients: Clients, plan: ChangePlan, *, by_hand: bool = False) -> Found:
        """The plan's fields as the services show them now, as far as they can be read."""
        return self.on_gitlab(clients, plan) | ({} if by_hand else self.in_portal(clients, plan))


def _force_associate(clients: Clients, given: Arguments, key: str) -> ToolAnswer:
    namespace, name, ticket = _texts(given, "namespace", "subscription_name", "zendesk_ticket_url")
    return clients.customersdot.force_associate(namespace, name, ticket, key=key)


def _clear_subscription(clients: Clients, given: Arguments, key: str) -> ToolAnswer:
    name, ticket = _texts(given, "subscription_name", "zendesk_ticket_url")
    return clients.customersdot.clear_subscription(name, ticket, key=key)


def _unlink(clients: Clients, given: Arguments, key: str) -> ToolAnswer:
    uid, ticket = _texts(given, "expected_uid", "zendesk_ticket_url")
    return clients.customersdot.unlink(int(given["customer_id"]), uid, ticket, key=key)


def _set_extra_minutes(clients: Clients, given: Arguments, key: str) -> ToolAnswer:
    namespace, ticket = _texts(given, "namespace", "zendesk_ticket_url")
    return clients.customersdot.set_extra_minutes(namespace, int(given["new_total"]), ticket, key=key)


def _add_membership(clients: Clients, given: Arguments, key: str) -> ToolAnswer:
    (account,) = _texts(given, "billing_account")
    return clients.customersdot.add_membership(account, int(given["customer_id"]), key=key)


def _texts(given: Arguments, *names: str) -> list[str]:
    return [str(given[name]) for name in names]


def _day(value: date | None) -> str | None:
    return value.isoformat() if value else None


def _association(clients: Clients, plan: ChangePlan) -> Found:
    id = int(plan.target.id)
    namespace, subscription = clients.gitlab.namespace(id), clients.gitlab.gitlab_subscription(id)
    return {
        "plan": subscription.plan.code or namespace.plan,
        "seats_in_subscription": subscription.usage.seats_in_subscription,
        "start": _day(subscription.billing.subscription_start_date),
        "end": _day(subscription.billing.subscription_end_date),
        "quota": quota_now(namespace),
        "additional_minutes": namespace.extra_shared_runners_minutes_limit or 0,
        "additional_storage": namespace.additional_purchased_storage_size or 0,
        "seats_owed": subscription.usage.seats_owed,
    }


def _link_of(clients: Clients, name: str) -> str | None:
    orders = clients.customersdot.orders(subscription_name=name)
    return next((order.gl_namespace_id for order in orders if order.gl_namespace_id), None)


def _link(clients: Clients, plan: ChangePlan) -> Found:
    return {"linked_namespace": _link_of(clients, str(plan.arguments["subscription_name"]))}


def _both_links(clients: Clients, plan: ChangePlan) -> Found:
    old = _link_of(clients, str(plan.arguments["old_subscription_name"]))
    return {**_link(clients, plan), "old_linked_namespace": old}


def _minutes(clients: Clients, plan: ChangePlan) -> Found:
    namespace = clients.gitlab.namespace(int(plan.target.id))
    usage = namespace.ci_minutes_usage
    return {
        "quota": quota_now(namespace),
        "additional_minutes": namespace.extra_shared_runners_minutes_limit or 0,
        "used": usage.total_minutes_used if usage is not None else None,
        "used_of_additional": usage.purchased_minutes_used if usage is not None else None,
    }


def _linked_user(clients: Clients, plan: ChangePlan) -> Found:
    """Whether the portal works again is asked only where the plan expects an answer."""
    id = int(plan.target.id)
    customer = clients.customersdot.customer(id)
    found: Found = {"uid": customer.uid or None} if customer.told("uid") else {}
    if any(change.field == "portal" for change in plan.changes):
        found["portal"] = "answers" if clients.portal_answers(id) else "502"
    return found


def _membership(clients: Clients, plan: ChangePlan) -> Found:
    account = clients.customersdot.billing_account(str(plan.arguments["billing_account"]))
    member = int(plan.arguments["customer_id"]) in account.member_customer_ids
    return {"member_of": account.zuora_account_id if member else None, "members": len(account.member_customer_ids)}


EFFECTS = {
    "force_associate": Effect(_force_associate, _association, _link, "force_associate"),
    "clear_subscription": Effect(_clear_subscription, _association, _link, "clear_subscription"),
    "replace_subscription": Effect(None, _association, _both_links, "force_associate"),
    "set_extra_minutes": Effect(_set_extra_minutes, _minutes, audit_action="set_extra_minutes"),
    "reset_usage": Effect(None, _minutes),
    "unlink": Effect(_unlink, in_portal=_linked_user, audit_action="unlink"),
    "add_membership": Effect(_add_membership, in_portal=_membership, repeatable=True),
}


def effect_of(action: str) -> Effect:
    """The effect that carries out an action; `RunbookContractError` if no code knows it."""
    try:
        return EFFECTS[action]
    except KeyError:
        raise RunbookContractError(f"No effect is registered for action {action!r}.") from None
