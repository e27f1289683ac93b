"""Why a certificate was not had, and the same for people: what it is, and what to do about it.

AcmeFailed    the attempt is over; `trouble` says in which way

What a directory says of itself is a stranger's text: it is cut, and shown as its words only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from server.errors import ServerError, Text

_MOST_WORDS = 300


class Trouble(StrEnum):
    """What kept a certificate from being had."""

    UNREACHABLE = "unreachable"  # the directory does not answer
    UNTRUSTED = "untrusted"  # its own certificate is none that this machine trusts
    NOT_ACME = "not-acme"  # what it answers is not RFC 8555, or without measure
    ACCOUNT = "account"  # it takes no account from us
    NO_ADDRESS = "no-address"  # it finds no address for the name
    NOT_REACHED = "not-reached"  # it does not reach port 443 of the name
    OTHER_ANSWERS = "other-answers"  # something else than this server answers there
    FORBIDDEN = "forbidden"  # the name's owner forbids it to sign (CAA, RFC 8659)
    NAME_REFUSED = "name-refused"  # it signs no such name
    NO_SUCH_PROOF = "no-such-proof"  # it does not offer tls-alpn-01
    RATE_LIMITED = "rate-limited"
    TOO_SLOW = "too-slow"  # pending without end
    WRONG_CERTIFICATE = "wrong-certificate"  # what it signed cannot be served
    NOT_KEPT = "not-kept"  # the data folder cannot be written
    REFUSED = "refused"  # any other refusal


#: The proof failed at the name or on the way to it: where the name leads is worth telling.
ABOUT_THE_NAME = frozenset({Trouble.NO_ADDRESS, Trouble.NOT_REACHED, Trouble.OTHER_ANSWERS})


class AcmeFailed(ServerError):
    """No certificate this time. `detail` is what was said; `retry_after_s` when to ask again."""

    def __init__(
        self, trouble: Trouble, detail: str = "", *, retry_after_s: float | None = None
    ) -> None:
        self.trouble = trouble
        self.detail = plain(detail)
        self.retry_after_s = retry_after_s
        super().__init__(f"{trouble.value}: {self.detail}")


def plain(words: str) -> str:
    """A stranger's words in one line, without signs that nobody sees, and not too many."""
    seen = "".join(sign if sign.isprintable() else " " for sign in words[: 4 * _MOST_WORDS])
    line = " ".join(seen.split())
    return line if len(line) <= _MOST_WORDS else f"{line[:_MOST_WORDS]}…"


@dataclass(frozen=True, slots=True)
class Place:
    """What the words speak of: the name, the port behind it here, whom we asked, where it leads."""

    name: str
    port: int
    directory: str  # its host
    leads_to: Sequence[str] = ()


def words_of(trouble: Trouble, place: Place) -> Text:
    """What is wrong and what to do, in both languages."""
    zh, en = _WORDS[trouble]
    there = ", ".join(place.leads_to)
    found = {
        "name": place.name,
        "port": place.port,
        "ca": place.directory,
        "at_zh": f"（现在指向 {there}）" if there else "",
        "at_en": f" (it points to {there})" if there else "",
    }
    return Text(zh.format(**found), en.format(**found))


_WORDS: dict[Trouble, tuple[str, str]] = {
    Trouble.UNREACHABLE: (
        "无法连接证书机构 {ca}，因此还不能申请证书。请检查本服务器的网络和 DNS，"
        "并允许它访问 {ca} 的 TCP 443 端口。",
        "The certificate authority {ca} cannot be reached. Look at this server's network and DNS, "
        "and let it out to {ca}, TCP 443.",
    ),
    Trouble.UNTRUSTED: (
        "证书机构 {ca} 自己的证书不受本机信任。请更新系统的根证书（ca-certificates）；"
        "若是自建的 CA，请把它的根证书装入系统。",
        "The own certificate of {ca} is none that this machine trusts. Update the system's roots "
        "(ca-certificates); of an authority of your own, install its root in the system.",
    ),
    Trouble.NOT_ACME: (
        "{ca} 的回答不符合 ACME（RFC 8555）。请检查设置 acme_directory。",
        "What {ca} answers is not ACME (RFC 8555). Look at the setting acme_directory.",
    ),
    Trouble.ACCOUNT: (
        "{ca} 不接受本服务器的账户。请检查设置 acme 中的邮箱；若该机构要求事先开户（EAB），"
        "请换用其他机构（设置 acme_directory）。",
        "{ca} takes no account from this server. Look at the mail address in the setting acme; if "
        "it wants accounts that were made beforehand (EAB), choose another authority "
        "(acme_directory).",
    ),
    Trouble.NO_ADDRESS: (
        "{ca} 查不到 {name} 的地址。请在域名服务商处为 {name} 添加 A 或 AAAA 记录，"
        "指向本服务器的公网地址。",
        "{ca} finds no address for {name}. Give {name} an A or AAAA record with this server's "
        "public address, where the domain is kept.",
    ),
    Trouble.NOT_REACHED: (
        "从互联网无法连接 {name} 的 443 端口{at_zh}。请在防火墙和路由器上放行 TCP 443，"
        "并转发到本服务器的端口 {port}。",
        "Port 443 of {name} is not reachable from the internet{at_en}. Open TCP 443 in the "
        "firewall and at the router, and lead it to port {port} of this server.",
    ),
    Trouble.OTHER_ANSWERS: (
        "在 {name} 的 443 端口上应答的不是本服务器{at_zh}。请让该地址的 TCP 443 通到本服务器的"
        "端口 {port}，中间不能有代理或防火墙代为处理 HTTPS。",
        "What answers at port 443 of {name} is not this server{at_en}. Lead TCP 443 of that "
        "address to port {port} of this server, with no proxy or firewall between that speaks "
        "HTTPS itself.",
    ),
    Trouble.FORBIDDEN: (
        "域名 {name} 的 CAA 记录不允许 {ca} 签发证书。请在域名服务商处修改 CAA 记录，"
        "或换用其他机构（设置 acme_directory）。",
        "The CAA record of {name} does not let {ca} sign for it. Change the record where the "
        "domain is kept, or choose another authority (acme_directory).",
    ),
    Trouble.NAME_REFUSED: (
        "{ca} 不为 {name} 签发证书。设置 public_url 中须是在公网注册的域名。",
        "{ca} signs no certificate for {name}. The setting public_url must have a name of a "
        "domain that is registered on the internet.",
    ),
    Trouble.NO_SUCH_PROOF: (
        "{ca} 不支持 tls-alpn-01 验证方式，本服务器只用这一种。请换用其他机构"
        "（设置 acme_directory）。",
        "{ca} does not take the proof tls-alpn-01, which is the only one that this server gives. "
        "Choose another authority (acme_directory).",
    ),
    Trouble.RATE_LIMITED: (
        "{ca} 限制了申请次数，稍后会自动重试。",
        "{ca} takes no more orders for a while. The server asks again by itself.",
    ),
    Trouble.TOO_SLOW: (
        "{ca} 一直没有完成验证，稍后会自动重试。",
        "{ca} did not come to an end with the order. The server asks again by itself.",
    ),
    Trouble.WRONG_CERTIFICATE: (
        "{ca} 签发的证书无法使用。请检查服务器的时钟和设置 acme_directory。",
        "The certificate that {ca} signed cannot be served. Look at this server's clock and at "
        "the setting acme_directory.",
    ),
    Trouble.NOT_KEPT: (
        "无法把证书写入数据文件夹。请腾出空间，或让运行同课的用户有权写入。",
        "The certificate cannot be written into the data folder. Free some space, or give the "
        "user that runs Tongke the right to write there.",
    ),
    Trouble.REFUSED: (
        "{ca} 拒绝了 {name} 的证书申请。",
        "{ca} refused the order for {name}.",
    ),
}
