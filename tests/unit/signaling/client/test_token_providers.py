"""How a device gets in: what a server's address is, and what a room is told when it asks."""

from __future__ import annotations

import asyncio

import pytest

from signaling.client.address import ServerAddress
from signaling.client.errors import SeatRefused, ServerLost
from signaling.client.token_providers import RoomTokens


@pytest.mark.parametrize(
    ("address", "origin", "websocket"),
    [
        ("http://127.0.0.1:7880", "http://127.0.0.1:7880", "ws://127.0.0.1:7880/ws"),
        ("https://tongke.example/today", "https://tongke.example", "wss://tongke.example/ws"),
        ("http://[::1]:80/", "http://[::1]:80", "ws://[::1]:80/ws"),
    ],
)
def test_addresses(address: str, origin: str, websocket: str) -> None:
    server = ServerAddress.parse(address)
    assert (server.origin, server.websocket) == (origin, websocket)
    assert (server.tls is not None) == address.startswith("https")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b'HTTP/1.0 200 OK\r\n\r\n{"token": "t", "poll_after_s": 9}', "t"),
        (b'HTTP/1.0 200 OK\r\n\r\n{"token": null, "poll_after_s": 0}', None),
        (b"HTTP/1.0 200 OK\r\n\r\n[]", ServerLost),
        (b"HTTP/1.0 200 OK\r\n\r\n{", ServerLost),
        (b"HTTP/1.0 401 No\r\n\r\n", SeatRefused),
        (b"HTTP/1.0 503 Later\r\n\r\n", ServerLost),
        (b"nonsense\r\n\r\n", ServerLost),
        (b"", ServerLost),
    ],
)
async def test_what_a_room_is_told(answer: bytes, outcome: str | type[Exception] | None) -> None:
    asked = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.extend(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        tokens = RoomTokens(ServerAddress.parse(f"http://127.0.0.1:{port}"), "secret")
        if isinstance(outcome, type):
            with pytest.raises(outcome):
                await tokens.token()
        else:
            assert await tokens.token() == outcome
            assert tokens.wait_s in (9.0, 0.2)  # as told, but never a storm of questions
    assert b"GET /api/room " in asked and b"Bearer secret" in asked


async def test_a_server_that_is_not_there_is_told_in_both_languages() -> None:
    tokens = RoomTokens(ServerAddress.parse("http://127.0.0.1:9"), "secret")
    with pytest.raises(ServerLost) as caught:
        await tokens.token()
    assert caught.value.said.en == "http://127.0.0.1:9 does not answer: Connection refused"
    assert caught.value.said.zh == "http://127.0.0.1:9 没有应答：对方拒绝连接"
