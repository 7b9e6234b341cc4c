"""Signing keys: made once, kept where nobody else reads them, never shown; and the folder of those who are trusted."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from keyring.backends.fail import Keyring as FailKeyring
from keyring.backends.null import Keyring as NullKeyring
from keyring.errors import KeyringLocked
from typer.testing import CliRunner

from glhelpers.cli import app
from glhelpers.errors import BadParameter, BadSettings
from glhelpers.evidence.keys import OWN_MARK, make_key, own_signer, trust, trusted_signers


class Safe(KeyringBackend):
    """A keyring that keeps secrets, for as long as the test lasts."""

    priority = 5.0

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        """What was kept."""
        self.asked += 1
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""
        self.kept[service, username] = password


class PlaintextKeyring(Safe):
    """One whose name gives it away."""


class Locked(Safe):
    """One that cannot be opened."""

    def get_password(self, service: str, username: str) -> str | None:
        """Refuse, as a locked keyring does."""
        raise KeyringLocked

    def set_password(self, service: str, username: str, password: str) -> None:
        """Refuse, as a locked keyring does."""
        raise KeyringLocked


def _chain(*members: KeyringBackend) -> ChainerBackend:
    class Chain(ChainerBackend):
        backends = members

    return Chain()


@pytest.fixture(autouse=True)
def signers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No keyring of this machine, and a folder of trusted signers of the test's own."""
    before = keyring.get_keyring()
    keyring.set_keyring(NullKeyring())
    monkeypatch.setenv("GLHELPERS_TRUSTED_SIGNERS", str(tmp_path / "signers"))
    yield tmp_path / "signers"
    keyring.set_keyring(before)


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A key of one's own in a file."""
    monkeypatch.setenv("GLHELPERS_SIGNING_KEY", str(tmp_path / "key.pem"))
    make_key("ada", tmp_path / "key.pem")
    return tmp_path / "key.pem"


def test_a_key_in_the_keyring(tmp_path: Path) -> None:
    """Made once, used without a word, trusted under its name; a second one does not take its place."""
    safe = Safe()
    keyring.set_keyring(safe)
    assert own_signer() is None
    assert safe.asked == 0, "a keyring is only opened once a key was put there"
    made = make_key("ada", None)
    signer = own_signer()
    assert signer is not None
    assert signer.public_key.keyid == made.key_id
    assert trusted_signers()[made.key_id].name == "ada"
    with pytest.raises(BadParameter, match="holds a signing key already"):
        make_key("bob", None)
    assert [one.name for one in trusted_signers().values()] == ["ada"]


@pytest.mark.parametrize(
    ("backend", "kept"),
    [
        (Safe(), True),
        (_chain(PlaintextKeyring(), Safe()), True),
        (_chain(PlaintextKeyring()), False),
        (PlaintextKeyring(), False),
        (NullKeyring(), False),
        (FailKeyring(), False),
        (Locked(), False),
    ],
    ids=["sound", "chain of both", "chain of one", "plaintext", "null", "fail", "locked"],
)
def test_a_careless_keyring_gets_no_key(backend: KeyringBackend, kept: bool, signers: Path, tmp_path: Path) -> None:
    """A private key goes to a keyring that encrypts; where there is none, nothing is left behind."""
    keyring.set_keyring(backend)
    if kept:
        make_key("ada", None)
        assert own_signer() is not None
        return
    with pytest.raises(BadSettings, match="No keyring of this machine keeps secrets encrypted"):
        make_key("ada", None)
    assert own_signer() is None
    assert [*signers.iterdir(), *tmp_path.glob("*signing_key*"), *tmp_path.glob(".*")] == []
    assert getattr(backend, "kept", {}) == {}


def test_a_keyring_that_is_locked_later_is_told() -> None:
    """A run is unsigned because nobody made a key, never because a key could not be reached."""
    keyring.set_keyring(Safe())
    make_key("ada", None)
    keyring.set_keyring(Locked())
    with pytest.raises(BadSettings, match="does not give out the key") as told:
        own_signer()
    assert OWN_MARK in str(told.value)


def test_the_private_key_is_never_shown(tmp_path: Path) -> None:
    """`keygen` prints the public key, its id and where it lies; nothing of the private half, in whatever form."""
    safe = Safe()
    keyring.set_keyring(safe)
    shown = CliRunner().invoke(app, ["evidence", "keygen", "--name", "ada"])
    in_file = CliRunner().invoke(app, ["evidence", "keygen", "--name", "bob", "--file", str(tmp_path / "key.pem")])
    assert (shown.exit_code, in_file.exit_code) == (0, 0), shown.output + in_file.output
    (pem,) = safe.kept.values()
    for private, output in ((pem, shown.output), ((tmp_path / "key.pem").read_text(), in_file.output)):
        assert "-----BEGIN PUBLIC KEY-----" in output
        assert "PRIVATE" not in output
        assert private.splitlines()[1] not in output
    assert all(id in shown.output + in_file.output for id in trusted_signers())


def test_a_key_file_is_its_owners_alone(key: Path, signers: Path) -> None:
    """Made with mode 0600, whatever the umask, and never over another file; no public key is left of a refused one."""
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    with pytest.raises(BadParameter, match="there already"):
        make_key("bob", key)
    assert key.read_bytes() == before
    assert [path.name for path in signers.iterdir()] == ["ada.pub"]
    with pytest.raises(BadParameter, match=r"ada\.pub is there already"):
        make_key("ada", key.with_name("other.pem"))
    assert not key.with_name("other.pem").exists()


def test_no_key_is_written_through_a_link(tmp_path: Path) -> None:
    """A link that somebody has laid where the key is to go is refused, even if it leads nowhere."""
    (tmp_path / "key.pem").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadParameter, match="there already"):
        make_key("ada", tmp_path / "key.pem")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620])
def test_a_key_file_that_others_reach_is_refused(key: Path, mode: int) -> None:
    """Whoever could read or write it could have signed."""
    key.chmod(mode)
    with pytest.raises(BadSettings, match="can be read by others"):
        own_signer()


def _of_another_kind(path: Path) -> None:
    key = generate_private_key(SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.write_text("no key"), "no Ed25519 key"),
        (_of_another_kind, "no Ed25519 key"),
        (lambda path: path.write_bytes(b"x" * 20_000), "names no key file"),
        (lambda path: path.unlink(), "cannot be read"),
        (lambda path: (path.unlink(), path.mkdir()), "cannot be read|names no key file"),
        (lambda path: (path.unlink(), os.mkfifo(path, 0o600)), "names no key file"),
    ],
    ids=["text", "another kind of key", "too large", "gone", "a folder", "a pipe"],
)
def test_what_is_no_key_is_one_sentence(key: Path, spoil: object, told: str) -> None:
    """Told before a run reads anything."""
    assert callable(spoil)
    spoil(key)
    with pytest.raises(BadSettings, match=told):
        own_signer()


def test_trust_is_given_by_hand(tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A public key counts once it lies in the folder; a name is given once, and only a public Ed25519 key is taken."""
    public = tmp_path / "signers" / "ada.pub"
    monkeypatch.setenv("GLHELPERS_TRUSTED_SIGNERS", str(tmp_path / "auditor"))
    assert trusted_signers() == {}
    shown = CliRunner().invoke(app, ["evidence", "trust", str(public), "--name", "ada-of-support"])
    assert shown.exit_code == 0
    ((keyid, signer),) = trusted_signers().items()
    assert (signer.name, keyid in shown.output) == ("ada-of-support", True)
    with pytest.raises(BadParameter, match="there already"):
        trust(public, "ada-of-support")
    with pytest.raises(BadParameter, match="no public Ed25519 key"):
        trust(key, "private")
    with pytest.raises(BadParameter, match="A signer's name is"):
        trust(public, "../ada")


def test_what_is_no_key_among_the_trusted_is_left_aside(key: Path, signers: Path) -> None:
    """Text, another kind of key, a pipe, a folder: none of them stops or signs anything."""
    (signers / "text.pub").write_text("no key")
    other = generate_private_key(SECP256R1()).public_key()
    (signers / "other.pub").write_bytes(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    os.mkfifo(signers / "pipe.pub")
    (signers / "folder.pub").mkdir()
    assert [one.name for one in trusted_signers().values()] == ["ada"]


@pytest.mark.parametrize("which", ["signers", "signers/ada.pub"])
def test_trust_that_anybody_can_change_is_none(key: Path, tmp_path: Path, which: str) -> None:
    """A folder or key that all users of the machine may write says nothing about whose key it is."""
    (tmp_path / which).chmod(0o777)
    with pytest.raises(BadSettings, match="Anybody can change"):
        trusted_signers()


def test_the_trusted_lie_beside_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable, in `trusted_signers` beside config.toml."""
    monkeypatch.delenv("GLHELPERS_TRUSTED_SIGNERS")
    made = make_key("ada", tmp_path / "key.pem")
    assert made.trusted == tmp_path / "trusted_signers" / "ada.pub"
