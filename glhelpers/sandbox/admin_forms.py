"""CustomersDot's admin pages that change something: the Support Admin Tools as forms, and memberships."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from starlette.responses import Response

from glhelpers.sandbox.admin_pages import account_of, account_tables, customer_of, customer_tabs
from glhelpers.sandbox.customersdot_accounts import add_member
from glhelpers.sandbox.effects import Refused
from glhelpers.sandbox.pages import Field, Link, fields_of, link, page
from glhelpers.sandbox.store import Doc
from glhelpers.sandbox.tools import TICKET, TOOLS, Malformed, use
from glhelpers.sandbox.web import Call, Halt, Handler

__all__ = ["ROUTES"]

_DONE = "{:success=>true}"
_NAMESPACE = Field("namespace", "Namespace ID/Path")
_SUBSCRIPTION = Field("subscription_name", "Subscription ID/name")
_TICKET = Field(TICKET, "Zendesk ticket link", help="Such as https://gitlab.zendesk.com/agent/tickets/1001")
Pairs = list[tuple[str, str | Link]]


@dataclass(frozen=True)
class _Form:
    """A form for one record or tool: what stands above it, its fields, and what pressing the button does."""

    title: str
    button: str
    fields: tuple[Field, ...]
    act: Callable[[Call, dict[str, str]], str]
    lines: tuple[str, ...] = ()
    pairs: Pairs = field(default_factory=list)
    entries: tuple[Link, ...] = ()
    after: Callable[[], list[Doc]] = list


def _shown(call: Call, form: _Form, given: dict[str, str], problems: dict[str, list[str]]) -> Response:
    """The form, with what was typed and what is wrong with it."""
    fields = [
        replace(
            item,
            value=item.value if item.readonly else given.get(item.name, item.value),
            problems=tuple(problems.get(item.name, ())),
        )
        for item in form.fields
    ]
    labels = {item.name: item.label for item in form.fields}
    said = [f"{labels.get(name, name)} {text}" for name, texts in problems.items() for text in texts]
    words: Doc = {"title": form.title, "button": form.button, "fields": fields, "problems": said}
    words |= {"lines": form.lines, "pairs": form.pairs, "entries": form.entries}
    return page(call, "form", words, 422 if problems else 200)


def _pressed(call: Call, form: _Form) -> Response:
    """Carry it out and show the answer; without a field it is the form again, and nothing has changed."""
    given = fields_of(call)
    known: Pairs = [(item.label, given.get(item.name) or "-") for item in form.fields]
    words: Doc = {"title": form.title, "pairs": known, "entries": form.entries, "tables": []}
    try:
        _same_page(form, given)
        sentence = form.act(call, given)
    except Malformed as error:
        raise Halt(_shown(call, form, given, error.problems)) from None
    except Refused as refusal:
        said = {"told": refusal.text, "success": False, "sentence": "The tool refused; nothing has changed."}
        raise Halt(page(call, "answer", {**words, **said}, refusal.status)) from None
    return page(call, "answer", {**words, "told": _DONE, "success": True, "sentence": sentence, "tables": form.after()})


def _same_page(form: _Form, given: dict[str, str]) -> None:
    """What the page has filled in for good must come back as it was."""
    wrong = [item for item in form.fields if item.readonly and given.get(item.name) != item.value]
    if wrong:
        raise Malformed({item.name: [f"is not that of this page, which is {item.value}"] for item in wrong})


def _routes(path: str, form_of: Callable[[Call], _Form]) -> list[tuple[str, str, Handler]]:
    """The form by GET, with values from the address; its button by POST."""
    return [
        ("GET", path, lambda call: _shown(call, form_of(call), dict(call.query), {})),
        ("POST", path, lambda call: _pressed(call, form_of(call))),
    ]


def _by_tool(action: str, sentence: str) -> Callable[[Call, dict[str, str]], str]:
    """Pressing the button uses the same tool as the adapter does."""

    def act(call: Call, given: dict[str, str]) -> str:
        event = use(call, TOOLS[action], {name: _typed(name, text) for name, text in given.items()}, via="admin page")
        return f"{sentence} Support Audit Events hold row {event}."

    return act


def _typed(name: str, text: str) -> str | int:
    """Numbers travel as text in a form; what is no number is left for the tool to refuse."""
    is_number = name in ("new_total", "customer_id") and text.isascii() and text.isdigit() and len(text) < 16
    return int(text) if is_number else text


def _force_associate(call: Call) -> _Form:
    return _Form(
        "Force Associate",
        "Force Associate",
        (_NAMESPACE, _SUBSCRIPTION, _TICKET),
        _by_tool("force_associate", "The subscription was associated with the namespace."),
        lines=("Puts a subscription on a top-level group. Compute minutes used this month stay.",),
    )


def _clear(call: Call) -> _Form:
    return _Form(
        "Clear Subscription",
        "Clear Subscription",
        (_SUBSCRIPTION, _TICKET),
        _by_tool("clear_subscription", "The subscription was taken off its namespace."),
        lines=("Takes a subscription off its namespace: a paid plan falls to Free at once.",),
    )


def _set_minutes(call: Call) -> _Form:
    total = Field("new_total", "New minutes total", help="The whole of the additional minutes; it is not added.")
    return _Form(
        "Set extra CI minutes",
        "Set extra CI minutes",
        (_NAMESPACE, total, _TICKET),
        _by_tool("set_extra_minutes", "The additional minutes were set."),
        lines=("Sets the additional compute minutes of a top-level group to a total.",),
    )


def _unlink(call: Call) -> _Form:
    doc = customer_of(call)
    user = call.store.get("user", doc["uid"]) if doc["uid"] is not None else None
    linked = f"{user['username']} (uid {user['id']})" if user is not None else "none"
    uid = Field("expected_uid", "GitLab user ID (uid)", str(doc["uid"] or ""), help="Refused if another is linked.")
    number = Field("customer_id", "Customer ID", str(doc["id"]), readonly=True)
    return _Form(
        "Unlink GitLab.com Account",
        "Confirm",
        (number, uid, _TICKET),
        _by_tool("unlink", "No GitLab.com user is linked to the account any more."),
        pairs=[("Company", doc["company"] or "-"), ("GitLab user", linked)],
        entries=tuple(customer_tabs(doc)),
    )


def _add_membership(call: Call) -> _Form:
    """No Support Admin Tool: it asks for no ticket and leaves no audit row."""
    doc = account_of(call)
    id = doc["zuora_account_id"]

    def act(call: Call, given: dict[str, str]) -> str:
        customer = given.get("customer_id", "")
        if not customer:
            raise Malformed({"customer_id": ["can't be blank"]})
        add_member(call, account_of(call), _typed("customer_id", customer))
        return f"CustomersDot account {customer} is among the members of the billing account."

    return _Form(
        "Add membership",
        "Add membership",
        (
            Field("billing_account", "Billing account (Zuora account ID)", id, readonly=True),
            Field("customer_id", "Customer ID"),
        ),
        act,
        pairs=[("Name", doc["name"] or "-")],
        entries=(link("Billing account", "admin", "billing_account", id),),
        after=lambda: account_tables(call, account_of(call)),
    )


ROUTES: list[tuple[str, str, Handler]] = [
    *_routes("/admin/saas_full_order/force_reassociate", _force_associate),
    *_routes("/admin/support/clear_subscription", _clear),
    *_routes("/admin/support/set_extra_ci_minutes", _set_minutes),
    *_routes("/admin/customer/{id}/unlink", _unlink),
    *_routes("/admin/billing_account/{id}/add_membership", _add_membership),
]
