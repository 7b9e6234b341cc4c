"""Which services, as whom: profiles, environment, configuration file and keyring."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from keyring.backends.fail import Keyring as FailKeyring
from keyring.backends.null import Keyring as NullKeyring
from keyring.errors import KeyringLocked

from glhelpers.errors import BadSettings, MissingCredential
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


@pytest.mark.usefixtures("_keyring_back")
def test_production_is_built_in() -> None:
    """Real addresses, changes to CustomersDot by hand, and no token unless somebody gives one."""
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


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "1441", "9" * 5000, "a", "٣"])
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


@pytest.mark.usefixtures("_keyring_back")
def test_profile_sandbox_asks_no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demonstration neither opens a keyring nor needs one."""
    keyring.set_keyring(Kept())
    _set(monkeypatch, "URL", dict.fromkeys(URLS, "http://127.0.0.1:9"))
    assert load_settings().gitlab.token is None


def test_a_profile_that_is_named_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person types for this run is meant; the variable is a habit."""
    monkeypatch.setenv("GLHELPERS_PROFILE", "sandbox")
    assert load_settings("production").profile == "production"


def test_production_stays_production_at_other_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway in front of the real services does not make them less real."""
    _set(monkeypatch, "URL", dict.fromkeys(URLS, "https://gateway.example.com"))
    assert load_settings("production").production


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
