"""Who the other side is gets proved before a byte of a request is sent."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from glhelpers.clients.tls import TLS, trusting
from glhelpers.errors import ServiceUnavailable
from tests.clients.conftest import FaultServer, Make, told

_NOW = datetime.now(UTC)
_DAY = timedelta(days=1)


@dataclass
class Authority:
    """Someone who vouches for certificates."""

    name: x509.Name
    key: ec.EllipticCurvePrivateKey
    folder: Path

    def certificate(self, host: str, begins: datetime, ends: datetime) -> ssl.SSLContext:
        """A server's side, with a certificate for `host`, signed by this authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        signed = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        encoding = serialization.Encoding.PEM
        kept = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (self.folder / "server.pem").write_bytes(kept + signed.public_bytes(encoding))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem")
        return context

    def trusted(self) -> ssl.SSLContext:
        """Our side, as everywhere, but with this authority among those that are trusted."""
        root = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(self.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_NOW - _DAY)
            .not_valid_after(_NOW + _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        context = trusting()
        context.load_verify_locations(cadata=root.public_bytes(serialization.Encoding.PEM).decode())
        return context


def _authority(folder: Path, name: str) -> Authority:
    return Authority(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), ec.generate_private_key(ec.SECP256R1()), folder
    )


def _old_protocol(context: ssl.SSLContext) -> ssl.SSLContext:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def test_a_certificate_in_order_is_trusted(server: FaultServer, trying: Make, tmp_path: Path) -> None:
    """The other tests of this file would pass with a client that trusts nobody."""
    ours = _authority(tmp_path, "ours")
    server.tls, server.host = ours.certificate("localhost", _NOW - _DAY, _NOW + _DAY), "localhost"
    server.then(told({"id": 1, "username": "ada"}))
    assert trying(tls=ours.trusted()).clients.gitlab.me().id == 1


DOUBTFUL: dict[str, Callable[[Authority, Authority], ssl.SSLContext]] = {
    "another authority": lambda _, other: other.certificate("localhost", _NOW - _DAY, _NOW + _DAY),
    "another host": lambda ours, _: ours.certificate("gitlab.example.com", _NOW - _DAY, _NOW + _DAY),
    "expired": lambda ours, _: ours.certificate("localhost", _NOW - 2 * _DAY, _NOW - _DAY),
    "not valid yet": lambda ours, _: ours.certificate("localhost", _NOW + _DAY, _NOW + 2 * _DAY),
    "TLS 1.1": lambda ours, _: _old_protocol(ours.certificate("localhost", _NOW - _DAY, _NOW + _DAY)),
}


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("doubtful", DOUBTFUL.values(), ids=list(DOUBTFUL))
def test_a_doubtful_other_side_gets_no_byte_of_a_request(
    doubtful: Callable[[Authority, Authority], ssl.SSLContext],
    method: str,
    server: FaultServer,
    trying: Make,
    tmp_path: Path,
) -> None:
    """Nothing was sent, and the error says so."""
    ours = _authority(tmp_path, "ours")
    server.tls, server.host = doubtful(ours, _authority(tmp_path, "other")), "localhost"
    server.then(told({"id": 1, "username": "ada"}))
    with pytest.raises(ServiceUnavailable, match=r"certificate is not trusted|no secure connection") as caught:
        trying(tls=ours.trusted()).send(method)
    assert not caught.value.sent
    assert server.requests == []


def test_a_self_made_certificate_is_refused_by_the_context_in_use(
    server: FaultServer, trying: Make, tmp_path: Path
) -> None:
    """The context that all clients share trusts nobody whom this machine does not."""
    server.tls, server.host = (
        _authority(tmp_path, "own").certificate("localhost", _NOW - _DAY, _NOW + _DAY),
        "localhost",
    )
    server.then(told({"id": 1, "username": "ada"}))
    with pytest.raises(ServiceUnavailable, match="its certificate is not trusted"):
        trying().send("GET")
    assert server.requests == []


def test_the_context_checks_certificate_and_host() -> None:
    """TLS 1.2 at least, a certificate always, and for that very host."""
    assert TLS.minimum_version == ssl.TLSVersion.TLSv1_2
    assert (TLS.verify_mode, TLS.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_python_without_certificates_takes_those_of_httpx(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As on macOS, where Python may know none: real services are still reached, and still checked."""
    nowhere = str(tmp_path / "nothing")
    paths = ssl.DefaultVerifyPaths(None, None, "SSL_CERT_FILE", nowhere, "SSL_CERT_DIR", nowhere)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    context = trusting()
    assert len(context.get_ca_certs()) > 50
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
