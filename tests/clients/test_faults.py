"""Broken answers: refused in time and in bounded memory; a write is sent once, whatever comes back."""

from __future__ import annotations

import gzip
import time
import tracemalloc

import pytest

from glhelpers.errors import ServiceError, ServiceUnavailable, UnexpectedAnswer
from glhelpers.models.namespace import User
from tests.clients.conftest import (
    Behaviour,
    FaultServer,
    Make,
    drip,
    hang_up,
    linger,
    raw,
    reply,
    reset,
    silence,
    sip,
    stream,
    told,
)

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_USER = b'{"id": 1, "username": "ada"}'
_LOGIN_PAGE = "<html><body>Sign in</body></html>"
_BOMB = gzip.compress(b" " * 40_000_000)


def _lengthy(length: int, body: bytes = _USER) -> Behaviour:
    return raw(_HEAD + f"Content-Length: {length}\r\n\r\n".encode() + body)


UNAVAILABLE = {
    "closed before the answer": hang_up,
    "reset before the answer": reset,
    "cut in the status line": raw(b"HTTP/1.1 2"),
    "cut in the headers": raw(_HEAD),
    "cut before the body": _lengthy(28, b""),
    "cut within the body": _lengthy(28, _USER[:10]),
    "cut within a chunk": raw(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n1c\r\n" + _USER[:9]),
    "not HTTP at all": raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "502 with a page": reply(502, _LOGIN_PAGE, "text/html"),
    "503": reply(503, ""),
    "504": reply(504, "{}"),
}
UNEXPECTED = {
    "truncated JSON, wrong length": _lengthy(10),
    "truncated JSON, no length": raw(_HEAD + b"Connection: close\r\n\r\n" + _USER[:10]),
    "login page with 200": reply(200, _LOGIN_PAGE, "text/html; note=json"),
    "JSON without its type": reply(200, _USER, "text/plain"),
    "JSON as a page that speaks of json": reply(200, _USER, "text/html; note=application/json"),
    "no content": raw(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "empty body": reply(200, b""),
    "NaN": reply(200, b'{"id": NaN, "username": "ada"}'),
    "NaN in a field we ignore": reply(200, b'{"id": 1, "username": "ada", "x": NaN}'),
    "minus infinity in a field we ignore": reply(200, b'{"id": 1, "username": "ada", "x": [-Infinity]}'),
    "infinity by overflow": reply(200, b'{"id": 1e999, "username": "ada"}'),
    "a key twice": reply(200, b'{"id": 1, "id": 2, "username": "ada"}'),
    "nested 100 000 deep": reply(200, b"[" * 100_000 + b"]" * 100_000),
    "nested 100 deep in a field we ignore": reply(
        200, b'{"id": 1, "username": "ada", "x": ' + b"[" * 100 + b"]" * 100 + b"}"
    ),
    "id as text": reply(200, b'{"id": "1", "username": "ada"}'),
    "id true": reply(200, b'{"id": true, "username": "ada"}'),
    "a number of 5000 digits": reply(200, b'{"id": ' + b"9" * 5000 + b', "username": "ada"}'),
    "half a character": reply(200, b'{"id": 1, "username": "\\ud800"}'),
    "not UTF-8": reply(200, b'{"id": 1, "username": "\xff"}'),
    "a list for an object": reply(200, b"[]"),
    "null": reply(200, b"null"),
    "gzip bomb": reply(200, _BOMB, Content_Encoding="gzip"),
    "huge by its length": stream(_HEAD + b"Content-Length: 300000000\r\n\r\n", b" " * 65536, 4600),
    "huge in chunks": stream(
        _HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65536 + b"\r\n", 4600
    ),
}


def _tabled(table: dict[str, Behaviour]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("behaviour", table.values(), ids=list(table))


@_tabled(UNAVAILABLE)
def test_a_read_without_a_whole_answer_is_tried_three_times(
    behaviour: Behaviour, server: FaultServer, trying: Make
) -> None:
    """Whoever breaks off gets two more chances, with short waits."""
    server.then(behaviour)
    here = trying()
    with pytest.raises(ServiceUnavailable):
        here.clients.gitlab.me()
    assert server.targets == ["/api/v4/user"] * 3
    assert len(here.sleeps) == 2
    assert max(here.sleeps) < 1


def test_a_read_goes_on_after_a_passing_fault(server: FaultServer, trying: Make) -> None:
    """Two faults and then an answer are an answer."""
    server.then(reset, reply(503, ""), told({"id": 7, "username": "ada"}))
    assert trying().clients.gitlab.me() == User(id=7, username="ada")


@_tabled(UNEXPECTED)
def test_a_strange_answer_to_a_read_is_refused_at_once(behaviour: Behaviour, server: FaultServer, trying: Make) -> None:
    """What is whole but unsound is not asked for again."""
    server.then(behaviour)
    with pytest.raises(UnexpectedAnswer) as caught:
        trying().clients.gitlab.me()
    assert len(server.requests) == 1
    assert caught.value.next_step


@_tabled({**UNAVAILABLE, **UNEXPECTED})
def test_a_write_is_sent_once_and_known_to_have_left(behaviour: Behaviour, server: FaultServer, trying: Make) -> None:
    """Whatever a server does to a write, it saw it once, and the error does not claim otherwise."""
    server.then(behaviour)
    here = trying()
    with pytest.raises(ServiceError) as caught:
        here.clients.customersdot.set_extra_minutes("some-group", 10, "https://gitlab.zendesk.com/agent/1", key="k")
    assert [(request.method, request.target) for request in server.requests] == [
        ("POST", "/adapter/v1/support-tools/set-extra-minutes")
    ]
    assert server.requests[0].headers["idempotency-key"] == "k"
    assert caught.value.sent
    assert here.sleeps == []


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize(
    "behaviour",
    [
        silence,
        drip(b"", b"H", 0.1),
        drip(b"HTTP/1.1 200 OK\r\n", b"X-Pad: 1\r\n", 0.1),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.1),
        drip(_HEAD + b"Content-Length: 1000000\r\n\r\n", b" ", 0.1),
        drip(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.1),
    ],
    ids=["silence", "status line drips", "headers drip", "100 for ever", "body drips", "chunks drip"],
)
def test_the_deadline_is_for_the_whole_answer(
    method: str, behaviour: Behaviour, server: FaultServer, trying: Make
) -> None:
    """However slowly bytes come, the wait ends on time, and is not begun again."""
    server.then(behaviour)
    here = trying(seconds=0.3)
    began = time.monotonic()
    with pytest.raises(ServiceUnavailable, match=r"took longer than 0\.3 s") as caught:
        here.send(method)
    assert time.monotonic() - began < 1.3
    assert len(server.requests) == 1
    assert caught.value.sent


@pytest.mark.parametrize("name", ["gzip bomb", "huge by its length", "huge in chunks"])
def test_a_huge_answer_is_refused_in_bounded_memory(name: str, server: FaultServer, trying: Make) -> None:
    """Refused after 4 MiB at most, not after it was all unpacked."""
    server.then(UNEXPECTED[name])
    transport = trying().transport
    tracemalloc.start()
    with pytest.raises(UnexpectedAnswer, match=r"larger than 4 MiB|compressed"):
        transport.read("/user", "/api/v4/user")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 2**20


@pytest.mark.parametrize(("method", "waits"), [("GET", 2), ("POST", 0), ("PUT", 0)])
def test_nobody_listens(method: str, waits: int, server: FaultServer, trying: Make) -> None:
    """A refused connection is the one fault of which we know that nothing was sent."""
    here = trying(url=server.url.replace("127.0.0.1", "127.0.0.2"))
    with pytest.raises(ServiceUnavailable, match="cannot be reached") as caught:
        here.send(method)
    assert not caught.value.sent
    assert server.connections == 0
    assert len(here.sleeps) == waits


def test_a_write_takes_a_connection_of_its_own(server: FaultServer, trying: Make) -> None:
    """On one kept from a read, a service that hangs up just then would leave the outcome unknown."""
    kept = linger(_HEAD + f"Content-Length: {len(_USER)}\r\n\r\n".encode() + _USER, 0.5)
    server.then(kept, told({"id": 1, "body": "text"}))
    here = trying()
    here.clients.gitlab.me()
    assert here.clients.gitlab.create_note("a/b", 1, "text").id == 1
    assert server.connections == 2


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (reply(413, '{"message": "413 Request Entity Too Large"}'), ServiceError),
        (reset, ServiceUnavailable),
        (hang_up, ServiceUnavailable),
        (silence, ServiceUnavailable),
        (sip, ServiceUnavailable),
    ],
    ids=["413", "reset", "closed", "silence", "sips"],
)
def test_a_body_that_nobody_reads_to_the_end(
    behaviour: Behaviour, kind: type[ServiceError], server: FaultServer, trying: Make
) -> None:
    """A large upload ends in time when the other side stops listening, and counts as sent."""
    server.impatient = True
    server.then(behaviour)
    here = trying(seconds=0.5)
    began = time.monotonic()
    with pytest.raises(kind) as caught:
        here.clients.zendesk.upload("large.html", b"x" * 30_000_000, "text/html")
    assert time.monotonic() - began < 1.5
    assert caught.value.sent
    assert len(server.requests) == 1
