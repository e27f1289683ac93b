"""What a setting takes, as `docs/settings.md` says it: read from the field itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from annotated_types import Ge, Gt, Le
from pydantic import SecretStr

from server.config import Settings


def limits(name: str) -> str:
    """The words of the column *takes*."""
    field = Settings.model_fields[name]
    bounds: dict[type[Any], Any] = {type(each): each for each in field.metadata}
    kinds = get_args(field.annotation) or (field.annotation,)
    if field.annotation is bool:
        return "`true`, `false`"
    if kinds[0] in {int, float}:
        low = f"{bounds[Ge].ge:g} to " if Ge in bounds else f"over {bounds[Gt].gt:g}, to "
        return f"{low}{bounds[Le].le}"
    if all(isinstance(each, str) for each in kinds):
        return ", ".join(f"`{each}`" for each in kinds)
    if Path in kinds:
        return "a path"
    if kinds == (str, ...):
        return "a list"
    assert field.annotation in {str, SecretStr}, name
    return "a text"
