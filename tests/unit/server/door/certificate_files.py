"""Certificates as others make them, for the tests: roots, intermediates, servers' of any dates."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Made:
    """A certificate, its key and its issuer's certificates up to the root."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    above: tuple[x509.Certificate, ...] = ()

    def write(self, folder: Path, name: str, *, chain: bool = True, password: bytes = b"") -> None:
        """`NAME.crt` (with its issuers or without) and `NAME.key`."""
        listed = [self.certificate, *(self.above if chain else ())]
        pem = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in listed)
        (folder / f"{name}.crt").write_bytes(pem)
        (folder / f"{name}.key").write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(password)
                if password
                else serialization.NoEncryption(),
            )
        )


def made(
    common_name: str,
    *names: str,
    by: Made | None = None,
    begins: datetime.datetime = NOW - datetime.timedelta(days=30),
    ends: datetime.datetime = NOW + datetime.timedelta(days=60),
) -> Made:
    """A certificate for `names` (an authority's without), signed by `by` or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general(name) for name in names]), critical=False
        )
    certificate = builder.sign(by.key if by else key, hashes.SHA256())
    return Made(certificate, key, (by.certificate, *by.above) if by else ())


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
