"""What is wrong with a server's certificate, as a browser would find it, before one finds it.

Pure: certificates, names and the time are handed in.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.x509.oid import NameOID

from server.door.authority import is_issued_by
from server.errors import Text

# Who renews by hand needs so long; of a short-lived certificate a fifth of its life is left.
_SOON = datetime.timedelta(days=14)
_SOON_PART = 5
# A new authority must be installed on every PC: that takes a county a term.
_AUTHORITY_SOON = datetime.timedelta(days=180)


class Fault(StrEnum):
    """One thing wrong, the worst first."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    OTHER_NAME = "other-name"
    NO_CHAIN = "no-chain"
    NOT_TAKEN = "not-taken"
    ACME_FAILS = "acme-fails"
    ENDS_SOON = "ends-soon"
    AUTHORITY_ENDS_SOON = "authority-ends-soon"


#: With these no browser comes in.
SHUT = frozenset({Fault.EXPIRED, Fault.NOT_YET_VALID})


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault, and what to do about it, for people."""

    fault: Fault
    text: Text


@dataclass(frozen=True, slots=True)
class Condition:
    """The served certificate and what is wrong with it now."""

    leaf: x509.Certificate
    names: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> frozenset[Fault]:
        """What is wrong."""
        return frozenset(finding.fault for finding in self.findings)


def examine(
    chain: Sequence[x509.Certificate],
    *,
    now: datetime.datetime,
    asked: str = "",
    authority: x509.Certificate | None = None,
    acme_fails: Text | None = None,
    not_taken: Text | None = None,
    knows: Callable[[x509.Name], bool] = lambda issuer: False,
) -> Condition:
    """The condition of the first of `chain`.

    `asked` is the name that people open (the public address's); `authority` our own, if it is
    under it; `acme_fails` why the last order by ACME gave none; `not_taken` why what lies in the
    files now is not what is served; `knows` says whether browsers have
    this root already.
    """
    leaf = chain[0]
    names = names_of(leaf)
    found: list[Finding] = []
    end, begin = leaf.not_valid_after_utc, leaf.not_valid_before_utc
    day = end.astimezone().strftime("%Y-%m-%d")
    if now >= end:
        found.append(_finding(Fault.EXPIRED, day=day))
    elif (issuer := _ended_issuer(chain, now, knows)) is not None:
        last = issuer.not_valid_after_utc.astimezone().strftime("%Y-%m-%d")
        zh, en = _ISSUER_ENDED
        words = {"issuer": words_of(issuer.subject), "day": last}
        found.append(Finding(Fault.EXPIRED, Text(zh.format(**words), en.format(**words))))
    elif now < begin:
        found.append(_finding(Fault.NOT_YET_VALID, day=begin.astimezone().strftime("%Y-%m-%d")))
    elif end - now < min(_SOON, (end - begin) / _SOON_PART):
        found.append(_finding(Fault.ENDS_SOON, day=day))
    if asked and not is_named(asked, names):
        found.append(_finding(Fault.OTHER_NAME, asked=asked, names=", ".join(names[:5]) or "–"))
    if missing := _missing_issuer(chain, knows):
        found.append(_finding(Fault.NO_CHAIN, issuer=missing))
    if not_taken is not None:
        zh, en = _NOT_TAKEN
        text = Text(zh.format(why=not_taken.zh), en.format(why=not_taken.en))
        found.append(Finding(Fault.NOT_TAKEN, text))
    if acme_fails is not None:
        found.append(Finding(Fault.ACME_FAILS, acme_fails))
    if authority is not None and authority.not_valid_after_utc - now < _AUTHORITY_SOON:
        last = authority.not_valid_after_utc.astimezone().strftime("%Y-%m-%d")
        found.append(_finding(Fault.AUTHORITY_ENDS_SOON, day=last))
    order = list(Fault)
    return Condition(leaf, names, tuple(sorted(found, key=lambda one: order.index(one.fault))))


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The host names and addresses that it is for; a common name counts nowhere any more."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return ()
    hosts = [name.lower() for name in found.get_values_for_type(x509.DNSName)]
    return (*hosts, *(str(address) for address in found.get_values_for_type(x509.IPAddress)))


def is_named(host: str, names: Collection[str]) -> bool:
    """Whether a certificate for `names` is one for `host` (a star is one label: RFC 9525 §6.3)."""
    try:
        return str(ipaddress.ip_address(host)) in names
    except ValueError:
        return host in names or "*." + host.partition(".")[2] in names


def words_of(name: x509.Name) -> str:
    """A subject or issuer as people know it."""
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        if found := name.get_attributes_for_oid(kind):
            return str(found[0].value)
    return name.rfc4514_string()


def _missing_issuer(chain: Sequence[x509.Certificate], knows: Callable[[x509.Name], bool]) -> str:
    """The leaf's issuer, where it is neither in the file nor a root that browsers know; else ""."""
    leaf, *above = chain
    whole = (
        leaf.issuer == leaf.subject
        or any(is_issued_by(leaf, one) for one in above)
        or knows(leaf.issuer)
    )
    return "" if whole else words_of(leaf.issuer)


def _ended_issuer(
    chain: Sequence[x509.Certificate],
    now: datetime.datetime,
    knows: Callable[[x509.Name], bool],
) -> x509.Certificate | None:
    """The leaf's issuer, where it has ended, and no other one of that name is there."""
    leaf, *above = chain
    issuers = [one for one in above if is_issued_by(leaf, one)]
    if not issuers or knows(leaf.issuer) or any(now < one.not_valid_after_utc for one in issuers):
        return None
    return issuers[0]


def _finding(fault: Fault, **words: str) -> Finding:
    zh, en = _WORDS[fault]
    return Finding(fault, Text(zh.format(**words), en.format(**words)))


_ISSUER_ENDED = (
    "证书签发者“{issuer}”自己的证书已于 {day} 过期，浏览器不再让人进入。"
    "请把签发者的新证书放入 tls_cert（完整的证书链 fullchain）；服务器会自动载入。",
    "The certificate of the issuer “{issuer}” ended on {day}: browsers let nobody in. Put the "
    "issuer's new one into tls_cert (the whole chain, fullchain.pem); it is loaded by itself.",
)
_NOT_TAKEN = (
    "文件中的新证书不能使用，仍在使用旧证书；在改正之前，服务器重新启动会失败。{why}",
    "The new certificate in the files cannot be used, and the old one stays in use; a server that "
    "is started anew would not start. {why}",
)
_WORDS: dict[Fault, tuple[str, str]] = {
    Fault.EXPIRED: (
        "证书已于 {day} 过期，浏览器不再让人进入。请换上新证书；服务器会自动载入。",
        "The certificate ended on {day}: browsers let nobody in. Put a new one in its place; it is "
        "loaded by itself.",
    ),
    Fault.NOT_YET_VALID: (
        "证书从 {day} 起才有效。请检查服务器的时钟。",
        "The certificate is good from {day} on only. Look at this server's clock.",
    ),
    Fault.ENDS_SOON: (
        "证书将于 {day} 到期。请及时更换；服务器会自动载入新证书。",
        "The certificate ends on {day}. Renew it in time; the new one is loaded by itself.",
    ),
    Fault.OTHER_NAME: (
        "证书不是为 {asked} 签发的（而是为 {names}），浏览器会拒绝。",
        "The certificate is not for {asked} (but for {names}): browsers refuse it.",
    ),
    Fault.NO_CHAIN: (
        "证书文件中缺少签发者“{issuer}”的证书，许多浏览器会拒绝。"
        "请把完整的证书链（fullchain）放入 tls_cert。",
        "The file lacks the certificate of its issuer “{issuer}”: many browsers refuse it. Put the "
        "whole chain (fullchain.pem) into tls_cert.",
    ),
    Fault.AUTHORITY_ENDS_SOON: (
        "本服务器的 CA 证书将于 {day} 到期。请删除 ca.crt（保留 ca.key）并重新启动，"
        "再把新的 CA 证书安装到每台电脑。",
        "The server's own CA ends on {day}. Delete ca.crt (keep ca.key), start the server anew and "
        "install the new CA on every PC.",
    ),
}
