"""What can go wrong with a backup's file.

BackupDamaged   it is none, is torn, or holds something else than was put in
"""

from __future__ import annotations

from server.errors import ServerError, Text


class BackupDamaged(ServerError):
    """The file is no whole backup; the text says what is wrong with it, in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.text = Text(zh, en)
