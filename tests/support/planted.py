"""Secrets of every kind, and bundles that hold a text in one place: what the scanner is held against."""

from __future__ import annotations

import base64
import html
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

__all__ = ["KINDS", "PLACES", "TOKEN", "notebook", "png"]

BODY = "a1B2c3D4e5F6g7H8i9J0"
TOKEN = "gl" + f"pat-{BODY}"
_HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_KEY = "MIIEowIBAAKCAQEAx7Jq0ZbV3mN5kYtRw8PqLdS2HfGcXjUo\nV4nB6aKz1MiEyTrCvQpWsOlDhFgJx9Iu"
_PEM = "-----BEGIN {0}PRIVATE KEY-----\n{1}\n-----END {0}PRIVATE KEY-----"
KINDS: dict[str, str] = {
    "personal access token": TOKEN,
    "personal access token, routable": f"gl{'pat'}-{BODY}{BODY[:7]}.01.0z1abcdef",
    "personal access token, own prefix": f"acme-gl{'pat'}-{BODY}",
    "OAuth application secret": f"gl{'oas'}-{BODY}{BODY}",
    "deploy token": f"gl{'dt'}-{BODY}",
    "runner token": f"gl{'rt'}-{BODY}",
    "runner token, routable": f"gl{'rt'}-t1_{BODY}{BODY[:7]}.01.0w1abcdef",
    "runner registration": f"gl{'rtr'}-{BODY}",
    "runner registration, old": f"GR{1348941}{BODY}",
    "job token": f"gl{'cbt'}-64_{BODY}",
    "trigger token": f"gl{'ptt'}-{_HEX[:40]}",
    "feed token": f"gl{'ft'}-{BODY}",
    "incoming mail token": f"gl{'imt'}-{BODY}a1b2c",
    "agent token": f"gl{'agent'}-{BODY}{BODY}{BODY[:10]}",
    "workspace token": f"gl{'wt'}-{BODY}",
    "SCIM token": f"gl{'soat'}-{BODY}",
    "feature flags token": f"gl{'ffct'}-{BODY}",
    "session cookie": f"_gitlab_session={_HEX[:32]}",
    "OAuth token": _HEX,
    "JSON web token": "eyJ" + f"hbGciOiJIUzI1NiJ9.eyJ{'zdWIiOiIxMjM0In0'}.{BODY}",
    "Basic auth": f"Authorization: Basic {base64.b64encode(b'robin:s3cretword').decode()}",
    "Basic auth without its header": f"Basic {base64.b64encode(b'robin:s3cretword').decode()}",
    "bearer token": f"Bearer {BODY}xyz",
    "private token header": f"PRIVATE-TOKEN: {BODY}",
    "private token header, as bytes": f"(b'Private-Token', b'{BODY}')",
    "cookie": f"Cookie: remember={BODY}; theme=dark",
    "cookie that is set": f"Set-Cookie: sid={BODY}; Path=/; HttpOnly",
    "password in a link": "https://robin:hunter2@git.example.com/x.git",
    "password": "password = 'correct-horse-9'",
    "password on a command line": "curl -u robin:s3cretword https://git.example.com/api",
    "signed address": f"https://files.example.com/a?X-Amz-Signature={_HEX}",
    "variable": f"GITLAB_TOKEN={BODY}",
    "RSA key": _PEM.format("RSA ", _KEY),
    "OpenSSH key": _PEM.format("OPENSSH ", "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ"),
    "PKCS 8 key": _PEM.format("", _KEY),
    "AWS key": f"AK{'IA'}IOSFODNN7EXAMPLE",
    "GitHub token": f"gh{'p'}_{BODY}{BODY[:16]}",
    "Slack token": f"xo{'xb'}-123456789012-{BODY}",
    "Stripe key": f"sk_{'live'}_{BODY}{BODY[:4]}",
    "Google key": f"AI{'za'}{BODY}{BODY[:15]}",
    "Zendesk token": f"robin/token:{BODY}{BODY}",
    "random string": "q7Zr2Kp9Xw4Vt8Bn3Ls6Dg1Hf5Jc0Ym",
    "random hex": _HEX[:32][::-1],
    "e-mail address": "dana.reader@mail.example.com",
}

_Files = dict[str, bytes]


def notebook(cell: dict[str, Any] | None = None, output: dict[str, Any] | None = None, **metadata: Any) -> _Files:
    """A bundle of one notebook: a code cell with one output, and a second cell where one is given."""
    code = {"cell_type": "code", "id": "a", "metadata": {}, "execution_count": 1, "source": "run.check()"}
    cells = [{**code, "outputs": [output] if output else []}, *([{"id": "b", "metadata": {}, **cell}] if cell else [])]
    book = {"cells": cells, "metadata": {"kernelspec": {"name": "python3"}, **metadata}, "nbformat": 4}
    return {"notebook.ipynb": json.dumps({**book, "nbformat_minor": 5}).encode()}


def _shown(mime: str, content: Any) -> _Files:
    return notebook(output={"output_type": "display_data", "metadata": {}, "data": {"text/plain": "x", mime: content}})


def _streams(text: str) -> _Files:
    half = len(text) // 2
    parts = [{"output_type": "stream", "name": "stdout", "text": part} for part in (text[:half], text[half:])]
    cell = {"cell_type": "code", "execution_count": 1, "source": "", "outputs": parts}
    return notebook(cell=cell)


def _error(name: str = "ValueError", message: str = "no", line: str = "Traceback") -> _Files:
    error = {"output_type": "error", "ename": name, "evalue": message, "traceback": [f"\x1b[31m{line}\x1b[0m", "end"]}
    return notebook(output=error)


def png(*chunks: tuple[bytes, bytes], after: bytes = b"") -> bytes:
    """A picture of one pixel with these chunks beside it."""
    inner = [
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
        *chunks,
        (b"IDAT", zlib.compress(b"\0\0")),
        (b"IEND", b""),
    ]
    made = b"\x89PNG\r\n\x1a\n"
    for name, data in inner:
        made += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return made + after


def _jpeg(*segments: tuple[int, bytes]) -> bytes:
    made = b"\xff\xd8"
    for marker, data in segments:
        made += bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data
    return made + b"\xff\xda\x00\x02\x00\x9c\xff\xd9"


def _exif(text: str) -> bytes:
    """A little-endian TIFF with one ASCII field: the picture's description."""
    value = text.encode() + b"\0"
    field = struct.pack("<HHII", 0x010E, 2, len(value), 26)
    return b"II*\0" + struct.pack("<IH", 8, 1) + field + struct.pack("<I", 0) + value


def _zip(text: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("notes.txt", f"seen: {text}")
    return made.getvalue()


def _page(fragment: str) -> _Files:
    return {"notebook.html": f"<!doctype html>\n<html><body><h1>Run</h1>\n{fragment}\n</body></html>".encode()}


def _data(text: str) -> str:
    return "data:text/plain;base64," + base64.b64encode(f"seen {text} here".encode()).decode()


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(sign):04x}" for sign in text)


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


PLACES: dict[str, Callable[[str], _Files]] = {
    "source of a code cell": lambda text: notebook(cell={"cell_type": "markdown", "source": f"x = {text}"}),
    "source of a text cell, in lines": lambda text: notebook(
        cell={"cell_type": "markdown", "source": ["# One\n", text, "\n", "end"]}
    ),
    "stream": lambda text: notebook(output={"output_type": "stream", "name": "stderr", "text": f"log\n{text}\n"}),
    "stream cut by a flush": _streams,
    "result": lambda text: _shown("text/plain", f"Answer({text})"),
    "HTML output": lambda text: _shown("text/html", f"<td>{html.escape(text)}</td>"),
    "attribute in an HTML output": lambda text: _shown("text/html", f'<p title="{html.escape(text)}">x</p>'),
    "comment in an HTML output": lambda text: _shown("text/html", f"<p>x</p><!-- {html.escape(text)} -->"),
    "Markdown output": lambda text: _shown("text/markdown", f"- **seen** {text}"),
    "LaTeX output": lambda text: _shown("text/latex", f"$ {text} $"),
    "SVG output": lambda text: _shown("image/svg+xml", f"<svg><desc>{html.escape(text)}</desc></svg>"),
    "script output": lambda text: _shown("application/javascript", f"var x = {json.dumps(text)}"),
    "JSON output": lambda text: _shown("application/json", {"deep": [{"note": text}]}),
    "picture output": lambda text: _shown("image/png", _b64(png((b"tEXt", b"Comment\0" + text.encode())))),
    "name of an error": lambda text: _error(name=text),
    "message of an error": lambda text: _error(message=f"bad value {text}"),
    "traceback": lambda text: _error(line=f"----> 1 call({text!r})"),
    "metadata of a cell": lambda text: notebook(
        cell={"cell_type": "raw", "source": "", "metadata": {"tags": ["x", text]}}
    ),
    "metadata of the notebook": lambda text: notebook(authors=[{"note": text}]),
    "a name in the metadata": lambda text: notebook(custom={text: 1}),
    "parameter of papermill": lambda text: notebook(papermill={"parameters": {"namespace": text}}),
    "environment kept by papermill": lambda text: notebook(papermill={"environment_variables": {"X": text}}),
    "widget state": lambda text: notebook(
        widgets={"application/vnd.jupyter.widget-state+json": {"state": {"a": {"state": {"value": text}}}}}
    ),
    "name of an attachment": lambda text: notebook(
        cell={"cell_type": "markdown", "source": "", "attachments": {text: {"image/png": _b64(png())}}}
    ),
    "attachment": lambda text: notebook(
        cell={"cell_type": "markdown", "source": "", "attachments": {"a.txt": {"text/plain": _b64(text.encode())}}}
    ),
    "text of the page": lambda text: _page(f"<p>seen {html.escape(text)}</p>"),
    "attribute of the page": lambda text: _page(f"<a href='https://example.com/' title='{html.escape(text)}'>x</a>"),
    "comment of the page": lambda text: _page(f"<!-- {text.replace('--', '- -') if '>' in text else text} -->"),
    "style of the page": lambda text: _page(f"<style>/* {text} */</style>"),
    "data address in the page": lambda text: _page(f"<img src='{_data(text)}'>"),
    "record": lambda text: {"record.json": json.dumps({"facts": [{"value": {"note": text}}]}).encode()},
    "record, escaped": lambda text: {"record.json": f'{{"why": "{_escaped(text)}"}}'.encode()},
    "text file": lambda text: {"notes.txt": f"one\n{text}\nthree".encode()},
    "text file in UTF-16": lambda text: {"notes.txt": f"one\n{text}\nthree".encode("utf-16")},
    "name of a file": lambda text: {f"out {text}.txt": b"x"},
    "PNG text": lambda text: {"a.png": png((b"tEXt", b"Comment\0" + text.encode()))},
    "PNG packed text": lambda text: {"a.png": png((b"zTXt", b"Comment\0\0" + zlib.compress(text.encode())))},
    "PNG international text": lambda text: {
        "a.png": png((b"iTXt", b"Comment\0\1\0en\0Kommentar\0" + zlib.compress(text.encode())))
    },
    "PNG EXIF": lambda text: {"a.png": png((b"eXIf", _exif(text)))},
    "bytes after a PNG": lambda text: {"a.png": png(after=b"\0\xff" + text.encode())},
    "JPEG comment": lambda text: {"a.jpg": _jpeg((0xFE, text.encode()))},
    "JPEG EXIF": lambda text: {"a.jpg": _jpeg((0xE1, b"Exif\0\0" + _exif(text)))},
    "PDF output": lambda text: _shown(
        "application/pdf", _b64(b"%PDF-1.7\n\xff stream\n" + zlib.compress(f"({text}) Tj".encode()) + b"\nendstream")
    ),
    "GIF comment": lambda text: {
        "a.gif": b"GIF89a\x01\0\x01\0\x80\0\0!\xfe" + bytes([len(text) % 256]) + text.encode()
    },
    "archive": lambda text: {"evidence.zip": _zip(text)},
}
