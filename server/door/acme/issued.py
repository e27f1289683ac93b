"""A key, the request for its certificate, and the check of what came back. Pure."""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from server.door.acme.failures import AcmeFailed, Trouble
from server.door.authority import is_issued_by, pem_of, pem_of_key
from server.door.condition import is_named, names_of

_MOST_CERTIFICATES = 8


def new_key() -> ec.EllipticCurvePrivateKey:
    """Each certificate has its own."""
    return ec.generate_private_key(ec.SECP256R1())


def request_for(key: ec.EllipticCurvePrivateKey, name: str) -> bytes:
    """A certificate signing request (PKCS #10, DER) for one name, which stands in it alone."""
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    built = x509.CertificateSigningRequestBuilder(x509.Name([])).add_extension(
        names, critical=False
    )
    return built.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def file_of(
    key: ec.EllipticCurvePrivateKey, chain: bytes, *, name: str, now: datetime.datetime
) -> bytes:
    """What is kept: the key and its chain in one file, so that both are there or neither.

    Raises `AcmeFailed` for a chain that is not what was ordered.
    """
    try:
        leaf, *above = x509.load_pem_x509_certificates(chain)
        leaf_key = leaf.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise _wrong("it is no certificate") from None
    if len(above) >= _MOST_CERTIFICATES:
        raise _wrong("its chain has no end")
    if leaf_key != key.public_key():
        raise _wrong("it is for another key")
    if not is_named(name, names_of(leaf)):
        raise _wrong(f"it is not for {name}")
    if not _serves(leaf):
        raise _wrong("it is not for servers")
    if now >= leaf.not_valid_after_utc:
        raise _wrong(f"it ended on {leaf.not_valid_after_utc:%Y-%m-%d}")
    if now < leaf.not_valid_before_utc:
        raise _wrong(f"it begins on {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC")
    for lower, upper in zip([leaf, *above], above, strict=False):
        if not is_issued_by(lower, upper):
            raise _wrong("its chain does not hold together")
    return pem_of_key(key) + b"".join(map(pem_of, [leaf, *above]))


def _serves(leaf: x509.Certificate) -> bool:
    """Whether it may show itself to browsers (RFC 5280 §4.2.1.12); one that names no use may."""
    try:
        uses = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    every = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    return not every.isdisjoint(uses)


def _wrong(why: str) -> AcmeFailed:
    return AcmeFailed(Trouble.WRONG_CERTIFICATE, why)
