"""The server's settings: their names, defaults and limits. Each is told in `docs/settings.md`.

A setting comes from the command line, else from the environment (`TONGKE_` and its name in capital
letters), else from `tongke.toml` in the working folder (or the file that `TONGKE_CONFIG` names),
else its default. Nothing else in the project reads the environment.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

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
    LETS_ENCRYPT,
    a_host,
    a_mail_address,
    a_network,
    a_relay,
    a_store,
    an_acme_directory,
    an_address,
    an_origin,
    an_unguessable_word,
    plain_text,
    told_to_rooms,
    whole_path,
)
from server.settings_file import SettingsFile, read_settings_file
from server.settings_together import refuse_what_excludes
from server.wrong_settings import ENV_PREFIX, WrongSetting, misspelt_variable, miswritten_name, told

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
        return tuple(map(a_relay, value))

    @field_validator("push_hosts")
    @classmethod
    def _pushed_to(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(a_host, value)))

    @field_validator("metrics_token")
    @classmethod
    def _unguessable(cls, value: SecretStr) -> SecretStr:
        if word := value.get_secret_value():
            an_unguessable_word(word)
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(a_network, value))

    @field_validator("public_url")
    @classmethod
    def _origin(cls, value: str) -> str:
        return an_origin(value) if value else value

    @field_validator("acme")
    @classmethod
    def _mail(cls, value: str) -> str:
        return a_mail_address(value) if value else value

    @field_validator("acme_directory")
    @classmethod
    def _directory(cls, value: str) -> str:
        return an_acme_directory(value)

    @field_validator("store_endpoint")
    @classmethod
    def _store_address(cls, value: str) -> str:
        return a_store(value) if value else value

    @model_validator(mode="after")
    def _fit_together(self) -> Settings:
        refuse_what_excludes(self)
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
