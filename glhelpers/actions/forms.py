"""
The admin page's form for each action, filled in, for a person who has to press the button.

The handbook names the page of Force Associate, the fields of the Support Admin Tools, and where a
group's compute usage is reset; every other path here is that of the sandbox, so each form also says
in words where it is found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode

from glhelpers.errors import RunbookContractError
from glhelpers.models.form import FormField, ManualForm

__all__ = ["FORMS", "form_for"]

Arguments = Mapping[str, str | int]
Urls = Mapping[str, str]

_SUCCESS = "{:success=>true} (newer pages write {success: true})"
_NAMESPACE = "Namespace ID/Path"
_SUBSCRIPTION = "Subscription ID/name"
_TICKET = "Zendesk ticket link"
_ONCE = "Press the button once. If the page does not answer, do not press it again: say so below."


def form_for(action: str, arguments: Arguments, base_urls: Urls) -> ManualForm:
    """
    The form for an action with the arguments of a plan; `base_urls` names `customersdot` and `gitlab`.

    Raises `RunbookContractError` for an action without a form, or arguments that do not fill it in.
    """
    try:
        make = FORMS[action]
    except KeyError:
        raise RunbookContractError(f"No admin page is known for action {action!r}.") from None
    try:
        return make(arguments, base_urls)
    except KeyError as missing:
        raise RunbookContractError(f"The form for {action!r} cannot be filled in without {missing}.") from None


def _force_associate(given: Arguments, urls: Urls) -> ManualForm:
    """The path is the handbook's."""
    namespace, name, ticket = _texts(given, "namespace", "subscription_name", "zendesk_ticket_url")
    return ManualForm(
        action="force_associate",
        title=f"Force Associate: {name} with {namespace}",
        url=_link(
            urls["customersdot"],
            "/admin/saas_full_order/force_reassociate",
            namespace=namespace,
            subscription_name=name,
            zendesk_ticket_url=ticket,
        ),
        place="CustomersDot admin, left panel, Support, Force Associate",
        fields=_fields((_NAMESPACE, namespace), (_SUBSCRIPTION, name), (_TICKET, ticket)),
        button="Force Associate",
        success=_SUCCESS,
        read_back=(f"The order of {name} in CustomersDot shows the namespace {namespace}.",),
        warning=f"{_ONCE} Compute minutes used are not reset by it.",
    )


def _clear_subscription(given: Arguments, urls: Urls) -> ManualForm:
    """The path is the sandbox's."""
    name, ticket = _texts(given, "subscription_name", "zendesk_ticket_url")
    return ManualForm(
        action="clear_subscription",
        title=f"Clear Subscription: {name}",
        url=_link(
            urls["customersdot"],
            "/admin/support/clear_subscription",
            subscription_name=name,
            zendesk_ticket_url=ticket,
        ),
        place="CustomersDot admin, left panel, Support, Clear Subscription",
        fields=_fields((_SUBSCRIPTION, name), (_TICKET, ticket)),
        button="Clear Subscription",
        success=_SUCCESS,
        read_back=(f"The order of {name} in CustomersDot shows no namespace any more.",),
        warning=f"{_ONCE} A paid plan falls to Free at once.",
    )


def _unlink(given: Arguments, urls: Urls) -> ManualForm:
    """The tab is the handbook's, the path of it the sandbox's."""
    customer, uid, ticket = _texts(given, "customer_id", "expected_uid", "zendesk_ticket_url")
    return ManualForm(
        action="unlink",
        title=f"Unlink GitLab User: CustomersDot account {customer}",
        url=_link(
            urls["customersdot"],
            f"/admin/customer/{_segment(customer)}/unlink",
            customer_id=customer,
            expected_uid=uid,
            zendesk_ticket_url=ticket,
        ),
        place=f"CustomersDot admin, Customers, account {customer}, tab Unlink GitLab User",
        fields=_fields(("Customer ID", customer), ("GitLab user ID (uid)", uid), (_TICKET, ticket)),
        button="Confirm",
        success=_SUCCESS,
        read_back=(f"The page of CustomersDot account {customer} shows no uid any more.",),
        warning=f"{_ONCE} The page must name GitLab user {uid}: if it names another, do not press it. "
        "The account id is that of CustomersDot, never that of GitLab.com.",
    )


def _set_extra_minutes(given: Arguments, urls: Urls) -> ManualForm:
    """The path is the sandbox's."""
    namespace, total, ticket = _texts(given, "namespace", "new_total", "zendesk_ticket_url")
    return ManualForm(
        action="set_extra_minutes",
        title=f"Set extra CI minutes: {namespace} to {total}",
        url=_link(
            urls["customersdot"],
            "/admin/support/set_extra_ci_minutes",
            namespace=namespace,
            new_total=total,
            zendesk_ticket_url=ticket,
        ),
        place="CustomersDot admin, left panel, Support, Set extra CI minutes",
        fields=_fields((_NAMESPACE, namespace), ("New minutes total", total), (_TICKET, ticket)),
        button="Set extra CI minutes",
        success=_SUCCESS,
        read_back=(f"The additional compute minutes of {namespace} are {total} in all.",),
        warning=f"{_ONCE} The number is the new total; it is not added to what is there.",
    )


def _add_membership(given: Arguments, urls: Urls) -> ManualForm:
    """The path is the sandbox's."""
    account, customer = _texts(given, "billing_account", "customer_id")
    return ManualForm(
        action="add_membership",
        title=f"Add CustomersDot account {customer} to billing account {account}",
        url=_link(
            urls["customersdot"],
            f"/admin/billing_account/{_segment(account)}/add_membership",
            customer_id=customer,
        ),
        place=f"CustomersDot admin, Billing accounts, {account}, Billing account memberships",
        fields=_fields(("Billing account (Zuora account ID)", account), ("Customer ID", customer)),
        button="Add membership",
        success=f"CustomersDot account {customer} among the members of the billing account",
        read_back=(f"The billing account {account} lists CustomersDot account {customer}.",),
        warning=f"{_ONCE} An account belongs to one billing account: if the page shows another, do not press it.",
    )


def _reset_usage(given: Arguments, urls: Urls) -> ManualForm:
    """The place and the line for the admin note are the handbook's; `day` and `reason` may be given for that line."""
    (namespace,) = _texts(given, "namespace")
    day, reason = str(given.get("day", "YYYY-MM-DD")), str(given.get("reason", "after a force associate"))
    link = str(given.get("zendesk_ticket_url", "link to the ticket"))
    return ManualForm(
        action="reset_usage",
        title=f"Reset compute usage: {namespace}",
        url=_link(urls["gitlab"], f"/admin/groups/{quote(namespace, safe='/')}/edit"),
        place=f"GitLab.com Admin area, Groups, {namespace}, Edit, Permissions and group features",
        fields=_fields(("Group", namespace)),
        button="Reset compute usage",
        success="a notice that the compute usage was reset",
        read_back=(
            f"The compute minutes that {namespace} used this month are 0, of the quota and of additional units.",
        ),
        warning=f"{_ONCE} It clears this month's use of the quota and of the additional units, for good.",
        note=f"{day} | Compute minutes reset | {reason} | {link}",
    )


FORMS: Mapping[str, Callable[[Arguments, Urls], ManualForm]] = {
    "force_associate": _force_associate,
    "clear_subscription": _clear_subscription,
    "unlink": _unlink,
    "set_extra_minutes": _set_extra_minutes,
    "add_membership": _add_membership,
    "reset_usage": _reset_usage,
}
"""Every action that a person can carry out in an admin page."""


def _texts(given: Arguments, *names: str) -> list[str]:
    return [str(given[name]) for name in names]


def _fields(*pairs: tuple[str, str]) -> tuple[FormField, ...]:
    return tuple(FormField(label=label, value=value) for label, value in pairs)


def _segment(text: str) -> str:
    return quote(text, safe="")


def _link(base_url: str, path: str, **query: str) -> str:
    return base_url.rstrip("/") + path + (f"?{urlencode(query)}" if query else "")
