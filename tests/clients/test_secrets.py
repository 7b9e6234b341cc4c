"""The token goes into one header of one request, and nowhere else."""

from __future__ import annotations

import base64
import logging
import pickle
import traceback

import pytest
from pydantic import SecretStr

from glhelpers.clients.wire import clean
from glhelpers.errors import GlhelpersError, MissingCredential, ServiceError
from tests.clients.conftest import (
    PLANTED,
    Behaviour,
    FaultServer,
    Make,
    hang_up,
    raw,
    reply,
    told,
)

_BASE64 = base64.b64encode(PLANTED.encode()).decode()
SPLIT = PLANTED[:9] + "\\u200b" + PLANTED[9:]
ECHOES = {
    "in a message": reply(400, f'{{"message": "no such token: {PLANTED}"}}'),
    "in a message, with a joiner": reply(400, f'{{"message": "no such token: {SPLIT}"}}'),
    "in base64": reply(401, f'{{"error": "bad header", "error_description": "Basic {_BASE64}"}}'),
    "in a page": reply(502, f"<html>{PLANTED}</html>", "text/html"),
    "as the type": reply(200, "x", f"text/{PLANTED}"),
    "as a key": reply(200, f'{{"id": 1, "username": "a", "is_admin": "{PLANTED}", "{PLANTED}": 1}}'),
    "as a value of wrong shape": reply(200, f'{{"id": "{PLANTED}"}}'),
    "as request id": reply(404, "{}", X_Request_Id=PLANTED),
    "as a header": reply(403, "{}", Set_Cookie=f"session={PLANTED}"),
    "as a redirect": reply(302, "", Location=f"http://127.0.0.1/?token={PLANTED}"),
    "not HTTP": raw(f"HELLO {PLANTED}\r\n".encode()),
    "no answer": hang_up,
    "beyond the shown length": reply(400, f'{{"message": "{"x " * 95}{PLANTED}"}}'),
}


@pytest.mark.parametrize("behaviour", ECHOES.values(), ids=list(ECHOES))
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_an_echoed_token_is_nowhere(
    method: str, behaviour: Behaviour, server: FaultServer, trying: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in the error, its parts, its traceback, nor any log at DEBUG, even if the service repeats it."""
    caplog.set_level(logging.DEBUG)
    server.then(behaviour)
    here = trying()
    with pytest.raises(ServiceError) as caught:
        _ = here.clients.gitlab.me() if method == "GET" else here.clients.gitlab.update_note("a/b", 1, 2, "text")
    error = caught.value
    seen = [str(error), repr(error), str(vars(error)), caplog.text, repr(here.log.rows), repr(here.clients)]
    seen += traceback.format_exception(error)
    assert server.requests[0].headers["authorization"] == f"Bearer {PLANTED}"
    for text in seen:
        assert PLANTED not in text
        assert PLANTED[:15] not in text
        assert _BASE64 not in text


def test_a_refused_tool_does_not_repeat_the_token(server: FaultServer, trying: Make) -> None:
    """What a support tool says is kept, without the token."""
    server.then(told({"success": False, "error": f"token {PLANTED} is not known"}, status=422))
    answer = trying().clients.customersdot.clear_subscription("A-S1", "https://gitlab.zendesk.com/1", key="k")
    assert (answer.success, answer.error) == (False, "token [masked] is not known")


def test_a_token_that_is_asked_about_is_as_secret(server: FaultServer, trying: Make) -> None:
    """The token whose owner is looked up is shown instead of one's own, and is masked like it."""
    server.then(reply(401, '{"error": "other.token.unknown is not known"}'))
    with pytest.raises(ServiceError) as caught:
        trying().clients.gitlab.token_info(SecretStr("other.token.unknown"))
    assert server.requests[0].headers["authorization"] == "Bearer other.token.unknown"
    assert "other.token" not in str(caught.value)
    assert "its owner has to sign in again" in str(caught.value)


def test_nothing_that_is_shown_of_a_client_holds_the_token(server: FaultServer, trying: Make) -> None:
    """Not `repr`, not `vars`, at any depth of our own objects, before or after a request."""
    server.then(told({"id": 1, "username": "ada"}))
    here = trying()
    here.clients.gitlab.me()
    for value in (here.clients, here.transport, vars(here.transport), here.clients.gitlab, vars(here.clients.gitlab)):
        assert PLANTED not in repr(value)
    with pytest.raises(TypeError):
        pickle.dumps(here.clients)


def test_the_secret_half_of_a_zendesk_token_is_masked_alone(server: FaultServer, trying: Make) -> None:
    """The agent's address and the token are one credential, and a service may repeat only the half that matters."""
    server.then(reply(401, '{"error": "no such key: half.secret.half"}'))
    with pytest.raises(ServiceError) as caught:
        trying(token="agent@example.com/token:half.secret.half").clients.zendesk.ticket(1)
    assert "no such key: [masked]" in str(caught.value)


@pytest.mark.parametrize(
    ("token", "header"),
    [
        ("agent@example.com/token:abc", "Basic " + base64.b64encode(b"agent@example.com/token:abc").decode()),
        ("abc", "Bearer abc"),
    ],
)
def test_zendesk_takes_two_kinds_of_token(token: str, header: str, server: FaultServer, trying: Make) -> None:
    """An API token with its agent's address, or an OAuth token."""
    server.then(told({"ticket": {"id": 1, "status": "open"}}))
    trying(token=token).clients.zendesk.ticket(1)
    assert server.requests[0].headers["authorization"] == header


@pytest.mark.parametrize("token", [None, "two words", "a\r\nX: y", "smörgås", "a\0b"])
def test_without_a_sound_token_nothing_is_sent(token: str | None, server: FaultServer, trying: Make) -> None:
    """One sentence with what to do; the token is not repeated."""
    with pytest.raises(MissingCredential) as caught:
        trying(token=token).clients.gitlab.me()
    assert server.connections == 0
    assert caught.value.next_step
    assert token is None or token not in str(caught.value)


def test_texts_that_look_like_tokens_are_masked_and_short() -> None:
    """Also those of others, in a time that grows no faster than the text."""
    kinds = ["glpat-0123456789abcdefghij", "acme-glpat-0123456789abcdefghij", "Bearer xyz", "0" * 64, "eyJab.cd.ef"]
    assert clean(" ".join(kinds)) == " ".join(["[masked]"] * len(kinds))
    assert len(clean("a" * 4_000_000)) == 200
    assert clean("a\x1b[2J\u202eb\u2028c\n/close") == "a [2Jb c /close"


def test_an_error_for_a_notebook_is_two_lines(server: FaultServer, trying: Make) -> None:
    """The sentence and what to do: what an expert sees in a cell has no traceback in it."""
    server.then(reply(403, '{"message": "403 Forbidden"}'))
    with pytest.raises(GlhelpersError) as caught:
        trying().clients.gitlab.me()
    first, second = caught.value._render_traceback_()
    assert first == "NotAllowed: GitLab.com answered 403 to /user: 403 Forbidden."
    assert second.startswith("What to do: ")
