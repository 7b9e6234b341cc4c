"""Profiles by name: those built in, and those of the configuration file, which holds no secret."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from glhelpers.errors import BadSettings

__all__ = ["REAL_HOSTS", "profile_names", "profile_table"]

_BUILT_IN: dict[str, dict[str, Any]] = {
    "sandbox": {"customersdot_driver": "http", "approvers": ["colleague"], "break_glass": True},
    "production": {
        "gitlab_url": "https://gitlab.com",
        "customersdot_url": "https://customers.gitlab.com",
        "zendesk_url": "https://gitlab.zendesk.com",
        "customersdot_driver": "manual",
        "production": True,
    },
}
_KEYS: dict[str, type] = {
    "gitlab_url": str,
    "customersdot_url": str,
    "zendesk_url": str,
    "customersdot_driver": str,
    "production": bool,
    "escalation_label": str,
    "approvers": list,
    "break_glass": bool,
    "masking": dict,
}
_DESTINATIONS = ("disk", "issue", "ticket", "terminal")
_LEVELS = ("full", "masked", "none")
REAL_HOSTS = frozenset(urlsplit(str(_BUILT_IN["production"][key])).hostname for key in _KEYS if key.endswith("_url"))
"""Hosts that hold customers' data, whatever a profile calls itself."""


def profile_names(path: Path) -> list[str]:
    """The profiles that can be chosen: those built in, and those of the configuration file at `path`."""
    return sorted({*_BUILT_IN, *(_configured(path) if path.is_file() else {})})


def profile_table(name: str, path: Path) -> dict[str, Any]:
    """
    What is known of a profile: built in, and in the configuration file at `path` if there is one.

    Raises `BadSettings` for a profile that nobody described, and for a file that cannot be right.
    """
    profiles = _configured(path) if path.is_file() else {}
    if name not in profiles and name not in _BUILT_IN:
        known = ", ".join(profile_names(path))
        raise BadSettings(f"There is no profile {name!r}.", next_step=f"The profiles are: {known}.")
    table = {**_BUILT_IN.get(name, {}), **profiles.get(name, {})}
    strange = sorted(set(table) - set(_KEYS))
    if strange:
        raise BadSettings(f"{path.name} has unknown keys: {strange}.", next_step=f"Known are: {sorted(_KEYS)}.")
    ill = sorted(key for key, value in table.items() if type(value) is not _KEYS[key])
    if ill:
        raise BadSettings(
            f"{path.name} gives {', '.join(ill)} a value of another kind.",
            next_step="production and break_glass are true or false without quotes, approvers is a list of texts in "
            "quotes, masking a table; all others are texts in quotes.",
        )
    if not all(isinstance(one, str) and one.strip() for one in table.get("approvers", [])):
        raise BadSettings(
            f"{path.name} lists approvers that are no names.", next_step='Write approvers = ["username", "username"].'
        )
    return {**table, "masking": _masking(table.get("masking", {}), path)}


def _masking(told: dict[str, Any], path: Path) -> dict[str, dict[str, str]]:
    """Of each destination the level of addresses and of names; one word stands for both."""
    levels = {where: {"addresses": how, "names": how} if isinstance(how, str) else how for where, how in told.items()}
    known = all(
        where in _DESTINATIONS
        and isinstance(how, dict)
        and all(what in ("addresses", "names") and level in _LEVELS for what, level in how.items())
        for where, how in levels.items()
    )
    if not known:
        raise BadSettings(
            f"{path.name} says in `masking` what nobody understands.",
            next_step=f"Write {' or '.join(_DESTINATIONS)} = one of {', '.join(_LEVELS)}, or "
            'issue = {addresses = "masked", names = "none"}.',
        )
    return levels


def _configured(path: Path) -> dict[str, dict[str, Any]]:
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSettings(
            f"The configuration file {path.name} cannot be read ({type(error).__name__}).",
            next_step="Mend or remove it.",
        ) from None
    if _secret_in(told):
        raise BadSettings(
            f"{path.name} holds a token or password: those never stand in a file.",
            next_step="Remove it, revoke it, and store a new one with: keyring set glhelpers:PROFILE gitlab",
        )
    profiles = told.get("profiles", {})
    if not isinstance(profiles, dict) or not all(isinstance(table, dict) for table in profiles.values()):
        raise BadSettings(f"{path.name} holds no [profiles.NAME] tables.", next_step="See README, profiles.")
    return profiles


def _secret_in(value: Any) -> bool:
    """Whether a key speaks of a secret, or a value looks like one, at any depth."""
    if isinstance(value, dict):
        named = any(sign in key.lower() for key in value for sign in ("token", "password", "secret"))
        return named or any(_secret_in(item) for item in value.values())
    if isinstance(value, list):
        return any(_secret_in(item) for item in value)
    return isinstance(value, str) and "glpat-" in value
