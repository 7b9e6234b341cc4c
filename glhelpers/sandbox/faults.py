"""Misbehaviour on order: slow, refused, garbled, cut off, or done but not answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from pathlib import Path
from random import Random
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, TypeAdapter, ValidationError
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from glhelpers.errors import BadWorld
from glhelpers.sandbox.web import answer

__all__ = ["Fault", "Faults", "load_faults", "misbehave", "parse_faults", "shown"]

Do = Literal[
    "latency",
    "403",
    "429",
    "502",
    "503",
    "504",
    "500",
    "cut",
    "truncated_json",
    "lost_answer",
    "slow_drip",
    "nan",
    "redirect",
    "huge",
    "html",
    "wrong_type",
    "rewrite",
]


class Fault(BaseModel):
    """One rule: which requests (`path` is a glob), how often, and what goes wrong."""

    model_config = ConfigDict(extra="forbid")

    system: Literal["gitlab", "customersdot", "zendesk"] | None = None
    method: str | None = None
    path: str = "*"
    after: int = Field(default=0, ge=0)
    times: int | None = Field(default=None, ge=0)
    do: Do
    seconds: float = Field(default=1.0, ge=0, le=600)
    applied: bool = False
    shape: Literal["plain", "json"] = "json"
    retry_after: str | None = None
    to: str = "https://elsewhere.example/"
    key: str = ""
    value: Any = None
    gone: bool = False
    raw: str | None = None
    probability: float = Field(default=1.0, ge=0, le=1)
    seed: int = 0
    seen: int = 0
    _chance: Random = PrivateAttr(default_factory=Random)

    def model_post_init(self, context: Any) -> None:
        """Chance begins with the seed, so that a list of faults misbehaves the same way each time."""
        self._chance.seed(self.seed)

    def strikes(self) -> bool:
        """Whether this request, which fits, meets the fault; counts it."""
        self.seen += 1
        in_turn = self.seen > self.after and (self.times is None or self.seen <= self.after + self.times)
        return in_turn and self._chance.random() < self.probability


class Faults:
    """The rules in force; the first that fits a request is used."""

    def __init__(self, rules: list[Fault]) -> None:
        self.rules = rules

    def pick(self, system: str, method: str, path: str) -> Fault | None:
        """The fault of this request, if there is one; counts how often a rule has been met."""
        for rule in self.rules:
            fits = rule.system in (None, system) and rule.method in (None, method) and fnmatchcase(path, rule.path)
            if fits and rule.strikes():
                return rule
        return None


def parse_faults(value: Any, name: str = "") -> list[Fault]:
    """A list of rules, from the file of this name; raises `BadWorld` that names what is wrong."""
    try:
        return TypeAdapter(list[Fault]).validate_python([] if value is None else value)
    except ValidationError as error:
        places = "; ".join(f"{_place(item['loc'])}: {item['msg']}" for item in error.errors(include_input=False))
        where = f" in {name}" if name else ""
        raise BadWorld(
            f"The faults{where} are not as they must be: {places[:1000]}.", next_step="See docs/worlds.md."
        ) from None


def _place(parts: tuple[int | str, ...]) -> str:
    number, *keys = parts or ("the list",)
    return ".".join([f"[{number}]" if isinstance(number, int) else str(number), *map(str, keys)])


def load_faults(path: Path) -> list[Fault]:
    """The rules in a YAML or JSON file."""
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadWorld(
            f"The faults file {path.name} cannot be read ({error.strerror}).", next_step="Check its path."
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise BadWorld(f"{path.name} is not YAML{where}.", next_step="See docs/worlds.md.") from None
    return parse_faults(value, path.name)


_PLACE = "the place of a raw value"

Send = Callable[[Any], Awaitable[None]]
Receive = Callable[[], Awaitable[Any]]


async def misbehave(
    fault: Fault, respond: Callable[[], Response], receive: Receive, send: Send, abort: Callable[[], None]
) -> Response | None:
    """
    The answer that this fault leaves over, or None if the connection has been dealt with here.

    `respond` carries the request out; faults that come before it leave the world untouched.
    """
    match fault.do:
        case "latency":
            await _listener_leaves(receive, fault.seconds)
            return respond()
        case "403" | "429":
            return _refused(fault)
        case "500" | "502" | "503" | "504":
            if fault.applied:
                respond()
            return HTMLResponse(f"<html><body><h1>{fault.do}</h1></body></html>", int(fault.do))
        case "html":
            respond()
            return HTMLResponse("<html><body>Sign in</body></html>")
        case "redirect":
            return RedirectResponse(fault.to, 307)
        case "nan":
            return Response(b'{"id": NaN}', media_type="application/json")
        case "huge":
            return Response(b'{"name": "' + b"a" * 50_000_000 + b'"}', media_type="application/json")
        case "wrong_type":
            return _numbers_as_text(respond())
        case "rewrite":
            return _rewritten(respond(), fault)
        case "cut":
            abort()
        case "lost_answer":
            respond()
            abort()
        case "truncated_json":
            await _part_of(respond(), send, abort)
        case "slow_drip":
            await _drip(respond(), receive, send, fault.seconds)
    return None


def _refused(fault: Fault) -> Response:
    if fault.do == "403":
        return answer({"message": "403 Forbidden"}, 403)
    headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
    if fault.shape == "plain":
        return PlainTextResponse("Retry later\n", 429, headers=headers)
    return answer({"message": "429 Too Many Requests"}, 429, headers)


async def _part_of(response: Response, send: Send, abort: Callable[[], None]) -> None:
    """Half of the body under the length of the whole."""
    body = bytes(response.body)
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    await asyncio.sleep(0.01)
    abort()


async def _drip(response: Response, receive: Receive, send: Send, seconds: float) -> None:
    """A byte now and then, for as long as somebody listens."""
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    body = bytes(response.body)
    for place in range(len(body)):
        await send({"type": "http.response.body", "body": body[place : place + 1], "more_body": place + 1 < len(body)})
        if await _listener_leaves(receive, seconds):
            return


async def _listener_leaves(receive: Receive, seconds: float) -> bool:
    """Wait so long, or until the other end hangs up; True if it did."""
    try:
        await asyncio.wait_for(receive(), timeout=seconds)
    except TimeoutError:
        return False
    return True


def _numbers_as_text(response: Response) -> Response:
    """The same answer with every number in quotes."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: changed(item) for name, item in value.items()}
        if isinstance(value, list):
            return [changed(item) for item in value]
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    if response.media_type != "application/json":
        return response
    return answer(changed(json.loads(bytes(response.body))), response.status_code)


def _rewritten(response: Response, fault: Fault) -> Response:
    """The same answer with another value (or none) under every such key; `raw` is the JSON text of the value, as it stands."""

    def changed(value: Any) -> Any:
        if isinstance(value, list):
            return [changed(item) for item in value]
        if not isinstance(value, dict):
            return value
        new = {name: changed(item) for name, item in value.items() if not (fault.gone and name == fault.key)}
        if fault.key in value and not fault.gone:
            new[fault.key] = _PLACE if fault.raw is not None else fault.value
        return new

    if response.media_type != "application/json" or response.status_code >= 400:
        return response
    text = json.dumps(changed(json.loads(bytes(response.body))))
    if fault.raw is not None:
        text = text.replace(json.dumps(_PLACE), fault.raw)
    kept = {name: value for name, value in response.headers.items() if name not in ("content-length", "content-type")}
    return Response(text, response.status_code, headers=kept, media_type="application/json")


def shown(rules: list[Fault]) -> Any:
    """The rules as JSON values."""
    return json.loads(TypeAdapter(list[Fault]).dump_json(rules))
