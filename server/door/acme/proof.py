"""The proof that a name leads here: a certificate shown to who asks for `acme-tls/1` (RFC 8737)."""

from __future__ import annotations

import datetime
import os
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from server.door.authority import pem_of, pem_of_key
from server.door.client_hello import ACME

_ACME_IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
_OCTET_STRING_32 = b"\x04\x20"  # DER: a digest of 32 bytes follows
_LIFE = datetime.timedelta(days=1)


def proof(name: str, digest: bytes, *, now: datetime.datetime) -> tuple[bytes, bytes]:
    """Certificate and key (PEM) that say `digest` of `name` (RFC 8737 §3)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([])
    said = x509.UnrecognizedExtension(_ACME_IDENTIFIER, _OCTET_STRING_32 + digest)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LIFE)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
        .add_extension(said, critical=True)
        .sign(key, hashes.SHA256())
    )
    return pem_of(certificate), pem_of_key(key)


def proving(name: str, digest: bytes, *, now: datetime.datetime) -> ssl.SSLContext:
    """A TLS context that shows it. OpenSSL reads files alone: this one is in memory."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols([ACME.decode()])
    with os.fdopen(os.memfd_create("proof"), "wb") as file:
        file.write(b"".join(proof(name, digest, now=now)))
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
    return context
