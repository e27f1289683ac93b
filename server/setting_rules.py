"""Rules for the values of settings that no type tells: which texts are texts, which addresses lead
somewhere. Each raises `WrongSetting`, in both languages.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

from mixer.sources import IpAddress
from server.wrong_settings import WrongSetting

_LIKE_A_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
# "This network" (RFC 791 §3.2) and what is kept for later, everybody's last one included.
_NOBODYS = (ipaddress.IPv4Network("0.0.0.0/8"), ipaddress.IPv4Network("240.0.0.0/4"))
# A host's name as RFC 952 and RFC 1123 §2.1 have it, in any script (`server.door.certificates`
# turns it into its ASCII form), or a star for its first label.
_NAME = re.compile(r"(\*\.)?[\w-]{1,63}(\.[\w-]{1,63})*\.?")


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
