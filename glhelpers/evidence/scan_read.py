"""The files of a bundle taken apart: every text in them, decoded, with the place where it stands in words."""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from glhelpers.evidence.patterns import MASKED, SECRET_KEY, SECRET_PAIR
from glhelpers.evidence.scan_binary import texts_in_binary
from glhelpers.evidence.scan_html import texts_in_html

__all__ = ["Piece", "pieces"]

_JSON = (".json", ".jsonl", ".ipynb", ".har")
_HTML = (".html", ".htm", ".xhtml", ".svg", ".xml")
_DATA = re.compile(r"data:(?P<mime>[\w.+-]+/[\w.+-]+)?(?:;[\w=.-]+)*?(?P<coded>;base64)?,(?P<data>[\w+/=%.~-]{16,})")
_MOST_UNPACKED = 50_000_000
_DEEPEST = 4
_LEAST_PACKED = 64


@dataclass(frozen=True)
class Piece:
    """
    One text and its place.

    `raw` marks a text that was read decoded already: it is looked at once more as it stands, against
    a file that reads differently than it is. `key` is the name it stands under in JSON.
    """

    place: str
    text: str
    key: str = ""
    raw: bool = False

    @property
    def telling(self) -> bool:
        """Whether the name alone makes the value a secret."""
        return bool(self.text.strip()) and SECRET_KEY.fullmatch(self.key) is not None and MASKED not in self.text


def pieces(name: str, content: bytes, depth: int = 0, suffix: str = "") -> Iterator[Piece]:
    """Every text of a file; `name` is shown, and what its suffix promises, or the one given, is tried first."""
    lower = suffix or name.lower()
    if content.startswith(b"PK\x03\x04") and depth < _DEEPEST:
        yield from _of_archive(name, content, depth)
        return
    if content.startswith(b"\x1f\x8b") and depth < _DEEPEST:
        yield from _of_gzip(name, content, depth)
        return
    text = _text(content)
    if text is None:
        yield from (Piece(f"{name}, {part}", found) for part, found in texts_in_binary(content))
        return
    parsed = _parsed(text) if lower.endswith(_JSON) else None
    if parsed is not None:
        read = _of_notebook(name, parsed) if _is_notebook(parsed) else _of_json(name, parsed, "")
        yield from _with_data(read, depth)
    elif lower.endswith(_HTML):
        yield from _with_data((Piece(f"{name}, {place}", found) for place, found in texts_in_html(text)), depth)
    else:
        yield from _with_data(iter([Piece(name, text)]), depth)
        return
    yield Piece(name, text, raw=True)


def _text(content: bytes) -> str | None:
    """The content as text, None if it is none."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()] or None
    except (ValueError, RecursionError):
        return None  # A broken file is looked at as the text that it is.


def _of_archive(name: str, content: bytes, depth: int) -> Iterator[Piece]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_UNPACKED:
                raise ValueError
            for entry in archive.infolist():
                yield Piece(f"{name}, name of a file in it", entry.filename)
                yield Piece(f"{name}, comment", f"{_loose(archive.comment)}\n{_loose(entry.comment)}")
                yield from pieces(f"{name} › {entry.filename}", archive.read(entry), depth + 1)
    except (zipfile.BadZipFile, ValueError, RuntimeError, NotImplementedError, zlib.error):
        yield from (Piece(f"{name}, {part}", found) for part, found in texts_in_binary(content))


def _of_gzip(name: str, content: bytes, depth: int) -> Iterator[Piece]:
    try:
        unpacked = zlib.decompressobj(31).decompress(content, _MOST_UNPACKED)
    except zlib.error:
        unpacked = b""
    yield from pieces(name.removesuffix(".gz"), unpacked, depth + 1)
    yield from (Piece(f"{name}, {part}", found) for part, found in texts_in_binary(content[:300]))


def _loose(comment: bytes) -> str:
    return comment.decode("utf-8", "replace")


def _is_notebook(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("cells"), list) and "nbformat" in value


def _of_notebook(name: str, book: Mapping[str, Any]) -> Iterator[Piece]:
    for number, cell in enumerate(book["cells"], 1):
        if isinstance(cell, dict):
            yield from _of_cell(f"{name}, cell {number}", cell)
        else:
            yield from _of_json(f"{name}, cell {number}", cell, "")
    for key, value in book.items():
        if key != "cells":
            yield from _entry(name, "", key, value)


def _of_cell(place: str, cell: Mapping[str, Any]) -> Iterator[Piece]:
    for key, value in cell.items():
        if key == "outputs" and isinstance(value, list):
            for number, output in enumerate(value, 1):
                yield from _of_output(f"{place}, output {number}", output)
            yield from _streams(place, value)
        elif key == "source":
            yield Piece(f"{place}, source", _joined(value))
        elif key == "attachments" and isinstance(value, dict):
            for number, (file, bundle) in enumerate(value.items(), 1):
                yield Piece(f"{place}, name of attachment {number}", file)
                yield from _of_bundle(f"{place}, attachment {number}", bundle)
        else:
            yield from _entry(place, "", key, value)


def _of_output(place: str, output: Any) -> Iterator[Piece]:
    if not isinstance(output, dict):
        yield from _of_json(place, output, "")
        return
    for key, value in output.items():
        match key:
            case "data":
                yield from _of_bundle(place, value)
            case "text":
                yield Piece(f"{place}, {output.get('name', 'text')}", _joined(value))
            case "ename" | "evalue":
                yield Piece(f"{place}, {'name' if key == 'ename' else 'message'} of the error", _joined(value))
            case "traceback":
                yield Piece(f"{place}, traceback", _joined(value, "\n"))
                yield Piece(f"{place}, traceback", _joined(value))
            case _:
                yield from _entry(place, "", key, value)


def _streams(place: str, outputs: list[Any]) -> Iterator[Piece]:
    """What each stream said in all: a flush may have cut a text in two."""
    said: dict[str, list[str]] = {}
    for output in outputs:
        if isinstance(output, dict) and output.get("output_type") == "stream":
            said.setdefault(str(output.get("name")), []).append(_joined(output.get("text")))
            if str(output.get("name")) in ("stdout", "stderr"):
                said.setdefault("stdout and stderr", []).append(_joined(output.get("text")))
    for stream, parts in said.items():
        if len(parts) > 1:
            yield Piece(f"{place}, outputs of {stream} read as one", "".join(parts))


def _of_bundle(place: str, bundle: Any) -> Iterator[Piece]:
    """The media types of one output or attachment."""
    if not isinstance(bundle, dict):
        yield from _of_json(place, bundle, "")
        return
    for mime, value in bundle.items():
        there = f"{place}, {mime}"
        yield Piece(f"{place}, a media type", mime)
        if not isinstance(value, str) and not _is_lines(value):
            yield from _of_json(there, value, "")
            continue
        text = _joined(value)
        if mime in ("text/html", "image/svg+xml", "text/xml", "application/xml"):
            yield from (Piece(f"{there}, {where}", found) for where, found in texts_in_html(text))
            yield Piece(there, text, raw=True)
            continue
        if _packed(text) is not None:
            yield from _of_json(there, text, "")
            continue
        decoded = None if mime.startswith("text/") and "attachment" not in place else _base64(text)
        yield Piece(there, text, raw=decoded is not None)
        if decoded is not None:
            yield from pieces(there, decoded, 1)


def _of_json(place: str, value: Any, path: str, key: str = "") -> Iterator[Piece]:
    there = f"{place}, {path}" if path else place
    match value:
        case str():
            packed = _packed(value)
            yield Piece(there, value, key, raw=packed is not None)
            if packed is not None:
                yield from pieces(f"{there}, decoded", packed, 1, ".json")
        case dict():
            for name, item in value.items():
                yield from _entry(place, path, str(name), item)
        case list():
            if _is_lines(value) and len(value) > 1:
                # Lines of one text; any other list may still be one that was cut, as a program writes it.
                lines = all(line.endswith("\n") for line in value[:-1])
                yield Piece(there, "".join(value) if lines else '" + "'.join(value), key)
                if len(value) == 2 and SECRET_PAIR.fullmatch(value[0]):
                    yield Piece(there, value[1], value[0])  # a header or a parameter told as a pair
            for index, item in enumerate(value):
                yield from _of_json(place, item, f"{path}[{index}]", key)


def _entry(place: str, path: str, name: str, item: Any) -> Iterator[Piece]:
    there = f"{path}.{name}" if path else name
    yield Piece(f"{place}, a name in {path or 'it'}", name)
    yield from _of_json(place, item, there, name)


def _with_data(read: Iterator[Piece], depth: int) -> Iterator[Piece]:
    """The pieces, and what `data:` addresses in them hold."""
    for piece in read:
        yield piece
        if "data:" not in piece.text or depth >= _DEEPEST:
            continue
        for found in _DATA.finditer(piece.text):
            decoded = _base64(found["data"]) if found["coded"] else found["data"].encode()
            if decoded is not None:
                mime = found["mime"] or ""
                suffix = ".html" if "html" in mime or "svg" in mime else ".json" if "json" in mime else "."
                yield from pieces(f"{piece.place}, data: address", decoded, depth + 1, suffix)


def _is_lines(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(line, str) for line in value)


def _joined(value: Any, between: str = "") -> str:
    return between.join(str(line) for line in value) if isinstance(value, list) else str(value or "")


def _packed(value: str) -> bytes | None:
    """What a value holds that is nothing but JSON, or base64 of readable text as a signed statement's payload is."""
    if value[:1] in ("{", "[") and isinstance(_parsed(value), (dict, list)):
        return value.encode("utf-8", "replace")
    decoded = _base64(value) if len(value) >= _LEAST_PACKED and " " not in value else None
    return decoded if decoded is not None and _text(decoded) is not None else None


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
