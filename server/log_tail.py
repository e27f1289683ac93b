"""The last lines of the log, for administrators: bounded, and without secrets.

What looks like a secret is blotted out before it is kept (`server.log_blots`).
"""

from __future__ import annotations

import logging
from collections import deque

from server.log_blots import blotted

MOST_LINES = 400
MOST_SIGNS = 2000


class LogTail(logging.Handler):
    """Keeps the last lines."""

    def __init__(self, most: int = MOST_LINES) -> None:
        super().__init__()
        self._lines: deque[str] = deque(maxlen=most)

    @property
    def lines(self) -> list[str]:
        """What is kept, the oldest first."""
        return list(self._lines)

    def emit(self, record: logging.LogRecord) -> None:
        """One event; a long one is cut, of a traceback the end is what counts."""
        try:
            line = blotted(self.format(record))  # before it is cut: half a secret is one too
        except Exception:  # as every handler of `logging` does: told on standard error
            self.handleError(record)
            return
        if len(line) > MOST_SIGNS:
            line = f"{line[: MOST_SIGNS // 2]} … {line[-MOST_SIGNS // 2 :]}"
        self._lines.append(line)


TAIL = LogTail()  # of this process: the log is one
