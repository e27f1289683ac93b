"""How the server listened when it last started: `listening.json` in the data folder.

A command beside the server (`tongke admin reset-key`, `tongke backup`) has settings of its own: it
was not told the server's options, nor has it a service's environment. What it prints shall open all
the same, and what it reads shall be the server's. Where the data folder is, it learns from a server
that runs: that one holds the folder's lock open.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from server.config import Port, Settings, Words, config_file
from server.database.data_folder import write_private
from server.errors import StartRefused
from server.service.unit import STATE_FOLDER

_FILE = "listening.json"
_SERVICES = Path(STATE_FOLDER)
_log = structlog.get_logger("tongke.server")


class _Listening(BaseModel):
    """The settings of the same names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str
    port: Port
    public_url: str
    plain_http: bool
    trusted_proxies: Words
    tls_names: Words
    advertised: Words
    media_port: Port | None = None  # a start of an earlier version did not tell it


class _Places(BaseModel):
    """Where the server keeps what it does not keep in the data folder; settings of these names.

    A start of an earlier version told none of it.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    database_url: str = ""
    recordings_folder: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    turn_secret_file: Path | None = None
    store_bucket: str = ""
    store_endpoint: str = ""
    store_keys_file: Path | None = None
    profiles_folder: Path | None = None
    settings_file: Path | None = None


class _Start(_Listening, _Places):
    model_config = ConfigDict(extra="ignore", frozen=True)


def remember_start(settings: Settings) -> None:
    """Leave how the server listens and where its things are."""
    told = {name: getattr(settings, name) for name in _Listening.model_fields}
    for name in _Places.model_fields:
        found = _settings_file() if name == "settings_file" else getattr(settings, name)
        told[name] = found.resolve() if isinstance(found, Path) else found
    try:
        write_private(_path(settings), _Start(**told).model_dump_json().encode())
    except OSError as error:  # a full disk keeps nobody from their lessons
        _log.warning("how it listens is not kept", why=str(error))


def as_it_started(settings: Settings) -> Settings | None:
    """These settings with the addresses of the server's last start; None if that is not known.

    A `public_url` of their own comes first.
    """
    start = _read(settings)
    if start is None:
        return None
    found = {
        name: told for name in _Listening.model_fields if (told := getattr(start, name)) is not None
    }
    if settings.public_url:
        found["public_url"] = settings.public_url
    return settings.model_copy(update=found)


def with_its_places(settings: Settings) -> Settings:
    """These settings with what the server of this data folder keeps elsewhere, as it last started.

    What they say themselves comes first.
    """
    start = _read(settings)
    found = {
        name: getattr(start, name)
        for name in _Places.model_fields
        if start is not None and name != "settings_file" and not getattr(settings, name)
    }
    return settings.model_copy(update=found)


def its_settings_file(settings: Settings) -> Path | None:
    """The settings file that the server of this data folder read at its last start, if any."""
    start = _read(settings)
    return _settings_file() if start is None else start.settings_file


def of_the_running_server(settings: Settings) -> Settings:
    """These settings, but with the data folder of the server that runs on this machine, where their
    own holds no server's data and nobody has named it; where none runs, with the service's. Raises
    `StartRefused` when several run.

    Seen are one's own servers; root sees all.
    """
    # A folder that is named is meant: another server's key or data is not what was asked for.
    is_named = "data_folder" in settings.model_fields_set
    if is_named or settings.database_url or (settings.data_folder / "tongke.db").is_file():
        return settings
    found = sorted(set(_running()))
    if len(found) > 1:
        named = ", ".join(map(str, found))
        raise StartRefused(
            f"Several servers run on this machine. Say which with --data-folder: {named}.",
            f"本机上有多个服务器在运行。请用 --data-folder 指明：{named}。",
        )
    if not found and (_SERVICES / "tongke.db").is_file():
        found = [_SERVICES]
    return settings.model_copy(update={"data_folder": found[0]}) if found else settings


def _running() -> Iterator[Path]:
    """The data folders whose lock some process has open."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            opened = list((process / "fd").iterdir())
        except OSError:  # another's, or gone
            continue
        for each in opened:
            try:
                target = each.readlink()
            except OSError:
                continue
            if target.name == "lock" and (target.parent / "tongke.db").is_file():
                yield target.parent


def _read(settings: Settings) -> _Start | None:
    try:
        return _Start.model_validate_json(_path(settings).read_bytes())
    except (OSError, ValidationError):
        return None


def _settings_file() -> Path | None:
    file = config_file(os.environ)
    return file if file.is_file() else None


def _path(settings: Settings) -> Path:
    return settings.data_folder / _FILE
