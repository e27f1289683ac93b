"""What can go wrong in the application, as one tree.

ServerError
├── StartRefused      the server cannot start as it is set; the text says what to do
│   └── StartPutOff       what keeps it from starting may pass by itself: try again
├── ChildFailed       a process that was asked one thing gave no answer (`server.children.once`)
│   └── ChildLate     in the time that a busy machine left it
├── NeverWritten      what has happened could not be written (`server.database.pending_writes`)
└── Refusal           a request is refused: status, stable code, both languages, fields
    └── DatabaseRefused   the database did nothing; try again (`server.database.refusing`)
"""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass, field
from typing import ClassVar

# What another program, a network or a disk does, and may undo without a change of settings.
_PASSING = frozenset(
    {
        errno.EADDRINUSE,
        errno.EADDRNOTAVAIL,
        errno.EAGAIN,
        errno.EBUSY,
        errno.EDQUOT,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.EIO,
        errno.EMFILE,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOSPC,
        errno.ENOTCONN,
        errno.EROFS,
        errno.ESTALE,
        errno.ETIMEDOUT,
    }
)


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence for people, in both languages."""

    zh: str
    en: str


class ServerError(Exception):
    """Root of the application's errors."""


class StartRefused(ServerError):
    """The server cannot start: one paragraph that says what to do about it, in both languages."""

    #: Of the process; a service manager does not try again.
    exit_code: ClassVar[int] = 2

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.text = Text(zh, en)


class StartPutOff(StartRefused):
    """The server cannot start yet: what keeps it may pass (a database that is away at boot, a port
    that another program holds, a full disk). A service manager tries again."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h


def start_refused(en: str, zh: str, why: BaseException | None) -> StartRefused:
    """`StartPutOff` where the system's error `why` is one that may pass, else `StartRefused`."""
    passing = isinstance(why, ConnectionError | TimeoutError | socket.gaierror) or (
        isinstance(why, OSError) and why.errno in _PASSING
    )
    return (StartPutOff if passing else StartRefused)(en, zh)


@dataclass(eq=False)
class Refusal(ServerError):
    """A request that is refused and changed nothing.

    `status` is the HTTP status, `code` is stable and for programs, `text` is for people, and
    `fields` names each field of the request that is at fault.
    """

    status: int
    code: str
    text: Text
    fields: dict[str, Text] = field(default_factory=dict)
    retry_after_s: float | None = None

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.text.en}"


def not_found(what_zh: str, what_en: str) -> Refusal:
    """The thing asked for does not exist (or the asker may not know that it does)."""
    return Refusal(
        404, "not-found", Text(f"没有找到这个{what_zh}。", f"There is no such {what_en}.")
    )


def field_refused(
    name: str, zh: str, en: str, *, code: str = "invalid", status: int = 422
) -> Refusal:
    """One field of the request is at fault."""
    return Refusal(status, code, Text(zh, en), {name: Text(zh, en)})
