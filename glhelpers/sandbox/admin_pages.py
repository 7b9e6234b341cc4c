"""CustomersDot's admin pages in a browser: customers, orders, subscriptions, billing accounts, audit events."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response

from glhelpers.sandbox import customersdot_entities as entities
from glhelpers.sandbox import effects
from glhelpers.sandbox.pages import NONE, Field, Link, halt_page, link, page, shown, table
from glhelpers.sandbox.parts import SubscriptionIn
from glhelpers.sandbox.store import Doc
from glhelpers.sandbox.web import Call, Handler

__all__ = ["ROUTES", "account_of", "account_tables", "customer_of", "customer_tabs"]

_MOST_ROWS = 200
_LEGEND = "“-” means that there is none; “(not told)” that the record does not say."
_SUBSCRIPTION = [name for name in SubscriptionIn.model_fields if name not in ("force_associate", "refusal")]
_IN_LISTS = [name for name in _SUBSCRIPTION if name not in ("name", "zuora_account_id", "license_activated")]
Row = list[str | Link]


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _record(
    call: Call,
    title: str,
    *,
    entries: Iterable[Link] = (),
    search: Iterable[Field] = (),
    lines: Iterable[str] = (),
    pairs: Iterable[tuple[str, str | Link]] = (),
    tables: Iterable[Doc] = (),
) -> Response:
    parts: Doc = {"entries": entries, "search": search, "lines": lines, "pairs": pairs, "tables": tables}
    return page(call, "record", {"title": title, **{name: list(part) for name, part in parts.items()}})


def _asked(call: Call, *names: str) -> list[str]:
    return [call.query.get(name, "").strip() for name in names]


def _not_found(call: Call, what: str) -> Exception:
    return halt_page(call, 404, "Not found", f"There is no {what} {call.names.get('id', '')}.")


def _portal(call: Call) -> Response:
    """The Customers Portal as everybody meets it: it answers, or its front door gives up."""
    if call.store.switches.portal_down:
        raise entities.bad_gateway(call)
    return page(
        call, "message", {"title": "Customers Portal", "text": "The Customers Portal works for everybody else."}
    )


def _dashboard(call: Call) -> Response:
    lines = ["Look records up on the left; the tools of Support change something, each on a Zendesk ticket."]
    return _record(call, "CustomersDot admin", lines=[*lines, _LEGEND])


def _customers(call: Call) -> Response:
    email, uid, namespace = _asked(call, "email", "uid", "namespace_id")
    asked = bool(email or uid or namespace)
    found = entities.customers_like(call.store, email, uid, namespace) if asked else call.store.all("customer")
    rows: list[Row] = [
        [link(doc["id"], "admin", "customer", doc["id"]), *(shown(doc, name) for name in ("company", "email", "uid"))]
        for doc in map(entities.customer_entity, found[:_MOST_ROWS])
    ]
    search = [
        Field("email", "E-mail", email),
        Field("uid", "GitLab user ID (uid)", uid),
        Field("namespace_id", "Namespace ID of an order", namespace),
    ]
    columns = ("ID", "Company", "E-mail", "Uid")
    return _record(call, "Customers", search=search, tables=[_listed("Customers", columns, rows, len(found))])


def _listed(caption: str, columns: Iterable[str], rows: Iterable[Row], count: int) -> Doc:
    more = f", the first {_MOST_ROWS} shown" if count > _MOST_ROWS else ""
    return table(f"{caption}: {count}{more}", columns, rows)


def customer_of(call: Call) -> Doc:
    """The account that the path names, or a page that says there is none."""
    doc = call.store.get("customer", call.names["id"])
    if doc is None:
        raise _not_found(call, "customer")
    return doc


def customer_tabs(doc: Doc) -> list[Link]:
    """What can be done on an account's page."""
    here = ("admin", "customer", doc["id"])
    tabs = (("Show", ()), ("Impersonate", ("impersonate",)), ("Unlink GitLab User", ("unlink",)))
    return [link(name, *here, *end) for name, end in (*tabs, ("Zuora subscriptions", ("zuora_subscriptions",)))]


def _customer(call: Call) -> Response:
    doc = customer_of(call)
    entity = entities.customer_entity(doc)
    names = ("id", "company", "email", "provider", "uid", "login_activated", "login_deactivated_on", "created_on")
    pairs: list[tuple[str, str | Link]] = [(_words(name), shown(entity, name)) for name in names]
    account = doc["zuora_account_id"]
    pairs.append(("Billing account", link(account, "admin", "billing_account", account) if account else NONE))
    pairs.append(("Token of the portal", _token(doc)))
    return _record(
        call, f"Customer {doc['id']}: {doc['company']}", entries=customer_tabs(doc), lines=[_LEGEND], pairs=pairs
    )


def _token(doc: Doc) -> str:
    try:
        return f"belongs to GitLab user {entities.token_owner(doc)}"
    except effects.Refused as why:
        return "none is stored" if why.status == 404 else f"invalid_token: {why.text}"


def _impersonate(call: Call) -> Response:
    doc = customer_of(call)
    groups = entities.portal_groups(call, doc)
    rows: list[Row] = [[str(group["id"]), group["full_path"]] for group in groups]
    lines = [f"What the Customers Portal shows to the account {doc['id']}. Nothing is changed by looking."]
    title = f"Portal as customer {doc['id']}"
    tables = [table(f"Groups: {len(rows)}", ("Namespace ID", "Full path"), rows)]
    return _record(call, title, entries=customer_tabs(doc), lines=lines, tables=tables)


def _zuora(call: Call) -> Response:
    """What the billing account has bought, and what the account's own orders name."""
    doc = customer_of(call)
    own = {order["subscription_name"] for order in call.store.all("order", lambda row: row["customer_id"] == doc["id"])}

    def belongs(row: Doc) -> bool:
        account = row.get("zuora_account_id")
        return row["name"] in own or (account is not None and account == doc["zuora_account_id"])

    shown_here = _subscriptions_table(call.store.all("subscription", belongs))
    title = f"Zuora subscriptions of customer {doc['id']}"
    return _record(call, title, entries=customer_tabs(doc), lines=[_LEGEND], tables=[shown_here])


def _subscriptions_table(found: list[Doc]) -> Doc:
    rows: list[Row] = [
        [link(doc["name"], "admin", "subscription", doc["name"]), *(shown(doc, name) for name in _IN_LISTS)]
        for doc in found[:_MOST_ROWS]
    ]
    return _listed("Subscriptions", ("Name", *map(_words, _IN_LISTS)), rows, len(found))


def _subscriptions(call: Call) -> Response:
    (name,) = _asked(call, "name")
    found = call.store.all("subscription", lambda doc: not name or doc["name"] == name)
    search = [Field("name", "Subscription name", name)]
    return _record(call, "Subscriptions", search=search, lines=[_LEGEND], tables=[_subscriptions_table(found)])


def _subscription(call: Call) -> Response:
    doc = call.store.get("subscription", call.names["id"])
    if doc is None:
        raise _not_found(call, "subscription")
    orders = entities.orders_like(call.store, doc["name"], None)
    pairs = [(_words(name), shown(doc, name)) for name in _SUBSCRIPTION]
    title = f"Subscription {doc['name']}"
    return _record(call, title, lines=[_LEGEND], pairs=pairs, tables=[_orders_table(orders)])


def _orders(call: Call) -> Response:
    name, namespace = _asked(call, "subscription_name", "gl_namespace_id")
    if name or namespace:
        found = entities.orders_like(call.store, name, namespace)
    else:
        found = [entities.order_entity(call.store, doc) for doc in call.store.all("order")]
    search = [
        Field("subscription_name", "Subscription name", name),
        Field("gl_namespace_id", "Gl namespace (its ID)", namespace),
    ]
    return _record(call, "Orders", search=search, lines=[_LEGEND], tables=[_orders_table(found)])


def _orders_table(found: list[Doc]) -> Doc:
    names = ("gl_namespace_id", "gl_namespace_name", "plan_code", "kind", "quantity", "start_date", "end_date", "trial")
    titles = ("Gl namespace", "Gl namespace name", *map(_words, names[2:]))
    rows: list[Row] = [[*_order_links(doc), *(shown(doc, name) for name in names)] for doc in found[:_MOST_ROWS]]
    return _listed("Orders", ("ID", "Customer", "Subscription", *titles), rows, len(found))


def _order_links(doc: Doc) -> Row:
    customer, name = doc["customer_id"], doc["subscription_name"]
    by = link(customer, "admin", "customer", customer) if customer is not None else NONE
    return [str(doc["id"]), by, link(name, "admin", "subscription", name)]


def account_of(call: Call) -> Doc:
    """The billing account that the path names, or a page that says there is none."""
    doc = call.store.get("billing_account", call.names["id"])
    if doc is None:
        raise _not_found(call, "billing account")
    return doc


def account_tables(call: Call, doc: Doc) -> list[Doc]:
    """Who belongs to a billing account."""
    members = [call.store.get("customer", id) or {"id": id} for id in doc["member_customer_ids"]]
    rows: list[Row] = [[link(row["id"], "admin", "customer", row["id"]), shown(row, "company")] for row in members]
    return [table("Billing account memberships", ("Customer", "Company"), rows)]


def _accounts(call: Call) -> Response:
    (customer,) = _asked(call, "customer_id")
    found = call.store.all(
        "billing_account", lambda doc: not customer or customer in map(str, doc["member_customer_ids"])
    )
    rows: list[Row] = [
        [link(doc["zuora_account_id"], "admin", "billing_account", doc["zuora_account_id"]), shown(doc, "name")]
        for doc in found[:_MOST_ROWS]
    ]
    search = [Field("customer_id", "Customer ID of a member", customer)]
    listed = _listed("Billing accounts", ("Zuora account ID", "Name"), rows, len(found))
    return _record(call, "Billing accounts", search=search, tables=[listed])


def _account(call: Call) -> Response:
    doc = account_of(call)
    names = ("zuora_account_id", "name", "sold_to_domain", "bill_to_domain", "sold_to_is_bill_to")
    entries = [link("Add membership", "admin", "billing_account", doc["zuora_account_id"], "add_membership")]
    pairs = [(_words(name), shown(doc, name)) for name in names]
    title = f"Billing account {doc['zuora_account_id']}"
    return _record(call, title, entries=entries, lines=[_LEGEND], pairs=pairs, tables=account_tables(call, doc))


def _audit_events(call: Call) -> Response:
    namespace, action = _asked(call, "namespace_id", "action")
    found = effects.audit_rows(call.store, namespace, action)
    names = ("action", "namespace_id", "subscription_name", "request_link", "requester", "via", "created_at")
    titles = ("Action", "Namespace ID", "Subscription", "Request link", "Requester", "Via", "Timestamp")
    rows: list[Row] = [[shown(doc, name) for name in ("id", *names)] for doc in found[-_MOST_ROWS:]]
    search = [Field("namespace_id", "Namespace ID", namespace), Field("action", "Action", action)]
    listed = _listed("Support Audit Events", ("ID", *titles), rows, len(found))
    return _record(call, "Support Audit Events", search=search, tables=[listed])


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/", _portal),
    ("GET", "/admin", _dashboard),
    ("GET", "/admin/customer", _customers),
    ("GET", "/admin/customer/{id}", _customer),
    ("GET", "/admin/customer/{id}/impersonate", _impersonate),
    ("GET", "/admin/customer/{id}/zuora_subscriptions", _zuora),
    ("GET", "/admin/order", _orders),
    ("GET", "/admin/subscription", _subscriptions),
    ("GET", "/admin/subscription/{id}", _subscription),
    ("GET", "/admin/billing_account", _accounts),
    ("GET", "/admin/billing_account/{id}", _account),
    ("GET", "/admin/support/audit_events", _audit_events),
]
