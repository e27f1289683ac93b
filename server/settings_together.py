"""What settings have to do with each other: which belong together, which exclude each other.

Each of them alone is right by then (`setting_rules`). Raises `WrongSetting`, in both languages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from server.setting_rules import address_in
from server.wrong_settings import WrongSetting

if TYPE_CHECKING:
    from server.config import Settings


def refuse_what_excludes(settings: Settings) -> None:
    """Raises `WrongSetting` for the first two that do not go together."""
    _refuse_acme_without_a_name(settings)
    if bool(settings.store_bucket) != (settings.store_keys_file is not None):
        raise WrongSetting(
            "store_bucket and store_keys_file belong together: give both or neither",
            "store_bucket 和 store_keys_file 须同时给出，或都不给",
        )
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise WrongSetting(
            "tls_cert and tls_key belong together: give both or neither",
            "tls_cert 和 tls_key 须同时给出，或都不给",
        )
    if settings.plain_http and settings.tls_cert is not None:
        raise WrongSetting(
            "plain_http and tls_cert exclude each other: give one of them",
            "plain_http 和 tls_cert 不能同时给出",
        )
    if settings.plain_http and settings.rtmps_port:
        raise WrongSetting(
            "rtmps_port needs the certificate that plain_http does without: leave one of them",
            "rtmps_port 需要证书，而 plain_http 不用证书：两者只能留一个",
        )
    if settings.plain_http and not settings.on_loopback and not settings.trusted_proxies:
        raise WrongSetting(
            "plain_http is allowed only with host 127.0.0.1 (or ::1), or behind a proxy that "
            "speaks HTTPS and is named in trusted_proxies: browsers give cameras and "
            "microphones only to secure pages",
            "plain_http 只能在 host 为 127.0.0.1（或 ::1）时使用，或放在一个使用 HTTPS、"
            "且写在 trusted_proxies 中的代理之后：浏览器只让安全的页面使用摄像头和麦克风",
        )
    if bool(settings.turn_urls) != (settings.turn_secret_file is not None):
        raise WrongSetting(
            "turn_urls and turn_secret_file belong together: give both or neither",
            "turn_urls 和 turn_secret_file 须同时给出，或都不给",
        )
    if settings.public_url.startswith("http://") and not settings.plain_http:
        raise WrongSetting(
            "public_url must begin with https:// unless plain_http is given",
            "public_url 须以 https:// 开头，除非给出 plain_http",
        )
    if settings.session_idle_s > settings.session_max_s:
        raise WrongSetting(
            "session_idle_s must not be longer than session_max_s",
            "session_idle_s 不能大于 session_max_s",
        )


def _refuse_acme_without_a_name(settings: Settings) -> None:
    if not settings.acme:
        return
    if settings.plain_http or settings.tls_cert is not None:
        raise WrongSetting(
            "acme excludes plain_http and tls_cert: the certificate is this server's own to "
            "get, or it is a proxy's, or yours",
            "acme 不能与 plain_http 或 tls_cert 同时给出：证书要么由本服务器申请，"
            "要么由代理提供，要么由您提供",
        )
    parts = urlsplit(settings.public_url)
    host = parts.hostname or ""
    if not host or parts.port not in {None, 443} or address_in(host) is not None:
        raise WrongSetting(
            "acme needs a public_url with a domain's name and no port, like "
            "https://tongke.example.cn: the certificate is for that name, and the authority "
            "comes to its port 443",
            "acme 需要 public_url 是不带端口的域名，如 https://tongke.example.cn："
            "证书是为该域名签发的，证书机构会访问它的 443 端口",
        )
