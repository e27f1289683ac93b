"""The certificate for HTTPS: a given one, checked, or one of our own, made at the first start.

Browsers give cameras and microphones only to secure pages, so there is always one. The self-made
one is kept in the data folder (its key readable by its owner alone) and made anew when it has run
out or the machine's addresses are no longer in it.
"""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import ifaddr
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from server.database.data_folder import write_private
from server.errors import StartRefused

_LIFE = datetime.timedelta(days=800)  # Apple's systems refuse longer ones even when trusted by hand
_RENEW_BEFORE = datetime.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Certificate:
    """The files that TLS reads; `self_made` ones make browsers warn once."""

    certificate: Path
    key: Path
    self_made: bool


def given_certificate(certificate: Path, key: Path) -> Certificate:
    """The certificate of the settings; raises `StartRefused` if TLS cannot use it."""
    for file, setting in ((certificate, "tls_cert"), (key, "tls_key")):
        try:
            file.read_bytes()
        except OSError as error:
            raise StartRefused(
                f"The file {file} (setting {setting}) cannot be read: {error.strerror}."
            ) from None
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except (ssl.SSLError, ValueError) as error:
        raise StartRefused(
            f"The certificate {certificate} and the key {key} cannot be used: {error}. Both must "
            "be PEM files without a password, and the key must belong to the certificate."
        ) from None
    return Certificate(certificate, key, self_made=False)


def own_certificate(folder: Path, *, names: Iterable[str], now: datetime.datetime) -> Certificate:
    """The self-made certificate in `folder`, made (anew) if it is missing, old or lacks a name."""
    made = Certificate(folder / "tls.crt", folder / "tls.key", self_made=True)
    wanted = _alternative_names(names)
    if not _still_good(made, wanted, now):
        _make(made, wanted, now)
    return made


def host_names() -> list[str]:
    """This machine's names and addresses: what people may type to reach it."""
    found = ["localhost", "127.0.0.1", "::1"]
    name = socket.gethostname()
    found += [name, f"{name}.local"] if "." not in name else [name]
    for adapter in ifaddr.get_adapters():
        for each in adapter.ips:
            address = each.ip if isinstance(each.ip, str) else each.ip[0]
            if not ipaddress.ip_address(address.partition("%")[0]).is_link_local:
                found.append(address)
    return found


def _alternative_names(names: Iterable[str]) -> set[x509.GeneralName]:
    wanted: set[x509.GeneralName] = set()
    for name in names:
        try:
            wanted.add(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            try:
                wanted.add(x509.DNSName(name.encode("idna").decode()))
            except UnicodeError:
                raise StartRefused(
                    f"'{name}' (setting tls_names) is neither a host name nor an IP address."
                ) from None
    return wanted


def _still_good(made: Certificate, wanted: set[x509.GeneralName], now: datetime.datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(made.certificate.read_bytes())
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            made.certificate, made.key
        )
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (OSError, ValueError, x509.ExtensionNotFound):  # SSLError is an OSError
        return False
    in_time = now + _RENEW_BEFORE < certificate.not_valid_after_utc
    return in_time and wanted <= set(names.value)


def _make(made: Certificate, wanted: set[x509.GeneralName], now: datetime.datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tongke")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))  # a room PC's clock may be behind
        .not_valid_after(now + _LIFE)
        .add_extension(
            x509.SubjectAlternativeName(sorted(wanted, key=lambda each: str(each.value))),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    # The key first: a crash between the two leaves a pair that does not fit, which is made anew.
    write_private(made.key, pem)
    write_private(made.certificate, certificate.public_bytes(serialization.Encoding.PEM))
