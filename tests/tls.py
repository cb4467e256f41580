"""Throw-away certificates: an authority, and servers that it does or does not vouch for."""

import datetime
import ipaddress
import ssl
import tempfile
from functools import cache

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "127.0.0.1"
DAY = datetime.timedelta(days=1)


@cache
def authority(name: str) -> trustme.CA:
    """Return an authority that nobody else knows."""
    return trustme.CA(organization_name=f"alarmpost tests {name}")


def ca() -> str:
    """Return the certificate that proves servers, as PEM."""
    return authority("").cert_pem.bytes().decode()


@cache
def context(kind: str = "good") -> ssl.SSLContext:
    """Return what a server does TLS with; `KINDS` has them all."""
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.num_tickets = 0  # so that a handshake is one round trip, and not one and a half
    KINDS[kind](found)
    return found


def certified(names: tuple[str, ...] = (HOST,), signer: str = "", begin: int = -1, end: int = 300):
    """Return what gives a context a certificate; `begin` and `end` are days from now."""

    def give(found: ssl.SSLContext) -> None:
        now = datetime.datetime.now(datetime.UTC)
        authority(signer).issue_cert(
            *names, not_before=now + begin * DAY, not_after=now + end * DAY
        ).configure_cert(found)

    return give


def self_signed(found: ssl.SSLContext) -> None:
    """Give a context a certificate that only it itself vouches for."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    kind = serialization.PrivateFormat.PKCS8
    octets = key.private_bytes(pem, kind, serialization.NoEncryption())
    with tempfile.NamedTemporaryFile() as file:
        file.write(octets + certificate.public_bytes(pem))
        file.flush()
        found.load_cert_chain(file.name)


def limited(version: ssl.TLSVersion):
    """Return what gives a context one version of TLS only."""

    def give(found: ssl.SSLContext) -> None:
        certified()(found)
        found.minimum_version = found.maximum_version = version

    return give


KINDS = {
    "good": certified(),
    "wrong host": certified(("mail.example.com", "127.0.0.2")),
    "expired": certified(begin=-20, end=-2),
    "not yet valid": certified(begin=2),
    "unknown authority": certified(signer="another"),
    "self-signed": self_signed,
    "TLS 1.2": limited(ssl.TLSVersion.TLSv1_2),
    "TLS 1.3": limited(ssl.TLSVersion.TLSv1_3),
}
