"""Janus' own API over its Unix socket: sessions, handles, requests to one of its plugins.

One datagram of a SOCK_SEQPACKET socket is one JSON message; an answer carries the request's
transaction. Requests to a plugin are first acknowledged (`ack`), then answered by an `event`.
https://janus.conf.meetecho.com/docs/rest.html
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
from typing import Any

from benchmarks.servers import ServerFailedError

ANSWER_TIMEOUT_S = 15.0
# An SDP of 30 streams has some 60 kB.
MESSAGE_BYTES = 1 << 20

Message = dict[str, Any]


class JanusError(ServerFailedError):
    """Janus refused a request (the text is its own), gave no answer, or is gone."""


class JanusApi:
    """One session with one plugin. `connect` first, `close` at the end."""

    def __init__(self, plugin: str = "videoroom") -> None:
        self._plugin = plugin
        self._socket: socket.socket | None = None
        self._transactions = itertools.count(1)
        self._waiting: dict[str, tuple[asyncio.Future[Message], bool]] = {}
        self._reader: asyncio.Task[None] | None = None
        self._session = 0
        self._sending = asyncio.Lock()  # a loop knows one writer of a socket

    async def connect(self, path: str) -> None:
        """Open the socket and a session; raises `OSError` while nobody listens there."""
        kind = socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK
        with contextlib.ExitStack() as unless_connected:
            opened = unless_connected.enter_context(socket.socket(socket.AF_UNIX, kind))
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MESSAGE_BYTES)
            await asyncio.get_running_loop().sock_connect(opened, path)
            unless_connected.pop_all()
        self._socket, self._session = opened, 0
        self._reader = asyncio.create_task(self._read(opened))
        self._session = int((await self._request({"janus": "create"}))["data"]["id"])

    async def close(self) -> None:
        """Leave; Janus ends the session with the socket. It may be connected again."""
        reader, self._reader = self._reader, None
        opened, self._socket = self._socket, None
        if reader is not None:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        if opened is not None:
            opened.close()

    async def attach(self) -> int:
        """A new handle to the plugin: one peer connection."""
        request = {"janus": "attach", "plugin": f"janus.plugin.{self._plugin}"}
        return int((await self._request(request))["data"]["id"])

    async def message(self, handle: int, body: Message, jsep: Message | None = None) -> Message:
        """A request to the plugin; its whole answer: `plugindata` and perhaps `jsep`."""
        request: Message = {"janus": "message", "handle_id": handle, "body": body}
        if jsep is not None:
            request["jsep"] = jsep
        answer = await self._request(request)
        data = answer["plugindata"]["data"]
        if "error" in data:
            raise JanusError(f"Janus, {body['request']}: {data['error']}")
        return answer

    async def no_more_candidates(self, handle: int) -> None:
        """End of trickling: the peer is found by its own checks (peer-reflexive, RFC 8445)."""
        trickle = {"janus": "trickle", "handle_id": handle, "candidate": {"completed": True}}
        await self._request(trickle, ends_with_ack=True)

    async def _request(self, request: Message, *, ends_with_ack: bool = False) -> Message:
        if self._socket is None:
            raise JanusError("Janus is not running")
        transaction = str(next(self._transactions))
        message = {**request, "transaction": transaction}
        if self._session:
            message["session_id"] = self._session
        answered: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[transaction] = (answered, ends_with_ack)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                data = json.dumps(message).encode()
                async with self._sending:
                    await asyncio.get_running_loop().sock_sendall(self._socket, data)
                answer: Message = await answered
        except TimeoutError:
            raise JanusError(
                f"Janus gave no answer to {request['janus']} within {ANSWER_TIMEOUT_S:g} s"
            ) from None
        except ConnectionError as error:
            raise JanusError(f"Janus is gone: {error.strerror or error}") from None
        finally:
            del self._waiting[transaction]
        if answer["janus"] == "error":
            raise JanusError(f"Janus, {request['janus']}: {answer['error']['reason']}")
        return answer

    async def _read(self, opened: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):
            while data := await loop.sock_recv(opened, MESSAGE_BYTES):
                self._take(json.loads(data))
        for answered, _ in self._waiting.values():
            if not answered.done():
                answered.set_exception(JanusError("Janus has ended"))

    def _take(self, message: Message) -> None:
        answered, ends_with_ack = self._waiting.get(message.get("transaction", ""), (None, False))
        if answered is None or answered.done():
            return  # an event nobody asked for: webrtcup, media, slowlink
        if message["janus"] != "ack" or ends_with_ack:
            answered.set_result(message)
