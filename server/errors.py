"""What can go wrong in the application, as one tree.

ServerError
├── StartRefused      the server cannot start as it is set; the text says what to do
├── ChildFailed       a process that was asked one thing gave no answer (`server.children.once`)
│   └── ChildLate     in the time that a busy machine left it
├── NeverWritten      what has happened could not be written (`server.database.pending_writes`)
└── Refusal           a request is refused: status, stable code, both languages, fields
    └── DatabaseRefused   the database did nothing; try again (`server.database.refusing`)
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence for people, in both languages."""

    zh: str
    en: str


class ServerError(Exception):
    """Root of the application's errors."""


class StartRefused(ServerError):  # noqa: N818 - a refusal is no error of ours
    """The server cannot start: one paragraph that says what to do about it, in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.text = Text(zh, en)


@dataclass(eq=False)
class Refusal(ServerError):  # noqa: N818 - as above
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
