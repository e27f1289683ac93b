"""A sentence about a device's life for whoever runs it, in both languages.

Which of the two is shown is decided by whoever shows it: a terminal, a log, a page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Said(NamedTuple):
    """The same in Chinese and in English."""

    zh: str
    en: str

    def about(self, name: str) -> Said:
        """Said of this device."""
        return Said(f"{name}：{self.zh}", f"{name}: {self.en}")


Say = Callable[[Said], None]
