"""Misbehaviour on order, as a client at the other end of the wire sees it; and the counters that do not lie."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

GROUP = "/namespaces/free-garden"
NOTES = "/projects/11/issues/1/notes"


def faults(sandbox: Any, *rules: dict[str, Any]) -> None:
    sandbox.control("faults", "PUT", json=list(rules))


@pytest.mark.parametrize("status", ["500", "502", "503", "504"])
def test_server_errors_are_html(sandbox: Any, status: str) -> None:
    """As from a front door: no JSON, no RateLimit headers."""
    faults(sandbox, {"system": "gitlab", "path": "*/namespaces/*", "do": status})
    answer = sandbox.gitlab(GROUP)
    assert answer.status_code == int(status)
    assert answer.headers["content-type"].startswith("text/html")
    assert "ratelimit-limit" not in answer.headers
    assert sandbox.gitlab("/user").status_code == 200


@pytest.mark.parametrize(
    ("rule", "text", "retry_after"),
    [
        ({"shape": "plain", "retry_after": "7"}, "Retry later\n", "7"),
        ({"shape": "json"}, None, None),
        ({"shape": "json", "retry_after": "soon"}, None, "soon"),
    ],
)
def test_both_shapes_of_429(sandbox: Any, rule: dict[str, str], text: str | None, retry_after: str | None) -> None:
    """Plain text or JSON; Retry-After as a number, as nonsense, or not at all."""
    faults(sandbox, {"system": "gitlab", "do": "429", **rule})
    answer = sandbox.gitlab(GROUP)
    assert answer.status_code == 429
    assert answer.text == text if text else answer.json() == {"message": "429 Too Many Requests"}
    assert answer.headers.get("retry-after") == retry_after


def test_a_refused_token_is_refused_what_the_rule_names_and_nothing_else(sandbox: Any) -> None:
    """As where a scope is lacking: JSON, nothing done, and the same token still reads the rest."""
    faults(
        sandbox,
        {"system": "gitlab", "path": "*/namespaces/*", "do": "403"},
        {"system": "customersdot", "method": "POST", "do": "403"},
    )
    answer = sandbox.gitlab(GROUP)
    assert (answer.status_code, answer.json()) == (403, {"message": "403 Forbidden"})
    assert sandbox.gitlab("/user").status_code == 200
    assert sandbox.associate("free-garden", "A-S00020001").status_code == 403
    assert sandbox.gitlab("/groups/free-garden").status_code == 200
    assert sandbox.control("writes")["count"] == 0


def test_a_cut_connection_brings_no_byte_and_does_nothing(sandbox: Any) -> None:
    """The request did arrive, but nobody worked on it."""
    faults(sandbox, {"system": "customersdot", "method": "POST", "do": "cut"})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        sandbox.associate("free-garden", "A-S00020001")
    assert sandbox.gitlab(GROUP).json()["plan"] == "free"
    (write,) = sandbox.control("writes")["writes"]
    assert write["applied"] is False


@pytest.mark.parametrize("how", ["rule", "quirk"])
def test_a_lost_answer_is_a_write_that_was_made(sandbox: Any, how: str) -> None:
    """The change is there, the audit event names the key, and the client has seen nothing."""
    name = "A-S00020001" if how == "rule" else "A-S00020007"
    if how == "rule":
        faults(sandbox, {"system": "customersdot", "method": "POST", "do": "lost_answer"})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        sandbox.associate("free-garden", name, key="lost-1")
    assert sandbox.gitlab(GROUP).json()["plan"] == "premium"
    (event,) = sandbox.adapter("/audit-events?namespace_id=103").json()
    assert event["idempotency_key"] == "lost-1"
    writes = sandbox.control("writes")
    assert (writes["count"], writes["support_tools"], writes["writes"][0]["subscription_name"]) == (1, 1, name)


def test_truncated_json_breaks_off_before_its_announced_length(sandbox: Any) -> None:
    """The status is fine, the body is not whole."""
    faults(sandbox, {"system": "gitlab", "do": "truncated_json"})
    with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|without"):
        sandbox.gitlab(GROUP)


def test_a_slow_drip_sends_byte_by_byte(sandbox: Any) -> None:
    """Every byte comes in time, the whole does not."""
    faults(sandbox, {"system": "gitlab", "do": "slow_drip", "seconds": 0.02})
    url, began, seen = f"{sandbox.told['gitlab_url']}/api/v4{GROUP}", time.monotonic(), 0
    token = {"PRIVATE-TOKEN": sandbox.told["tokens"]["admin"]}
    with sandbox.client.stream("GET", url, headers=token) as answer:
        for chunk in answer.iter_raw():
            seen += len(chunk)
            if seen >= 10:
                break
    assert 0.15 < time.monotonic() - began < 3


def test_latency_delays_and_then_answers(sandbox: Any) -> None:
    """Slow, but right."""
    faults(sandbox, {"system": "gitlab", "do": "latency", "seconds": 0.3})
    began = time.monotonic()
    assert sandbox.gitlab(GROUP).json()["id"] == 103
    assert 0.3 <= time.monotonic() - began < 2


def test_while_one_request_is_slow_others_are_not(sandbox: Any) -> None:
    """Latency holds up one request, not the server."""
    faults(sandbox, {"system": "gitlab", "path": "*/users/*", "do": "latency", "seconds": 5})
    url, token = f"{sandbox.told['gitlab_url']}/api/v4", {"PRIVATE-TOKEN": sandbox.told["tokens"]["admin"]}
    with pytest.raises(httpx.ReadTimeout):
        sandbox.client.get(f"{url}/users/2", headers=token, timeout=0.1)
    began = time.monotonic()
    assert sandbox.gitlab(GROUP).status_code == 200
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("do", "sign"),
    [("nan", b"NaN"), ("html", b"<html"), ("wrong_type", b'"id":"103"')],
)
def test_answers_that_are_not_what_they_claim(sandbox: Any, do: str, sign: bytes) -> None:
    """200 with something else inside."""
    faults(sandbox, {"system": "gitlab", "do": do})
    answer = sandbox.gitlab(GROUP)
    assert answer.status_code == 200
    assert sign in answer.content


def test_a_redirect_leads_away(sandbox: Any) -> None:
    """A client that follows it would carry its token to another host."""
    faults(sandbox, {"system": "gitlab", "do": "redirect", "to": "https://elsewhere.example/"})
    answer = sandbox.gitlab(GROUP)
    assert (answer.status_code, answer.headers["location"]) == (307, "https://elsewhere.example/")


def test_a_huge_body_need_not_be_read_to_the_end(sandbox: Any) -> None:
    """Fifty megabytes of one text."""
    faults(sandbox, {"system": "gitlab", "do": "huge", "times": 1})
    url, token = f"{sandbox.told['gitlab_url']}/api/v4{GROUP}", {"PRIVATE-TOKEN": sandbox.told["tokens"]["admin"]}
    with sandbox.client.stream("GET", url, headers=token) as answer:
        assert int(answer.headers["content-length"]) > 40_000_000
    assert sandbox.gitlab(GROUP).status_code == 200


def test_after_and_times_count_the_requests_that_fit(sandbox: Any) -> None:
    """The second and third request of a kind fail, the others do not."""
    faults(
        sandbox, {"system": "gitlab", "method": "GET", "path": "*/namespaces/*", "after": 1, "times": 2, "do": "503"}
    )
    assert [sandbox.gitlab(GROUP).status_code for _ in range(4)] == [200, 503, 503, 200]
    assert sandbox.control("faults")[0]["seen"] == 4


def test_a_share_of_requests_fails_the_same_way_each_time(sandbox: Any) -> None:
    """With a seed, chance repeats itself."""
    rule = {"system": "gitlab", "do": "503", "probability": 0.5, "seed": 7}
    rounds = []
    for _ in range(2):
        faults(sandbox, rule)
        rounds.append([sandbox.gitlab("/user").status_code for _ in range(20)])
    assert rounds[0] == rounds[1]
    assert set(rounds[0]) == {200, 503}


@pytest.mark.parametrize("rules", [[{"do": "explode"}], [{"path": "*"}], {"do": "502"}, [{"do": "502", "wen": 1}]])
def test_faults_that_are_none_are_refused(sandbox: Any, rules: Any) -> None:
    """400 that names what is wrong; the rules in force stay."""
    answer = sandbox.client.put(f"{sandbox.told['gitlab_url']}/__sandbox/faults", json=rules)
    assert answer.status_code == 400
    assert sandbox.control("faults") == []


def test_faults_from_a_file(start_sandbox: Any, tmp_path: Any, serving: Any) -> None:
    """`--faults FILE`, YAML or JSON."""
    path = tmp_path / "faults.json"
    path.write_text(json.dumps([{"system": "zendesk", "do": "502"}]))
    process, told = start_sandbox("--faults", str(path), "--until-stdin-closes")
    status = serving.client.get(f"{told['zendesk_url']}/api/v2/tickets/1001.json").status_code
    process.stdin.close()
    process.stdout.close()
    process.wait(timeout=5)
    assert status == 502


def test_every_write_is_counted_refused_ones_as_not_applied(sandbox: Any) -> None:
    """Whoever claims that nothing was written can be checked; a look at the portal is no write."""
    sandbox.gitlab(GROUP)
    sandbox.gitlab(NOTES, "owner", "POST", json={"body": "hello", "internal": True})
    sandbox.gitlab(NOTES, "readonly", "POST", json={"body": "hello"})
    sandbox.zendesk("/tickets/1001/tags.json", "PUT", json={"tags": ["x"]})
    sandbox.adapter("/customers/501/impersonation-check", "POST")
    told = sandbox.control("writes")
    assert [(row["system"], row["action"], row["applied"]) for row in told["writes"]] == [
        ("gitlab", "create_note", True),
        ("gitlab", None, False),
        ("zendesk", "tag_ticket", True),
    ]
    assert (told["count"], told["attempts"], told["support_tools"]) == (2, 3, 0)
    requests = sandbox.control("requests")["requests"]
    assert [row["method"] for row in requests] == ["GET", "POST", "POST", "PUT", "POST"]
    assert {"system", "method", "path", "status", "at"} == set(requests[0])
