"""Which services, as whom: profiles, environment, configuration file, keyring, and the sandbox of this machine."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import keyring
import psutil
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from keyring.backends.fail import Keyring as FailKeyring
from keyring.backends.null import Keyring as NullKeyring
from keyring.errors import KeyringLocked

from glhelpers.batch.doctor import Row, examine
from glhelpers.errors import BadSettings, MissingCredential
from glhelpers.sandbox_process import Running, running_sandbox, start_sandbox, state_file
from glhelpers.settings import environment_of, load_settings, require_tokens

STAGING = """
[profiles.staging]
gitlab_url = "https://gitlab.staging.example.com"
customersdot_url = "https://customers.staging.example.com"
zendesk_url = "https://zendesk.staging.example.com"
"""
URLS = {"GITLAB": "http://127.0.0.1:1", "CUSTOMERSDOT": "http://127.0.0.1:2", "ZENDESK": "http://127.0.0.1:3"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration file that the test's environment names."""
    return tmp_path / "config.toml"


def _set(monkeypatch: pytest.MonkeyPatch, kind: str, values: dict[str, str]) -> None:
    for service, value in values.items():
        monkeypatch.setenv(f"GLHELPERS_{service}_{kind}", value)


def test_production_is_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real addresses, changes to CustomersDot by hand, and no token unless somebody gives one."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    keyring.set_keyring(NullKeyring())
    settings = load_settings("production")
    urls = [end.base_url for end in (settings.gitlab, settings.customersdot, settings.zendesk)]
    assert urls == ["https://gitlab.com", "https://customers.gitlab.com", "https://gitlab.zendesk.com"]
    assert (settings.production, settings.customersdot_driver, settings.approval_minutes) == (True, "manual", 60)
    assert (settings.escalation_label, settings.operator) == ("Console Escalation - customers", "tester")
    assert not settings.on_loopback
    with pytest.raises(MissingCredential, match="keyring set glhelpers:production gitlab"):
        require_tokens(settings)


@pytest.mark.parametrize(
    ("lines", "production", "driver", "label"),
    [
        ("", False, "http", "Console Escalation - customers"),
        ('customersdot_driver = "manual"', False, "manual", "Console Escalation - customers"),
        ('production = true\nescalation_label = "Other"', True, "http", "Other"),
        ("production = false", False, "http", "Console Escalation - customers"),
    ],
)
def test_a_profile_of_the_file(lines: str, production: bool, driver: str, label: str, config: Path) -> None:
    """What the file says of a profile holds."""
    config.write_text(STAGING + lines, encoding="utf-8")
    settings = load_settings("staging")
    assert settings.gitlab.base_url == "https://gitlab.staging.example.com"
    assert (settings.production, settings.customersdot_driver, settings.escalation_label) == (production, driver, label)


def test_the_environment_wins_over_the_file(config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each variable does what the README says of it; a token loses the spaces around it."""
    config.write_text(STAGING, encoding="utf-8")
    for name, value in {
        "PROFILE": "staging",
        "GITLAB_URL": "https://other.example.com/",
        "GITLAB_TOKEN": " abc\n",
        "OPERATOR": "ada",
        "RUNS_DIR": str(tmp_path / "r"),
        "JOURNAL_URL": "sqlite:///x.db",
        "APPROVAL_MINUTES": "5",
    }.items():
        monkeypatch.setenv(f"GLHELPERS_{name}", value)
    settings = load_settings()
    assert (settings.profile, settings.gitlab.base_url) == ("staging", "https://other.example.com")
    assert settings.gitlab.token is not None
    assert settings.gitlab.token.get_secret_value() == "abc"
    assert "abc" not in repr(settings)
    assert (settings.operator, settings.runs_dir) == ("ada", tmp_path / "r")
    assert (settings.journal_url, settings.approval_minutes) == ("sqlite:///x.db", 5)


@pytest.mark.parametrize(
    "content",
    [
        "[profiles.production]\nproduction = false",
        STAGING.replace("https://gitlab.staging.example.com", "https://gitlab.com"),
        STAGING.replace("https://gitlab.staging.example.com", "https://GitLab.com./"),
        STAGING.replace("https://customers.staging.example.com", "https://customers.gitlab.com"),
    ],
)
def test_a_real_service_is_production_whatever_the_file_says(content: str, config: Path) -> None:
    """No file can take the word PRODUCTION off the real addresses."""
    config.write_text(content, encoding="utf-8")
    assert load_settings("staging" if "staging" in content else "production").production


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("profiles = 3", r"no \[profiles.NAME\] tables"),
        ("[profiles]\nstaging = 3", r"no \[profiles.NAME\] tables"),
        ("not toml", "cannot be read"),
        ("\xff", "cannot be read"),
        (STAGING + 'colour = "red"', "unknown keys: .*colour"),
        (STAGING + 'production = "false"', "production a value of another kind"),
        (STAGING + "production = 1", "production a value of another kind"),
        (STAGING + "escalation_label = 3", "escalation_label a value of another kind"),
        (STAGING + 'customersdot_driver = "magic"', "'magic'"),
        (STAGING + 'gitlab_token = "x"', "holds a token or password"),
        (STAGING + 'Password = "x"', "holds a token or password"),
        ('token = "x"\n' + STAGING, "holds a token or password"),
        (STAGING + '[profiles.other]\ngitlab_token = "x"', "holds a token or password"),
        (STAGING + 'escalation_label = "glpat-planted"', "holds a token or password"),
        ("[profiles.other]", "no profile 'staging'"),
        ('[profiles.staging]\ngitlab_url = "https://a.example.com"', "no address for customersdot, zendesk"),
    ],
)
def test_a_file_that_cannot_be_right(content: str, words: str, config: Path) -> None:
    """Refused with one sentence and a next step, neither of which shows a secret."""
    config.write_bytes(content.encode("latin-1"))
    with pytest.raises(BadSettings, match=words) as caught:
        load_settings("staging")
    assert caught.value.next_step
    assert "planted" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://gitlab.staging.example.com",
        "http://127.0.0.1.example.com",
        "http://10.0.0.1",
        "https://user:pass@gitlab.example.com",
        "https://user@gitlab.example.com",
        "https://gitlab.example.com?private_token=x",
        "https://gitlab.example.com/?",
        "https://gitlab.example.com#x",
        "ftp://gitlab.example.com",
        "file:///etc/hosts",
        "gitlab.example.com",
        "https://",
        "https://gitlab.example.com:port",
        "https://gitlab.example.com:99999",
        "https://[",
        "https://gitlab.example.com/a b",
        "https://gitlab.example.com\n",
    ],
)
def test_an_address_that_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only https, only a host: nothing that sends a token in clear or hides one in the address."""
    monkeypatch.setenv("GLHELPERS_GITLAB_URL", url)
    with pytest.raises(BadSettings, match="address of gitlab") as caught:
        load_settings("production")
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:1", "[::1]:1", "127.9.9.9:1"])
def test_http_is_for_this_machine_alone(host: str, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On loopback nothing travels."""
    _set(monkeypatch, "URL", dict.fromkeys(URLS, f"http://{host}"))
    assert load_settings("sandbox").on_loopback


def test_profile_sandbox_does_not_leave_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its loose habits, such as handing tokens to child processes, are for made-up tokens only."""
    _set(monkeypatch, "URL", dict.fromkeys(URLS, "https://gitlab.com"))
    with pytest.raises(BadSettings, match="another machine"):
        load_settings()


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "1441", "a", "٣"])
def test_minutes_that_are_none(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number that is none is said, not guessed."""
    monkeypatch.setenv("GLHELPERS_APPROVAL_MINUTES", value)
    with pytest.raises(BadSettings, match="GLHELPERS_APPROVAL_MINUTES"):
        load_settings("production")


def test_some_addresses_of_the_sandbox_are_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a sandbox is a mistake, named."""
    monkeypatch.setenv("GLHELPERS_GITLAB_URL", URLS["GITLAB"])
    with pytest.raises(BadSettings, match="GLHELPERS_CUSTOMERSDOT_URL, GLHELPERS_ZENDESK_URL is missing"):
        load_settings()


class Kept(KeyringBackend):
    """A keyring that holds one token for everything."""

    priority = 5.0
    asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        """The token, with the names that it was asked under."""
        type(self).asked += 1
        return f"{service}/{username}"

    def set_password(self, service: str, username: str, password: str) -> None:
        """Nothing is stored in tests."""


class PlaintextKeyring(Kept):
    """One whose name gives it away."""

    asked = 0


class Locked(Kept):
    """One that cannot be opened."""

    def get_password(self, service: str, username: str) -> str | None:
        """Refuse, as a locked keyring does."""
        raise KeyringLocked


def _chain(*members: KeyringBackend) -> ChainerBackend:
    class Chain(ChainerBackend):
        backends = members

    return Chain()


@pytest.fixture
def _keyring_back() -> Iterator[None]:
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


@pytest.mark.usefixtures("_keyring_back")
@pytest.mark.parametrize(
    ("backend", "found"),
    [
        (Kept(), True),
        (_chain(PlaintextKeyring(), Kept()), True),
        (_chain(PlaintextKeyring()), False),
        (PlaintextKeyring(), False),
        (NullKeyring(), False),
        (FailKeyring(), False),
        (Locked(), False),
    ],
    ids=["sound", "chain of both", "chain of one", "plaintext", "null", "fail", "locked"],
)
def test_a_careless_keyring_is_none(backend: KeyringBackend, found: bool, config: Path) -> None:
    """Tokens come from keyrings that encrypt; others are not even asked."""
    config.write_text(STAGING, encoding="utf-8")
    keyring.set_keyring(backend)
    token = load_settings("staging").zendesk.token
    assert (token.get_secret_value() if token else None) == ("glhelpers:staging/zendesk" if found else None)
    assert PlaintextKeyring.asked == 0


def test_a_keyring_that_does_not_exist_is_none(config: Path) -> None:
    """A variable that names a missing backend ends in a sentence about the token, not in a traceback."""
    config.write_text(STAGING, encoding="utf-8")
    code = "from glhelpers.settings import *; require_tokens(load_settings('staging'))"
    environment = {**os.environ, "PYTHON_KEYRING_BACKEND": "no.such.Backend"}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "MissingCredential: Profile staging has no token for gitlab" in ran.stderr


def test_child_processes_get_the_sandbox_tokens_only(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real token is never copied into another environment."""
    config.write_text(STAGING, encoding="utf-8")
    _set(monkeypatch, "TOKEN", dict.fromkeys(URLS, "planted"))
    assert "planted" not in str(environment_of(load_settings("staging")))
    _set(monkeypatch, "URL", URLS)
    given = environment_of(load_settings("sandbox"))
    assert {given[f"GLHELPERS_{service}_TOKEN"] for service in URLS} == {"planted"}
    assert {given[f"GLHELPERS_{service}_URL"] for service in URLS} == set(URLS.values())


def _told(running: Running) -> str:
    urls = {f"{service}_url": url for service, url in running.urls.items()}
    return json.dumps({**urls, "tokens": running.tokens, "instance": running.instance, "today": running.today})


def _record(text: str) -> Path:
    path = state_file(Path(os.environ["GLHELPERS_STATE_DIR"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_running_sandbox_is_found(sandbox: Running) -> None:
    """`sandbox serve` in another terminal is what a run talks to."""
    _record(_told(sandbox))
    settings = load_settings()
    assert settings.gitlab.base_url == sandbox.urls["gitlab"]
    assert settings.gitlab.token is not None
    assert settings.gitlab.token.get_secret_value() == sandbox.tokens["admin"]
    assert "sandbox-admin" not in repr(sandbox)


class _Stranger(BaseHTTPRequestHandler):
    """A server that has the port of a sandbox that is gone."""

    says = b"{}"

    def do_GET(self) -> None:
        if self.says.startswith(b"HTTP"):
            self.wfile.write(self.says)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.says)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.mark.parametrize(
    "says",
    [b"{}", b"[]", b'{"instance": "another"}', b"<html>", b"\xff", b"HTTP/9 what\r\n\r\n", b"HTTP/1.1 302 F\r\n\r\n"],
)
def test_a_stranger_on_the_port_is_not_the_sandbox(says: bytes, mine: list[Running]) -> None:
    """Whoever cannot name the instance is somebody else, and gets no token."""
    handler = type("Handler", (_Stranger,), {"says": says})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        _record(_told(Running(dict.fromkeys(("gitlab", "customersdot", "zendesk"), url), {}, "gone", "2026-11-23")))
        assert load_settings().gitlab.base_url != url
    assert len(mine) == 1


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", "not json", '{"gitlab_url": 3}', "GONE", "FILE", "FAR"],
)
def test_a_stale_state_file_is_ignored(text: str, mine: list[Running]) -> None:
    """What is left of a sandbox that is gone does not stop a run: it starts its own."""
    address = {"GONE": "http://127.0.0.1:1", "FILE": "file:///etc", "FAR": "http://192.0.2.1"}.get(text)
    urls = dict.fromkeys(("gitlab", "customersdot", "zendesk"), address or "")
    _record(_told(Running(urls, {"admin": "x"}, "i", "2026-11-23")) if address else text)
    began = time.monotonic()
    assert load_settings().on_loopback
    assert len(mine) == 1
    assert time.monotonic() - began < 8


@pytest.fixture
def mine(monkeypatch: pytest.MonkeyPatch) -> list[Running]:
    """The sandboxes that this process would have started; none really is."""
    started: list[Running] = []

    def start(**_: object) -> Running:
        urls = dict.fromkeys(("gitlab", "customersdot", "zendesk"), "http://127.0.0.1:9")
        tokens = dict.fromkeys(("admin", "customersdot", "zendesk"), "x")
        started.append(Running(urls, tokens, "mine", "2026-11-23"))
        return started[-1]

    monkeypatch.setattr("glhelpers.sandbox_process.start_sandbox", start)
    monkeypatch.setattr("glhelpers.sandbox_process._mine", {})
    return started


@pytest.mark.parametrize("end", ["", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "raise SystemExit(3)"])
def test_a_sandbox_on_demand_starts_once_and_ends_with_its_process(end: str) -> None:
    """However the process ends, its sandbox ends too; twenty threads that ask at once share one."""
    code = f"""
        import json
        from concurrent.futures import ThreadPoolExecutor
        import psutil
        from glhelpers.settings import load_settings
        with ThreadPoolExecutor(20) as pool:
            found = {{each.gitlab.base_url for each in pool.map(lambda _: load_settings(), range(20))}}
        assert load_settings().gitlab.base_url in found
        print(json.dumps([len(found), [child.pid for child in psutil.Process().children()]]), flush=True)
        {end}
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False, timeout=30
    )
    urls, children = json.loads(ran.stdout)
    assert (urls, len(children)) == (1, 1)
    until = time.monotonic() + 5
    while psutil.pid_exists(children[0]) and time.monotonic() < until:
        time.sleep(0.02)
    assert not psutil.pid_exists(children[0])


def test_the_sandbox_is_told_no_token_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that needs no secret gets none."""
    monkeypatch.setenv("GLHELPERS_GITLAB_TOKEN", "planted")
    running = start_sandbox()
    assert running.process is not None
    environment = psutil.Process(running.process.pid).environ()
    running.process.communicate(timeout=5)
    assert "planted" not in str(environment)


@pytest.mark.parametrize(
    ("variable", "content", "words"),
    [
        ("GLHELPERS_WORLD", "- 1\n", "is not a world"),
        ("GLHELPERS_WORLD", "{", "world"),
        ("GLHELPERS_WORLD", None, "world"),
        ("GLHELPERS_FAULTS", "{do: 3}", "fault"),
    ],
)
def test_a_bad_world_is_one_sentence(
    variable: str, content: str | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is named and what to do about it; no traceback, and no sandbox is left behind."""
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    monkeypatch.setenv(variable, str(path))
    with pytest.raises(BadSettings, match=r"The sandbox did not start: .*mine\.yaml") as caught:
        load_settings()
    assert words in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not [child for child in psutil.Process().children() if "glhelpers.sandbox" in " ".join(child.cmdline())]


def _rows() -> dict[str, Row]:
    return {row.what: row for row in examine()}


def test_the_doctor_finds_all_well(on_sandbox: Running) -> None:
    """On a sandbox everything is in order."""
    assert [row.what for row in examine() if not row.well] == []


@pytest.mark.parametrize(
    ("token", "how", "mend"),
    [(None, "no token", "Set GLHELPERS_{}_TOKEN"), ("wrong", "answered 401", "renew it and set GLHELPERS_{}_TOKEN")],
)
def test_the_doctor_without_a_good_token(
    token: str | None, how: str, mend: str, on_sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence for each service, with the variable to set."""
    for service in URLS:
        if token is None:
            monkeypatch.delenv(f"GLHELPERS_{service}_TOKEN")
        else:
            monkeypatch.setenv(f"GLHELPERS_{service}_TOKEN", token)
    rows = _rows()
    for what, variable in {"GitLab.com": "GITLAB", "CustomersDot": "CUSTOMERSDOT", "Zendesk": "ZENDESK"}.items():
        assert not rows[what].well
        assert how in rows[what].how
        assert mend.format(variable) in rows[what].mend
    assert rows["journal"].well


def test_the_doctor_when_nothing_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence for each service, soon."""
    _set(monkeypatch, "URL", URLS)
    _set(monkeypatch, "TOKEN", dict.fromkeys(URLS, "x"))
    began, rows = time.monotonic(), _rows()
    for what in ("GitLab.com", "GitLab.com token", "CustomersDot", "Zendesk"):
        assert not rows[what].well
        assert "cannot be reached" in rows[what].how
        assert "connection refused" in rows[what].how
        assert "Check the network" in rows[what].mend
    assert time.monotonic() - began < 10
    assert all("\n" not in row.how + row.mend for row in rows.values())


def test_the_doctor_names_settings_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without settings there is one row, and it says why."""
    monkeypatch.setenv("GLHELPERS_PROFILE", "nowhere")
    (row,) = examine()
    assert (row.what, row.well) == ("settings", False)
    assert "nowhere" in row.how


def test_the_doctor_says_when_the_journal_is_no_journal(
    on_sandbox: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A journal that cannot be opened is a row that is not well, not a traceback."""
    (tmp_path / "state").mkdir(exist_ok=True)
    (tmp_path / "state" / "journal.db").write_bytes(b"this is no database at all" * 100)
    assert not _rows()["journal"].well


def test_the_doctor_sees_a_changed_journal(on_sandbox: Running, tmp_path: Path) -> None:
    """A journal whose chain is broken is not well."""
    assert _rows()["journal"].well
    with closing(sqlite3.connect(tmp_path / "state" / "journal.db")) as database, database:
        database.execute(
            "INSERT INTO entries (at, kind, intent_id, target, payload, previous, hash) "
            "VALUES ('2026-11-23', 'intent', 'i', 't', '{}', 'p', 'h')"
        )
    row = _rows()["journal"]
    assert (row.well, "chain broken" in row.how, bool(row.mend)) == (False, True, True)


def test_a_sandbox_that_was_killed_is_started_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """One for a process, as long as it lives."""
    monkeypatch.setattr("glhelpers.sandbox_process._mine", {})
    folder = Path(os.environ["GLHELPERS_STATE_DIR"])
    first = running_sandbox(folder, world=None, faults=None)
    assert running_sandbox(folder, world=None, faults=None) is first
    assert first.process is not None
    first.process.kill()
    first.process.communicate()
    second = running_sandbox(folder, world=None, faults=None)
    assert second.instance != first.instance
    assert second.process is not None
    second.process.communicate(timeout=5)


def test_a_world_of_ones_own_is_not_the_one_that_serves(sandbox: Running, mine: list[Running]) -> None:
    """Whoever names a world or faults gets them, and another for another world."""
    folder = Path(os.environ["GLHELPERS_STATE_DIR"])
    _record(_told(sandbox))
    assert running_sandbox(folder, world=None, faults=None).instance == sandbox.instance
    for world, faults in (("a.yaml", None), ("b.yaml", None), (None, "f.yaml")):
        assert running_sandbox(folder, world=world, faults=faults).instance == "mine"
    assert len(mine) == 3
