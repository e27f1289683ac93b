"""The publish connection of a room's cameras and its sound: ready packets through aiortc's DTLS.

Owns the offer, the way out and what the server asks for (lost packets, keyframes). aiortc encodes
or at least packetises whatever it sends; here everything is ready, so of it only the connection is
used: its senders rest, and their reports are ours. `tests/contract/test_aiortc_packets.py` pins it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from aiortc import MediaStreamTrack, RTCRtpSender, RTCRtpTransceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpparameters import RTCRtpCodecCapability
from aiortc.rtp import (
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpByePacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
)
from aiortc.sdp import SessionDescription

from hardware_profiles.room_agent.camera import CameraFeed, Listener
from hardware_profiles.room_agent.departure import MOST_PACKETS, Departure
from hardware_profiles.room_agent.line import LineLayers
from hardware_profiles.room_agent.offer import with_layers
from hardware_profiles.room_agent.out_layer import OutLayer
from hardware_profiles.room_agent.passing.group import Passed
from hardware_profiles.room_agent.sound import SoundFeed
from hardware_profiles.room_agent.sound_way import AUDIO_LEVEL, SoundWay
from signaling.client.errors import ServerLost
from signaling.client.peer import Peer
from signaling.protocol.messages import Source

# What a camera sends is declared so whatever it is: browsers refuse other words and play the rest.
_DECLARED = {"packetization-mode": "1", "profile-level-id": "42e01f"}
_CODECS = {"video/h264", "audio/opus"}
# Pictures go out at 60 Mb/s at most, a group at 20: a whole one at once would overflow the first
# queue on its way, and what a viewer's system keeps for it, often no more than a hundred packets.
_PAUSE_S, _GROUP_PAUSE_S = 0.005, 0.015
_MOST_WAITING = 16_384
# Several viewers come at one moment; one group is for all of them. As often as the media core asks
# (`mixer.forward.keyframes`): who comes a little later waits no longer than for that.
_GROUP_EVERY_S = 0.5


@dataclass(slots=True)
class SentCamera:
    """One source and its layers, the smallest first."""

    source: Source
    streams: list[CameraFeed]


class _Rest(MediaStreamTrack):
    """A track that never gives anything: aiortc's sender waits for it and does nothing else."""

    kind = "video"

    async def recv(self) -> Any:
        await asyncio.Event().wait()
        raise MediaStreamError


class CameraSending(Peer):
    """One publish connection. `offer`, then `take_answer`, then it sends until `close`.

    `sound` is the room's, where it is this device that carries it.
    """

    def __init__(
        self, cameras: list[SentCamera], *, rng: Random, sound: SoundFeed | None = None
    ) -> None:
        super().__init__()
        self.dropped = 0
        self._ways = [_Way(self, camera, rng) for camera in cameras]
        self._sound = SoundWay(self.connection, sound, self.put_first, rng) if sound else None
        self._line = LineLayers([len(way.layers) for way in self._ways])
        self._waiting: deque[bytes] = deque()
        self._of_groups = 0  # so many of them, from the first on, until the last group is out
        self._departure: Departure | None = None  # there as soon as it may send
        self._leaving: asyncio.Handle | None = None

    async def offer(self) -> tuple[str, dict[str, Source]]:
        """The SDP offer, and the source of each of its m-lines by mid."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        ssrcs = {
            way.transceiver.mid or "": [layer.ssrc for layer in way.layers] for way in self._ways
        }
        sources = {way.transceiver.mid or "": way.camera.source for way in self._ways}
        if self._sound is not None:
            ssrcs[self._sound.mid] = [self._sound.ssrc]
            sources[self._sound.mid] = Source.ROOM
        return with_layers(self.connection.localDescription.sdp, ssrcs), sources

    async def take_answer(self, sdp: str) -> None:
        """Begin to send."""
        medias = SessionDescription.parse(sdp).media
        agreed = {
            media.rtp.muxId: codec.payloadType
            for media in medias
            for codec in media.rtp.codecs[:1]
            if codec.mimeType.lower() in _CODECS and codec.payloadType is not None
        }
        for way in self._ways:
            if (way.transceiver.mid or "") not in agreed:
                raise ServerLost("the server takes no H.264", "服务器不接受 H.264")
        if self._sound is not None and self._sound.mid not in agreed:
            raise ServerLost("the server takes no Opus", "服务器不接受 Opus")
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        await self.until_connected()
        first = self._sound or self._ways[0]
        self._departure = Departure(first.transceiver.sender.transport)
        for way in self._ways:
            way.open(agreed[way.transceiver.mid or ""])
        if self._sound is not None:
            levels = [
                extension.id
                for media in medias
                for extension in media.rtp.headerExtensions
                if media.rtp.muxId == self._sound.mid and extension.uri == AUDIO_LEVEL
            ]
            self._sound.open(agreed[self._sound.mid], levels[0] if levels else 0)

    async def close(self) -> None:
        """Give the connection up; the cameras go on."""
        for way in self._ways:
            way.close()
        if self._sound is not None:
            self._sound.close()
        if self._leaving is not None:
            self._leaving.cancel()
        if self._departure is not None:
            self._departure.close()
            self._departure = None
        await super().close()

    def need(self, mid: str, layers: int) -> None:
        """Of the picture of this m-line so many layers, from the smallest on, are needed."""
        for way in self._ways:
            if way.transceiver.mid == mid:
                way.need(layers)

    def arrived(self, lost: int, expected: int) -> None:
        """The server says what it got; what the line does not carry is held back."""
        if self._line.report(lost, expected, asyncio.get_running_loop().time()):
            for way, layers in zip(self._ways, self._line.carried, strict=True):
                way.carry(layers)

    def put(self, packets: Sequence[bytes]) -> None:
        """Send these, in order, as soon as may be."""
        room = _MOST_WAITING - len(self._waiting)
        self.dropped += max(0, len(packets) - room)
        self._waiting.extend(packets[:room])
        self._leave()

    def put_first(self, packets: list[bytes]) -> None:
        """Send these now: sound waits behind no group of pictures."""
        if self._departure is None:
            return
        try:
            self._departure.send(packets)
        except ConnectionError:
            self.failed.set()

    def put_one(self, packet: bytes) -> None:
        """`put` of one: hundreds a second come so."""
        if len(self._waiting) >= _MOST_WAITING:
            self.dropped += 1
        else:
            self._waiting.append(packet)
            if self._leaving is None:
                self._leave()

    @property
    def is_behind(self) -> bool:
        """Whether a group is still on its way: another would only come later."""
        return self._of_groups > 0

    def put_group(self, packets: Sequence[bytes]) -> None:
        """Send these, in order, each in its time."""
        self.put(packets)
        self._of_groups = len(self._waiting)

    def _leave(self) -> None:
        """Once all that came in this moment is there: a picture leaves as one."""
        if self._departure is not None and self._leaving is None:
            self._leaving = asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        self._leaving, waiting = None, self._waiting
        if self._departure is None:
            return
        try:
            count = min(MOST_PACKETS, len(waiting))
            self._of_groups = max(0, self._of_groups - count)
            self._departure.send([waiting.popleft() for _ in range(count)])
        except ConnectionError:
            self.failed.set()
            return
        if waiting:
            loop = asyncio.get_running_loop()
            pause_s = _GROUP_PAUSE_S if self.is_behind else _PAUSE_S
            self._leaving = loop.call_later(pause_s, self._send)


class _Way:
    """One source's way out: its m-line, and an SSRC for each layer."""

    def __init__(self, sending: CameraSending, camera: SentCamera, rng: Random) -> None:
        self.camera = camera
        self.layers = [OutLayer(rng) for _ in camera.streams]
        self.transceiver: RTCRtpTransceiver = sending.connection.addTransceiver(
            _Rest(), direction="sendonly"
        )
        self.transceiver.setCodecPreferences(_h264())
        self._sending = sending
        self._needed = self._carried = len(self.layers)  # until the server says otherwise
        self._listening: list[tuple[CameraFeed, Listener]] = []
        self._open = False
        self._group_at = [float("-inf")] * len(self.layers)
        sender: Any = self.transceiver.sender
        sender._handle_rtcp_packet = self._asked
        sender._send_rtcp = self._report

    def open(self, payload_type: int) -> None:
        router = self.transceiver.sender.transport._rtp_router
        for layer in self.layers:
            layer.payload_type = payload_type
            router.register_sender(self.transceiver.sender, layer.ssrc)
        self._open = True
        self._send_needed()

    def need(self, layers: int) -> None:
        """So many layers, from the smallest on, are sent from now on."""
        self._needed = layers
        if self._open:
            self._send_needed()

    def carry(self, layers: int) -> None:
        """So many layers the line can carry."""
        self._carried = layers
        for place, stream in enumerate(self.camera.streams):
            stream.held_back = place >= layers
        if self._open:
            self._send_needed()

    def close(self) -> None:
        self._open = False
        while self._listening:
            self._leave_off()

    def _send_needed(self) -> None:
        wanted = min(self._needed, self._carried)
        while len(self._listening) > wanted:
            self._leave_off()
        while len(self._listening) < wanted:
            number = len(self._listening)
            layer, stream = self.layers[number], self.camera.streams[number]
            self._group_at[number] = float("-inf")
            self._send_group(number)

            def send(packet: Passed, layer: OutLayer = layer) -> None:
                self._sending.put_one(layer.live(packet))

            self._listening.append((stream, send))
            stream.listen(send)

    def _leave_off(self) -> None:
        stream, send = self._listening.pop()
        stream.unlisten(send)

    def _send_group(self, number: int) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._group_at[number] < _GROUP_EVERY_S or self._sending.is_behind:
            return
        packets = self.camera.streams[number].path.group.packets
        if packets:
            self._group_at[number] = now
            self._sending.put_group(self.layers[number].group(packets))

    async def _asked(self, packet: AnyRtcpPacket) -> None:
        """What the server asks of a stream: a lost packet, a picture to begin with."""
        if isinstance(packet, RtcpRrPacket):
            for report in packet.reports:
                for layer in self.layers:
                    if layer.ssrc == report.ssrc:
                        self._sending.arrived(
                            *layer.arrived(report.highest_sequence, report.fraction_lost)
                        )
            return
        media_ssrc = getattr(packet, "media_ssrc", None)
        for number, layer in enumerate(self.layers):
            if layer.ssrc != media_ssrc or number >= len(self._listening):
                continue
            if isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
                found = [layer.again(sequence) for sequence in packet.lost]
                self._sending.put([one for one in found if one is not None])
            elif isinstance(packet, RtcpPsfbPacket) and packet.fmt in (
                RTCP_PSFB_PLI,
                RTCP_PSFB_FIR,
            ):
                self._send_group(number)

    async def _report(self, packets: list[AnyRtcpPacket]) -> None:
        """In place of aiortc's own report, which knows nothing of what we send."""
        goodbye = any(isinstance(packet, RtcpByePacket) for packet in packets)
        now, unix = asyncio.get_running_loop().time(), time.time()
        for layer, stream in zip(self.layers, self.camera.streams, strict=True):
            if not layer.packets:
                continue
            timestamp, taken = stream.path.clock.captured(now, unix)
            cname = self.transceiver.sender._stream_id
            self._sending.put(
                [layer.goodbye() if goodbye else layer.report(timestamp, taken, cname)]
            )


def _h264() -> list[RTCRtpCodecCapability]:
    known = RTCRtpSender.getCapabilities("video").codecs
    return [
        codec
        for codec in known
        if codec.mimeType == "video/H264"
        and all(codec.parameters.get(key) == value for key, value in _DECLARED.items())
    ]
