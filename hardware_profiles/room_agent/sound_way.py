"""The room's sound on its way to the server: one m-line, one SSRC, ready packets.

RFC 3550 §5.1 and §6.4.1, RFC 6464 (how loud each packet is: by it the lesson sees who speaks). A
lost packet is not sent again: the next one holds a copy (RFC 6716 §2.1.7).
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable
from random import Random
from typing import Any

from aiortc import MediaStreamTrack, RTCPeerConnection, RTCRtpSender, RTCRtpTransceiver
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpparameters import RTCRtpCodecCapability
from aiortc.rtp import AnyRtcpPacket, RtcpByePacket

from hardware_profiles.room_agent.sound import SentSound, SoundFeed
from mixer.rtp.packet import audio_level_bytes
from mixer.rtp.rtcp import Goodbye, SenderReport, SourceDescription, serialize_compound
from mixer.rtp.sequence import ntp_from_unix_ns

AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
_HEADER = struct.Struct("!BBHII")
# One-byte header extensions, one word of them (RFC 8285 §4.2).
_EXTENSION = struct.Struct("!HHB1sxx")
_SPEECH_LEVEL = 48  # −dBov: an empty classroom is below it

Put = Callable[[list[bytes]], None]


class _Rest(MediaStreamTrack):
    """A track that never gives anything (`sending`)."""

    kind = "audio"

    async def recv(self) -> Any:
        await asyncio.Event().wait()
        raise MediaStreamError


class SoundWay:
    """`open` it when the offer was answered, `close` it before the connection."""

    def __init__(
        self, connection: RTCPeerConnection, feed: SoundFeed, put: Put, rng: Random
    ) -> None:
        self.feed = feed
        self.ssrc = rng.randrange(1, 1 << 32)
        self.transceiver: RTCRtpTransceiver = connection.addTransceiver(
            _Rest(), direction="sendonly"
        )
        self.transceiver.setCodecPreferences(_opus())
        self._put = put
        self._sequence = rng.randrange(1 << 15)  # far from wrapping at first (RFC 3711 §3.3.1)
        self._payload_type = self._level_id = 0
        self._packets = self._octets = 0
        self._began = False
        self._open = False
        sender: Any = self.transceiver.sender
        sender._handle_rtcp_packet = _take_nothing
        sender._send_rtcp = self._report

    @property
    def mid(self) -> str:
        return self.transceiver.mid or ""

    def open(self, payload_type: int, level_id: int) -> None:
        """Send from now on; `level_id` is 0 where the server wants no loudness."""
        self._payload_type, self._level_id = payload_type, level_id
        router = self.transceiver.sender.transport._rtp_router
        router.register_sender(self.transceiver.sender, self.ssrc)
        self._open = True
        self.feed.listen(self._live)

    def close(self) -> None:
        if self._open:
            self._open = False
            self.feed.unlisten(self._live)

    def _live(self, packet: SentSound) -> None:
        first, extension = 0x80, b""
        if self._level_id:
            level = audio_level_bytes(voice=packet.level < _SPEECH_LEVEL, level=packet.level)
            first, extension = 0x90, _EXTENSION.pack(0xBEDE, 1, self._level_id << 4, level)
        marker = 0 if self._began else 0x80  # RFC 3551 §4.1: a talk begins
        self._began = True
        head = _HEADER.pack(
            first, self._payload_type | marker, self._sequence, packet.timestamp, self.ssrc
        )
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._packets += 1
        self._octets += len(packet.payload)
        self._put([head + extension + packet.payload])

    async def _report(self, packets: list[AnyRtcpPacket]) -> None:
        """In place of aiortc's own report, which knows nothing of what we send."""
        if not self._packets:
            return
        if any(isinstance(packet, RtcpByePacket) for packet in packets):
            self._put([serialize_compound([Goodbye((self.ssrc,))])])
            return
        timestamp, taken = self.feed.clock.captured(asyncio.get_running_loop().time(), time.time())
        report = SenderReport(
            self.ssrc,
            ntp_from_unix_ns(round(taken * 1e9)),
            timestamp,
            self._packets & 0xFFFF_FFFF,
            self._octets & 0xFFFF_FFFF,
        )
        who = SourceDescription.of_cname(self.ssrc, self.transceiver.sender._stream_id)
        self._put([serialize_compound([report, who])])


async def _take_nothing(packet: AnyRtcpPacket) -> None:
    """What the server says of a sound changes nothing here."""


def _opus() -> list[RTCRtpCodecCapability]:
    known = RTCRtpSender.getCapabilities("audio").codecs
    return [codec for codec in known if codec.mimeType == "audio/opus"]
