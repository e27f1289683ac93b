"""The server's own certification authority: one key for years, under which server certificates come
and go without anybody's noticing.

A browser asks about a self-signed certificate again and again, and forgets the answer (Chromium
after a week). So there is one certificate to be installed on each PC, once: this one. It lies in
the data folder as `ca.crt`, its key (`ca.key`) readable by the server alone.

It may vouch for TLS servers and for nothing else: no certificate below it can be another authority
(RFC 5280 §4.2.1.9), none is good for mail or programs (§4.2.1.12). It is not bound to names (name
constraints, §4.2.1.10): a server's name is chosen after its first start, and changes.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from server.database.data_folder import write_private
from server.errors import StartRefused

CERTIFICATE_FILE, KEY_FILE = "ca.crt", "ca.key"
# It begins on a fixed day: a machine without a clock of its own may make it in 1970, and room PCs
# whose clocks are behind shall take it all the same.
_BEGINS = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
_LIFE = datetime.timedelta(days=20 * 365)
# Short, because nobody notices a renewal; Apple's systems refuse more than 825 days.
SERVER_LIFE = datetime.timedelta(days=397)
_CLOCKS_BEHIND = datetime.timedelta(days=1)  # a room PC's clock


@dataclass(frozen=True, slots=True)
class Authority:
    """The authority's certificate and the key it signs with."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def issue(
        self,
        key: ec.EllipticCurvePublicKey,
        names: Iterable[x509.GeneralName],
        now: datetime.datetime,
    ) -> x509.Certificate:
        """A server's certificate for these names, from a day ago on."""
        own = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tongke")]))
            .issuer_name(self.certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _CLOCKS_BEHIND)
            .not_valid_after(now + SERVER_LIFE)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(_FOR_TLS_SERVERS, critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own), critical=False
            )
            .sign(self.key, hashes.SHA256())
        )


def authority_of(folder: Path, now: datetime.datetime) -> Authority:
    """The authority kept in `folder`, made at the first call.

    Raises `StartRefused` where its files are damaged: a new one would shut out every PC that
    trusts the old.
    """
    files = folder / CERTIFICATE_FILE, folder / KEY_FILE
    certificate, key = _read_certificate(files[0]), _read_key(files[1])
    if key is None:
        if certificate is not None:
            raise _damaged(files[1], "is missing")
        key = ec.generate_private_key(ec.SECP256R1())
        write_private(files[1], pem_of_key(key))
    if certificate is None or now >= certificate.not_valid_after_utc:
        # Under the same name and key: what they signed stays good where this one is trusted.
        certificate = _self_signed(key, now)
        write_private(files[0], pem_of(certificate))
    if certificate.public_key() != key.public_key():
        raise _damaged(files[1], f"does not belong to {files[0].name}")
    return Authority(certificate, key)


def made_at(authority: x509.Certificate) -> datetime.datetime:
    """When an authority's certificate was made: it begins earlier, on the same day for all."""
    return authority.not_valid_after_utc - _LIFE


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `issuer` has signed `certificate`."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def pem_of(certificate: x509.Certificate) -> bytes:
    """As a PEM file has it."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    """As a PEM file has it, without a password."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _self_signed(key: ec.EllipticCurvePrivateKey, now: datetime.datetime) -> x509.Certificate:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    # Counties side by side have authorities of different names, one county always the same.
    name = f"Tongke CA {identifier.digest.hex()[:8].upper()}"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGINS)
        .not_valid_after(max(now, _BEGINS) + _LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(issues=True), critical=True)
        .add_extension(_FOR_TLS_SERVERS, critical=False)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )


_FOR_TLS_SERVERS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])


def _usage(*, signs: bool = False, issues: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        key_cert_sign=issues,
        crl_sign=issues,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _read_certificate(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _damaged(path, f"cannot be read ({error.strerror})") from None
    except ValueError:
        raise _damaged(path, "is no certificate") from None


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _damaged(path, f"cannot be read ({error.strerror})") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _damaged(path, "is no key") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _damaged(path, "is no key of ours")
    return key


def _damaged(path: Path, what: str) -> StartRefused:
    return StartRefused(
        f"The file {path} {what}. It belongs to the certificate that the PCs of all rooms trust: "
        f"put {CERTIFICATE_FILE} and {KEY_FILE} back from a backup of the data folder. If there is "
        "none, delete both: new ones are made, and every PC must be told to trust them once more.",
        f"文件 {path} 已损坏或无法读取（{what}）。所有教室电脑信任的证书都靠它："
        f"请从数据文件夹的备份中恢复 {CERTIFICATE_FILE} 和 {KEY_FILE}。若没有备份，请把两者都删除："
        "会生成新的，但每台电脑都要重新信任一次。",
    )
