"""When a read is tried again, and when the run is told to come back later."""

from __future__ import annotations

import pytest

from glhelpers.clients.retry import LONGEST_WAIT, RetryBudget, wait_before_retry
from glhelpers.errors import (
    NotAllowed,
    NotAuthenticated,
    NotFound,
    RateLimited,
    RequestRejected,
    ServiceError,
    ServiceUnavailable,
)
from tests.clients.conftest import Behaviour, FaultServer, Make, reply, told

PLAIN_429 = "Retry later\n"
JSON_429 = '{"message": {"error": "This endpoint has been requested too many times. Try again later."}}'


@pytest.mark.parametrize(
    ("method", "status", "retry_after", "attempt", "wait"),
    [
        # method, status (None: no answer), Retry-After, attempt, seconds to wait (None: give up)
        ("GET", None, None, 1, 0.2),
        ("GET", None, None, 2, 0.4),
        ("GET", None, None, 3, None),
        ("GET", 502, None, 1, 0.2),
        ("GET", 503, None, 2, 0.4),
        ("GET", 504, None, 3, None),
        ("GET", 503, "5", 1, 5),
        ("GET", 429, "0", 1, 0.05),
        ("GET", 429, "2", 1, 2),
        ("GET", 429, "60", 2, 60),
        ("GET", 429, "61", 1, None),
        ("GET", 429, "86400", 1, None),
        ("GET", 429, "999999999999", 1, 0.2),
        ("GET", 429, "-1", 1, 0.2),
        ("GET", 429, "1.5", 1, 0.2),
        ("GET", 429, "abc", 1, 0.2),
        ("GET", 429, "", 1, 0.2),
        ("GET", 429, "٣", 1, 0.2),
        ("GET", 429, "Wed, 21 Oct 2026 07:28:00 GMT", 1, 0.2),
        ("GET", 520, None, 1, 0.2),
        ("GET", 524, None, 2, 0.4),
        ("GET", 525, None, 1, None),
        ("GET", 500, None, 1, None),
        ("GET", 501, None, 1, None),
        ("GET", 400, None, 1, None),
        ("GET", 401, None, 1, None),
        ("GET", 403, None, 1, None),
        ("GET", 404, None, 1, None),
        ("GET", 302, None, 1, None),
        ("POST", None, None, 1, None),
        ("POST", 429, "1", 1, None),
        ("PUT", 503, "1", 1, None),
        ("DELETE", None, None, 1, None),
    ],
)
def test_the_decision(method: str, status: int | None, retry_after: str | None, attempt: int, wait: float) -> None:
    """Reads only, three times at most, for what may pass, and not beyond a minute's patience."""
    assert wait_before_retry(method, status, retry_after, attempt, jitter=0.5) == wait


def test_the_budget_ends_after_ten_retries_or_a_tenth_of_the_requests() -> None:
    """A run in trouble does not multiply its requests."""
    small, large = RetryBudget(requests=5), RetryBudget(requests=250)
    assert sum(small.take(0.1) for _ in range(50)) == 10
    assert sum(large.take(0.1) for _ in range(50)) == 25


def test_the_budget_ends_with_a_minute_of_waiting() -> None:
    """All waits of a run together stay within the longest single one."""
    budget = RetryBudget()
    assert [budget.take(25), budget.take(25), budget.take(25), budget.take(10)] == [True, True, False, True]
    assert budget.waited <= LONGEST_WAIT


def test_a_hundred_reads_with_every_third_broken(server: FaultServer, trying: Make) -> None:
    """Over all clients of a run, ten retries in all; the server counts."""
    good, bad = told({"id": 1, "username": "ada"}), reply(503, "")
    server.then(*[bad if number % 3 == 0 else good for number in range(200)], good)
    here = trying()
    failed = 0
    for _ in range(100):
        try:
            here.clients.gitlab.me()
        except ServiceUnavailable:
            failed += 1
    assert len(server.requests) == 110
    assert (here.budget.requests, here.budget.retries) == (100, 10)
    assert failed > 0


@pytest.mark.parametrize("body", [PLAIN_429, JSON_429], ids=["plain", "JSON"])
@pytest.mark.parametrize(
    ("retry_after", "requests"),
    [(None, 3), ("2", 3), ("abc", 3), ("-1", 3), ("86400", 1), ("61", 1)],
)
def test_too_many_requests(
    body: str, retry_after: str | None, requests: int, server: FaultServer, trying: Make
) -> None:
    """In both shapes that GitLab.com knows: waited out if it is short, else the run ends at once."""
    more = {} if retry_after is None else {"Retry_After": retry_after}
    server.then(reply(429, body, "application/json" if body is JSON_429 else "text/plain", **more))
    here = trying()
    with pytest.raises(RateLimited) as caught:
        here.clients.gitlab.me()
    assert len(server.requests) == requests
    assert all(0 < wait <= 60 for wait in here.sleeps)
    assert sum(here.sleeps) <= 60
    assert ("requested too many times" in str(caught.value)) == (body is JSON_429)
    assert ("86400 seconds" in str(caught.value)) == (retry_after == "86400")


@pytest.mark.parametrize("body", [PLAIN_429, JSON_429], ids=["plain", "JSON"])
@pytest.mark.parametrize("retry_after", ["1", "86400", "abc"])
def test_a_write_that_came_too_fast_is_not_repeated(
    body: str, retry_after: str, server: FaultServer, trying: Make
) -> None:
    """Not even though 429 says that nothing was done: it is for a person to try again."""
    server.then(reply(429, body, Retry_After=retry_after))
    here = trying()
    with pytest.raises(RateLimited):
        here.clients.gitlab.create_note("a/b", 1, "text")
    assert [request.method for request in server.requests] == ["POST"]
    assert here.sleeps == []


@pytest.mark.parametrize(
    ("behaviour", "kind", "words"),
    [
        (reply(400, '{"error": "name is missing"}'), RequestRejected, "answered 400 to /user: name is missing."),
        (reply(401, '{"message": "401 Unauthorized"}'), NotAuthenticated, "set GLHELPERS_GITLAB_TOKEN"),
        (reply(401, ""), NotAuthenticated, "or run: keyring set glhelpers:trial gitlab"),
        (
            reply(403, '{"error": "insufficient_scope", "error_description": "Higher.", "scope": "api admin_mode"}'),
            NotAllowed,
            "scope needed: api admin_mode",
        ),
        (reply(404, '{"message": "404 Not found"}'), NotFound, "404 Not found"),
        (reply(404, "<html>nothing here</html>", "text/html"), NotFound, "answered 404 to /user."),
        (reply(409, '{"errors": {"base": ["taken", "late"]}}'), RequestRejected, "base taken, late"),
        (reply(422, '{"message": ["a", "b"]}'), RequestRejected, "a, b"),
        (reply(500, '{"message": null}'), ServiceUnavailable, "answered 500"),
        (reply(502, "<html>Bad gateway</html>", "text/html"), ServiceUnavailable, "answered 502 to /user. Check"),
    ],
)
def test_which_error_a_refusal_becomes(
    behaviour: Behaviour, kind: type[ServiceError], words: str, server: FaultServer, trying: Make
) -> None:
    """By who must act, with the service's own words where they are words."""
    server.then(behaviour)
    with pytest.raises(ServiceError) as caught:
        trying().clients.gitlab.me()
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert "<" not in str(caught.value)


@pytest.mark.parametrize(
    ("told_id", "kept"), [("01JX.ab-c_9", "01JX.ab-c_9"), ("a b", None), ("x" * 65, None), ("", None)]
)
def test_the_request_id_is_kept_if_it_is_one(told_id: str, kept: str | None, server: FaultServer, trying: Make) -> None:
    """A support request can quote it; anything else in that header is dropped."""
    server.then(reply(404, "{}", X_Request_Id=told_id))
    here = trying()
    with pytest.raises(NotFound) as caught:
        here.clients.gitlab.me()
    assert caught.value.request_id == kept
    assert here.log.rows[0].request_id == kept
