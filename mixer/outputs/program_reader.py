"""The program as media: the datagrams of its two taps in, pictures and sounds with a date out.

Sans-IO. The taps' sockets, and asking the core for a keyframe, are the caller's. What comes before
a stream's first report waits for it: a picture without a date has no place.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from mixer.composite.picture_reader import PictureReader
from mixer.model import Kind, TapInfo
from mixer.outputs.sender_clock import PICTURE_STAYS_S, SOUND_STAYS_S, SenderClock
from mixer.reading.errors import PayloadError
from mixer.reading.frames import Frame, OpusFrames
from mixer.reading.reorder import Arrived, ReorderBuffer
from mixer.reading.tap_packets import packet_of
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.feedback import Pli
from mixer.rtp.packet import DatagramKind, datagram_kind
from mixer.rtp.rtcp import serialize_compound
from mixer.rtp.sequence import Unwrapper

# Nothing is lost between the core and its taps but what a full socket drops: that comes no more.
_WAIT_S = 0.02

# A report is sent every second; what waits for the first is a second and a half at the most.
_MOST_WAITING = 256


@dataclass(frozen=True, slots=True)
class DatedPicture:
    """One picture: when it was seen in the rooms, and an H.264 access unit in annex B form."""

    unix_s: float
    data: bytes
    keyframe: bool


@dataclass(frozen=True, slots=True)
class DatedSound:
    """One Opus packet and when its first sample was heard."""

    unix_s: float
    data: bytes
    samples: int


class ProgramPicture:
    """The program's picture. `now` is any steady clock in seconds."""

    def __init__(self, tap: TapInfo) -> None:
        """Raises `ValueError` for what is no H.264: nothing here can pack another codec."""
        if tap.kind is not Kind.VIDEO or tap.codec.upper() != "H264":
            raise ValueError(f"{tap.codec} is no picture that HLS, RTMP and SRT have")
        self._tap = tap
        self._reader = PictureReader(tap)
        self._clock = SenderClock(tap.ssrc, tap.clock_rate, stays_s=PICTURE_STAYS_S)
        self._waiting: deque[Frame] = deque(maxlen=_MOST_WAITING)

    @property
    def lost_packets(self) -> int:
        """That never came."""
        return self._reader.lost_packets

    @property
    def malformed_packets(self) -> int:
        """That could not be read."""
        return self._reader.malformed_packets

    def handle_datagram(self, data: bytes, now: float) -> list[DatedPicture]:
        """A datagram of the tap; the pictures that have a date now."""
        if datagram_kind(data) is DatagramKind.RTCP:
            self._clock.handle_report(data)
            return self._dated([])
        return self._dated(self._reader.handle_datagram(data, now))

    def poll(self, now: float) -> list[DatedPicture]:
        """What time alone brings."""
        return self._dated(self._reader.poll(now))

    def keyframe_request(self, now: float) -> bytes | None:
        """The datagram that asks for a keyframe when none of what comes can be decoded."""
        return self._reader.keyframe_request(now)

    def keyframe_wish(self) -> bytes:
        """The datagram that asks for one because a segment is to begin."""
        return serialize_compound([Pli(0, self._tap.ssrc)])

    def _dated(self, frames: list[Frame]) -> list[DatedPicture]:
        self._waiting.extend(frames)
        if not self._clock.is_known:
            return []
        dated = [
            DatedPicture(self._clock.unix_s(one.rtp), one.data, one.keyframe)
            for one in self._waiting
        ]
        self._waiting.clear()
        return dated


class ProgramSound:
    """The program's sound: the mix of all voices."""

    def __init__(self, tap: TapInfo) -> None:
        """Raises `ValueError` for what is no Opus."""
        if tap.kind is not Kind.AUDIO or tap.codec.lower() != "opus":
            raise ValueError(f"{tap.codec} is no sound that is read here")
        self._tap = tap
        self._reorder = ReorderBuffer(wait_s=_WAIT_S)
        self._frames = OpusFrames()
        self._timestamps = Unwrapper(32)
        self._clock = SenderClock(tap.ssrc, tap.clock_rate, stays_s=SOUND_STAYS_S)
        self._waiting: deque[Frame] = deque(maxlen=_MOST_WAITING)
        self.malformed_packets = 0

    def handle_datagram(self, data: bytes, now: float) -> list[DatedSound]:
        """A datagram of the tap; the sounds that have a date now."""
        if datagram_kind(data) is DatagramKind.RTCP:
            self._clock.handle_report(data)
            return self._dated([])
        try:
            packet = packet_of(data, self._tap.ssrc, self._tap.payload_type)
        except MalformedPacketError:
            self.malformed_packets += 1
            return []
        return self._dated(self._reorder.push(packet, now))

    def poll(self, now: float) -> list[DatedSound]:
        """What time alone brings."""
        return self._dated(self._reorder.poll(now))

    def _dated(self, packets: list[Arrived]) -> list[DatedSound]:
        for arrived in packets:
            rtp = self._timestamps.unwrap(arrived.packet.timestamp)
            try:
                self._waiting.extend(self._frames.push(arrived, rtp))
            except PayloadError:
                self.malformed_packets += 1
        if not self._clock.is_known:
            return []
        dated = [
            DatedSound(self._clock.unix_s(one.rtp), one.data, one.duration) for one in self._waiting
        ]
        self._waiting.clear()
        return dated
