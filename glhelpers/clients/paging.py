"""All pages of a list: side by side where the number of pages is told, one after another where not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from glhelpers.clients.answer import Answer
from glhelpers.clients.transport import Transport
from glhelpers.errors import UnexpectedAnswer

__all__ = ["MOST_PAGES", "read_all"]

T = TypeVar("T")

MOST_PAGES = 200
"""A list of more pages, of 100 rows each, is refused rather than cut off."""

_NEXT = re.compile(r'<([^<>]*)>\s*;\s*rel="?next"?')


def read_all(transport: Transport, call: str, path: str, query: Mapping[str, Any], shape: type[T]) -> tuple[T, ...]:
    """
    Every row of the list at `path`, as typed values.

    Raises `UnexpectedAnswer` if the list is too long, or if a page points to another address.
    """
    first = transport.read(call, path, {**query, "per_page": 100})
    rows: list[T] = list(transport.parse(call, first, list[shape]))  # type: ignore[valid-type]
    total = first.headers.get("x-total-pages", "")
    if total.isascii() and total.isdigit() and len(total) < 9:
        if int(total) > MOST_PAGES:
            raise UnexpectedAnswer(f"{transport.name}'s list for {call} has more than {MOST_PAGES} pages.")
        numbers = range(2, int(total) + 1)
        if numbers:
            with ThreadPoolExecutor(max_workers=8) as pool:
                pages = pool.map(lambda page: _page(transport, call, path, query, page, shape), numbers)
                rows += [row for page in pages for row in page]
        return tuple(rows)
    return tuple(rows + _follow(transport, call, path, query, first, shape))


def _page(transport: Transport, call: str, path: str, query: Mapping[str, Any], page: int, shape: type[T]) -> list[T]:
    answer = transport.read(call, path, {**query, "per_page": 100, "page": page})
    rows: list[T] = transport.parse(call, answer, list[shape])  # type: ignore[valid-type]
    return rows


def _follow(
    transport: Transport, call: str, path: str, query: Mapping[str, Any], answer: Answer, shape: type[T]
) -> list[T]:
    rows: list[T] = []
    for _ in range(MOST_PAGES):
        following = _next_query(transport, call, path, answer)
        if following is None:
            return rows
        answer = transport.read(call, path, following)
        rows += transport.parse(call, answer, list[shape])  # type: ignore[valid-type]
    raise UnexpectedAnswer(f"{transport.name}'s list for {call} has more than {MOST_PAGES} pages.")


def _next_query(transport: Transport, call: str, path: str, answer: Answer) -> dict[str, Any] | None:
    """Only the query of a next link is used: path and host stay ours, so that no token can be led astray."""
    match = _NEXT.search(answer.headers.get("link", ""))
    if match is None:
        return None
    home = transport.is_home(match.group(1))
    parts = urlsplit(match.group(1) if home else "")
    if not home or not parts.path.endswith(path):
        raise UnexpectedAnswer(f"A page of {transport.name}'s list for {call} points to another address.")
    query: dict[str, Any] = {}
    for name, value in parse_qsl(parts.query):
        query.setdefault(name, []).append(value)
    return query
