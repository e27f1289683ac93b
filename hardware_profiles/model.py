"""What every profile's tables have in common: strictness, and broken rules in two languages."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

Title = Annotated[str, Field(min_length=1, max_length=60)]


def rule_broken(text_en: str, text_zh: str, *at: str | int) -> PydanticCustomError:
    """An error of our own with its text in both languages; `at` is the key below the model."""
    return PydanticCustomError("profile_rule", "{en}", {"en": text_en, "zh": text_zh, "at": at})


class ProfileModel(BaseModel):
    """Strict and frozen: an unknown key is refused, and 720 is not "720"."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
