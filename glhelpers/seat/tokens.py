"""Ask for a token where the seat lacks one: by a prompt, into the keyring, or else into this kernel's memory only."""

from __future__ import annotations

import getpass
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from glhelpers.clients.clients import open_clients
from glhelpers.credentials import keep_secret
from glhelpers.errors import GlhelpersError
from glhelpers.evidence.secrets import register_tokens
from glhelpers.models.fact import Fact, FactState
from glhelpers.settings import SERVICES, Endpoint, Settings

__all__ = ["NAMES", "ask_for", "too_small", "with_lent", "with_tokens"]

NAMES = {"gitlab": "GitLab.com", "customersdot": "CustomersDot", "zendesk": "Zendesk"}
"""The services as people call them."""

_SCOPES = ("api", "admin_mode")

_LENT: dict[tuple[str, str], SecretStr] = {}


def with_tokens(settings: Settings) -> Settings:
    """The settings with every token that is needed, as far as the person gives those that are missing."""
    settings = with_lent(settings)
    for service in _needed(settings):
        if getattr(settings, service).token is None:
            settings = ask_for(settings, service, f"Profile {settings.profile} has no token for {NAMES[service]}.")
    return settings


def with_lent(settings: Settings) -> Settings:
    """The settings with the tokens that were given in this kernel before; these are the newest."""
    for service in SERVICES:
        lent = _LENT.get((settings.profile, service))
        if lent is not None:
            settings = _with(settings, service, lent)
    return settings


def too_small(settings: Settings, service: str, facts: Sequence[Fact[Any]]) -> str | None:
    """What a service keeps from this token, in a sentence; None if nothing is known to be kept."""
    name = NAMES[service]
    refused = [fact.label for fact in facts if (fact.why or "").startswith(f"{name} answered 403")]
    if refused:
        return f"{name} refuses {', '.join(refused)} to this token: its scope or its owner's role is too small."
    absent = any(fact.name == "namespace" and fact.state is FactState.absent for fact in facts)
    if service == "gitlab" and absent and (lacking := _scopes_lacking(settings)):
        return f"{name} shows no such group, and this token lacks scope {', '.join(lacking)}: it may only be hidden."
    return None


def _scopes_lacking(settings: Settings) -> tuple[str, ...]:
    """The scopes that the token for GitLab.com should have and has not; empty, too, where that cannot be told."""
    try:
        with open_clients(settings) as clients:
            has = clients.gitlab.own_token().scopes
    except GlhelpersError:
        return ()
    return tuple(scope for scope in _SCOPES if scope not in has)


def ask_for(settings: Settings, service: str, why: str) -> Settings:
    """
    Ask for one token; the settings are unchanged if the person gives none.

    A prompt, not a widget: a widget's value would be saved with the notebook.  The answer goes to the
    keyring of the operating system if that keeps it encrypted, else nowhere but this kernel's memory.
    """
    print(f"{why}\nGive one now: it is not shown, and not saved with the notebook.")  # noqa: T201 (a prompt)
    told = getpass.getpass(f"Token for {NAMES[service]} (empty: none): ").strip()
    if not told:
        return settings
    token = SecretStr(told)
    _LENT[settings.profile, service] = token
    kept = settings.profile != "sandbox" and keep_secret(f"glhelpers:{settings.profile}", service, told)
    print(f"✔ {_where(service, kept)}")  # noqa: T201 (the answer to what was typed)
    changed = _with(settings, service, token)
    register_tokens(changed)
    return changed


def _where(service: str, kept: bool) -> str:
    where = "It is in the keyring" if kept else "No keyring keeps it, so it is in this kernel's memory until that ends"
    variable = f"GLHELPERS_{service.upper()}_TOKEN"
    if os.environ.get(variable):
        return f"{where}; {variable} still holds the old one, which the next kernel will take: change it there, too."
    return f"{where}."


def _with(settings: Settings, service: str, token: SecretStr) -> Settings:
    endpoint: Endpoint = getattr(settings, service)
    changed = replace(endpoint, token=token)
    match service:
        case "gitlab":
            return replace(settings, gitlab=changed)
        case "customersdot":
            return replace(settings, customersdot=changed)
        case _:
            return replace(settings, zendesk=changed)


def _needed(settings: Settings) -> tuple[str, ...]:
    """Worked by hand, CustomersDot needs no token."""
    return tuple(service for service in SERVICES if not (settings.by_hand and service == "customersdot"))
