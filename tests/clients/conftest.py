"""A server that breaks answers in every way, byte by byte, and keeps its own count of what reached it."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr

from glhelpers.clients.clients import Clients
from glhelpers.clients.customersdot import CustomersDotClient
from glhelpers.clients.gitlab import GitLabClient
from glhelpers.clients.log import RequestLog
from glhelpers.clients.pace import Pace
from glhelpers.clients.retry import RetryBudget
from glhelpers.clients.tls import TLS
from glhelpers.clients.transport import Transport
from glhelpers.clients.zendesk import ZendeskClient

PLANTED = "planted.token.that.looks.like.no.other"
"""The token of these tests: without a prefix, so that only whoever knows it can mask it."""

Behaviour = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Received:
    """A request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class FaultServer:
    """Answers the first request with the first behaviour, and so on; the last one stays."""

    behaviours: list[Behaviour] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    impatient: bool = False
    """Answer as soon as the headers are there, without the body."""

    _listening: socket.socket | None = None
    _threads: list[threading.Thread] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def then(self, *behaviours: Behaviour) -> FaultServer:
        """Behave like this from now on."""
        self.behaviours = list(behaviours)
        return self

    @property
    def port(self) -> int:
        assert self._listening is not None
        return int(self._listening.getsockname()[1])

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    @property
    def targets(self) -> list[str]:
        return [request.target for request in self.requests]

    def start(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._thread(self._accept)

    def stop(self) -> None:
        self._over.set()
        assert self._listening is not None
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(timeout=5)

    def _thread(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        assert self._listening is not None
        while not self._over.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            self._thread(self._serve, connection)

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), plain:
            plain.settimeout(5)
            connection = self.tls.wrap_socket(plain, server_side=True) if self.tls else plain
            with connection:
                received = _receive(connection, whole=not self.impatient)
                if received is None:
                    return
                turn = min(len(self.requests), len(self.behaviours) - 1)
                self.requests.append(received)
                self.behaviours[turn](connection)


def _receive(connection: socket.socket, whole: bool) -> Received | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    while whole and len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    method, target, _ = first.split(" ")
    return Received(method, target, headers, body)


def raw(data: bytes) -> Behaviour:
    """Exactly these bytes, then the end of the connection."""
    return lambda connection: connection.sendall(data)


def reply(status: int, body: bytes | str = b"", kind: str = "application/json", **headers: str) -> Behaviour:
    """A well-formed answer; `Retry_After="1"` becomes the header Retry-After."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Some", f"Content-Type: {kind}", f"Content-Length: {len(content)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + content)


def told(value: Any, status: int = 200, **headers: str) -> Behaviour:
    """A well-formed JSON answer."""
    return reply(status, json.dumps(value), **headers)


def reset(connection: socket.socket) -> None:
    """Break the connection off at once, as a crashed server does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(connection: socket.socket) -> None:
    """Close without an answer, politely."""


def linger(answer: bytes, seconds: float) -> Behaviour:
    """Answer, and keep the connection open for a while without ever listening to it again."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(answer)
        time.sleep(seconds)

    return behave


def silence(connection: socket.socket) -> None:
    """Never answer."""
    with contextlib.suppress(TimeoutError):
        connection.recv(1)


def sip(connection: socket.socket) -> None:
    """Listen, steadily but much too slowly for a large body."""
    for _ in range(25):
        time.sleep(0.1)
        if not connection.recv(1 << 20):
            return


def drip(start: bytes, drop: bytes, every: float) -> Behaviour:
    """Send `start`, then `drop` again and again, as long as the other side listens."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(int(8 / every)):
            time.sleep(every)
            connection.sendall(drop)

    return behave


def stream(head: bytes, block: bytes, times: int) -> Behaviour:
    """Send `block` so many times, without holding it all."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(times):
            connection.sendall(block)

    return behave


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """The service that the clients talk to."""
    made = FaultServer()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def elsewhere() -> Iterator[FaultServer]:
    """A second server, which must stay alone."""
    made = FaultServer().then(told({"id": 1}))
    made.start()
    yield made
    made.stop()


@dataclass
class Trying:
    """Clients on the fault server, and how long they would have slept."""

    clients: Clients
    transport: Transport
    log: RequestLog
    budget: RetryBudget
    sleeps: list[float]

    def send(self, method: str) -> object:
        """A request with nothing but its method to it."""
        if method == "GET":
            return self.transport.read("/user", "/api/v4/user")
        return self.transport.write(method, "/user", "/api/v4/user", json={})


Make = Callable[..., Trying]


@pytest.fixture
def trying(server: FaultServer) -> Iterator[Make]:
    """Make clients on the fault server: deadline one second, waits only noted down."""
    made: list[Transport] = []

    def make(
        url: str | None = None,
        token: str | None = PLANTED,
        seconds: float = 1.0,
        tls: ssl.SSLContext = TLS,
        pace: Pace | None = None,
    ) -> Trying:
        log, budget, sleeps = RequestLog(), RetryBudget(), list[float]()
        transports = [
            Transport(
                service,
                url or server.url,
                SecretStr(token) if token is not None else None,
                log=log,
                budget=budget,
                seconds=seconds,
                sleep=sleeps.append,
                profile="trial",
                tls=tls,
                pace=pace,
            )
            for service in ("gitlab", "customersdot", "zendesk")
        ]
        made.extend(transports)
        gitlab, customersdot, zendesk = transports
        clients = Clients(
            GitLabClient(gitlab), CustomersDotClient(customersdot), ZendeskClient(zendesk), log, tuple(transports)
        )
        return Trying(clients, gitlab, log, budget, sleeps)

    yield make
    for transport in made:
        transport.close()
