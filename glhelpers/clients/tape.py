"""The answers of a run, kept so that the run can be gone through again without any service."""

from __future__ import annotations

import json
import re
import threading
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from glhelpers.clients.answer import Answer
from glhelpers.clients.wire import strict_json
from glhelpers.errors import BadPlanFile, UnexpectedAnswer
from glhelpers.models.base import OwnModel

__all__ = ["TAPE", "Failure", "Heard", "Player", "Recorder", "Tape", "as_answer", "flat", "read_tape"]

TAPE = "answers.json"
"""Its name in a run folder."""

_LARGEST = 8_000_000

_KEPT_HEADERS = ("date", "content-type", "retry-after", "x-request-id", "x-next-page", "x-total", "link", "location")

_DOMAIN = re.compile(r"@[^\s@]+")

Failure = Literal["connect", "timeout", "broken"]


class Heard(OwnModel):
    """
    One request and what came back: an answer, or the kind of failure.

    `body` is the JSON value that was answered; `text` stands instead where it was no JSON.
    """

    service: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    status: int | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = None
    text: str | None = None
    failure: Failure | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Requests with the same key ask for the same thing."""
        # An address is masked in a parameter and in a tape to different depths; who is meant is the same.
        query = [(name, _DOMAIN.sub("@", value)) for name, value in self.query]
        return self.service, self.method, self.path, json.dumps(query)


class Tape(OwnModel):
    """`answers.json`: all that a run was told, redacted; `whole` is false where it was too much to keep."""

    format: Literal["glhelpers.answers/1"] = "glhelpers.answers/1"
    whole: bool = True
    heard: tuple[Heard, ...] = ()


def read_tape(folder: Path) -> list[Heard]:
    """
    The answers that a run folder keeps.

    Raises `BadPlanFile` if there are none, or not all of them.
    """
    path = folder / TAPE
    try:
        content = path.read_bytes()
        if len(content) > _LARGEST:
            raise ValueError("too large")
        tape = Tape.model_validate_json(content)
    except (OSError, ValueError):
        raise BadPlanFile(
            f"{folder.name} holds no answers that could be replayed.",
            next_step="Runs of older versions, and runs that never asked anything, have none.",
        ) from None
    if not tape.whole:
        raise BadPlanFile(f"{folder.name} was told too much to keep all of it.", next_step="Run the runbook again.")
    return list(tape.heard)


@dataclass
class Recorder:
    """Keeps what was heard, in the order of arrival; holds personal data, so it is redacted before it is written."""

    heard: list[Heard] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(
        self, service: str, method: str, path: str, query: Mapping[str, Any] | None, came: Answer | Failure
    ) -> None:
        """Append one answer or failure."""
        about: dict[str, Any] = {"service": service, "method": method, "path": path, "query": flat(query)}
        if isinstance(came, Answer):
            about |= {"status": came.status, "headers": _kept(came.headers), **_body(came.body)}
        else:
            about["failure"] = came
        self.keep(Heard(**about))

    def keep(self, one: Heard) -> None:
        """Append one answer as it is."""
        with self._lock:
            self.heard.append(one)


class Player:
    """Gives back what was heard, for the same question the same answers in the same order; knows of no network."""

    def __init__(self, heard: list[Heard]) -> None:
        self._left: dict[tuple[str, str, str, str], deque[Heard]] = defaultdict(deque)
        self._last: dict[tuple[str, str, str, str], Heard] = {}
        self._lock = threading.Lock()
        for one in heard:
            self._left[one.key].append(one)

    def answer(self, name: str, call: str, asked: Heard) -> Heard:
        """
        The next answer to this question; the last one again once all were given.

        Raises `UnexpectedAnswer`, which makes a fact unknown, for a question that the run did not ask.
        """
        with self._lock:
            left = self._left.get(asked.key)
            if left:
                self._last[asked.key] = left.popleft()
            found = self._last.get(asked.key)
        if found is None:
            raise UnexpectedAnswer(
                f"The bundle holds no answer of {name} to {call}: the run of then did not ask that.", sent=False
            )
        return found


def flat(query: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    """A query as sorted pairs of text."""
    pairs = []
    for name, value in (query or {}).items():
        values = value if isinstance(value, (list, tuple)) else [value]
        pairs += [(str(name), str(one)) for one in values if one is not None]
    return tuple(sorted(pairs))


def as_answer(heard: Heard) -> Answer:
    """What was heard, as a client takes it."""
    body = heard.text if heard.text is not None else json.dumps(heard.body)
    return Answer(heard.status or 0, heard.headers, body.encode())


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in _KEPT_HEADERS if name in headers}


def _body(content: bytes) -> dict[str, Any]:
    try:
        return {"body": strict_json(content)}
    except ValueError:
        return {"text": content[:2000].decode("utf-8", "replace")}
