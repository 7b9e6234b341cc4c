"""Every text of an HTML page as a browser would read it: between tags, in attributes, in comments, in styles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser

__all__ = ["texts_in_html"]

_INLINE = frozenset(
    re.findall(
        r"\w+",
        "a abbr b bdi bdo big cite code data del dfn em font i ins kbd mark q s samp small span strike strong sub sup "
        "time tt u var wbr",
    )
)


def texts_in_html(text: str) -> Iterator[tuple[str, str]]:
    """
    Each decoded text with its place, such as `line 12, attribute title`.

    Text that only inline tags interrupt is one text, as it is on the screen.
    """
    reader = _Reader()
    with suppress(AssertionError):  # what the parser says of a declaration that is none
        reader.feed(text)
        reader.close()
    reader.end_block()
    yield from reader.found


class _Reader(HTMLParser):
    """Collects texts; nothing that a page holds can make it fail."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, str]] = []
        self._block: list[str] = []
        self._line = 1

    def end_block(self) -> None:
        """The text gathered so far stands for itself."""
        whole = "".join(self._block).strip()
        if whole:
            self.found.append((f"line {self._line}", whole))
        self._block.clear()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _INLINE:
            self.end_block()
        for name, value in attrs:
            place = f"line {self.getpos()[0]}, attribute {name if len(name) <= 20 else 'of a long name'}"
            self.found.append((place, value or ""))
            if len(name) > 20:
                self.found.append((f"line {self.getpos()[0]}, name of an attribute", name))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _INLINE:
            self.end_block()

    def handle_data(self, data: str) -> None:
        if not self._block:
            self._line = self.getpos()[0] + data[: len(data) - len(data.lstrip())].count("\n")
        self._block.append(data)

    def handle_comment(self, data: str) -> None:
        self.found.append((f"line {self.getpos()[0]}, comment", data))

    def handle_decl(self, decl: str) -> None:
        self.found.append((f"line {self.getpos()[0]}, declaration", decl))

    def handle_pi(self, data: str) -> None:
        self.found.append((f"line {self.getpos()[0]}, instruction", data))

    def unknown_decl(self, data: str) -> None:
        self.found.append((f"line {self.getpos()[0]}, declaration", data))
