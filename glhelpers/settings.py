"""The only reader of environment, configuration file and keyring: which services, as whom, writing where."""

from __future__ import annotations

import getpass
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import SecretStr

from glhelpers.clock import go_back_to
from glhelpers.credentials import kept_token
from glhelpers.errors import BadSettings, MissingCredential
from glhelpers.profiles import REAL_HOSTS, profile_names, profile_table
from glhelpers.sandbox_process import Running, running_sandbox

__all__ = [
    "SERVICES",
    "Endpoint",
    "Settings",
    "configuration_folder",
    "environment_of",
    "journal_url",
    "load_settings",
    "operator_name",
    "profiles_to_choose",
    "require_tokens",
    "runs_folder",
    "signing_key_file",
    "state_folder",
    "trusted_signers_folder",
]

SERVICES = ("gitlab", "customersdot", "zendesk")
_OF_ONE_PROFILE = re.compile(r"GLHELPERS_.*_(?:URL|TOKEN|DRIVER)(?<!JOURNAL_URL)")
_LABEL = "Console Escalation - customers"


@dataclass(frozen=True)
class Endpoint:
    """A service: its name, its base URL, and the token to show there. None: no token was found."""

    service: str
    base_url: str
    token: SecretStr | None

    @property
    def on_loopback(self) -> bool:
        """Whether the service is on this machine, as the sandbox is."""
        return _is_loopback(urlsplit(self.base_url).hostname or "")


@dataclass(frozen=True)
class Settings:
    """
    Everything that is not a parameter of a runbook.

    `read_only`: no request that changes anything leaves.  `pace`: requests a second to one host, shared
    by all processes of this machine that have one; None leaves each run to its own.
    """

    profile: str
    production: bool
    gitlab: Endpoint
    customersdot: Endpoint
    zendesk: Endpoint
    customersdot_driver: Literal["http", "manual"]
    operator: str
    runs_dir: Path
    state_dir: Path
    journal_url: str
    escalation_label: str
    approval_minutes: int = 60
    in_flight_seconds: int = 25
    given_folder: Path | None = None
    session_notebook: Path | None = None
    portal_token: SecretStr | None = None
    replay: Path | None = None
    approvers: tuple[str, ...] = ()
    break_glass: bool = False
    masking: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    read_only: bool = False
    pace: int | None = None

    @property
    def by_hand(self) -> bool:
        """Whether CustomersDot is worked by a person in its admin pages."""
        return self.customersdot_driver == "manual"

    @property
    def driven(self) -> bool:
        """Whether another process made the run folder and will finish it."""
        return self.given_folder is not None

    @property
    def on_loopback(self) -> bool:
        """Whether the services are on this machine, as the sandbox is."""
        return self.gitlab.on_loopback


def require_tokens(settings: Settings) -> None:
    """Raise `MissingCredential`, with the way to mend it, if a service has no token; before anything is read."""
    needed = (
        [settings.gitlab, settings.zendesk]
        if settings.by_hand
        else [settings.gitlab, settings.customersdot, settings.zendesk]
    )
    lacking = [end for end in needed if end.token is None]
    if lacking:
        services = ", ".join(endpoint.service for endpoint in lacking)
        variables = ", ".join(f"GLHELPERS_{endpoint.service.upper()}_TOKEN" for endpoint in lacking)
        other = (
            "unset the addresses to have a sandbox started"
            if settings.profile == "sandbox"
            else f"run: keyring set glhelpers:{settings.profile} {lacking[0].service}"
        )
        raise MissingCredential(
            f"Profile {settings.profile} has no token for {services}.", next_step=f"Set {variables}, or {other}."
        )


def load_settings(profile: str | None = None, *, switched: bool = False) -> Settings:
    """
    The settings of a profile: the built-in ones, then the configuration file, then the environment.

    Under profile `sandbox` without addresses, a running sandbox is used, or one is started that ends
    with this process.  `switched`: the environment speaks of another profile than this one, so its addresses
    and tokens are left alone: none may reach the other's services.  Raises `BadSettings` with what to do.
    """
    env: Mapping[str, str] = os.environ
    name = profile or env.get("GLHELPERS_PROFILE") or "sandbox"
    if switched and name != (env.get("GLHELPERS_PROFILE") or "sandbox"):
        env = {key: value for key, value in env.items() if not _OF_ONE_PROFILE.fullmatch(key)}
    if env.get("GLHELPERS_REPLAY"):
        return _of_a_replay(name, env)
    table = profile_table(name, _config_file(env))
    state = state_folder()
    urls = {service: env.get(f"GLHELPERS_{service.upper()}_URL") or table.get(f"{service}_url") for service in SERVICES}
    sandbox: Running | None = None
    if name == "sandbox":
        sandbox = _sandbox_for(urls, state, env)
        if sandbox is not None:
            urls = {service: sandbox.urls[service] for service in SERVICES}
    missing = [service for service, url in urls.items() if not url]
    if missing:
        variables = ", ".join(f"GLHELPERS_{service.upper()}_URL" for service in missing)
        raise BadSettings(f"Profile {name} has no address for {', '.join(missing)}.", next_step=f"Set {variables}.")
    endpoints = {
        service: Endpoint(service, _base_url(name, service, str(url)), _token(name, service, env, sandbox))
        for service, url in urls.items()
    }
    driver = env.get("GLHELPERS_CUSTOMERSDOT_DRIVER") or table.get("customersdot_driver", "http")
    if driver not in ("http", "manual"):
        raise BadSettings(f"Profile {name} names the driver {driver!r}.", next_step="It is http or manual.")
    by_hand: Literal["http", "manual"] = "manual" if driver == "manual" else "http"
    folder = env.get("GLHELPERS_RUN_FOLDER")
    notebook = env.get("JPY_SESSION_NAME")
    return Settings(
        profile=name,
        production=table.get("production", False) or any(_is_real(end.base_url) for end in endpoints.values()),
        gitlab=endpoints["gitlab"],
        customersdot=endpoints["customersdot"],
        zendesk=endpoints["zendesk"],
        customersdot_driver=by_hand,
        operator=operator_name(),
        runs_dir=runs_folder(),
        state_dir=state,
        journal_url=journal_url(),
        escalation_label=str(table.get("escalation_label", _LABEL)),
        approval_minutes=_number(env, "GLHELPERS_APPROVAL_MINUTES", 60),
        in_flight_seconds=_number(env, "GLHELPERS_IN_FLIGHT_SECONDS", 25),
        given_folder=Path(folder) if folder else None,
        session_notebook=Path(notebook) if notebook else None,
        portal_token=_portal_token(name, env),
        approvers=tuple(table.get("approvers", ())),
        break_glass=table.get("break_glass", False),
        masking=table["masking"],
        read_only=env.get("GLHELPERS_READ_ONLY") == "yes",
        pace=_number(env, "GLHELPERS_PACE", 0) or None,
    )


def _of_a_replay(name: str, env: Mapping[str, str]) -> Settings:
    """Settings without any service: what a run was told comes from its folder, and it is the time of then."""
    go_back_to(datetime.fromisoformat(env["GLHELPERS_REPLAY_AT"]))
    nowhere = {service: Endpoint(service, f"https://{service}.invalid", SecretStr("replayed")) for service in SERVICES}
    folder, state = env.get("GLHELPERS_RUN_FOLDER"), state_folder()
    return Settings(
        profile=name,
        production=env.get("GLHELPERS_REPLAY_PRODUCTION") == "yes",
        gitlab=nowhere["gitlab"],
        customersdot=nowhere["customersdot"],
        zendesk=nowhere["zendesk"],
        customersdot_driver="manual" if env.get("GLHELPERS_CUSTOMERSDOT_DRIVER") == "manual" else "http",
        operator=env.get("GLHELPERS_OPERATOR") or _login(),
        runs_dir=runs_folder(),
        state_dir=state,
        journal_url=journal_url(),
        escalation_label=_LABEL,
        in_flight_seconds=1,
        given_folder=Path(folder) if folder else None,
        portal_token=SecretStr("replayed") if env.get("GLHELPERS_REPLAY_LENT") == "yes" else None,
        replay=Path(env["GLHELPERS_REPLAY"]),
    )


def state_folder() -> Path:
    """Where the journal lies, and word of a running sandbox."""
    named = os.environ.get("GLHELPERS_STATE_DIR")
    return Path(named or platformdirs.user_state_dir("glhelpers")).expanduser().absolute()


def runs_folder() -> Path:
    """Where run folders go: GLHELPERS_RUNS_DIR, else `runs` in the current folder."""
    return Path(os.environ.get("GLHELPERS_RUNS_DIR") or "runs").expanduser().absolute()


def operator_name() -> str:
    """Who runs this: GLHELPERS_OPERATOR, else the login name."""
    return os.environ.get("GLHELPERS_OPERATOR") or _login()


def trusted_signers_folder() -> Path:
    """Where the public keys of those lie whose seals count: GLHELPERS_TRUSTED_SIGNERS, else beside the configuration file."""
    named = os.environ.get("GLHELPERS_TRUSTED_SIGNERS")
    return (Path(named) if named else configuration_folder() / "trusted_signers").expanduser().absolute()


def signing_key_file() -> Path | None:
    """The file of one's own signing key that GLHELPERS_SIGNING_KEY names; None: the keyring's, if it has one."""
    named = os.environ.get("GLHELPERS_SIGNING_KEY")
    return Path(named).expanduser().absolute() if named else None


def profiles_to_choose() -> list[str]:
    """The names of all profiles; raises `BadSettings` for a configuration file that cannot be read."""
    return profile_names(_config_file(os.environ).expanduser().absolute())


def configuration_folder() -> Path:
    """Where config.toml lies, or would."""
    return _config_file(os.environ).expanduser().absolute().parent


def journal_url() -> str:
    """Where the journal is kept: a database by its URL, else an SQLite file in the state folder."""
    return os.environ.get("GLHELPERS_JOURNAL_URL") or f"sqlite:///{state_folder() / 'journal.db'}"


def environment_of(settings: Settings) -> dict[str, str]:
    """
    Variables that make a child process reach the same services.

    Tokens are copied for the sandbox only, where they open nothing real; elsewhere a child finds
    them where this process did.
    """
    values = {
        "GLHELPERS_PROFILE": settings.profile,
        "GLHELPERS_OPERATOR": settings.operator,
        "GLHELPERS_RUNS_DIR": str(settings.runs_dir),
        "GLHELPERS_STATE_DIR": str(settings.state_dir),
        "GLHELPERS_JOURNAL_URL": settings.journal_url,
        "GLHELPERS_CUSTOMERSDOT_DRIVER": settings.customersdot_driver,
        "GLHELPERS_READ_ONLY": "yes" if settings.read_only else "",
        "GLHELPERS_PACE": str(settings.pace or ""),
    }
    for endpoint in (settings.gitlab, settings.customersdot, settings.zendesk):
        prefix = f"GLHELPERS_{endpoint.service.upper()}"
        values[f"{prefix}_URL"] = endpoint.base_url
        if settings.profile == "sandbox" and endpoint.token is not None:
            values[f"{prefix}_TOKEN"] = endpoint.token.get_secret_value()
    return values


def _config_file(env: Mapping[str, str]) -> Path:
    return Path(env.get("GLHELPERS_CONFIG") or Path(platformdirs.user_config_dir("glhelpers")) / "config.toml")


def _sandbox_for(urls: Mapping[str, Any], state: Path, env: Mapping[str, str]) -> Running | None:
    """None if the environment names the addresses itself; then it must name all three."""
    named = [service for service, url in urls.items() if url]
    if named and len(named) < len(SERVICES):
        missing = [f"GLHELPERS_{service.upper()}_URL" for service in SERVICES if service not in named]
        raise BadSettings(
            f"Only some addresses of the sandbox are set; {', '.join(missing)} is missing.",
            next_step="Set all three, or none to have a sandbox started.",
        )
    if named:
        return None
    return running_sandbox(state, world=env.get("GLHELPERS_WORLD"), faults=env.get("GLHELPERS_FAULTS"))


def _base_url(profile: str, service: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    spaced = any(char.isspace() or not char.isprintable() for char in url)
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or "?" in url or "#" in url or spaced:
        raise BadSettings(
            f"The address of {service} is not a plain base URL.", next_step="Give it as https://host, nothing after it."
        )
    if profile == "sandbox" and not _is_loopback(host):
        raise BadSettings(
            f"Profile sandbox would reach {service} on another machine.",
            next_step="Set GLHELPERS_PROFILE to the profile that is meant.",
        )
    if parts.scheme == "http" and not _is_loopback(host):
        raise BadSettings(
            f"The address of {service} is not https; a token would travel in clear.", next_step="Use https://."
        )
    return url.rstrip("/")


def _is_real(url: str) -> bool:
    """Whether an address belongs to customers' data, whatever a profile calls itself."""
    return (urlsplit(url).hostname or "").rstrip(".") in REAL_HOSTS


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _token(profile: str, service: str, env: Mapping[str, str], sandbox: Running | None) -> SecretStr | None:
    value = env.get(f"GLHELPERS_{service.upper()}_TOKEN")
    if value:
        return SecretStr(value.strip())
    if sandbox is not None:
        return SecretStr(sandbox.tokens["admin" if service == "gitlab" else service])
    if profile == "sandbox":
        return None
    return kept_token(profile, service)


def _portal_token(profile: str, env: Mapping[str, str]) -> SecretStr | None:
    """The token that the portal keeps for the customer in question: lent for one look-up, never stored by us."""
    value = env.get("GLHELPERS_PORTAL_TOKEN")
    if value:
        return SecretStr(value.strip())
    return None if profile == "sandbox" else kept_token(profile, "portal")


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 9) or not 0 < int(text) <= 1440:
        raise BadSettings(f"{name} is not a whole number from 1 to 1440.", next_step="Correct or unset it.")
    return int(text)
