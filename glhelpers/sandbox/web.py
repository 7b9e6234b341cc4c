"""What all three systems share: a request, an answer, error envelopes, who is calling."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse, Response

from glhelpers.sandbox.store import Doc, Store

__all__ = ["Call", "Halt", "Handler", "answer", "halt", "paged"]


class Halt(Exception):
    """Ends a request with this answer; what it had changed is undone."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


@dataclass
class Call:
    """One request, read whole: the path's variables are unquoted, the body is bytes."""

    store: Store
    system: str
    method: str
    path: str
    query: QueryParams
    headers: dict[str, str]
    body: bytes
    base: str
    names: dict[str, str] = field(default_factory=dict)
    user: Doc | None = None
    scopes: frozenset[str] = frozenset()
    written: Doc = field(default_factory=dict)
    raw_path: str = ""

    def json(self) -> Doc:
        """The body as a JSON object (an empty body is an empty object)."""
        if not self.body:
            return {}
        try:
            value = json.loads(self.body)
        except ValueError:
            raise halt(400, {"message": "400 Bad request"}) from None
        if not isinstance(value, dict):
            raise halt(400, {"message": "400 Bad request"})
        return value

    @property
    def today(self) -> date:
        """The world's day."""
        return self.store.today


Handler = Callable[[Call], Response]


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> JSONResponse:
    """A JSON answer; dates become text."""
    return JSONResponse(json.loads(json.dumps(value, default=str)), status_code=status, headers=headers)


def halt(status: int, value: Any, headers: dict[str, str] | None = None) -> Halt:
    """The exception that ends a request with this answer."""
    return Halt(answer(value, status, headers))


_TOTALS_UP_TO = 10_000


def paged(call: Call, rows: Sequence[Any], show: Callable[[Any], Any] = lambda row: row) -> JSONResponse:
    """One page of a list with GitLab's paging headers, each row as `show` has it; over 10,000 rows there are no totals."""
    page, size = _number(call, "page", 1), min(100, _number(call, "per_page", 20))
    start, total = (page - 1) * size, len(rows)
    pages = max(1, -(-total // size))
    headers = {"x-page": str(page), "x-per-page": str(size)}
    headers["x-next-page"] = str(page + 1) if page < pages else ""
    headers["x-prev-page"] = str(page - 1) if page > 1 else ""
    links = [("first", 1)]
    if page < pages:
        links.append(("next", page + 1))
    if page > 1:
        links.append(("prev", page - 1))
    if total <= _TOTALS_UP_TO:
        headers |= {"x-total": str(total), "x-total-pages": str(pages)}
        links.append(("last", pages))
    headers["link"] = ", ".join(f'<{_address(call, number, size)}>; rel="{rel}"' for rel, number in links)
    return answer([show(row) for row in rows[start : start + size]], headers=headers)


def _address(call: Call, page: int, size: int) -> str:
    kept = [(name, value) for name, value in call.query.multi_items() if name not in ("page", "per_page")]
    return f"{call.base}{call.raw_path}?{urlencode([*kept, ('page', page), ('per_page', size)])}"


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise halt(400, {"error": f"{name} is invalid"})
    return int(text)
