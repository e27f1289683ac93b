"""Servers that can be measured, each behind the same small protocol.

An adapter starts its server in processes of its own, on loopback, and does the negotiation in the
server's way: a seat publishes by an offer of its own and subscribes by an offer of the server's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Server(Protocol):
    """One server under test. A name is one column of the results."""

    name: str
    decodes: bool  # it has to be sent real pictures, and is measured by whole ones

    @property
    def description(self) -> str:
        """What it is, with its version and what was set."""
        ...

    @property
    def running(self) -> bool:
        """Started, and its process is there."""
        ...

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes whose CPU and memory are counted."""
        ...

    async def start(self) -> None:
        """Start it and wait, not for ever, until it takes sessions.

        Raises `ServerUnavailableError` or `ServerFailedError`; what was begun is for `stop` to end.
        """
        ...

    async def stop(self) -> None:
        """End it and all it started; fine when it never started."""
        ...

    async def open_session(self) -> str:
        """A new room, lesson, … in which every subscriber may receive every publisher."""
        ...

    async def publish(self, session: str, seat: str, offer: str) -> str:
        """Answer a seat's publish offer."""
        ...

    async def subscribe(self, session: str, seat: str, publishers: Sequence[str]) -> str:
        """An offer with all streams of these seats."""
        ...

    async def subscribe_answer(self, session: str, seat: str, answer: str) -> None:
        """The seat's answer to that offer."""
        ...


class ServerError(Exception):
    """What goes wrong with a server.

    ServerError
    ├── ServerUnavailableError   it cannot be had here
    └── ServerFailedError        it is here and does not do what it should
    """


class ServerUnavailableError(ServerError):
    """A server cannot be started here; the text says what is missing and how to get it."""


class ServerFailedError(ServerError):
    """It did not start, ended by itself, refused a call or gave no answer in time."""
