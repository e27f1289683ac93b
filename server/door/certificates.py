"""The certificate for HTTPS: a given one, checked, or one of our own authority, made when needed.

Browsers give cameras and microphones only to secure pages, so there is always one. Ours is kept in
the data folder beside its authority (`authority.py`), its key as readable as that one's: by the
server alone. It is made anew under the same authority, with the same key, before it ends and when
the machine has got a name or an address that it lacks.
"""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from server.database.data_folder import told_of, write_private
from server.door.authority import Authority, authority_of, is_issued_by, pem_of, pem_of_key
from server.errors import StartRefused
from server.system_errors import why

# The key and the chain of a certificate had by ACME, in one file: both are there or neither.
ACME_FILE = "acme.pem"
_RENEW_BEFORE = datetime.timedelta(days=60)
# All a handshake can carry well; a machine of more is one of containers.
_MOST_NAMES = 100


Context = TypeVar("Context", bound=ssl.SSLContext)


@dataclass(frozen=True, slots=True)
class Certificate:
    """The files that TLS reads. `authority` is what browsers must trust, None if they know it."""

    certificate: Path
    key: Path
    authority: x509.Certificate | None = None

    @property
    def self_made(self) -> bool:
        """Whether it is under an authority of our own."""
        return self.authority is not None

    @property
    def signature(self) -> tuple[tuple[int, int, int], ...]:
        """What is another one when a file was replaced or rewritten (links followed)."""
        stats = [path.stat() for path in (self.certificate, self.key)]
        return tuple((stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats)

    def chain(self) -> list[x509.Certificate]:
        """The server's certificate and what stands with it."""
        return x509.load_pem_x509_certificates(self.certificate.read_bytes())

    def context(self) -> ssl.SSLContext:
        """A TLS server's context. Raises `StartRefused` if TLS cannot use the files."""
        return self.context_of(ssl.SSLContext)

    def context_of(self, kind: type[Context]) -> Context:
        """The same, of a kind of our own."""
        asked = False

        def no_password() -> bytes:
            nonlocal asked
            asked = True
            return b"\0"  # without an answer OpenSSL would ask on the terminal

        context = kind(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.certificate, self.key, no_password)
        except (ssl.SSLError, ValueError) as error:
            if asked:
                raise StartRefused(
                    f"The key {self.key} (setting tls_key) is protected by a password, which "
                    "nobody could type when the server starts by itself. Make a copy without one, "
                    "readable by the server's user alone: openssl pkey -in KEY -out NEW-KEY",
                    f"私钥 {self.key}（设置 tls_key）有密码保护，服务器自行启动时无人能输入。"
                    "请生成一份不带密码、只有服务器用户可读的副本："
                    "openssl pkey -in KEY -out NEW-KEY",
                ) from None
            raise StartRefused(
                f"The certificate {self.certificate} and the key {self.key} cannot be used: "
                f"{error}. Both must be PEM files without a password, and the key must belong to "
                "the first certificate in its file.",
                f"证书 {self.certificate} 和私钥 {self.key} 无法使用{_in_chinese(error)}。"
                "两者都应是不带密码的 PEM 文件，且私钥须与文件中的第一张证书匹配。",
            ) from None
        return context


def given_certificate(certificate: Path, key: Path) -> Certificate:
    """The certificate of the settings; raises `StartRefused` if TLS cannot use it."""
    for file, setting in ((certificate, "tls_cert"), (key, "tls_key")):
        try:
            file.read_bytes()
        except OSError as error:
            closed = isinstance(error, PermissionError)
            todo = " Give the user that runs Tongke the right to read it." if closed else ""
            todo_zh = "请让运行同课的用户有权读取它。" if closed else ""
            raise StartRefused(
                f"The file {file} (setting {setting}) cannot be read: {error.strerror}.{todo}",
                f"无法读取文件 {file}（设置 {setting}）：{why(error).zh}。{todo_zh}",
            ) from None
    given = Certificate(certificate, key)
    given.context()
    return given


def own_certificate(
    folder: Path, *, names: Iterable[str], given: Iterable[str] = (), now: datetime.datetime
) -> Certificate:
    """The certificate in `folder`, made (anew) where it is missing, old or lacks a name.

    `given` are the names from the settings, of which a wrong one is refused; `names` are what the
    machine calls itself, which may be nothing that can stand in a certificate. One that an earlier
    version has signed by itself is replaced, its key kept.
    """
    authority = authority_of(folder, now)
    made = Certificate(folder / "tls.crt", folder / "tls.key", authority.certificate)
    wanted = _alternative_names(names, given)
    if not _still_good(made, authority, wanted, now):
        key = kept_key(made.key)
        if key is None:
            key = ec.generate_private_key(ec.SECP256R1())
            with told_of(made.key):
                write_private(made.key, pem_of_key(key))
        issued = authority.issue(key.public_key(), wanted, now)
        with told_of(made.certificate):
            write_private(made.certificate, pem_of(issued) + pem_of(authority.certificate))
    return made


def _alternative_names(names: Iterable[str], given: Iterable[str]) -> list[x509.GeneralName]:
    wanted = [_general_name(name) for name in given]
    for name, found in zip(given, wanted, strict=True):
        if found is None:
            raise StartRefused(
                f"'{name}' (setting tls_names) is neither a host name nor an IP address.",
                f"“{name}”（设置 tls_names）既不是主机名，也不是 IP 地址。",
            )
    known = dict.fromkeys(found for found in (*wanted, *map(_general_name, names)) if found)
    return list(known)[:_MOST_NAMES]


def _general_name(name: str) -> x509.GeneralName | None:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        try:
            return x509.DNSName(name.encode("idna").decode()) if name else None
        except (UnicodeError, ValueError):
            return None


def _still_good(
    made: Certificate,
    authority: Authority,
    wanted: list[x509.GeneralName],
    now: datetime.datetime,
) -> bool:
    try:
        certificate, *above = made.chain()
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        made.context()
    except (OSError, ValueError, x509.ExtensionNotFound, StartRefused):
        return False
    in_time = certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc
    return (
        in_time
        and now + _RENEW_BEFORE < certificate.not_valid_after_utc
        and above == [authority.certificate]
        and is_issued_by(certificate, authority.certificate)
        and set(wanted) <= set(names.value)
    )


def kept_key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    """The key in this file, if it is there and whole."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _in_chinese(error: Exception) -> str:
    """What OpenSSL found, where it is what people meet; else its own words."""
    if getattr(error, "reason", "") == "KEY_VALUES_MISMATCH":
        return "：私钥不属于这张证书"
    return f"：{error}"
