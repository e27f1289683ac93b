"""HTTP/1.1 connections that must say what they want in time.

uvicorn waits for ever for a request's first lines, and its faster parser takes endless ones: on a
port open to the internet a few thousand silent connections would use up the server. This is its
h11 protocol with a clock on each head, a bound on each visitor's connections (`visitors`), and
heads read by `strict_http`. Bodies have their clock in `shield`. Leans on `conn`, `client` and
`send_400_response` of uvicorn's protocol, as `tests/contract` checks.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from server.door.strict_http import StrictConnection, head_refusal
from server.door.visitors import Visitors

HEAD_TIMEOUT_S = 20.0  # a page on the worst line sends its 2 KB of head in one
# How long what still comes after a refused head is thrown away: closed at once, the connection
# would be reset, and the refusal lost with it.
LAST_WORDS_S = 1.0


class PatientProtocol(H11Protocol):
    """Closes a connection whose request head takes longer than `head_timeout_s` to come."""

    head_timeout_s: ClassVar[float] = HEAD_TIMEOUT_S
    visitors: ClassVar[Visitors | None] = None
    _head_timer: asyncio.TimerHandle | None = None
    _closing: asyncio.TimerHandle | None = None  # set when a head was refused

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.conn: StrictConnection = StrictConnection()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn means this one
        """A connection: its first head is due."""
        super().connection_made(transport)
        host = self.client[0] if self.client else ""
        if self.visitors is not None and not self.visitors.admits(host, transport):
            transport.abort()
            return
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Some bytes: is a head still incomplete after them?"""
        if self._closing is not None:
            return
        super().data_received(data)
        incomplete = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if not incomplete:
            self._head_came()
        elif self._head_timer is None:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._head_came()
        if self._closing is not None:
            self._closing.cancel()
        super().connection_lost(exc)

    def send_400_response(self, _msg: str) -> None:
        """Tell why the head is refused, and close."""
        response, body = head_refusal(self.conn.fault)
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._closing = self.loop.call_later(LAST_WORDS_S, self.transport.close)

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_timeout_s, self._head_is_late)

    def _head_came(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        self.transport.close()


def patient_protocol(visitors: Visitors) -> type[PatientProtocol]:
    """The protocol of one server, whose visitors are counted together."""
    return type("PatientProtocol", (PatientProtocol,), {"visitors": visitors})
