"""The WebSocket of one device: typed messages out, answers and events in.

Owns matching answers to requests, pings and noticing a dead line. Leaves what the messages mean
to `attendance`. Protocol: docs/protocol.md.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType

from pydantic import ValidationError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from signaling.client.address import ServerAddress
from signaling.client.errors import RequestRefused, ServerLost
from signaling.client.sentences import reason
from signaling.protocol.messages import (
    ClientMessage,
    Ping,
    Pong,
    Refused,
    Reply,
    ServerMessage,
    server_message,
)

_ANSWER_TIMEOUT_S = 10.0
_PING_EVERY_S = 2.0  # as docs/protocol.md asks of clients
# Three pings without any word from the server: the line is dead.
_SILENCE_S = 7.0
_MOST_MESSAGE_BYTES = 1 << 20
# A seat reads events as they come; if it ever stops, the oldest are of no use anyway.
_MOST_EVENTS_WAITING = 1000


class Link:
    """An open line to the server. Use as an async context manager; then `ask` and `events`."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[Reply]] = {}
        self._events: asyncio.Queue[ServerMessage | None] = asyncio.Queue(_MOST_EVENTS_WAITING)
        self._tasks: list[asyncio.Task[None]] = []
        self._heard_at = 0.0

    async def __aenter__(self) -> Link:
        self._heard_at = asyncio.get_running_loop().time()
        self._tasks = [
            asyncio.create_task(self._read(), name="link-read"),
            asyncio.create_task(self._keep_alive(), name="link-ping"),
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._fail_waiting()

    async def ask(self, message: ClientMessage) -> Reply:
        """Send a request, wait for its answer. Raises `RequestRefused` or `ServerLost`."""
        number = f"s{next(self._numbers)}"
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await self._send(message.model_copy(update={"request_id": number}))
            async with asyncio.timeout(_ANSWER_TIMEOUT_S):
                reply = await answer
        except TimeoutError:
            raise ServerLost(
                f"no answer to {message.type!r}", f"服务器没有回答 {message.type!r}"
            ) from None
        finally:
            self._waiting.pop(number, None)
        if isinstance(reply, Refused):
            raise RequestRefused(reply)
        return reply

    async def events(self) -> AsyncIterator[ServerMessage]:
        """What the server says of its own accord, until the line ends."""
        while (event := await self._events.get()) is not None:
            yield event

    async def _send(self, message: ClientMessage) -> None:
        try:
            await self._connection.send(message.model_dump_json(exclude_none=True))
        except (WebSocketException, OSError) as error:
            raise ServerLost(f"the line broke: {error}", f"线路断开：{error}") from None

    async def _read(self) -> None:
        try:
            async for text in self._connection:
                self._heard_at = asyncio.get_running_loop().time()
                self._take(server_message.validate_json(text))
        except (WebSocketException, OSError, ValidationError):
            pass  # told to all who wait, below
        finally:
            self._end()

    def _take(self, message: ServerMessage) -> None:
        number = message.request_id if isinstance(message, Reply) else None
        waiting = self._waiting.get(number) if number else None
        if waiting is not None and isinstance(message, Reply):
            if not waiting.done():
                waiting.set_result(message)
        elif not isinstance(message, Pong):
            self._put(message)

    def _put(self, message: ServerMessage | None) -> None:
        if self._events.full():
            self._events.get_nowait()
        self._events.put_nowait(message)

    def _end(self) -> None:
        self._fail_waiting()
        self._put(None)

    def _fail_waiting(self) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ServerLost("the line broke", "线路断开"))

    async def _keep_alive(self) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() - self._heard_at < _SILENCE_S:
            await asyncio.sleep(_PING_EVERY_S)
            try:
                await self._send(Ping())
            except ServerLost:
                return  # the reader sees it too, and ends the line
        await self._connection.close()


@asynccontextmanager
async def open_link(server: ServerAddress) -> AsyncIterator[Link]:
    """A line to the server's `/ws`. Raises `ServerLost` when there is none to be had."""
    try:
        connection = await connect(
            server.websocket,
            ssl=server.tls,
            max_size=_MOST_MESSAGE_BYTES,
            ping_interval=None,  # the protocol has its own
            open_timeout=_ANSWER_TIMEOUT_S,
            close_timeout=2,
            proxy=None,
        )
    except (WebSocketException, OSError, TimeoutError) as error:
        why = reason(error)
        raise ServerLost(
            f"cannot reach {server.websocket}: {why.en}", f"连不上 {server.websocket}：{why.zh}"
        ) from None
    try:
        async with Link(connection) as link:
            yield link
    finally:
        await connection.close()
