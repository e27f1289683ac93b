"""Where an FFmpeg of ours sends what it has read: RTP in RTSP, over loopback.

RFC 2326: OPTIONS, ANNOUNCE, SETUP, RECORD, and packets interleaved (§10.12). One connection is
taken, of who knows the address; FFmpeg's RTSP sender puts picture and sound on one clock, which two
RTP senders do not.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import suppress

from hardware_profiles.room_agent.sources.rtsp.description import CameraTrack, read_description
from hardware_profiles.room_agent.sources.rtsp.errors import NotRtsp, RtspError
from hardware_profiles.room_agent.sources.rtsp.wire import (
    Interleaved,
    MessageReader,
    RtspRequest,
    response_bytes,
)
from server.encoders.encoded_stream import EncodedStream

_SESSION = "1"


class Inlet:
    """`open` it for one FFmpeg, `close` it after."""

    def __init__(self, stream: EncodedStream) -> None:
        self._stream = stream
        self._path = secrets.token_urlsafe(12)
        self._server: asyncio.Server | None = None
        self._taken: _Line | None = None
        self.wrong_codec = False  # its picture can neither go on nor be converted

    async def open(self) -> str:
        """Listen; the address for FFmpeg."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Line(self), "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return f"rtsp://127.0.0.1:{port}/{self._path}"

    def close(self) -> None:
        """Take nothing more."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._taken is not None:
            self._taken.close()
            self._stream.ended()
            self._taken = None

    def take(self, line: _Line, url: str) -> bool:
        """Whether this line may send: the first that knows the address."""
        if self._taken is None and secrets.compare_digest(
            url.rpartition("/")[2].encode(), self._path.encode()
        ):
            self._taken = line
        return self._taken is line

    @property
    def stream(self) -> EncodedStream:
        return self._stream


class _Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, inlet: Inlet) -> None:
        self._inlet = inlet
        self._reader = MessageReader()
        self._transport: asyncio.Transport | None = None
        self._tracks: list[CameraTrack] = []
        self._channels: dict[int, tuple[str, bool]] = {}  # kind, whether it is RTCP

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # of a TCP server
        self._transport = transport

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._reader.feed(data):
                if isinstance(message, Interleaved):
                    self._packet(message)
                elif isinstance(message, RtspRequest):
                    self._request(message)
        except RtspError:
            self.close()

    def _packet(self, packet: Interleaved) -> None:
        kind, control = self._channels.get(packet.channel, ("", False))
        stream, at = self._inlet.stream, asyncio.get_running_loop().time()
        if kind and control:
            stream.control(packet.data, sound=kind == "audio")
        elif kind == "video":
            stream.picture_packet(packet.data, at, time.time())
        elif kind == "audio":
            stream.sound_packet(packet.data, at, time.time())

    def _request(self, request: RtspRequest) -> None:
        fields = {"CSeq": request.one("cseq"), "Session": _SESSION}
        match request.method:
            case "OPTIONS":
                fields["Public"] = "ANNOUNCE, SETUP, RECORD, TEARDOWN"
            case "ANNOUNCE":
                if not self._inlet.take(self, request.url):
                    raise NotRtsp("another sender")
                self._tracks = list(read_description(request.body, request.url).tracks)
            case "SETUP":
                fields["Transport"] = self._set_up(request)
            case "RECORD":
                try:
                    self._inlet.stream.begins(self._track("video"), self._track("audio"))
                except KeyError:
                    self._inlet.wrong_codec = True
                    raise NotRtsp("a picture that nobody here reads") from None
        if self._transport is not None:
            self._transport.write(response_bytes(200, "OK", fields))

    def _set_up(self, request: RtspRequest) -> str:
        """Remember what comes on which channel; the transport as it was asked for."""
        asked = request.one("transport")
        for part in asked.split(";"):
            name, _, value = part.partition("=")
            if name.strip() == "interleaved":
                track = next((one for one in self._tracks if one.control == request.url), None)
                if track is None:
                    raise NotRtsp("an unknown track")
                with suppress(ValueError):
                    first = int(value.partition("-")[0])
                    self._channels[first] = track.kind, False
                    self._channels[first + 1] = track.kind, True
        return asked

    def _track(self, kind: str) -> CameraTrack | None:
        return next((one for one in self._tracks if one.kind == kind), None)
