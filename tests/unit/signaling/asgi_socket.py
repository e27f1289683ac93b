"""A WebSocket client that calls an ASGI application directly: no network, any loop, any time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, MutableMapping
from typing import Any

from fastapi import FastAPI


class AsgiSocket:
    """`async with AsgiSocket(app) as socket`: open until the block ends or the server closes."""

    def __init__(
        self, app: FastAPI, *, headers: Mapping[str, str] | None = None, deaf: bool = False
    ) -> None:
        self._app = app
        self._headers = {"host": "tongke.example", **(headers or {})}
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._to_client: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._deaf = deaf  # takes nothing after the accept: a full TCP window
        self._task: asyncio.Task[None] | None = None
        self.accepted = False
        self.close_code: int | None = None

    async def __aenter__(self) -> AsgiSocket:
        scope = {
            "type": "websocket",
            "path": "/ws",
            "raw_path": b"/ws",
            "query_string": b"",
            "headers": [(k.encode(), v.encode()) for k, v in self._headers.items()],
            "subprotocols": [],
            "scheme": "ws",
            "client": ("192.0.2.1", 4000),
            "server": ("tongke.example", 80),
        }
        self._to_app.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(self._app(scope, self._to_app.get, self._take))
        first = await self._next()
        if first["type"] == "websocket.accept":
            self.accepted = True
        else:
            self.close_code = first.get("code")
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self.vanish()
        assert self._task is not None
        async with asyncio.timeout(60):
            await self._task

    async def _take(self, message: MutableMapping[str, Any]) -> None:
        if self._deaf and message["type"] == "websocket.send":
            await asyncio.Event().wait()
        self._to_client.put_nowait(dict(message))

    async def _next(self) -> dict[str, Any]:
        async with asyncio.timeout(120):
            return await self._to_client.get()

    def send(self, message: object) -> None:
        """Send a message as JSON text."""
        self.send_text(json.dumps(message))

    def send_text(self, text: str) -> None:
        self._to_app.put_nowait({"type": "websocket.receive", "text": text})

    def send_bytes(self, data: bytes) -> None:
        self._to_app.put_nowait({"type": "websocket.receive", "bytes": data})

    def vanish(self) -> None:
        """The connection is cut."""
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": 1006})

    async def receive(self) -> dict[str, Any] | int:
        """The next message, or the code the server closed with."""
        message = await self._next()
        if message["type"] == "websocket.close":
            self.close_code = message["code"]
            return int(message["code"])
        parsed: dict[str, Any] = json.loads(message["text"])
        return parsed

    async def until(self, kind: str) -> dict[str, Any]:
        """Skip to the next message of this type."""
        while True:
            message = await self.receive()
            assert not isinstance(message, int), f"closed with {message}, not {kind}"
            if message["type"] == kind:
                return message

    async def closed(self) -> int:
        """Skip to the server's close; its code."""
        while not isinstance(message := await self.receive(), int):
            pass
        return message
