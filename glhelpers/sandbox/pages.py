"""Pages for a browser: templates, what a record shows, forms with their hidden token."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from glhelpers.sandbox.store import Doc
from glhelpers.sandbox.web import Call, Halt

__all__ = ["NONE", "NOT_TOLD", "Field", "Link", "fields_of", "halt_page", "link", "page", "shown", "table"]

NOT_TOLD = "(not told)"
NONE = "-"
_TOKEN = "authenticity_token"  # noqa: S105 (the name of a field)
_SECRET = secrets.token_bytes(32)
_MOST_FIELDS = 50
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Link(NamedTuple):
    """A value that leads to another page of the same system."""

    text: str
    href: str


@dataclass(frozen=True)
class Field:
    """An input with its label; `problems` is what is wrong with the value."""

    name: str
    label: str
    value: str = ""
    help: str = ""
    readonly: bool = False
    problems: tuple[str, ...] = ()


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("glhelpers.sandbox"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(call: Call, template: str, words: Doc, status: int = 200, form_path: str = "") -> Response:
    """A page of this system; a form in it gets the hidden token of the address that it is sent to."""
    world = {"world": call.store.world.name, "today": call.today.isoformat(), "system": call.system}
    form_path = form_path or call.raw_path
    here = {"path": call.raw_path, "form_path": form_path, "token_field": _TOKEN, "token": _token(form_path)}
    html = _environment().get_template(f"{template}.html.j2").render({**world, **here, **words})
    return HTMLResponse(html, status, headers=_HEADERS)


def halt_page(call: Call, status: int, title: str, text: str) -> Halt:
    """The exception that ends a request with a page of one sentence; what it had changed is undone."""
    return Halt(page(call, "message", {"title": title, "text": text}, status))


def fields_of(call: Call) -> dict[str, str]:
    """What a form sent; 403 without the hidden token of that form."""
    try:
        pairs = parse_qsl(
            call.body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, separator="&"
        )
    except ValueError:
        raise halt_page(call, 400, "Bad request", "The form holds more fields than any form here has.") from None
    fields = {name: value.strip() for name, value in pairs}
    if not hmac.compare_digest(fields.pop(_TOKEN, "").encode(), _token(call.raw_path).encode()):
        raise halt_page(call, 403, "Forbidden", "The form's hidden token is missing or not this form's.")
    return fields


def _token(path: str) -> str:
    return hmac.digest(_SECRET, path.encode(), "sha256").hex()


def link(text: object, *segments: object) -> Link:
    """A link to the page of these segments."""
    return Link(str(text), "/" + "/".join(quote(str(segment), safe="") for segment in segments))


def shown(doc: Mapping[str, Any], name: str) -> str:
    """A value as a page shows it: what is not told and what is none are told apart."""
    if name not in doc:
        return NOT_TOLD
    value = doc[name]
    if value is None or value == "":
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def table(caption: str, columns: Iterable[str], rows: Iterable[Iterable[str | Link]]) -> Doc:
    """A table for the template `record`."""
    return {"caption": caption, "columns": list(columns), "rows": [list(row) for row in rows]}
