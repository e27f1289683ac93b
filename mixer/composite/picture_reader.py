"""Reads one picture's tap: datagrams in, whole frames and requests for keyframes out.

Sans-IO. The recorder waits half a second for what is repeated; whoever shows a picture live waits
no longer than a glance (`WAIT_S`), then goes without. What was lost is known from sequence numbers:
a decoder says nothing of a frame that never came, and smears. So nothing is passed on from a hole
up to the next keyframe, and one is asked for: at once, then ever less often.
"""

from __future__ import annotations

from mixer.composite.lesson_time import LessonTime
from mixer.model import TapInfo
from mixer.reading.errors import PayloadError
from mixer.reading.frames import Frame, assembler_for
from mixer.reading.reorder import Arrived, ReorderBuffer
from mixer.reading.tap_packets import packet_of
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.feedback import Pli
from mixer.rtp.packet import DatagramKind, datagram_kind
from mixer.rtp.rtcp import SenderReport, parse_compound, serialize_compound
from mixer.rtp.sequence import Unwrapper

# A repeated packet is back within a round trip; longer, and the picture is late for the program.
WAIT_S = 0.1

# An answer takes a round trip and an encoder's turn; who does not answer is asked ever less often.
FIRST_RETRY_S = 0.5
LONGEST_RETRY_S = 4.0

# A source that sent nothing for so long is paused and has no keyframe to give.
SILENT_S = 3.0


class PictureReader:
    """The state of one tap. `now` is any steady clock in seconds."""

    def __init__(self, tap: TapInfo, lesson_time: LessonTime | None = None) -> None:
        """Raises `ValueError` for a codec that cannot be read."""
        self._tap = tap
        self._lesson_time = lesson_time or LessonTime()
        self._lag_of: int | None = None  # the timestamp whose lag is known
        self.lag_s = 0.0  # of the newest picture: how long before its arrival it happened
        self._reorder = ReorderBuffer(wait_s=WAIT_S)
        self._assembler = assembler_for(tap.codec, tap.fmtp)
        self._timestamps = Unwrapper(32)
        self._heard_at: float | None = None
        self._asked_at: float | None = None
        self._retry_s = FIRST_RETRY_S
        self.malformed_packets = 0

    @property
    def needs_keyframe(self) -> bool:
        """Whether nothing can be shown up to the next keyframe."""
        return self._assembler.needs_keyframe

    @property
    def lost_packets(self) -> int:
        """Given up so far."""
        return self._reorder.lost_packets

    @property
    def dropped_frames(self) -> int:
        """Frames with a hole, and those that would have been made of them."""
        return self._assembler.dropped_frames

    def handle_datagram(self, data: bytes, now: float) -> list[Frame]:
        """A datagram arrived. Reports tell the time; what cannot be read is counted."""
        kind = datagram_kind(data)
        if kind is DatagramKind.RTCP:
            self._handle_reports(data)
            return []
        try:
            packet = packet_of(data, self._tap.ssrc, self._tap.payload_type)
        except MalformedPacketError:
            self.malformed_packets += 1
            return []
        if self._heard_at is None:
            self._asked_at = now  # opening the tap has asked already
        self._heard_at = now
        if packet.timestamp != self._lag_of:  # by its first packet: the others follow at leisure
            self._lag_of = packet.timestamp
            self.lag_s = self._lesson_time.lag_s(self._tap, packet.timestamp, now)
        return self._take(self._reorder.push(packet, now))

    def poll(self, now: float) -> list[Frame]:
        """What time alone brings: holes given up. To be asked at every tick."""
        return self._take(self._reorder.poll(now))

    def undecodable(self) -> None:
        """A frame of ours could not be decoded: up to the next keyframe nothing can be."""
        self._assembler.needs_keyframe = True

    def close(self) -> None:
        """Nothing more comes."""
        self._lesson_time.forget(self._tap)

    def keyframe_request(self, now: float) -> bytes | None:
        """The datagram that asks for a keyframe (RFC 4585 §6.3.1), when it is time to send one."""
        if not self._assembler.needs_keyframe:
            self._asked_at, self._retry_s = None, FIRST_RETRY_S
            return None
        if self._heard_at is None or now - self._heard_at > SILENT_S:
            return None
        if self._asked_at is not None:
            if now - self._asked_at < self._retry_s:
                return None
            self._retry_s = min(LONGEST_RETRY_S, 2 * self._retry_s)
        self._asked_at = now
        return serialize_compound([Pli(0, self._tap.ssrc)])

    def _handle_reports(self, data: bytes) -> None:
        try:
            reports = parse_compound(data)
        except MalformedPacketError:
            self.malformed_packets += 1
            return
        for report in reports:
            if isinstance(report, SenderReport):
                self._lesson_time.handle_report(self._tap, report)

    def _take(self, packets: list[Arrived]) -> list[Frame]:
        frames: list[Frame] = []
        for arrived in packets:
            rtp = self._timestamps.unwrap(arrived.packet.timestamp)
            try:
                frames += self._assembler.push(arrived, rtp)
            except PayloadError:
                self.malformed_packets += 1
        return frames
