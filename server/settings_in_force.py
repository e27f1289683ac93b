"""The settings as they are in force, as administrators see them: no secret among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from server.config import Settings

_MASKED = "••••••"


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """One setting: its value as text, and whether it is what stands in `docs/settings.md`."""

    name: str
    value: str
    is_default: bool


def settings_in_force(settings: Settings) -> Iterator[SettingInForce]:
    """All of them, in the order of the page."""
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        shown = _database(value) if name == "database_url" else _shown(value)
        yield SettingInForce(name, shown, value == field.default)


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return _MASKED if value.get_secret_value() else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, float):
        return f"{value:.10g}"  # seconds of years are written as they are set
    if isinstance(value, Path):
        return str(value)
    return "" if value is None else str(value)


def _database(url: str) -> str:
    """A database's address without its password, and without what stands behind it, where drivers
    take passwords too."""
    if not url:
        return ""
    try:
        return make_url(url).set(query={}).render_as_string(hide_password=True)
    except ArgumentError:
        return _MASKED
