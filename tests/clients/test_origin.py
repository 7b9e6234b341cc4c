"""A request never leaves its service: no redirect, no foreign page, no proxy, no other route."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from glhelpers.clients.wire import path_of
from glhelpers.errors import BadParameter, UnexpectedAnswer
from tests.clients.conftest import FaultServer, Make, reply, told


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_error_and_never_followed(
    status: int, method: str, server: FaultServer, elsewhere: FaultServer, trying: Make
) -> None:
    """Neither the token nor the body goes to where an answer points."""
    server.then(reply(status, b"", Location=f"{elsewhere.url}/api/v4/user"))
    with pytest.raises(UnexpectedAnswer, match=f"answered {status} .*redirect") as caught:
        trying().send(method)
    assert caught.value.status == status
    assert len(server.requests) == 1
    assert elsewhere.connections == 0


@pytest.mark.parametrize(
    "link",
    [
        "<{elsewhere}/api/v4/groups/9/members?page=2>",
        "<//{host}/api/v4/groups/9/members?page=2>",
        "<{home}/api/v4/groups/1/members?page=2>",
        "<{home}@{host}/api/v4/groups/9/members?page=2>",
        "<http://[/api/v4/groups/9/members>",
        "<http://h:99999/api/v4/groups/9/members>",
        "</api/v4/groups/9/members?page=2>",
        "<>",
    ],
)
def test_a_next_page_elsewhere_is_refused(link: str, server: FaultServer, elsewhere: FaultServer, trying: Make) -> None:
    """A `Link` header may only turn pages of the very list that was asked for."""
    target = link.format(elsewhere=elsewhere.url, host=f"127.0.0.1:{elsewhere.port}", home=server.url)
    server.then(told([], Link=f'{target}; rel="next"'))
    with pytest.raises(UnexpectedAnswer, match="points to another address"):
        trying().clients.gitlab.direct_members(9)
    assert len(server.requests) == 1
    assert elsewhere.connections == 0


def test_pages_are_followed_at_home(server: FaultServer, trying: Make) -> None:
    """A next link to the same list is followed, with the query that the service put there."""
    row = {"id": 1, "name": "a"}
    link = f'<{server.url}/api/v4/projects/a%2Fb/labels?page=2&search=x>; rel="next"'
    server.then(told([row], Link=link), told([row]))
    assert len(trying().clients.gitlab.labels("a/b", "x")) == 2
    assert server.targets[1] == "/api/v4/projects/a%2Fb/labels?page=2&search=x"


def test_pages_that_never_end_are_refused(server: FaultServer, trying: Make) -> None:
    """A next link that leads round in a circle is left after 200 pages."""
    server.then(told([], Link=f'<{server.url}/api/v4/groups/9/members?page=2>; rel="next"'))
    with pytest.raises(UnexpectedAnswer, match="more than 200 pages"):
        trying().clients.gitlab.direct_members(9)
    assert len(server.requests) == 201


@pytest.mark.parametrize("pages", ["201", "99999999"])
def test_too_many_pages_are_refused_before_they_are_read(pages: str, server: FaultServer, trying: Make) -> None:
    """A list that cannot be read whole is not read in part."""
    server.then(told([], X_Total_Pages=pages))
    with pytest.raises(UnexpectedAnswer, match="more than 200 pages"):
        trying().clients.gitlab.direct_members(9)
    assert len(server.requests) == 1


def test_proxies_and_netrc_of_the_environment_are_not_used(
    server: FaultServer, elsewhere: FaultServer, trying: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Only what the settings name is talked to, as whom they name."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, elsewhere.url)
    server.then(told({"id": 1, "username": "ada"}))
    trying().clients.gitlab.me()
    assert elsewhere.connections == 0
    assert server.requests[0].headers["authorization"].startswith("Bearer ")


NASTY = [
    "..",
    ".",
    "group/..",
    "%2e%2e",
    "..%2fadmin",
    "//host/x",
    "x?admin=1",
    "x#f",
    "a\r\nb",
    "a\0b",
    "\u202egnp",
    "a\\..\\b",
]
names = st.one_of(
    st.text(max_size=20),
    st.text(alphabet="./%2eEfF?#&=@:;\\{}~ \r\n\t\0a", max_size=12),
    st.sampled_from(NASTY),
    st.text(alphabet="a", min_size=250, max_size=260),
)


@given(names, names)
@settings(max_examples=500, deadline=None)
@example("\ud800", "a")
@example("a.b", "0123")
def test_a_name_stays_within_its_segment(first: str, second: str) -> None:
    """Whatever a name holds, it fills its own place in the route or is refused."""
    try:
        path = path_of("/api/v4/groups/{}/members/{}", first, second)
    except BadParameter:
        return
    assert path.isascii()
    parts = path.split("/")
    assert (parts[:4], len(parts)) == (["", "api", "v4", "groups"], 7)
    assert parts[5] == "members"
    assert (unquote(parts[4]), unquote(parts[6])) == (first, second)


@given(names)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_request_leaves_its_template(server: FaultServer, trying: Make, name: str) -> None:
    """What the server sees is the route with one segment in it, for names in paths and in queries alike."""
    server.requests.clear()
    server.then(told({"id": 1, "full_path": "x"}), told([]))
    gitlab = trying().clients.gitlab
    try:
        gitlab.group(name)
    except BadParameter:
        assert server.requests == []
        return
    gitlab.user_by_username(name)
    path, _, query = server.targets[0].partition("?")
    assert (path.count("/"), path.startswith("/api/v4/groups/"), query) == (4, True, "with_projects=false")
    assert unquote(path.rsplit("/", 1)[1]) == name
    path, _, query = server.targets[1].partition("?")
    assert (path, query.count("&"), query.count("=")) == ("/api/v4/users", 0, 1)


@pytest.mark.parametrize(
    ("name", "fits"), [("a" * 255, True), ("a" * 256, False), ("ä" * 127, True), ("ä" * 128, False)]
)
def test_a_name_has_255_bytes_at_most(name: str, fits: bool) -> None:
    """As GitLab.com's own paths; counted in bytes, since that is what is sent."""
    if fits:
        assert unquote(path_of("/groups/{}", name)) == f"/groups/{name}"
    else:
        with pytest.raises(BadParameter):
            path_of("/groups/{}", name)


@pytest.mark.parametrize(
    "path",
    ["@{host}/x", "0/x", ".example.com/x", "/a/../b", "/a/./b", "/a?b=1", "/a#b", "/a b", "x", ""],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_the_last_word_on_an_address_is_the_transports(
    method: str, path: str, server: FaultServer, elsewhere: FaultServer, trying: Make
) -> None:
    """Even if a client built a path carelessly, no token is attached to what would arrive elsewhere."""
    transport = trying().transport
    careless = path.format(host=f"127.0.0.1:{elsewhere.port}")
    with pytest.raises((UnexpectedAnswer, BadParameter)):
        _ = transport.read("/x", careless) if method == "GET" else transport.write(method, "/x", careless)
    assert (server.connections, elsewhere.connections) == (0, 0)


@pytest.mark.parametrize("text", ["\ud800", "a\udfff"])
def test_half_a_character_is_refused_before_anything_is_sent(text: str, server: FaultServer, trying: Make) -> None:
    """In a query and in a body as in a path: one sentence, no traceback of the encoder."""
    gitlab = trying().clients.gitlab
    with pytest.raises(BadParameter):
        gitlab.user_by_username(text)
    with pytest.raises(BadParameter):
        gitlab.create_note("a/b", 1, text)
    with pytest.raises(BadParameter):
        gitlab.namespace(text)
    assert server.connections == 0


@pytest.mark.parametrize("suffix", ["", "/", "/relative/root", "/relative/root/"])
def test_a_service_may_live_under_a_path(suffix: str, server: FaultServer, trying: Make) -> None:
    """A GitLab under a relative root is reached there."""
    server.then(told({"id": 1, "username": "ada"}))
    trying(url=server.url + suffix).clients.gitlab.me()
    assert server.targets == [f"{suffix.rstrip('/')}/api/v4/user"]


@pytest.mark.parametrize(
    ("base", "url", "home"),
    [
        ("https://gitlab.com", "https://gitlab.com/x", True),
        ("https://gitlab.com", "https://GITLAB.com:443/x", True),
        ("https://gitlab.com:443", "https://gitlab.com/x", True),
        ("https://gitlab.com", "http://gitlab.com/x", False),
        ("https://gitlab.com", "https://gitlab.com:8443/x", False),
        ("https://gitlab.com", "https://gitlab.com.example.com/x", False),
        ("https://gitlab.com", "https://gitlab.com@example.com/x", False),
        ("https://gitlab.com", "https://[", False),
        ("https://gitlab.com", "", False),
    ],
)
def test_what_counts_as_home(base: str, url: str, home: bool, trying: Make) -> None:
    """Scheme, host and port all have to be the service's own."""
    assert trying(url=base).transport.is_home(url) is home
