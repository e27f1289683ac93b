"""The RTSP client's sockets with cameras that mean harm: lost, each told as a camera's loss."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random

import pytest

from hardware_profiles.room_agent.sources.rtsp.address import StreamAddress
from hardware_profiles.room_agent.sources.rtsp.connection import receive
from hardware_profiles.room_agent.sources.rtsp.description import CameraTrack
from hardware_profiles.room_agent.sources.rtsp.errors import CameraLost

_UNREAD = b"OPTIONS * RTSP/1.0\r\nCSeq: " + b"1" * 16_000 + b"\r\n\r\n"


class _Nothing:
    def begins(self, track: CameraTrack) -> None:
        raise AssertionError("no camera here describes itself")

    def packet(self, data: bytes, at: float, *, control: bool) -> bool:
        return True

    def lives(self) -> None:
        pass


async def _receive(address: str) -> None:
    async with asyncio.timeout(30):
        await receive(StreamAddress.parse(address), None, _Nothing(), udp=False, rng=Random(1))


@pytest.mark.parametrize("host", ["a" * 64, "a..b"])
async def test_a_host_whose_name_can_be_none_is_a_camera_that_is_not_there(host: str) -> None:
    """In the profile, or where a camera leads to."""

    async def leads_there(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        moved = f"RTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: rtsp://{host}/x\r\n\r\n"
        writer.write(moved.encode())
        writer.close()

    with pytest.raises(CameraLost, match="no connection"):
        await _receive(f"rtsp://{host}/x")
    async with await asyncio.start_server(leads_there, "127.0.0.1", 0) as camera:
        port = camera.sockets[0].getsockname()[1]
        with pytest.raises(CameraLost, match="no connection"):
            await _receive(f"rtsp://127.0.0.1:{port}/x")


async def test_a_camera_that_asks_on_and_on_and_reads_nothing_is_lost() -> None:
    """Our answers to it would fill this machine's memory."""
    asked, ended = 0, asyncio.Event()

    async def asks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        assert isinstance(writer.transport, asyncio.Transport)
        writer.transport.pause_reading()
        with suppress(ConnectionError):
            while asked < 100 << 20:
                writer.write(_UNREAD)
                asked += len(_UNREAD)
                await writer.drain()
        writer.transport.abort()
        ended.set()

    async with await asyncio.start_server(asks, "127.0.0.1", 0) as camera:
        port = camera.sockets[0].getsockname()[1]
        with pytest.raises(CameraLost, match="reads nothing"):
            await _receive(f"rtsp://127.0.0.1:{port}/x")
        async with asyncio.timeout(30):
            await ended.wait()
    assert asked < 50 << 20  # what the kernel holds of it, and a little
