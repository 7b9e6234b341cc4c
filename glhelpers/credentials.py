"""Tokens in the keyring of the operating system, as far as it keeps them encrypted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import SecretStr

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

__all__ = ["keep_secret", "kept_secret", "kept_token"]

_CARELESS = ("plaintext", "null", "fail")


def kept_token(profile: str, service: str) -> SecretStr | None:
    """The token stored for a service of a profile, or None; see `kept_secret`."""
    return kept_secret(f"glhelpers:{profile}", service)


def kept_secret(service: str, user: str) -> SecretStr | None:
    """
    A secret of the keyring, or None.

    A keyring that keeps secrets in clear text is treated as if there were none, and so is one that
    cannot be opened.
    """
    try:
        import keyring.errors  # costs a search for backends, which the sandbox never needs

        chosen = keyring.get_keyring()
    except (ImportError, AttributeError, ValueError):  # PYTHON_KEYRING_BACKEND names what is not there
        return None
    try:
        for backend in _each(chosen):
            if _is_sound(backend) and (kept := backend.get_password(service, user)):
                return SecretStr(kept.strip())
    except (keyring.errors.KeyringError, OSError):
        return None
    return None


def keep_secret(service: str, user: str, value: str) -> bool:
    """Put a secret into the first keyring that keeps it encrypted; False if there is none."""
    try:
        import keyring.errors

        chosen = keyring.get_keyring()
    except (ImportError, AttributeError, ValueError):
        return False
    for backend in _each(chosen):
        try:
            if _is_sound(backend):
                backend.set_password(service, user, value)
                return True
        except (keyring.errors.KeyringError, OSError):
            continue
    return False


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
