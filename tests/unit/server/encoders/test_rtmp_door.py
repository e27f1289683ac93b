"""The RTMP listener with real sockets: who dawdles, who is too many, who falls silent."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives import serialization

from server.door.certificates import own_certificate
from server.door.handshake import DoorContext
from server.encoders import rtmp_door
from server.encoders.rtmp import chunks
from server.encoders.rtmp.amf import values_bytes
from server.encoders.rtmp.chunks import RtmpMessage, message_bytes
from server.encoders.rtmp_door import MOST_OF_ONE, RightKey, RtmpDoor, RtmpSender
from signaling.protocol.messages import Source

PATIENCE_S = 10.0
GREETING = b"\x03" + bytes(2 * 1536)
PUBLISH = message_bytes(
    RtmpMessage(chunks.COMMAND, 0, 0, values_bytes(["publish", 5.0, None, "right", "live"])),
    chunk_stream=3,
)


class Door:
    """The listener; `senders` are those who have shown the key."""

    def __init__(self) -> None:
        self.senders: list[RtmpSender] = []
        self.door = RtmpDoor(self._find, on_sender=self._came, rng=Random(1))
        self.port = 0

    async def _find(self, secret: str) -> RightKey | None:
        return RightKey("id", Source.BOARD) if secret == "right" else None

    def _came(self, sender: RtmpSender) -> bool:
        self.senders.append(sender)
        return True

    async def knock(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)


@pytest.fixture
async def door(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    monkeypatch.setattr(rtmp_door, "GREETING_S", 0.5)
    monkeypatch.setattr(rtmp_door, "SILENT_S", 0.5)
    made = Door()
    made.port = await made.door.open("127.0.0.1", 0)
    yield made
    await made.door.close()


async def ended(reader: asyncio.StreamReader) -> None:
    """Raises `TimeoutError` for a connection that is kept."""
    async with asyncio.timeout(PATIENCE_S):
        try:
            while await reader.read(65_536):
                pass
        except ConnectionError:
            return


async def dribble(writer: asyncio.StreamWriter, data: bytes) -> None:
    """One byte now and then, as long as anybody takes it."""
    try:
        for byte in data:
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0.02)
    except ConnectionError:
        return


SLOW: dict[str, Callable[[], tuple[bytes, bytes]]] = {
    "nothing at all": lambda: (b"", b""),
    "one byte now and then": lambda: (b"", GREETING),
    "the handshake, then byte by byte": lambda: (GREETING, PUBLISH * 10),
    "one long message, never whole": lambda: (
        GREETING + b"\4" + bytes(3) + b"\0\xff\xff\x14\1\0\0\0",
        bytes(5_000),
    ),
}


@pytest.mark.parametrize("name", SLOW)
async def test_who_dawdles_is_ended(door: Door, name: str) -> None:
    at_once, later = SLOW[name]()
    reader, writer = await door.knock()
    writer.write(at_once)
    if name == "the handshake, then byte by byte":
        later = later.replace(b"right", b"wrong")[: len(PUBLISH) - 1]
    slowly = asyncio.create_task(dribble(writer, later))
    try:
        await ended(reader)
        assert not door.senders and door.door.refused == 1
        assert door.door._strangers.total() == 0, "its place is free again"
    finally:
        slowly.cancel()
        writer.close()


async def test_one_address_takes_not_every_place(door: Door) -> None:
    waiting = [await door.knock() for _ in range(MOST_OF_ONE)]
    while door.door._strangers.total() < MOST_OF_ONE:  # noqa: ASYNC110 - of the listener's
        await asyncio.sleep(0.01)
    reader, writer = await door.knock()
    await ended(reader)
    assert door.door.refused == 1
    for _, one in [*waiting, (reader, writer)]:
        one.close()


async def test_a_right_key_that_then_says_nothing_is_ended(door: Door) -> None:
    """A plug pulled at the encoder closes nothing here: half open."""
    reader, writer = await door.knock()
    writer.write(GREETING + PUBLISH)
    await ended(reader)
    (sender,) = door.senders
    assert sender.over.is_set() and not sender.sends
    writer.close()


async def test_a_wrong_key_is_told_and_ended(door: Door) -> None:
    reader, writer = await door.knock()
    writer.write(GREETING + PUBLISH.replace(b"right", b"wrong"))
    async with asyncio.timeout(PATIENCE_S):
        said = await reader.read()
    assert b"NetStream.Publish.BadName" in said and not door.senders
    writer.close()


async def test_by_tls_with_the_servers_certificate(door: Door, tmp_path: Path) -> None:
    """The same door at a second port; a stranger who begins no TLS is ended there, too."""
    now = datetime.datetime.now(datetime.UTC)
    files = own_certificate(tmp_path, names=["127.0.0.1"], now=now)
    port = await door.door.open("127.0.0.1", 0, tls=files.context_of(DoorContext))
    root = files.chain()[-1].public_bytes(serialization.Encoding.PEM).decode()
    trusting = ssl.create_default_context(cadata=root)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
    writer.write(GREETING + PUBLISH)
    said = b""
    async with asyncio.timeout(PATIENCE_S):
        while b"NetStream.Publish.Start" not in said:
            said += await reader.readuntil(b"send")
    await ended(reader)
    assert len(door.senders) == 1
    writer.close()
    for first in (b"", GREETING, b"\x16\x03\x01\x02\x00\x01"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(first)
        await ended(reader)
        writer.close()
    assert len(door.senders) == 1 and door.door._strangers.total() == 0
