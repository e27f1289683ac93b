"""The lesson protocol over a WebSocket (RFC 6455) at `/ws`.

Owns one socket: reading and checking messages, writing what waits in the outbox, noticing silence
and abuse. Hostile input gets a `Refused` with a code and changes nothing; who repeats it is closed.
The lesson itself is behind `LessonService`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import structlog
from fastapi import APIRouter, WebSocket
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.websockets import WebSocketDisconnect

from signaling.allowance import Allowance
from signaling.driver import LessonService
from signaling.errors import LessonRefusal
from signaling.origin import same_origin
from signaling.protocol.messages import ClientMessage, CloseCode, Join, client_message

_log = structlog.get_logger(__name__)

# A client that has not taken one message from us for so long is gone, whatever its TCP says.
SEND_TIMEOUT_S = 10.0
POLICY_VIOLATION = 1008  # RFC 6455 §7.4.1: a page of another site opened this socket

OriginCheck = Callable[[str, str], bool]


class _Envelope(BaseModel):
    """What can be read of a message that is otherwise bad: whom to answer."""

    model_config = ConfigDict(extra="ignore")

    request_id: str | None = None


def websocket_router(
    service: LessonService, *, origin_allowed: OriginCheck = same_origin
) -> APIRouter:
    """The route `/ws`. A request without an Origin header is not a browser's and is let in."""
    router = APIRouter()

    @router.websocket("/ws")
    async def lesson_socket(socket: WebSocket) -> None:
        origin = socket.headers.get("origin")
        if origin is not None and not origin_allowed(origin, socket.headers.get("host", "")):
            await socket.close(POLICY_VIOLATION)
            return
        await socket.accept()
        await SocketSession(socket, service).run()

    return router


class SocketSession:
    """One accepted socket until it closes."""

    def __init__(self, socket: WebSocket, service: LessonService) -> None:
        self._socket = socket
        self._service = service
        self._settings = service.settings
        self._connection = service.connect()
        self._steady = asyncio.get_running_loop().time  # nobody sets it
        self._allowance = Allowance(self._steady())
        self._closed_with: CloseCode | None = None
        self._client_left = False

    async def run(self) -> None:
        """Read until the client or we have had enough, then let what waits go out."""
        counters = self._service.counters
        counters.opened()
        writer = asyncio.create_task(self._write(), name=f"write-{self._connection.number}")
        reader = asyncio.create_task(self._read(), name=f"read-{self._connection.number}")
        try:
            # The writer ends first when the lesson closes the socket, else the reader does.
            await asyncio.wait((reader, writer), return_when=asyncio.FIRST_COMPLETED)
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            self._connection.outbox.close(self._code_after(reader))
            await asyncio.wait((writer,), timeout=SEND_TIMEOUT_S)
        finally:
            for task in (reader, writer):
                task.cancel()
            await asyncio.gather(reader, writer, return_exceptions=True)
            counters.closed(self._closed_with)
            await self._service.disconnected(self._connection)

    def _code_after(self, reader: asyncio.Task[CloseCode | None]) -> CloseCode:
        if reader.cancelled():
            return CloseCode.LEFT  # the lesson has closed the outbox with its own code already
        if reader.exception() is not None:
            _log.error("a socket failed", exc_info=reader.exception())
            return CloseCode.LESSON_FAILED
        return reader.result() or CloseCode.SILENT

    # --- reading ------------------------------------------------------------------------------

    async def _read(self) -> CloseCode | None:
        """Take messages until the client is gone (None) or is to be closed (why)."""
        joined = False
        deadline = asyncio.get_running_loop().time() + self._settings.join_timeout_s
        while True:
            try:
                if joined:
                    async with asyncio.timeout(self._settings.silent_socket_s):
                        text = await self._receive()
                else:
                    async with asyncio.timeout_at(deadline):
                        text = await self._receive()
            except TimeoutError:
                return CloseCode.SILENT if joined else CloseCode.JOIN_TIMED_OUT
            except WebSocketDisconnect:
                self._client_left = True
                return None
            if not await self._handle(text):
                return CloseCode.ABUSE
            joined = joined or self._connection.runner is not None

    async def _receive(self) -> str | bytes:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text: str | bytes | None = message.get("text")
        return text if text is not None else message.get("bytes", b"") or b""

    async def _handle(self, text: str | bytes) -> bool:
        """Carry one message in; False when the client has offended too often."""
        now = self._steady()
        try:
            if not self._allowance.allows(now):
                raise LessonRefusal("too-fast")
            message = parse(text, max_bytes=self._settings.max_message_bytes)
        except LessonRefusal as refusal:
            self._connection.refuse(refusal.code, _request_id_of(text))
            return not self._allowance.offended(now)
        self._service.counters.messages_received[message.type] += 1
        if isinstance(message, Join):
            await self._service.join(self._connection, message)
        else:
            await self._service.request(self._connection, message)
        return True

    # --- writing ------------------------------------------------------------------------------

    async def _write(self) -> None:
        outbox = self._connection.outbox
        with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError, OSError):
            # RuntimeError is Starlette's word for a socket that the client has closed already.
            while True:
                item = await outbox.get()
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    if isinstance(item, CloseCode):
                        await self._socket.close(item)
                        if not self._client_left:
                            self._closed_with = item
                        return
                    await self._socket.send_text(item)
                self._service.counters.messages_sent += 1


def parse(text: str | bytes, *, max_bytes: int) -> ClientMessage:
    """A client's message; raises `LessonRefusal` (`too-large`, `unknown-type`, `malformed`)."""
    if len(text) > max_bytes or (isinstance(text, str) and _utf8_length(text) > max_bytes):
        raise LessonRefusal("too-large")
    if isinstance(text, bytes):
        raise LessonRefusal("malformed")
    try:
        return client_message.validate_json(text)
    except ValidationError as error:
        kinds = {detail["type"] for detail in error.errors(include_input=False)}
        raise LessonRefusal(
            "unknown-type" if "union_tag_invalid" in kinds else "malformed"
        ) from None
    except ValueError:
        raise LessonRefusal("malformed") from None


def _utf8_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))


def _request_id_of(text: str | bytes) -> str | None:
    """The `request_id` of a bad message, if so much can be read."""
    try:
        request_id = _Envelope.model_validate_json(text[:200_000]).request_id
    except ValueError:
        return None
    return request_id if request_id is not None and len(request_id) <= 64 else None
