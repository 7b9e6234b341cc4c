"""Ed25519 keys that seal evidence: one's own in the keyring or a file, those of others in a folder of trusted signers."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.signer import CryptoSigner, SSlibKey

from glhelpers.credentials import keep_secret, kept_secret
from glhelpers.errors import BadParameter, BadSettings

__all__ = ["Made", "Trusted", "make_key", "own_signer", "trust", "trusted_signers"]

_SERVICE, _USER = "glhelpers:evidence", "signing key"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}", re.ASCII)
_LARGEST = 10_000


@dataclass(frozen=True)
class Made:
    """A new key: its id, where the private half is, and where the public half lies for others."""

    key_id: str
    private: str
    public: Path


@dataclass(frozen=True)
class Trusted:
    """A signer whose public key lies in the folder: the file's name is the person's."""

    name: str
    key: SSlibKey


def signers_folder() -> Path:
    """Where the public keys of trusted signers lie."""
    named = os.environ.get("GLHELPERS_TRUSTED_SIGNERS")
    return Path(named) if named else Path(platformdirs.user_config_dir("glhelpers")) / "signers"


def make_key(name: str, file: Path | None) -> Made:
    """
    Make a key; the private half goes to the keyring, or to `file`, and is never shown.

    Raises `BadParameter` for a file or a name that is taken, `BadSettings` if no keyring keeps secrets.
    """
    public = signers_folder() / f"{_named(name)}.pub"
    if public.exists():
        raise BadParameter(f"{public.name} is there already.", next_step="Give another name, or remove it first.")
    signer = CryptoSigner.generate_ed25519()
    if file is not None:
        _write_private(file, signer.private_bytes)
    elif kept_secret(_SERVICE, _USER) is not None:
        raise BadParameter(
            "The keyring holds a signing key already.", next_step="Use it, or make another one with --file PATH."
        )
    elif not keep_secret(_SERVICE, _USER, signer.private_bytes.decode()):
        raise BadSettings(
            "No keyring of this machine keeps secrets encrypted.",
            next_step="Make the key in a file: glhelpers evidence keygen --file PATH",
        )
    public.parent.mkdir(parents=True, exist_ok=True)
    public.write_bytes(_public_pem(signer.public_key))
    where = f"the file {file.name} (set GLHELPERS_SIGNING_KEY to its path)" if file is not None else "the keyring"
    return Made(signer.public_key.keyid, where, public)


def own_signer() -> CryptoSigner | None:
    """
    The signer of this machine: the file that GLHELPERS_SIGNING_KEY names, else the keyring's; None without either.

    Raises `BadSettings` for a file that others can read, or that is no such key.
    """
    named = os.environ.get("GLHELPERS_SIGNING_KEY")
    if named:
        return _signer(_read_private(Path(named)))
    kept = kept_secret(_SERVICE, _USER)
    return _signer(kept.get_secret_value().encode()) if kept is not None else None


def trust(path: Path, name: str) -> Trusted:
    """Take somebody's public key into the folder of trusted signers, under their name."""
    key = _public(path)
    if key is None:
        raise BadParameter(f"{path.name} is no public Ed25519 key.", next_step="Give the .pub file of the signer.")
    to = signers_folder() / f"{_named(name)}.pub"
    if to.exists():
        raise BadParameter(f"{to.name} is there already.", next_step="Give another name, or remove it first.")
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_bytes(_public_pem(key))
    return Trusted(name, key)


def trusted_signers() -> dict[str, Trusted]:
    """The trusted signers by the ids of their keys; what is no key in the folder is left aside."""
    found = {}
    for path in sorted(signers_folder().glob("*.pub")):
        key = _public(path)
        if key is not None:
            found[key.keyid] = Trusted(path.stem, key)
    return found


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadParameter(
            "A signer's name is letters, digits, '.', '_' and '-'.", next_step="Give --name, such as your username."
        )
    return name


def _write_private(file: Path, content: bytes) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BadParameter(
            f"{file.name} cannot be made ({error.strerror}).", next_step="Name a file that does not exist yet."
        ) from None
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)


def _read_private(path: Path) -> bytes:
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > _LARGEST:
            raise BadSettings("GLHELPERS_SIGNING_KEY names no key file.", next_step="Correct or unset it.")
        if about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise BadSettings(
                f"The signing key {path.name} can be read by others.",
                next_step=f"Make it yours alone: chmod 600 {path.name}",
            )
        return path.read_bytes()
    except OSError as error:
        raise BadSettings(
            f"The signing key cannot be read ({error.strerror}).", next_step="Correct or unset GLHELPERS_SIGNING_KEY."
        ) from None


def _signer(pem: bytes) -> CryptoSigner:
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadSettings(
            "The signing key is no Ed25519 key without a password.", next_step="Make one: glhelpers evidence keygen"
        )
    return CryptoSigner(key)


def _public(path: Path) -> SSlibKey | None:
    try:
        if path.stat().st_size > _LARGEST:
            return None
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError):
        return None
    return SSlibKey.from_crypto(key) if isinstance(key, Ed25519PublicKey) else None


def _public_pem(key: SSlibKey) -> bytes:
    raw = bytes.fromhex(key.keyval["public"])
    return Ed25519PublicKey.from_public_bytes(raw).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
