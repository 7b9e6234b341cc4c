"""The shape of answers: pages, envelopes, headers, limits, what is not modelled."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import Any

import pytest


def test_pages_carry_numbers_and_links(sandbox: Any) -> None:
    """Page 2 of 4: previous, next, first and last; the last page has an empty x-next-page."""
    answer = sandbox.gitlab("/groups/101/members?per_page=5&page=2", "owner")
    names = ("x-page", "x-per-page", "x-prev-page", "x-next-page", "x-total", "x-total-pages")
    assert [answer.headers[name] for name in names] == ["2", "5", "1", "3", "16", "4"]
    links = dict(reversed(pair) for pair in re.findall(r'<([^>]*)>; rel="(\w+)"', answer.headers["link"]))
    assert set(links) == {"prev", "next", "first", "last"}
    assert links["next"].startswith(f"{sandbox.told['gitlab_url']}/api/v4/groups/101/members?")
    last = sandbox.client.get(links["last"], headers={"PRIVATE-TOKEN": sandbox.told["tokens"]["owner"]})
    assert last.headers["x-next-page"] == ""
    assert 'rel="next"' not in last.headers["link"]
    assert len(last.json()) == 1


def test_over_ten_thousand_rows_there_are_no_totals(sandbox: Any) -> None:
    """Whoever counts pages instead of following links reads a part only."""
    answer = sandbox.gitlab("/groups/108/members?per_page=100", "owner")
    assert "x-total" not in answer.headers
    assert "x-total-pages" not in answer.headers
    assert 'rel="last"' not in answer.headers["link"]
    assert 'rel="next"' in answer.headers["link"]
    end = sandbox.gitlab("/groups/108/members?per_page=100&page=101", "owner")
    assert len(end.json()) == 51
    assert end.headers["x-next-page"] == ""


@pytest.mark.parametrize(("asked", "status", "rows"), [("per_page=500", 200, 16), ("page=99", 200, 0)])
def test_pages_beyond_the_bounds(sandbox: Any, asked: str, status: int, rows: int) -> None:
    """A page holds 100 rows at most; one past the end is empty."""
    answer = sandbox.gitlab(f"/groups/101/members?{asked}", "owner")
    assert (answer.status_code, len(answer.json())) == (status, rows)


@pytest.mark.parametrize("asked", ["per_page=0", "page=zero", "page=-1"])
def test_page_numbers_are_checked(sandbox: Any, asked: str) -> None:
    """A parameter that is no number is 400 with the key `error`."""
    answer = sandbox.gitlab(f"/groups/101/members?{asked}", "owner")
    assert answer.status_code == 400
    assert answer.json()["error"].endswith("is invalid")


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/namespaces/nowhere", 404, {"message": "404 Namespace Not Found"}),
        ("/groups/nowhere", 404, {"message": "404 Group Not Found"}),
        ("/users/98765", 404, {"message": "404 User Not Found"}),
        ("/projects/nowhere/labels", 404, {"message": "404 Project Not Found"}),
        ("/groups/101/members/all/77", 404, {"message": "404 Not found"}),
    ],
)
def test_envelopes_of_gitlab(sandbox: Any, path: str, status: int, body: dict[str, str]) -> None:
    """Each kind of thing has its own 404 sentence."""
    answer = sandbox.gitlab(path)
    assert (answer.status_code, answer.json()) == (status, body)


def test_a_broken_group_answers_html(sandbox: Any) -> None:
    """A 502 comes from the front door: HTML, no JSON, no RateLimit headers."""
    for path in ("/namespaces/broken", "/groups/broken", "/namespaces/107/gitlab_subscription"):
        answer = sandbox.gitlab(path)
        assert answer.status_code == 502
        assert answer.headers["content-type"].startswith("text/html")
        assert "ratelimit-limit" not in answer.headers


@pytest.mark.parametrize("system", ["gitlab", "customersdot", "zendesk"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_what_is_not_modelled_says_so(sandbox: Any, system: str, method: str) -> None:
    """501 with a sentence; never an empty success."""
    answer = sandbox.client.request(method, f"{sandbox.told[f'{system}_url']}/somewhere/else")
    assert answer.status_code == 501
    assert "sandbox" in answer.json()["error"]


def test_the_systems_answer_on_their_own_ports_only(sandbox: Any) -> None:
    """A route of one system is unknown to the others."""
    token = {"PRIVATE-TOKEN": sandbox.told["tokens"]["admin"]}
    assert sandbox.client.get(f"{sandbox.told['zendesk_url']}/api/v4/user", headers=token).status_code == 501
    assert sandbox.client.get(f"{sandbox.told['gitlab_url']}/adapter/v1/orders", headers=token).status_code == 501


@pytest.mark.parametrize("system", ["gitlab", "customersdot", "zendesk"])
def test_a_wrong_token_is_refused_by_each_system_in_its_own_words(sandbox: Any, system: str) -> None:
    """GitLab says message, CustomersDot and Zendesk say error."""
    path = {"gitlab": "/api/v4/user", "customersdot": "/adapter/v1/orders", "zendesk": "/api/v2/tickets/1.json"}[system]
    answer = sandbox.client.get(sandbox.told[f"{system}_url"] + path, headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401
    assert set(answer.json()) == ({"message"} if system == "gitlab" else {"error"})


def test_every_answer_carries_the_worlds_day_and_a_request_id(sandbox: Any) -> None:
    """The Date header is the world's frozen day, so that runs on the sandbox do not age."""
    for answer in (
        sandbox.gitlab("/user"),
        sandbox.gitlab("/namespaces/nowhere"),
        sandbox.adapter("/orders?gl_namespace_id=1"),
        sandbox.zendesk("/tickets/1001.json"),
        sandbox.client.get(f"{sandbox.told['gitlab_url']}/nowhere"),
    ):
        assert parsedate_to_datetime(answer.headers["date"]).date().isoformat() == "2026-11-23"
        assert answer.headers["x-request-id"]
    assert len(answer.headers.get_list("date")) == 1


def test_gitlab_tells_how_much_of_the_limit_is_left(sandbox: Any) -> None:
    """RateLimit headers count this caller's requests of the last minute."""
    first, second = (sandbox.gitlab("/user", "stranger").headers for _ in range(2))
    assert first["ratelimit-name"] == "throttle_authenticated_api"
    assert int(second["ratelimit-observed"]) == int(first["ratelimit-observed"]) + 1
    assert int(second["ratelimit-remaining"]) == int(first["ratelimit-remaining"]) - 1


def test_too_many_notes_are_refused_in_json(sandbox: Any) -> None:
    """The application limiter answers JSON while the headers still show plenty of room."""
    for _ in range(5):
        assert sandbox.gitlab("/projects/11/issues/2/notes", "admin", "POST", json={"body": "x"}).status_code == 201
    answer = sandbox.gitlab("/projects/11/issues/2/notes", "admin", "POST", json={"body": "x"})
    assert answer.status_code == 429
    assert "too many times" in answer.json()["message"]["error"]
    assert int(answer.headers["ratelimit-remaining"]) > 100
    assert len(sandbox.gitlab("/projects/11/issues/2/notes").json()) == 5


def test_too_many_requests_are_refused_in_plain_text(start_sandbox: Any, tmp_path: Any, serving: Any) -> None:
    """The front door's limiter answers plain text with Retry-After."""
    world = tmp_path / "narrow.yaml"
    world.write_text(
        "{format: glhelpers.world/1, name: narrow, today: 2026-11-23, switches: {requests_a_minute: 3}, "
        "users: [{id: 1, username: a}], tokens: [{name: a, value: glpat-narrow, user: a, scopes: [api]}]}"
    )
    process, told = start_sandbox("--world", str(world), "--until-stdin-closes")
    answers = [
        serving.client.get(f"{told['gitlab_url']}/api/v4/user", headers={"PRIVATE-TOKEN": "glpat-narrow"})
        for _ in range(4)
    ]
    process.stdin.close()
    process.stdout.close()
    process.wait(timeout=5)
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].text == "Retry later\n"
    assert answers[3].headers["retry-after"].isdigit()
    assert answers[3].headers["ratelimit-remaining"] == "0"
    assert parsedate_to_datetime(answers[3].headers["ratelimit-resettime"])
