"""The last lines of the log, for administrators: bounded, and without secrets.

Nothing of ours logs a secret; what looks like one all the same (a library's line with an address or
a header in it) is blotted out before it is kept.
"""

from __future__ import annotations

import logging
import re
from collections import deque

MOST_LINES = 400
MOST_SIGNS = 2000
_BLOT = "••••••"
_SECRETS = (
    re.compile(r"\btk[a-z]_[A-Za-z0-9_-]{8,}"),  # credentials and keys of ours (`server.ids`)
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,2}"),  # join tokens (JWT)
    re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"),  # a name and password in an address
    re.compile(
        r"(?i)(?<![a-z])(?:password|passwd|secret|token|authorization|cookie|credential|key)"
        r"(?:['\"]?\s*[=:]\s*['\"]?)(?:bearer\s+)?([^\s'\",;&]+)"
    ),
)


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
        except Exception:
            self.handleError(record)
            return
        if len(line) > MOST_SIGNS:
            line = f"{line[: MOST_SIGNS // 2]} … {line[-MOST_SIGNS // 2 :]}"
        self._lines.append(line)


def blotted(line: str) -> str:
    """The line without what looks like a secret."""
    for secret in _SECRETS:
        line = secret.sub(_without, line)
    return line


def _without(found: re.Match[str]) -> str:
    if found.lastindex is None:
        return _BLOT
    return found[0].removesuffix(found[1]) + _BLOT


TAIL = LogTail()  # of this process: the log is one
