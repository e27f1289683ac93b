"""The RTSP client's sockets: one camera, from connecting to its loss. The only I/O of this package.

Owns the TCP connection, the UDP ports and the timer. What is said and what it means is `client`'s.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any, Protocol

from hardware_profiles.room_agent.sources.rtsp.address import StreamAddress
from hardware_profiles.room_agent.sources.rtsp.authorization import Login
from hardware_profiles.room_agent.sources.rtsp.client import RtspClient, tracks_of
from hardware_profiles.room_agent.sources.rtsp.description import CameraTrack, Description
from hardware_profiles.room_agent.sources.rtsp.errors import CameraLost, NoPicture, RtspError
from hardware_profiles.room_agent.sources.rtsp.events import (
    CameraPacket,
    Connect,
    Described,
    Ended,
    Output,
    Playing,
    Write,
)
from hardware_profiles.room_agent.sources.rtsp.transport import TCP, Way

# The best first: H.264 goes on as it is, the others are converted.
PICTURES = ("H264", "H265", "JPEG")
SOUNDS = ("MPEG4-GENERIC", "G722", "PCMA", "PCMU")
_CONNECT_S = 5.0
# A keyframe of 1080p is 200 KiB and comes at once; the kernel's usual 208 KiB would drop its end.
_UDP_BUFFER_BYTES = 1 << 20
_PORT_TRIES = 30
# What we say has some hundred bytes; a camera that leaves so many of them unread asks on and on
# without listening, and would fill this machine's memory.
_MOST_UNREAD_BYTES = 1 << 18


class PacketTaker(Protocol):
    """What a camera's picture is given to. Called in the event loop: must be quick."""

    def begins(self, track: CameraTrack) -> None:
        """The camera is there and will send this track."""
        ...

    def packet(self, data: bytes, at: float, *, control: bool) -> bool:
        """One RTP packet (RTCP where `control`) that came `at`, by the loop's clock.

        False when by it the camera has ended the stream.
        """
        ...

    def lives(self) -> None:
        """The source is there, though nothing of it is wanted now."""
        ...


async def receive(
    address: StreamAddress,
    login: Login | None,
    picture: PacketTaker,
    *,
    udp: bool,
    rng: Random,
    sound: PacketTaker | None = None,
) -> None:
    """Give `picture` what the camera's first picture track sends, `sound` its best sound where it
    has one; ends by raising `RtspError`.
    """
    conversation = _Conversation(address, login, picture, udp=udp, rng=rng, sound=sound)
    try:
        await conversation.run()
    finally:
        conversation.close()


class _Conversation:
    def __init__(
        self,
        address: StreamAddress,
        login: Login | None,
        picture: PacketTaker,
        *,
        udp: bool,
        rng: Random,
        sound: PacketTaker | None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._client = RtspClient(address, login, rng=rng)
        self._picture = picture
        self._sound = sound
        self._takers: dict[int, PacketTaker] = {}  # by track
        self._udp = udp
        self._stream: asyncio.Transport | None = None
        self._own_host = ""  # the address the camera sees us by
        self._ports: list[asyncio.DatagramTransport] = []
        self._timer: asyncio.TimerHandle | None = None
        self._connects: asyncio.Queue[Connect] = asyncio.Queue(2)
        self._over: asyncio.Future[None] = self._loop.create_future()

    async def run(self) -> None:
        self._drain()
        while True:
            next_one = asyncio.ensure_future(self._connects.get())
            try:
                waits: list[asyncio.Future[Any]] = [next_one, self._over]
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                if self._over.done():
                    self._over.result()
                    return
                await self._connect(next_one.result())
            finally:
                next_one.cancel()

    def close(self) -> None:
        """Say farewell and close all there is."""
        if self._timer is not None:
            self._timer.cancel()
        if self._stream is not None:
            if self._stream.get_write_buffer_size():
                self._stream.abort()  # it reads nothing: a farewell would wait for good
            else:
                with suppress(OSError):
                    self._stream.write(self._client.farewell())
                self._stream.close()
            self._stream = None  # what it tells from here on is of no interest
        for port in self._ports:
            port.close()
        if self._over.done() and not self._over.cancelled():
            self._over.exception()  # looked at, whether or not somebody waited for it

    async def _connect(self, to: Connect) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        line = _Line(self)
        try:
            async with asyncio.timeout(_CONNECT_S):
                stream, _ = await self._loop.create_connection(lambda: line, to.host, to.port)
        except (OSError, UnicodeError):  # the second: no name of a host has such parts
            self._client.handle_closed(self._loop.time())
            self._drain()
            return
        self._stream = stream
        self._own_host = stream.get_extra_info("sockname")[0]
        peer = stream.get_extra_info("peername")
        self._client.connected(self._loop.time(), peer=peer[0] if peer else "")
        self._drain()

    # --- what the sockets tell ------------------------------------------------------------------

    def came(self, line: _Line, data: bytes) -> None:
        if line.stream is self._stream:
            self._client.handle_data(data, self._loop.time())
            self._drain()

    def closed(self, line: _Line) -> None:
        if line.stream is self._stream:
            self._client.handle_closed(self._loop.time())
            self._drain()

    def datagram(self, track: int, data: bytes, host: str, *, control: bool) -> None:
        self._client.handle_datagram(track, data, host, self._loop.time(), control=control)
        self._drain()

    def _at_timer(self) -> None:
        self._client.handle_timer(self._loop.time())
        self._drain()

    # --- what the client wants ------------------------------------------------------------------

    def _drain(self) -> None:
        at = self._loop.time()
        while (output := self._client.poll()) is not None:
            if isinstance(output, CameraPacket):
                taker = self._takers.get(output.track, self._picture)
                if not taker.packet(output.data, at, control=output.control):
                    self._fail(CameraLost("it ended the stream", "摄像机结束了码流"))
            else:
                self._do(output)
        self._set_timer()

    def _do(self, output: Output) -> None:
        match output:
            case Write(data) if self._stream is not None:
                self._stream.write(data)
                if self._stream.get_write_buffer_size() > _MOST_UNREAD_BYTES:
                    self._fail(CameraLost("it reads nothing", "摄像机不接收数据"))
            case Connect() if not self._connects.full():
                self._connects.put_nowait(output)
            case Described(description):
                self._chosen(description)
            case Ended(error) if not self._over.done():
                self._over.set_exception(error)
            case Playing() | _:
                pass

    def _chosen(self, description: Description) -> None:
        """Set up the picture, and the sound that is wanted. Without a picture that is known here
        it is over.
        """
        found = [number for codec in PICTURES for number in tracks_of(description, (codec,))]
        if not found:
            others = ", ".join(one.codec for one in description.tracks if one.kind == "video")
            self._fail(NoPicture(others if others.isalnum() else ""))
            return
        self._takers = {found[0]: self._picture}
        if self._sound is not None:
            sounds = [number for codec in SOUNDS for number in tracks_of(description, (codec,))]
            self._takers |= dict.fromkeys(sounds[:1], self._sound)
        try:
            ways = {one: self._open_ports(one) if self._udp else TCP for one in self._takers}
        except OSError:
            self._fail(CameraLost("no UDP ports are free here", "本机没有空闲的 UDP 端口"))
            return
        for track, taker in self._takers.items():
            taker.begins(description.tracks[track])
        self._client.set_up(ways, self._loop.time())

    def _fail(self, error: RtspError) -> None:
        if not self._over.done():
            self._over.set_exception(error)

    def _open_ports(self, track: int) -> Way:
        """An even port and the next (RFC 3550 §11), on the address the camera sees us by."""
        rtp, rtcp = _port_pair(self._own_host)
        for one, control in ((rtp, False), (rtcp, True)):
            self._loop.create_task(self._listen(one, track, control=control), name="rtsp-udp")
        return Way(rtp.getsockname()[1])

    async def _listen(self, one: socket.socket, track: int, *, control: bool) -> None:
        def came(data: bytes, host: str) -> None:
            self.datagram(track, data, host, control=control)

        port, _ = await self._loop.create_datagram_endpoint(lambda: _Port(came), sock=one)
        if self._over.done():
            port.close()
        self._ports.append(port)

    def _set_timer(self) -> None:
        at = self._client.timer()
        # Every packet moves the watch-dog on: the timer is left where it is and asks again then.
        if at is None or (self._timer is not None and self._timer.when() <= at):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._at_timer()


class _Line(asyncio.Protocol):
    def __init__(self, conversation: _Conversation) -> None:
        self._conversation = conversation
        self.stream: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.stream = transport

    def data_received(self, data: bytes) -> None:
        self._conversation.came(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._conversation.closed(self)


class _Port(asyncio.DatagramProtocol):
    def __init__(self, came: Callable[[bytes, str], None]) -> None:
        self._came = came

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._came(data, addr[0])


def _port_pair(host: str) -> tuple[socket.socket, socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(_PORT_TRIES):
        rtp = _bound(family, host, 0)
        number = rtp.getsockname()[1]
        if number % 2 == 0:
            with suppress(OSError):
                return rtp, _bound(family, host, number + 1)
        rtp.close()
    raise OSError("no two ports beside each other")


def _bound(family: int, host: str, port: int) -> socket.socket:
    one = socket.socket(family, socket.SOCK_DGRAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _UDP_BUFFER_BYTES)
        one.setblocking(False)
        one.bind((host, port))
    except OSError:
        one.close()
        raise
    return one
