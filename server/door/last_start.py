"""How the server listened when it last started: `listening.json` in the data folder.

A command beside the server (`tongke admin reset-key`) has settings of its own: it was not told the
server's options, nor has it a service's environment. What it prints shall open all the same.
"""

from __future__ import annotations

from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from server.config import Port, Settings, Words
from server.database.data_folder import write_private

_FILE = "listening.json"
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


def remember_start(settings: Settings) -> None:
    """Leave how the server listens."""
    listening = _Listening(**{name: getattr(settings, name) for name in _Listening.model_fields})
    try:
        write_private(_path(settings), listening.model_dump_json().encode())
    except OSError as error:  # a full disk keeps nobody from their lessons
        _log.warning("how it listens is not kept", why=str(error))


def as_it_started(settings: Settings) -> Settings | None:
    """These settings with the addresses of the server's last start; None if that is not known.

    A `public_url` of their own comes first.
    """
    try:
        listening = _Listening.model_validate_json(_path(settings).read_bytes())
    except (OSError, ValidationError):
        return None
    found = {name: getattr(listening, name) for name in _Listening.model_fields}
    if settings.public_url:
        found["public_url"] = settings.public_url
    return settings.model_copy(update=found)


def _path(settings: Settings) -> Path:
    return settings.data_folder / _FILE
