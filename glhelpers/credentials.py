"""Tokens in the keyring of the operating system, as far as it keeps them encrypted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import SecretStr

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

__all__ = ["kept_token"]

_CARELESS = ("plaintext", "null", "fail")


def kept_token(profile: str, service: str) -> SecretStr | None:
    """
    The token stored for a service of a profile, or None.

    A keyring that keeps tokens in clear text is treated as if there were none, and so is one that
    cannot be opened.
    """
    try:
        import keyring.errors  # costs a search for backends, which the sandbox never needs

        chosen = keyring.get_keyring()
    except (ImportError, AttributeError, ValueError):  # PYTHON_KEYRING_BACKEND names what is not there
        return None
    try:
        for backend in _each(chosen):
            if _is_sound(backend) and (kept := backend.get_password(f"glhelpers:{profile}", service)):
                return SecretStr(kept.strip())
    except (keyring.errors.KeyringError, OSError):
        return None
    return None


def _each(backend: KeyringBackend) -> Iterator[KeyringBackend]:
    """A chain would ask its careless members too, so its members are asked one by one."""
    from keyring.backends.chainer import ChainerBackend

    if isinstance(backend, ChainerBackend):
        yield from backend.backends
    else:
        yield backend


def _is_sound(backend: KeyringBackend) -> bool:
    names = f"{type(backend).__module__}.{type(backend).__name__}".lower()
    return not any(sign in names for sign in _CARELESS)
