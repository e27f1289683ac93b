"""Rules for the values of settings that no type tells: which texts are texts, which addresses lead
somewhere. Each raises `WrongSetting`, in both languages.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from urllib.parse import urlsplit

from mixer.sources import IpAddress
from server.wrong_settings import WrongSetting

_LIKE_A_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
# "This network" (RFC 791 §3.2) and what is kept for later, everybody's last one included.
_NOBODYS = (ipaddress.IPv4Network("0.0.0.0/8"), ipaddress.IPv4Network("240.0.0.0/4"))
# A host's name as RFC 952 and RFC 1123 §2.1 have it, in any script (`server.door.certificates`
# turns it into its ASCII form), or a star for its first label.
_NAME = re.compile(r"(\*\.)?[\w-]{1,63}(\.[\w-]{1,63})*\.?")

_LIKE_AN_ORIGIN = (
    "must be like https://tongke.example.cn or https://10.0.0.5:7880",
    "应像 https://tongke.example.cn 或 https://10.0.0.5:7880 这样",
)
_HOST = re.compile(r"[^\s\"#%<>?@\[\\\]^`{|}]{1,253}")

# A contact's address as RFC 8555 §7.3 wants it: one, without the fields of a mail.
_MAIL = re.compile(r"[A-Za-z0-9.!#$&'*+/=^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
# RFC 7065 §3.1, with the host as a name, an IPv4 address, or an IPv6 address in brackets.
_TURN_URL = re.compile(
    r"turns?:([A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?"
    r"(\?transport=(udp|tcp))?"
)


def plain_text(value: str) -> str:
    """Without blanks around it (a carriage return of Windows is one); no sign that is not shown."""
    value = value.strip()
    if any(not sign.isprintable() for sign in value):
        raise WrongSetting(
            "it holds a sign that cannot be seen (a line's end, a tab, a zero): write it again",
            "其中含有看不见的字符（换行、制表符、零字符等）：请重新填写",
        )
    return value


def whole_path(value: Path) -> Path:
    """A place on the disk, `~` replaced by the home folder."""
    text = str(value)
    if text.startswith("$"):
        raise WrongSetting(
            f"'{text}' is not replaced by a variable's value: write the path itself",
            f"“{text}”中的变量不会被替换：请直接写出路径",
        )
    try:
        return value.expanduser()
    except RuntimeError:
        raise WrongSetting(
            f"'{text}' names a home folder that is not known: write the path itself",
            f"“{text}”中的用户主目录无法确定：请直接写出路径",
        ) from None


def an_address(text: str) -> IpAddress:
    """An IP address, without a zone."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise WrongSetting(f"'{text}' is not an IP address", f"“{text}”不是 IP 地址") from None
    if getattr(address, "scope_id", None):
        raise WrongSetting(
            f"'{text}' has a zone, which means something on this machine alone",
            f"“{text}”带有区域标识，只对本机有意义",
        )
    return address


def told_to_rooms(text: str) -> str:
    """An address that rooms may be told."""
    address = an_address(text)
    address = getattr(address, "ipv4_mapped", None) or address
    if leads_nowhere(address):
        raise WrongSetting(
            f"'{text}' leads no room to this server: give the address by which rooms reach it, or "
            "leave advertised out (then this machine's own addresses are told)",
            f"教室无法用“{text}”找到本服务器：请填教室能到达的地址，"
            "或不填 advertised（则使用本机自己的地址）",
        )
    return str(address)


def leads_nowhere(address: IpAddress) -> bool:
    """Whether it stands for any, for many, for nobody yet, or for a line without a router."""
    if isinstance(address, ipaddress.IPv4Address) and any(address in one for one in _NOBODYS):
        return True
    return address.is_unspecified or address.is_multicast or address.is_link_local


def a_host(text: str) -> str:
    """A name or an address, as people type it between `https://` and the port."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        pass
    # What ends in a number is an address to browsers (WHATWG URL §3.5): a mistyped one, here.
    last = text.removesuffix(".").rpartition(".")[2]
    if len(text) > 253 or _NAME.fullmatch(text) is None or _LIKE_A_NUMBER.fullmatch(last):
        raise WrongSetting(
            f"'{text}' is neither a host name nor an IP address (without https://, port or path)",
            f"“{text}”既不是主机名，也不是 IP 地址（不带 https://、端口和路径）",
        )
    return text


def a_relay(text: str) -> str:
    """A TURN server's address."""
    found = _TURN_URL.fullmatch(text)
    if found is None or not 0 < int((found[2] or ":1")[1:]) < 65_536:
        raise WrongSetting(
            f"'{text}' is no TURN address: turn:HOST:PORT?transport=udp (or tcp), or "
            "turns:HOST:PORT?transport=tcp",
            f"“{text}”不是 TURN 地址：应为 turn:HOST:PORT?transport=udp（或 tcp），"
            "或 turns:HOST:PORT?transport=tcp，HOST 是主机，PORT 是端口",
        )
    return text


def a_network(text: str) -> str:
    """An address, or a network, whose machines are trusted: never everybody's."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise WrongSetting(
            f"'{text}' is not an IP address or network", f"“{text}”不是 IP 地址或网段"
        ) from None
    if network.prefixlen == 0:
        raise WrongSetting(
            f"'{text}' is everybody: whoever comes could pass for this machine itself. "
            "Name the proxy's own address",
            f"“{text}”是所有人：任何人都可以冒充本机。请填代理自己的地址",
        )
    return text


def an_unguessable_word(text: str) -> None:
    """Nothing slows down who guesses it, so guessing must be hopeless."""
    if len(text) < 20:
        raise WrongSetting(
            "must have at least 20 characters; `openssl rand -hex 24` makes one",
            "至少 20 个字符，可用 `openssl rand -hex 24` 生成",
        )


def an_origin(text: str) -> str:
    """Where others open the pages: `https://` (or `http://`), a host, perhaps a port."""
    try:
        parts = urlsplit(text)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:  # a port that is none, brackets around nothing
        raise WrongSetting(*_LIKE_AN_ORIGIN) from None
    host = (parts.hostname or "").rstrip(".")
    wrong = not _HOST.fullmatch(host) or "*" in host or parts.port == 0
    if parts.scheme not in {"http", "https"} or wrong:
        raise WrongSetting(*_LIKE_AN_ORIGIN)
    a_host(host)
    if parts.username is not None:
        raise WrongSetting(
            "must not carry a name or password: it is handed out to everybody",
            "不能带用户名或密码：它会分发给所有人",
        )
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise WrongSetting(
            "must have no path: Tongke needs a host name (or port) of its own",
            "不能带路径：同课需要独用一个主机名（或端口）",
        )
    address = address_in(host)
    if address is not None and leads_nowhere(address):
        raise WrongSetting(
            f"no other machine can open {host}: give this machine's name there",
            f"其他机器打不开 {host}：请填本机在网络上的名称",
        )
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def address_in(host: str) -> IpAddress | None:
    """The address that a host's name is; None where it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def a_mail_address(text: str) -> str:
    """At which a certificate authority reaches somebody."""
    if len(text) > 254 or _MAIL.fullmatch(text) is None:
        raise WrongSetting(
            f"'{text}' is no mail address: give the one at which the certificate authority "
            "reaches you, like it@school.example",
            f"“{text}”不是邮箱地址：请填证书机构能联系到您的邮箱，如 it@school.example",
        )
    return text


def an_acme_directory(text: str) -> str:
    """The address of a certificate authority's list of its own addresses (RFC 8555 §7.1.1)."""
    try:
        parts = urlsplit(text)
        known = parts.scheme == "https" and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known or not text.isascii() or not text.isprintable() or " " in text:
        raise WrongSetting(
            f"must be the address of an ACME directory, like {LETS_ENCRYPT}",
            f"应为 ACME 目录的地址，如 {LETS_ENCRYPT}",
        )
    return text


def a_store(text: str) -> str:
    """An object store's address."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise WrongSetting(
            f"'{text}' is no address of a store, like https://s3.example.cn:9000",
            f"“{text}”不是对象存储的地址；应如 https://s3.example.cn:9000",
        )
    return text
