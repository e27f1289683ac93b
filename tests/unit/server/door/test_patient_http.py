"""Connections that keep the server waiting are closed; all others are served."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from server.door import patient_http, shield
from server.door.patient_http import PatientProtocol, patient_protocol
from server.door.strict_http import HEAD_BYTES
from server.door.visitors import Visitors
from tests.unit.server.world import World

App = Callable[..., Awaitable[None]]


class Impatient(PatientProtocol):
    head_timeout_s = 0.05


async def hello(scope: dict[str, Any], _receive: object, send: Callable[..., Any]) -> None:
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


@asynccontextmanager
async def listening(protocol: type[PatientProtocol]) -> AsyncIterator[int]:
    """A server of the protocol alone, on a free port."""
    config = uvicorn.Config(hello, http=protocol, lifespan="off", log_config=None)
    config.load()
    state = uvicorn.server.ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: protocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.close()
        await server.wait_closed()


async def closed_after(port: int, *said: bytes) -> bytes:
    """What the server says until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for each in said:
        writer.write(each)
        await writer.drain()
    heard = await reader.read()
    writer.close()
    await writer.wait_closed()
    return heard


@pytest.mark.parametrize(
    "said", [b"", b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nhost: x\r\n"]
)
async def test_a_head_that_does_not_come_ends_the_connection(said: bytes) -> None:
    async with listening(Impatient) as port:
        assert await closed_after(port, said) == b""


@pytest.mark.thorough
async def test_a_second_head_is_awaited_no_longer_than_the_first() -> None:
    first = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    async with listening(Impatient) as port:
        heard = await closed_after(port, first + b"GET / HT")
    assert heard.count(b"HTTP/1.1 200") == 1


GET = b"GET / HTTP/1.1\r\nhost: x\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\n"
NEXT = b"GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        # RFC 9112 §6.1: whose length counts? A proxy may have chosen the other.
        ([POST + b"content-length: 4\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + NEXT], 400),
        ([POST + CHUNKED + b"content-length: 0\r\n\r\n0\r\n\r\n" + NEXT], 400),
        ([POST.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n0\r\n\r\n" + NEXT], 400),
        ([POST + b"transfer-encoding: gzip, chunked\r\n\r\n" + NEXT], 501),
        ([POST + b"content-length: 4\r\ncontent-length: 5\r\n\r\n" + NEXT], 400),
        ([POST + b"content-length : 4\r\n\r\n" + NEXT], 400),
        ([GET + b"host: y\r\n\r\n" + NEXT], 400),
        # A head that is too long: at once, in pieces, without an end, in blanks that h11 strips.
        ([GET + b"x: " + b"y" * HEAD_BYTES + b"\r\n\r\n" + NEXT], 431),
        ([GET + b"x: " + b" " * HEAD_BYTES + b"y\r\n\r\n" + NEXT], 431),
        ([GET, *[b"x: " + b"y" * 9000 + b"\r\n"] * 9, b"\r\n" + NEXT], 431),
        ([GET + b"x: ", b"y" * 200_000], 431),
        ([b"GET /" + b"y" * HEAD_BYTES + b" HTTP/1.1\r\nhost: x\r\n\r\n" + NEXT], 431),
    ],
)
async def test_a_head_that_is_not_plain_is_refused_and_nothing_after_it_is_read(
    said: list[bytes], status: int
) -> None:
    async with listening(PatientProtocol) as port:
        heard = await closed_after(port, *said)
    assert heard.startswith(b"HTTP/1.1 %d " % status)
    assert heard.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in heard.lower()
    told = json.loads(heard.partition(b"\r\n\r\n")[2])
    assert told["code"] == ("head-too-large" if status == 431 else "malformed")
    assert told["message_zh"]


async def test_who_goes_on_after_a_refusal_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_http, "LAST_WORDS_S", 0.05)
    async with listening(PatientProtocol) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"y" * 65_536)
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()
        del reader
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@pytest.mark.parametrize("length", [2000, HEAD_BYTES - len(GET) - len(b"x: \r\n\r\n")])
async def test_a_head_within_the_bound_is_served(length: int) -> None:
    async with listening(PatientProtocol) as port:
        head = GET + b"x: " + b"y" * length + b"\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(head[:1000])
            await writer.drain()
            writer.write(head[1000:])
            assert await reader.readuntil(b"hello")
        writer.close()
        await writer.wait_closed()


async def test_who_speaks_in_time_is_served() -> None:
    async with listening(PatientProtocol) as port:
        head = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        assert b"hello" in await closed_after(port, head[:9], head[9:])


async def test_a_body_that_does_not_come_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shield, "BODY_TIMEOUT_S", 0.05)

    async def stalled() -> AsyncIterator[bytes]:
        yield b'{"username":'
        await asyncio.Event().wait()

    browser = await world.browser()
    answer = await browser.post("/api/session", content=stalled())
    assert (answer.status_code, answer.json()["code"]) == (408, "too-slow")


async def test_a_long_answer_is_not_cut_by_the_bodys_clock(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shield, "BODY_TIMEOUT_S", 0.0)
    answer = await (await world.browser()).get("/healthz")
    assert isinstance(answer, httpx.Response)
    assert answer.text == "ok\n"


async def test_one_visitor_cannot_hold_every_connection() -> None:
    visitors = Visitors(most=3)
    async with listening(patient_protocol(visitors)) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        for reader, writer in held:  # all are served and kept
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await reader.readuntil(b"hello")
        with contextlib.suppress(ConnectionError):  # it is cut off, however the system says so
            assert await closed_after(port) == b""
        assert visitors.refused == 1
        held[0][1].close()
        await held[0][1].wait_closed()
        async with httpx.AsyncClient() as client:
            for _ in range(100):
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(f"http://127.0.0.1:{port}/")).text == "hello":
                        break
                await asyncio.sleep(0.01)  # until the server has heard of the close
            else:
                pytest.fail("a place given back is not another's")
        for _, writer in held[1:]:
            writer.close()
            await writer.wait_closed()
