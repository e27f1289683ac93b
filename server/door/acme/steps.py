"""What an order asks of whoever carries it out, and what it is told: no I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to the directory; answered with a `DirectoryAnswer`."""

    method: str
    url: str
    body: bytes = b""
    accept: str = "application/json"


@dataclass(frozen=True, slots=True)
class DirectoryAnswer:
    """Status, headers (names in small letters) and body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Wait:
    """Let so many seconds pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Registered:
    """The account has this URL from now on: remember it."""

    account_url: str


@dataclass(frozen=True, slots=True)
class Ordering:
    """The next request is an order, which directories count: remember it first."""


@dataclass(frozen=True, slots=True)
class Prove:
    """Show the proof for this name until the order is over. `digest` is RFC 8737's."""

    name: str
    digest: bytes


Step = Ask | Wait | Registered | Ordering | Prove
