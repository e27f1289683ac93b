"""The server's settings: their names, defaults and limits. Each is told in `docs/settings.md`.

A setting comes from the command line, else from the environment (`TONGKE_` and its name in capital
letters), else from `tongke.toml` in the working folder (or the file that `TONGKE_CONFIG` names),
else its default. Nothing else in the project reads the environment.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from server.errors import StartRefused
from server.setting_rules import (
    a_host,
    an_address,
    leads_nowhere,
    plain_text,
    told_to_rooms,
    whole_path,
)
from server.settings_file import SettingsFile, read_settings_file
from server.wrong_settings import ENV_PREFIX, WrongSetting, misspelt_variable, miswritten_name, told

_LIKE_AN_ORIGIN = (
    "must be like https://tongke.example.cn or https://10.0.0.5:7880",
    "应像 https://tongke.example.cn 或 https://10.0.0.5:7880 这样",
)
_HOST = re.compile(r"[^\s\"#%<>?@\[\\\]^`{|}]{1,253}")

# A contact's address as RFC 8555 §7.3 wants it: one, without the fields of a mail.
_MAIL = re.compile(r"[A-Za-z0-9.!#$&'*+/=^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"

CONFIG_FILE_VARIABLE = "TONGKE_CONFIG"
# What may stand beside the settings in the environment of a build, a test or the pages' own server.
_OF_OTHERS = frozenset(
    {
        "TONGKE_BENCHMARK_NAMESPACE",
        "TONGKE_FUZZ_ROUNDS",
        "TONGKE_FUZZ_SEED",
        "TONGKE_SANITIZE",
        "TONGKE_SERVER",
    }
)

# RFC 7065 §3.1, with the host as a name, an IPv4 address, or an IPv6 address in brackets.
TURN_URL = re.compile(
    r"turns?:([A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?"
    r"(\?transport=(udp|tcp))?"
)

Port = Annotated[int, Field(ge=0, le=65_535)]
# Ten years: more is a slip of the unit, and what is reckoned from it stays a date.
Seconds = Annotated[float, Field(gt=0, le=315_360_000, allow_inf_nan=False)]
Words = Annotated[tuple[str, ...], NoDecode]  # in the environment: separated by commas


class Settings(BaseSettings):
    """All settings. Frozen: what runs is what was read at the start."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, extra="forbid", frozen=True, validate_default=True
    )

    # where things are kept
    data_folder: Path = Path("var")
    database_url: str = ""
    recordings_folder: Path | None = None
    further_recordings_folders: Words = ()
    store_bucket: str = ""
    store_endpoint: str = ""
    store_region: str = "us-east-1"
    store_keys_file: Path | None = None
    store_spool_gb: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)] = 100
    web_folder: Path | None = None

    # where it listens
    host: str = ""
    port: Port = 7880
    public_url: str = ""
    plain_http: bool = False
    trusted_proxies: Words = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_names: Words = ()
    acme: str = ""
    acme_directory: str = LETS_ENCRYPT

    # media
    media_host: str = "::"
    media_port: Port = 7881
    media_pumps: Annotated[int, Field(ge=0, le=64)] = 0  # 0: as the server's profile says
    media_tcp: bool = True
    media_tcp_port: Port = 0  # 0: the number of the UDP port
    advertised: Words = ()
    turn_urls: Words = ()
    turn_secret_file: Path | None = None
    server_profile: str = "auto"
    programs: Annotated[int | None, Field(ge=0, le=1000)] = (
        None  # None: as the server's profile says
    )
    push_hosts: Words = ()
    hls_window_s: Annotated[float, Field(ge=0, le=600)] = 60
    profiles_folder: Path | None = None
    rtmp_port: Port = 0  # 0: closed
    rtmps_port: Port = 0  # 0: closed
    srt_port: Annotated[int, Field(ge=0, le=65_504)] = 0  # 0: closed; the first of 32

    # lessons
    max_partners: Annotated[int, Field(ge=1, le=32)] = 3
    join_token_s: Seconds = 600
    doors_open_s: Annotated[float, Field(ge=0, le=3600)] = 180
    empty_lesson_s: Seconds = 1800
    lead_absent_s: Seconds = 7200
    longest_lesson_s: Seconds = 14_400
    lesson_warned_s: Annotated[float, Field(ge=0, le=3600)] = 600
    away_grace_s: Seconds = 60
    silent_socket_s: Seconds = 6
    join_timeout_s: Seconds = 10
    devices_per_seat: Annotated[int, Field(ge=1, le=64)] = 4
    guests_per_lesson: Annotated[int, Field(ge=0, le=1000)] = 30
    room_checks_devices: bool = True
    room_poll_s: Annotated[float, Field(ge=0.2, le=60)] = 3

    # people
    session_idle_s: Seconds = 7 * 86_400
    session_max_s: Seconds = 30 * 86_400
    one_time_key_s: Seconds = 86_400
    deleted_kept_days: Annotated[float, Field(ge=0, le=3650)] = 30

    # limits
    max_body_bytes: Annotated[int, Field(ge=4096, le=16_777_216)] = 262_144
    max_message_bytes: Annotated[int, Field(ge=4096, le=1_048_576)] = 131_072
    stop_grace_s: Seconds = 3

    # logs and metrics
    metrics_token: SecretStr = SecretStr("")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line, environment, file: no `.env`, no secrets folder."""
        file = read_settings_file(config_file(os.environ))
        values = InitSettingsSource(settings_cls, init_kwargs=dict(file.values))
        return (init_settings, env_settings, values)

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: object, info: ValidationInfo) -> object:
        """Texts without what is not seen; no yes or no where a number is meant."""
        field = cls.model_fields[info.field_name or ""]
        of_path, default = "Path" in str(field.annotation), field.default
        if isinstance(value, bool) and not isinstance(default, bool):
            kind = "a number" if isinstance(default, int | float) else "a text"
            kind_zh = "数字" if isinstance(default, int | float) else "文字"
            raise WrongSetting(f"must be {kind}, not yes or no", f"须为{kind_zh}，而不是是或否")
        if isinstance(value, str):
            value = plain_text(value)
            if of_path and not value:
                if default is None:
                    return None  # a variable that is there and empty
                raise WrongSetting("must not be empty", "不能为空")
        if of_path and isinstance(value, str | Path):
            return whole_path(Path(value))
        return value

    @field_validator(
        "further_recordings_folders",
        "trusted_proxies",
        "tls_names",
        "advertised",
        "turn_urls",
        "push_hosts",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(word.strip() for word in value.split(",") if word.strip())
        return value

    @field_validator("further_recordings_folders")
    @classmethod
    def _further(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(whole_path(Path(word))) for word in value))

    @field_validator("advertised")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(told_to_rooms, value)))

    @field_validator("media_host")
    @classmethod
    def _media_address(cls, value: str) -> str:
        return str(an_address(value))

    @field_validator("tls_names")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(a_host, value)))

    @field_validator("host")
    @classmethod
    def _listening_host(cls, value: str) -> str:
        if "*" in value:
            raise WrongSetting("a star is no address to listen on", "星号不是可以监听的地址")
        return a_host(value) if value else value

    @field_validator("turn_urls")
    @classmethod
    def _relays(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for word in value:
            found = TURN_URL.fullmatch(word)
            if found is None or not 0 < int((found[2] or ":1")[1:]) < 65_536:
                raise WrongSetting(
                    f"'{word}' is no TURN address: turn:HOST:PORT?transport=udp (or tcp), or "
                    "turns:HOST:PORT?transport=tcp",
                    f"“{word}”不是 TURN 地址：应为 turn:HOST:PORT?transport=udp（或 tcp），"
                    "或 turns:HOST:PORT?transport=tcp，HOST 是主机，PORT 是端口",
                )
        return value

    @field_validator("push_hosts")
    @classmethod
    def _pushed_to(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(a_host, value)))

    @field_validator("metrics_token")
    @classmethod
    def _unguessable(cls, value: SecretStr) -> SecretStr:
        # Nothing slows down who guesses, so guessing must be hopeless.
        if 0 < len(value.get_secret_value()) < 20:
            raise WrongSetting(
                "must have at least 20 characters; `openssl rand -hex 24` makes one",
                "至少 20 个字符，可用 `openssl rand -hex 24` 生成",
            )
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for word in value:
            try:
                network = ipaddress.ip_network(word, strict=False)
            except ValueError:
                raise WrongSetting(
                    f"'{word}' is not an IP address or network", f"“{word}”不是 IP 地址或网段"
                ) from None
            if network.prefixlen == 0:
                raise WrongSetting(
                    f"'{word}' is everybody: whoever comes could pass for this machine itself. "
                    "Name the proxy's own address",
                    f"“{word}”是所有人：任何人都可以冒充本机。请填代理自己的地址",
                )
        return value

    @field_validator("public_url")
    @classmethod
    def _origin(cls, value: str) -> str:
        if not value:
            return value
        try:
            parts = urlsplit(value)
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
        if _leads_nowhere(host):
            raise WrongSetting(
                f"no other machine can open {host}: give this machine's name there",
                f"其他机器打不开 {host}：请填本机在网络上的名称",
            )
        return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"

    @field_validator("acme")
    @classmethod
    def _mail(cls, value: str) -> str:
        if value and (len(value) > 254 or _MAIL.fullmatch(value) is None):
            raise WrongSetting(
                f"'{value}' is no mail address: give the one at which the certificate authority "
                "reaches you, like it@school.example",
                f"“{value}”不是邮箱地址：请填证书机构能联系到您的邮箱，如 it@school.example",
            )
        return value

    @field_validator("acme_directory")
    @classmethod
    def _directory(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            known = parts.scheme == "https" and parts.hostname and parts.port != 0
        except ValueError:
            known = False
        if not known or not value.isascii() or not value.isprintable() or " " in value:
            raise WrongSetting(
                f"must be the address of an ACME directory, like {LETS_ENCRYPT}",
                f"应为 ACME 目录的地址，如 {LETS_ENCRYPT}",
            )
        return value

    @model_validator(mode="after")
    def _acme_has_a_name(self) -> Settings:
        if not self.acme:
            return self
        if self.plain_http or self.tls_cert is not None:
            raise WrongSetting(
                "acme excludes plain_http and tls_cert: the certificate is this server's own to "
                "get, or it is a proxy's, or yours",
                "acme 不能与 plain_http 或 tls_cert 同时给出：证书要么由本服务器申请，"
                "要么由代理提供，要么由您提供",
            )
        parts = urlsplit(self.public_url)
        host = parts.hostname or ""
        if not host or parts.port not in {None, 443} or _is_address(host):
            raise WrongSetting(
                "acme needs a public_url with a domain's name and no port, like "
                "https://tongke.example.cn: the certificate is for that name, and the authority "
                "comes to its port 443",
                "acme 需要 public_url 是不带端口的域名，如 https://tongke.example.cn："
                "证书是为该域名签发的，证书机构会访问它的 443 端口",
            )
        return self

    @field_validator("store_endpoint")
    @classmethod
    def _store_address(cls, value: str) -> str:
        parts = urlsplit(value) if value else None
        if parts is not None and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise WrongSetting(
                f"'{value}' is no address of a store, like https://s3.example.cn:9000",
                f"“{value}”不是对象存储的地址；应如 https://s3.example.cn:9000",
            )
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> Settings:
        if bool(self.store_bucket) != (self.store_keys_file is not None):
            raise WrongSetting(
                "store_bucket and store_keys_file belong together: give both or neither",
                "store_bucket 和 store_keys_file 须同时给出，或都不给",
            )
        if (self.tls_cert is None) != (self.tls_key is None):
            raise WrongSetting(
                "tls_cert and tls_key belong together: give both or neither",
                "tls_cert 和 tls_key 须同时给出，或都不给",
            )
        if self.plain_http and self.tls_cert is not None:
            raise WrongSetting(
                "plain_http and tls_cert exclude each other: give one of them",
                "plain_http 和 tls_cert 不能同时给出",
            )
        if self.plain_http and self.rtmps_port:
            raise WrongSetting(
                "rtmps_port needs the certificate that plain_http does without: leave one of them",
                "rtmps_port 需要证书，而 plain_http 不用证书：两者只能留一个",
            )
        if self.plain_http and not self.on_loopback and not self.trusted_proxies:
            raise WrongSetting(
                "plain_http is allowed only with host 127.0.0.1 (or ::1), or behind a proxy that "
                "speaks HTTPS and is named in trusted_proxies: browsers give cameras and "
                "microphones only to secure pages",
                "plain_http 只能在 host 为 127.0.0.1（或 ::1）时使用，或放在一个使用 HTTPS、"
                "且写在 trusted_proxies 中的代理之后：浏览器只让安全的页面使用摄像头和麦克风",
            )
        if bool(self.turn_urls) != (self.turn_secret_file is not None):
            raise WrongSetting(
                "turn_urls and turn_secret_file belong together: give both or neither",
                "turn_urls 和 turn_secret_file 须同时给出，或都不给",
            )
        if self.public_url.startswith("http://") and not self.plain_http:
            raise WrongSetting(
                "public_url must begin with https:// unless plain_http is given",
                "public_url 须以 https:// 开头，除非给出 plain_http",
            )
        if self.session_idle_s > self.session_max_s:
            raise WrongSetting(
                "session_idle_s must not be longer than session_max_s",
                "session_idle_s 不能大于 session_max_s",
            )
        return self

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the pages."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def listens_everywhere(self) -> bool:
        """Whether the pages are served on every interface."""
        return self.host in {"", "::", "0.0.0.0"}  # noqa: S104 - compared, not bound

    @property
    def only_ipv4(self) -> bool:
        """Whether no IPv6 address is listened on."""
        return self.host == "0.0.0.0"  # noqa: S104 - compared, not bound

    @property
    def secure(self) -> bool:
        """Whether browsers reach the pages over HTTPS (so cookies may be marked Secure)."""
        if self.public_url:
            return self.public_url.startswith("https://")
        return not self.plain_http or bool(self.trusted_proxies)

    @property
    def recordings(self) -> Path:
        """The folder of the recordings."""
        return self.recordings_folder or self.data_folder / "recordings"

    @property
    def further_recordings(self) -> tuple[Path, ...]:
        """Folders of recordings on further disks, in the order in which they are filled."""
        return tuple(map(Path, self.further_recordings_folders))

    @property
    def profile_folders(self) -> tuple[Path, ...]:
        """Where hardware profiles of one's own lie; the first that has a name counts."""
        own = self.data_folder / "hardware_profiles"
        return (own,) if self.profiles_folder is None else (self.profiles_folder, own)

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_folder / 'tongke.db'}"

    @property
    def address(self) -> str:
        """The address for this machine itself; for others: `server.door.addresses`."""
        if self.public_url:
            return self.public_url
        host = "localhost" if self.listens_everywhere else self.host
        host = f"[{host}]" if ":" in host else host
        return f"{'http' if self.plain_http else 'https'}://{host}:{self.port}"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _leads_nowhere(host: str) -> bool:
    try:
        return leads_nowhere(ipaddress.ip_address(host))
    except ValueError:
        return False


def config_file(environ: Mapping[str, str]) -> Path:
    """The settings file in use (it need not exist)."""
    return Path(environ.get(CONFIG_FILE_VARIABLE) or "tongke.toml")


def load_settings(**given: Any) -> Settings:
    """The settings, from everywhere; `given` are the command line's (None is "not given").

    Raises `StartRefused` with a paragraph that names each wrong setting and where it came from.
    """
    given = {name: value for name, value in given.items() if value is not None}
    file = settings_file(os.environ)
    _refuse_misspelt(os.environ)
    _refuse_miswritten(file)
    try:
        return Settings(**given)
    except ValidationError as error:
        raise told(error, given, file, names=list(Settings.model_fields)) from None


def settings_file(environ: Mapping[str, str]) -> SettingsFile:
    """The settings file in use, read. Raises `StartRefused`."""
    path = config_file(environ)
    if environ.get(CONFIG_FILE_VARIABLE) and not path.is_file():
        raise StartRefused(
            f"The settings file {path} ({CONFIG_FILE_VARIABLE}) does not exist, or is no file.",
            f"设置文件 {path}（{CONFIG_FILE_VARIABLE}）不存在，或者不是文件。",
        )
    return read_settings_file(path)


def _refuse_miswritten(file: SettingsFile) -> None:
    """pydantic would take `PORT` for `port`, and pass over it where both are there."""
    names = list(Settings.model_fields)
    for name in file.values:
        if name not in names and name.lower() in names:
            raise miswritten_name(name, file, names)


def _refuse_misspelt(environ: Mapping[str, str]) -> None:
    """Every variable that begins like one of ours is one: a server that passes over a misspelt one
    runs as nobody wanted. They are written in capital letters, as the page has them."""
    known = [f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields]
    known_too = {*known, CONFIG_FILE_VARIABLE, *_OF_OTHERS}
    for name in sorted(environ):
        if name.upper().startswith(ENV_PREFIX) and name not in known_too:
            raise misspelt_variable(name, [*known, CONFIG_FILE_VARIABLE])
