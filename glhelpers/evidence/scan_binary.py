"""Text that pictures and other binary files carry beside their pixels: PNG chunks, EXIF, comments, trailing bytes."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

__all__ = ["texts_in_binary"]

_PNG = b"\x89PNG\r\n\x1a\n"
_PIXELS = (b"IDAT", b"fdAT")
_COMMENT = 0xFE
_MOST = 2_000_000
_SHORTEST = 6
_RUNS = re.compile(rb"[\x20-\x7e\t\n\r]{%d,}" % _SHORTEST)
_PACKED = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_WIDE = (
    ("utf-16-le", re.compile(rb"(?:[\x20-\x7e]\x00){%d,}" % _SHORTEST)),
    ("utf-16-be", re.compile(rb"(?:\x00[\x20-\x7e]){%d,}" % _SHORTEST)),
)


def texts_in_binary(content: bytes) -> Iterator[tuple[str, str]]:
    """
    Every readable text in the bytes, with the part that holds it.

    Of a PNG each chunk but the pixels, unpacked where it is compressed, and what follows the picture;
    of any other format every run of readable characters, which is how EXIF, XMP and comments are kept,
    and the packed parts of a PDF.
    """
    if content.startswith(_PNG):
        for name, data in _chunks(content):
            if name not in _PIXELS:
                part = f"{name.decode('ascii', 'replace')} chunk" if name else "bytes after the picture"
                yield from ((part, text) for text in _readable(_unpacked(name, data)))
        return
    for part, data in (*_segments(content), *_comments(content)):
        yield from ((part, text) for text in _readable(data))
    yield from (("text inside it", text) for text in _readable(content))
    if content.startswith(b"%PDF"):
        yield from (
            ("a packed part", text) for part in _PACKED.finditer(content) for text in _readable(_inflated(part[1]))
        )


def _segments(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The segments of a JPEG before its pixels: their length would otherwise be read as a letter of the text."""
    at = 2
    while content.startswith(b"\xff\xd8") and content[at : at + 1] == b"\xff" and content[at + 1 : at + 2] != b"\xda":
        size = int.from_bytes(content[at + 2 : at + 4], "big")
        yield (
            "comment" if content[at + 1] == _COMMENT else "segment beside the picture",
            content[at + 4 : at + 2 + size],
        )
        at += 2 + max(2, size)


def _comments(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The comments of a GIF, put together: they are kept in pieces, each with its length before it."""
    for found in re.finditer(rb"!\xfe", content if content.startswith(b"GIF8") else b""):
        at, whole = found.end(), b""
        while at < len(content) and content[at]:
            whole += content[at + 1 : at + 1 + content[at]]
            at += 1 + content[at]
        yield "comment", whole


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _MOST)
    except zlib.error:
        return b""


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and data of each chunk; whatever does not fit the format comes with an empty name."""
    at = len(_PNG)
    while at + 12 <= len(content):
        size, name = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        if at + 12 + size > len(content) or not name.isalpha():
            break
        yield name, content[at + 8 : at + 8 + size]
        at += 12 + size
        if name == b"IEND":
            break
    yield b"", content[at:]


def _unpacked(name: bytes, data: bytes) -> bytes:
    """The chunk, followed by its compressed part unpacked; a broken one is looked at as it is."""
    if name not in (b"zTXt", b"iTXt", b"iCCP"):
        return data
    head, _, rest = data.partition(b"\0")
    if name == b"iTXt":
        compressed, rest = rest[:1] == b"\1", rest[2:]
        for _ in range(2):  # language and translated keyword
            named, _, rest = rest.partition(b"\0")
            head += b"\n" + named
        if not compressed:
            return head + b"\n" + rest
    else:
        rest = rest[1:]
    unpacked = _inflated(rest)
    return head + b"\n" + unpacked if unpacked else data


def _readable(content: bytes) -> Iterator[str]:
    try:
        if content:
            yield content.decode("utf-8").replace("\0", "\n")
        return
    except UnicodeDecodeError:
        pass
    runs = [match[0].decode("ascii") for match in _RUNS.finditer(content)]
    for encoding, pattern in _WIDE:
        runs += [match[0].decode(encoding, "replace") for match in pattern.finditer(content)]
    if runs:
        yield "\n".join(runs)
