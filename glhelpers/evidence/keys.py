"""Ed25519 keys that seal evidence: one's own in the keyring or a file, those of others in a folder of trusted signers."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
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
from glhelpers.settings import configuration_folder, signing_key_file, trusted_signers_folder

__all__ = ["OWN_MARK", "Made", "Trusted", "make_key", "own_signer", "trust", "trusted_signers"]

OWN_MARK = "signing_key.pub"
"""Beside config.toml: the public half of the key that the keyring holds; without it no keyring is opened."""

_SERVICE, _USER = "glhelpers:evidence", "signing-key"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}", re.ASCII)
_LARGEST = 10_000


@dataclass(frozen=True)
class Made:
    """A new key: its id and public half, where the private one is, and where the public one lies as trusted."""

    key_id: str
    public_pem: str
    private: str
    trusted: Path


@dataclass(frozen=True)
class Trusted:
    """A signer whose public key lies in the folder: the file's name is the person's."""

    name: str
    key: SSlibKey


def make_key(name: str, file: Path | None) -> Made:
    """
    Make a key and trust it under this name; the private half goes to the keyring, or to `file`, and is never shown.

    Raises `BadParameter` for a file or a name that is taken, `BadSettings` if no keyring keeps secrets.
    """
    signer = CryptoSigner.generate_ed25519()
    pem = _public_pem(signer.public_key)
    trusted = _put_public(trusted_signers_folder() / f"{_named(name)}.pub", pem)
    try:
        where = _into_file(file, signer) if file is not None else _into_keyring(signer, pem)
    except BaseException:
        trusted.unlink(missing_ok=True)
        raise
    return Made(signer.public_key.keyid, pem.decode("ascii"), where, trusted)


def own_signer() -> CryptoSigner | None:
    """
    The signer of this machine: the file that GLHELPERS_SIGNING_KEY names, else the keyring's; None without either.

    Raises `BadSettings` for a key that was made and cannot be used now, so that no run is unsigned by accident.
    """
    file = signing_key_file()
    if file is not None:
        return _signer(_read_private(file))
    own = configuration_folder() / OWN_MARK
    if not own.is_file():
        return None
    kept = kept_secret(_SERVICE, _USER)
    if kept is None:
        raise BadSettings(
            "The keyring does not give out the key that seals evidence.",
            next_step=f"Unlock it; or remove {OWN_MARK} from the configuration folder to leave runs unsigned.",
        )
    return _signer(kept.get_secret_value().encode())


def trust(path: Path, name: str) -> Trusted:
    """Take somebody's public key into the folder of trusted signers, under their name."""
    key = _public(path)
    if key is None:
        raise BadParameter(f"{path.name} is no public Ed25519 key.", next_step="Give the .pub file of the signer.")
    _put_public(trusted_signers_folder() / f"{_named(name)}.pub", _public_pem(key))
    return Trusted(name, key)


def trusted_signers() -> dict[str, Trusted]:
    """
    The trusted signers by the ids of their keys, which follow from the keys; what is no key is left aside.

    Raises `BadSettings` if anybody can write there: then whose key lies under a name says nothing.
    """
    folder = trusted_signers_folder()
    found: dict[str, Trusted] = {}
    for path in sorted(folder.glob("*.pub")):
        key = _public(path)
        if key is not None:
            _refuse_open_to_all(path)
            found.setdefault(key.keyid, Trusted(path.stem, key))
    if found:
        _refuse_open_to_all(folder)
    return found


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadParameter(
            "A signer's name is letters, digits, '.', '_' and '-'.", next_step="Give --name, such as your username."
        )
    return name


def _into_keyring(signer: CryptoSigner, pem: bytes) -> str:
    if kept_secret(_SERVICE, _USER) is not None:
        raise BadParameter(
            "The keyring holds a signing key already.",
            next_step=f"Use it; or make another one with --file PATH; or give it up: keyring del {_SERVICE} {_USER}",
        )
    mark = configuration_folder() / OWN_MARK
    staged = mark.with_name(f".{mark.name}.{os.getpid()}")
    staged.unlink(missing_ok=True)
    _put_public(staged, pem)
    if not keep_secret(_SERVICE, _USER, signer.private_bytes.decode("ascii")):
        staged.unlink()
        raise BadSettings(
            "No keyring of this machine keeps secrets encrypted.",
            next_step="Make the key in a file: glhelpers evidence keygen --file PATH",
        )
    staged.replace(mark)
    return "the keyring"


def _into_file(file: Path, signer: CryptoSigner) -> str:
    _write_new(file, signer.private_bytes, 0o600)
    return f"the file {file.name} (set GLHELPERS_SIGNING_KEY to its path)"


def _put_public(path: Path, pem: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BadSettings(
            f"The folder {path.parent.name} cannot be made ({error.strerror}).",
            next_step="Set GLHELPERS_TRUSTED_SIGNERS to a folder that you can write.",
        ) from None
    _write_new(path, pem, 0o644)
    return path


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that was not there; nothing is ever overwritten, and no link is followed."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise BadParameter(
            f"{path.name} is there already.", next_step="Give another name, or remove it first."
        ) from None
    except OSError as error:
        raise BadParameter(
            f"{path.name} cannot be made ({error.strerror}).", next_step="Name a file in a folder that you can write."
        ) from None
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _read_private(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode) or about.st_size > _LARGEST:
                raise BadSettings("GLHELPERS_SIGNING_KEY names no key file.", next_step="Correct or unset it.")
            if about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise BadSettings(
                    f"The signing key {path.name} can be read by others.",
                    next_step=f"Make it yours alone: chmod 600 {path.name}. If others may have read it, make a new one.",
                )
            return stream.read()
    except OSError as error:
        raise BadSettings(
            f"The signing key cannot be read ({error.strerror}).", next_step="Correct or unset GLHELPERS_SIGNING_KEY."
        ) from None


def _refuse_open_to_all(path: Path) -> None:
    if path.stat().st_mode & stat.S_IWOTH:
        raise BadSettings(
            f"Anybody can change {path.name} in the configuration of trusted signers.",
            next_step=f"Look whose keys lie there, then: chmod o-w {path.name}",
        )


def _signer(pem: bytes) -> CryptoSigner:
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadSettings(
            "The signing key is no Ed25519 key without a password.", next_step="Make one: glhelpers evidence keygen"
        )
    return CryptoSigner(key)


def _public(path: Path) -> SSlibKey | None:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return None
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return SSlibKey.from_crypto(key) if isinstance(key, Ed25519PublicKey) else None


def _public_pem(key: SSlibKey) -> bytes:
    raw = bytes.fromhex(key.keyval["public"])
    return Ed25519PublicKey.from_public_bytes(raw).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
