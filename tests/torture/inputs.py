"""
Parameters of every kind, through the notebook's own door, the command line and papermill.

Whatever is given: a sentence before anything is read, or a run that ends with a status.  Nothing is
written, no request leaves that is not one of ours, and no text is ever taken for code.
"""

from __future__ import annotations

import io
import json
import os
import re
import string
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from walks import walk

from glhelpers.actions.catalogue import CATALOGUE, Runbook
from glhelpers.cli import main
from glhelpers.errors import GlhelpersError

from .battery import Battery, Ground, Trial

__all__ = ["BATTERY", "NASTY"]

MARKER = "marker-of-code-that-ran"
_CODE = f"open({MARKER!r}, 'w').close()"
NASTY: tuple[Any, ...] = (
    "..", ".", "group/..", "../../etc/passwd", "%2e%2e", "..%2fadmin", "%2e%2e%2f%2e%2e", "//elsewhere.example/x",
    "x?admin=1", "x#f", "a//b", "/a", "a/", "a b", "a\r\nHost: elsewhere.example", "a\nb", "a\x00b", "\x1b[2J",
    "a" * 300, "a" * 5000, "a/" * 30 + "a", "\u202egnp", "a\u200bb", "\ufeffa", "ｆｏｘ", "fox‐university", "٣", "１２",
    "0123", "00", "1e5", "1_000", "true", "None", "nan", "inf", " 7", "-1", "999999999999999999999999",
    "<script>alert(1)</script>", "'; DROP TABLE entries; --", '" + __import__("os").getcwd() + "',
    f"{{{{ {_CODE} }}}}", f"${{{_CODE}}}", f"'); {_CODE}; ('", f'"; {_CODE}; "', f"\\'); {_CODE} #", f'"""\n{_CODE}\n"""',
    "{namespace.__class__}", "%s%s%n", "$(touch x)", "`touch x`", "| touch x", "A-S00010002\u0000", "A-S0001000٢",
    "https://gitlab.zendesk.com.elsewhere.example/agent/tickets/1", "https://gitlab.zendesk.com@elsewhere.example/1",
    "http://gitlab.zendesk.com/agent/tickets/1002", "javascript:alert(1)", "file:///etc/passwd", "/dev/zero", "/dev/stdin",
    "/proc/self/environ", ".", "~", "glpat-" + "a" * 20, "jane@example.com", "a@b", "\ud800",
)  # fmt: skip
_TYPES: tuple[Any, ...] = (
    None, True, False, 0, 7, -7, 10**30, 1.5, float("nan"), float("inf"), [], ["a"], {}, {"a": 1}, b"bytes", object(), ("a",), {1}, print, Path("/"),
)  # fmt: skip
_OURS = re.compile(
    r"/api/v4/(?:user|users|users/\d+|personal_access_tokens/self|namespaces/[^/]+(?:/gitlab_subscription)?"
    r"|groups/[^/]+(?:/members(?:/all)?|/billable_members(?:/\d+/memberships)?)?"
    r"|projects/[^/]+/(?:labels|issues/\d+(?:/notes)?))"
    r"|/oauth/token/info"
    r"|/adapter/v1/(?:subscriptions/A-S\d+|orders|customers(?:/\d+(?:/token-info|/impersonation-check)?)?"
    r"|billing-accounts/[^/]+|support-audit-events|portal-status|status)"
    r"|/api/v2/tickets/\d+(?:/comments)?(?:\.json)?"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b\u202a-\u202e\ufeff]")


def run(ground: Ground, chance: Random, rounds: int) -> Iterator[Trial]:
    """Each runbook, parameter and nasty value in turn, alone or several at once; now and then with names that are none."""
    os.chdir(ground.folder)
    ground.fresh_world()
    places = [
        (book, name, value)
        for book in CATALOGUE.values()
        for name in book.parameters.model_fields
        for value in (*NASTY, *_TYPES)
    ]
    chance.shuffle(places)
    for number in range(rounds):
        book, name, value = places[number % len(places)]
        given: dict[str, Any] = dict(book.examples) | {name: value}
        if chance.random() < 0.2:
            other = chance.choice(list(book.parameters.model_fields))
            given[other] = "".join(chance.choice(string.printable + "\u202e٣é") for _ in range(chance.randrange(60)))
        if chance.random() < 0.05:
            given[chance.choice((f"x=1;{_CODE};y", "__class__", "namespace ", "Namespace", "approval.json", ""))] = "a"
        door = _at_the_command if number % 20 == 19 else _at_the_notebook
        yield _trial(ground, book, given, name, door(book, given))
        if number % 150 == 149 or number == rounds - 1:
            yield _by_papermill(ground, chance, book)


def _at_the_notebook(book: Runbook, given: Mapping[str, Any]) -> tuple[str, str]:
    """As the setup cell opens the run, with a notebook's variables."""
    try:
        ran = walk(book.id, given)
    except GlhelpersError as error:
        return "refused", str(error)
    if ran.error is not None and "nforeseen" in ran.error.message:
        return "crashed", ran.error.message
    return str(ran.record.status), f"{ran.record.why} {ran.record.next_step or ''}"


def _at_the_command(book: Runbook, given: Mapping[str, Any]) -> tuple[str, str]:
    """As `glhelpers run -p name=value` in this process; a run that is let in has a kernel of its own."""
    words = [word for name, value in given.items() for word in ("-p", f"{name}={value}")]
    said = io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["glhelpers", "run", book.id, *words]),
        redirect_stdout(said),
        redirect_stderr(said),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    text = said.getvalue()
    if code not in (0, 2, 4) and "failed" not in text:
        return "crashed", f"exit code {code}: {text}"
    return {2: "refused"}.get(code if isinstance(code, int) else 0, "let in"), text


def _trial(ground: Ground, book: Runbook, given: Mapping[str, Any], name: str, ended: tuple[str, str]) -> Trial:
    how, said = ended
    asked = ground.control("GET", "requests")
    strange = [row["path"] for row in asked["requests"] if not _OURS.fullmatch(row["path"])]
    attempts = int(ground.control("GET", "writes")["attempts"])
    ground.control("POST", "reset")
    complaints = [
        f"crashed: {said[:200]}" if how == "crashed" else "",
        f"asked for {strange[:3]}" if strange else "",
        "asked before it refused" if how == "refused" and asked["count"] and "cannot start" in said else "",
        "showed a traceback" if "Traceback" in said else "",
        f"showed a control character: {said[:120]!r}" if _CONTROL.search(said) else "",
        "code has run" if Path(MARKER).exists() else "",
    ]
    shown = repr(given[name])[:50]
    return Trial(
        f"{book.id}: {name} is {shown}: {how}", 0, attempts, attempts, 0, "; ".join(text for text in complaints if text)
    )


def _by_papermill(ground: Ground, chance: Random, book: Runbook) -> Trial:
    """Plain papermill with a nasty text for every parameter."""
    texts = [value for value in NASTY if isinstance(value, str) and "\x00" not in value and value.isprintable()]
    given = {name: chance.choice(texts) for name in book.parameters.model_fields}
    given[chance.choice(list(given))] = f"'); {_CODE}; ('"
    file = ground.folder / "given.yaml"
    file.write_text(json.dumps(given))
    source = Path(__file__).parents[2] / "runbooks" / f"{book.id}.ipynb"
    command = [sys.executable, "-m", "papermill", str(source), "out.ipynb", "--no-progress-bar", "-f", str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ground.folder, check=False)
    how = "let in" if ended.returncode == 0 else "refused"
    said = ended.stderr.split("Exception encountered")[-1] if how == "refused" else ""
    said = said.replace("Traceback (most recent call last)", "") if "BadParameter" in said else said
    return _trial(ground, book, given, next(iter(given)), (how, _CONTROL.sub("", said)))


BATTERY = Battery(
    "inputs",
    "Whatever is given as a parameter, by notebook, command line or papermill, is refused in a sentence or taken as text: "
    "no code runs, no other address is asked, nothing is written",
    short=20,
    long=3000,
    run=run,
)
