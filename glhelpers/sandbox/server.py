"""The server: three systems on three loopback ports over one world."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import uvicorn
from starlette.datastructures import QueryParams
from starlette.responses import Response

from glhelpers.sandbox.auth import authenticate
from glhelpers.sandbox.control import Control
from glhelpers.sandbox.faults import Fault, Faults, misbehave
from glhelpers.sandbox.limits import Limits
from glhelpers.sandbox.routes import handler_of, needs_token
from glhelpers.sandbox.store import Doc, Store
from glhelpers.sandbox.web import Call, Halt
from glhelpers.sandbox.world import World

__all__ = ["Sandbox", "serve"]

SYSTEMS = ("gitlab", "customersdot", "zendesk")


class Sandbox:
    """The ASGI application; which system is meant is told by the port that was asked."""

    def __init__(self, world: World, faults: list[Fault]) -> None:
        self.store = Store(world)
        self.faults = Faults(faults)
        self.control = Control(self.store, self.faults)
        self.ports: dict[int, str] = {}
        self.limits = Limits(self.store)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            return await _lifespan(receive, send)
        body = await _whole_body(receive)
        call = self._call(scope, body)
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        abort: Callable[[], None] = transport.abort if transport is not None else lambda: None
        fault = None
        if not call.path.startswith("/__sandbox/"):
            fault = self.faults.pick(call.system, call.method, call.raw_path)
        if fault is not None:
            response = await misbehave(fault, lambda: self._finished(call, self._respond(call)), receive, send, abort)
            if fault.do in ("429", "500", "502", "503", "504", "redirect", "nan", "huge", "cut") and not fault.applied:
                self.control.log(call, int(fault.do) if fault.do.isdigit() else 599)
        else:
            response = self._respond(call)
            await asyncio.sleep(call.written.get("delay", 0))
        if response is None:
            return None
        if call.written.get("lose_answer"):
            return abort()
        await self._finished(call, response)(scope, receive, send)
        return None

    def _call(self, scope: Any, body: bytes) -> Call:
        port = scope["server"][1]
        raw = (scope.get("raw_path") or scope["path"].encode()).decode("ascii", "replace").split("?")[0]
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        return Call(
            store=self.store,
            system=self.ports.get(port, "gitlab"),
            method=scope["method"],
            path=unquote(raw),
            raw_path=raw,
            query=QueryParams(scope["query_string"]),
            headers=headers,
            body=body,
            base=f"http://127.0.0.1:{port}",
        )

    def _respond(self, call: Call) -> Response:
        if call.path == "/__sandbox/reset" and call.method == "POST":
            self.store.reset()
            self.limits.forget()
        try:
            with self.store.transaction():
                if call.path.startswith("/__sandbox/"):
                    return self.control.answer(call)
                response = self._route(call)
        except Halt as halted:
            response = halted.response
        if not call.path.startswith("/__sandbox/"):
            self.control.log(call, response.status_code)
        return response

    def _route(self, call: Call) -> Response:
        handler = handler_of(call)
        if needs_token(call):
            authenticate(call)
        limited = self.limits.refusal(call)
        return limited if limited is not None else handler(call)

    def _finished(self, call: Call, response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Date", format_datetime(self.store.now(), usegmt=True))
        headers.setdefault("X-Request-Id", uuid.uuid4().hex)
        if call.system == "gitlab" and "html" not in headers.get("content-type", ""):
            for name, value in self.limits.headers(call).items():
                headers.setdefault(name, value)
        return response


async def _whole_body(receive: Any) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _sockets(port: int) -> list[socket.socket]:
    sockets = []
    for number, _ in enumerate(SYSTEMS):
        # The protocol is named, since asyncio sends small answers at once only where it is.
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port + number if port else 0))
        sockets.append(sock)
    return sockets


class _Server(uvicorn.Server):
    """A server that ends cleanly when it is asked to: signals are handled here, not raised again."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at the first signal, so that what must be tidied up still is."""

        def stop() -> None:
            self.should_exit = True

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        yield


def serve(
    world: World,
    faults: list[Fault],
    *,
    port: int,
    state_file: Path | None,
    ready: Callable[[Doc], None],
    until_eof: bool,
) -> None:
    """Serve until told to stop; `ready` gets the addresses and tokens once requests are answered."""
    app = Sandbox(world, faults)
    sockets = _sockets(port)
    app.ports = {sock.getsockname()[1]: system for sock, system in zip(sockets, SYSTEMS, strict=True)}
    config = uvicorn.Config(
        app,
        log_level="error",
        date_header=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        http="h11",
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    told: Doc = {f"{system}_url": f"http://127.0.0.1:{port_}" for port_, system in app.ports.items()}
    told["tokens"] = {token.name: token.value for token in world.tokens}
    told |= {"instance": app.store.instance, "pid": os.getpid(), "world": world.name, "today": world.today.isoformat()}
    asyncio.run(_run(server, sockets, told, ready, state_file, until_eof))


async def _run(
    server: uvicorn.Server,
    sockets: list[socket.socket],
    told: Doc,
    ready: Callable[[Doc], None],
    state_file: Path | None,
    until_eof: bool,
) -> None:
    serving = asyncio.create_task(server.serve(sockets=sockets))
    while not server.started and not serving.done():
        await asyncio.sleep(0.005)
    if state_file is not None:
        _write_state(state_file, told)
    ready(told)
    if until_eof:
        _end_with_stdin(server)
    try:
        await serving
    finally:
        if state_file is not None and _is_ours(state_file, told["instance"]):
            state_file.unlink(missing_ok=True)


def _write_state(path: Path, told: Doc) -> None:
    """For its owner only, and never half there."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(told, file)
    beside.replace(path)


def _is_ours(path: Path, instance: str) -> bool:
    try:
        return bool(json.loads(path.read_text(encoding="utf-8"))["instance"] == instance)
    except (OSError, ValueError, KeyError):
        return False


def _end_with_stdin(server: uvicorn.Server) -> None:
    """Whoever started the sandbox holds the other end of its standard input; when it closes, that one is gone."""

    def wait() -> None:
        # A thread, since an event loop can watch pipes, but not every kind of standard input.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        server.should_exit = True

    threading.Thread(target=wait, daemon=True).start()
