"""The Support Admin Tools: what each needs, refuses and does, whether the adapter asks or an admin page."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from glhelpers.sandbox import effects
from glhelpers.sandbox.idempotency import key_of
from glhelpers.sandbox.store import Doc
from glhelpers.sandbox.web import Call

__all__ = ["TICKET", "TOOLS", "Malformed", "Tool", "use"]

TICKET = "zendesk_ticket_url"
_TICKET_LINK = re.compile(r"https://gitlab\.zendesk\.com/agent/tickets/[1-9][0-9]{0,14}(#[\w-]{1,60})?", re.ASCII)


class Malformed(Exception):
    """Fields that are missing or not as they must be, each with what is wrong; nothing has changed."""

    def __init__(self, problems: dict[str, list[str]]) -> None:
        super().__init__(", ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Tool:
    """A tool: the fields that it cannot do without, and its effect (answers namespace and subscription)."""

    action: str
    needed: tuple[str, ...]
    act: Callable[[Call, Doc], tuple[int | None, str | None]]


def use(call: Call, tool: Tool, body: Doc, *, via: str) -> int:
    """
    Carry the tool out and write its row of the Support Audit Events; answers the row's number.

    Raises `Malformed` without a ticket link or another field, `effects.Refused` if the tool will not.
    """
    call.written |= {"action": tool.action, "subscription_name": body.get("subscription_name")}
    problems = {name: ["can't be blank"] for name in (*tool.needed, TICKET) if body.get(name) in (None, "")}
    ticket = body.get(TICKET)
    if not problems and not (isinstance(ticket, str) and _TICKET_LINK.fullmatch(ticket)):
        problems = {TICKET: ["is not a ticket link"]}
    if problems:
        raise Malformed(problems)
    group_id, name = tool.act(call, body)
    row = {"namespace_id": group_id, "subscription_name": name, "request_link": ticket}
    event = effects.audit(call.store, tool.action, {**row, "idempotency_key": key_of(call), "via": via})
    call.written["support_tool"] = True
    return event


def _force_associate(call: Call, body: Doc) -> tuple[int | None, str | None]:
    name = str(body["subscription_name"])
    group = effects.force_associate(call.store, str(body["namespace"]), name)
    call.written["target"] = group["full_path"]
    subscription = call.store.get("subscription", name) or {}
    if subscription.get("force_associate") == "answer_lost":
        call.written["lose_answer"] = True
    return group["id"], name


def _clear(call: Call, body: Doc) -> tuple[int | None, str | None]:
    name = str(body["subscription_name"])
    return effects.clear_subscription(call.store, name), name


def _unlink(call: Call, body: Doc) -> tuple[int | None, str | None]:
    effects.unlink(call.store, body["customer_id"], str(body["expected_uid"]))
    call.written["target"] = f"customer {body['customer_id']}"
    return None, None


def _set_minutes(call: Call, body: Doc) -> tuple[int | None, str | None]:
    group = effects.set_extra_minutes(call.store, str(body["namespace"]), body["new_total"])
    call.written["target"] = group["full_path"]
    return group["id"], None


TOOLS = {
    tool.action: tool
    for tool in (
        Tool("force_associate", ("namespace", "subscription_name"), _force_associate),
        Tool("clear_subscription", ("subscription_name",), _clear),
        Tool("unlink", ("customer_id", "expected_uid"), _unlink),
        Tool("set_extra_minutes", ("namespace", "new_total"), _set_minutes),
    )
}
