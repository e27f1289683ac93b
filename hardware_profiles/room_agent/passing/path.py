"""A camera's packets in, packets to send out.

What browsers need and cameras leave out is added: parameter sets before every keyframe (sent once,
or only in the description, the picture is black for ever). What they cannot use is left out:
another sender's packets, those that come twice, and all before the first keyframe.
"""

from __future__ import annotations

from collections import Counter

from hardware_profiles.room_agent.passing.clock import PictureClock
from hardware_profiles.room_agent.passing.group import LastGroup, Passed
from hardware_profiles.room_agent.passing.pieces import fitting
from mixer.rtp import h264
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import Goodbye, SenderReport, parse_compound
from mixer.rtp.sequence import sequence_distance

# An encoder that began anew has another SSRC, and the old one is silent; a stranger's comes beside.
_SSRC_SILENCE_S = 0.5
# A larger step is no loss but an encoder that began anew: there is no use in telling it.
_MOST_LOST = 1_000


class CameraPath:
    """One camera's picture, over all its connections. `dropped` and `lost` are counted."""

    def __init__(self, first_timestamp: int) -> None:
        self.clock = PictureClock(first_timestamp)
        self.group = LastGroup()
        self.dropped: Counter[str] = Counter()
        self.lost = 0
        self.ended = False
        self.size: tuple[int, int] | None = None
        self.interlaced = False
        self._payload_type = -1
        self._sets = h264.ParameterSets()
        self._ssrc: int | None = None
        self._newest: int | None = None
        self._newest_at = 0.0
        self._timestamp: int | None = None
        self._in_picture: set[int] = set()  # the parameter sets of this picture so far
        self._began = False

    def begin(self, payload_type: int, parameter_sets: tuple[bytes, ...]) -> None:
        """A new connection, with what its description says."""
        self.clock.begin()
        self.group.forget()
        self.ended = False
        self._payload_type = payload_type
        self._ssrc = self._newest = self._timestamp = None
        self._began = False
        self._sets = h264.ParameterSets()
        for unit in parameter_sets:
            self._note_sets(unit)

    def control(self, data: bytes, at: float, unix: float) -> None:
        """An RTCP datagram that came `at`, which is `unix` by our clock."""
        try:
            packets = parse_compound(data)
        except MalformedPacketError:
            self.dropped["broken report"] += 1
            return
        for packet in packets:
            if isinstance(packet, SenderReport) and packet.ssrc == self._ssrc:
                self.clock.report(packet.ntp, packet.rtp_timestamp, at, unix)
            elif isinstance(packet, Goodbye) and self._ssrc in packet.ssrcs:
                self.ended = True

    def packet(self, data: bytes, at: float) -> list[Passed]:
        """What to send on of an RTP packet that came `at`."""
        try:
            packet = RtpPacket.parse(data)
            parts = h264.split(packet.payload) if packet.payload else ()
        except MalformedPacketError:
            self.dropped["broken"] += 1
            return []
        if not self._belongs(packet, at):
            return []
        lost = self._step(packet.sequence_number)
        self._newest_at = at
        if packet.timestamp != self._timestamp:
            self._timestamp = packet.timestamp
            self._in_picture = set()
        keyframe = self._look(packet.payload, parts)
        if not self._began:
            if not keyframe:
                self.dropped["before the first keyframe"] += 1
                return []
            self._began, lost = True, 0
        self.lost += lost
        return self._passed(packet, parts, at, lost, keyframe=keyframe)

    def _passed(
        self,
        packet: RtpPacket,
        parts: tuple[h264.NalPart, ...],
        at: float,
        lost: int,
        *,
        keyframe: bool,
    ) -> list[Passed]:
        timestamp = self.clock.sent(packet.timestamp, at)
        payloads = self._missing_sets(parts)
        payloads += fitting(packet.payload, parts) if packet.payload else []
        out = [
            Passed(
                payload,
                timestamp,
                marker=packet.marker and place == len(payloads) - 1,
                lost_before=lost if place == 0 else 0,
                starts_group=keyframe and place == 0,
            )
            for place, payload in enumerate(payloads)
        ]
        for one in out:
            self.group.add(one)
        return out

    def _belongs(self, packet: RtpPacket, at: float) -> bool:
        if packet.payload_type != self._payload_type:
            self.dropped["other payload type"] += 1
            return False
        if self._ssrc is None or (
            packet.ssrc != self._ssrc and at - self._newest_at > _SSRC_SILENCE_S
        ):
            if self._ssrc is not None:
                self.clock.begin()
            self._ssrc, self._newest = packet.ssrc, None
        elif packet.ssrc != self._ssrc:
            self.dropped["foreign"] += 1
            return False
        if self._newest is not None:
            step = sequence_distance(packet.sequence_number, self._newest)
            if -_MOST_LOST < step <= 0:
                self.dropped["late or twice"] += 1
                return False
        return True

    def _step(self, sequence_number: int) -> int:
        """How many packets are missing before this one."""
        newest, self._newest = self._newest, sequence_number
        if newest is None:
            return 0
        missing = sequence_distance(sequence_number, newest) - 1
        return missing if 0 <= missing < _MOST_LOST else 1

    def _look(self, payload: bytes, parts: tuple[h264.NalPart, ...]) -> bool:
        """Note the parameter sets; whether a group of pictures begins with this payload."""
        new = {h264.NAL_SPS, h264.NAL_PPS} & {part.type for part in parts if part.start}
        begins = (
            bool(parts)
            and not self._in_picture
            and any(part.start and part.type in (h264.NAL_SPS, h264.NAL_IDR) for part in parts)
        )
        if new:
            self._note_sets(payload)
        self._in_picture |= new
        return begins

    def _missing_sets(self, parts: tuple[h264.NalPart, ...]) -> list[bytes]:
        """The parameter sets that must go before this payload; none, if they have gone."""
        if not any(part.start and part.type == h264.NAL_IDR for part in parts):
            return []
        known = {h264.NAL_SPS: self._sets.sps, h264.NAL_PPS: self._sets.pps}
        missing = [unit for kind, unit in known.items() if unit and kind not in self._in_picture]
        self._in_picture |= {h264.NAL_SPS, h264.NAL_PPS}
        together = h264.aggregate(missing) if len(missing) > 1 else b"".join(missing)
        return fitting(together, h264.split(together)) if together else []

    def _note_sets(self, payload: bytes) -> None:
        try:
            sets = self._sets.updated(payload)
            if sets.sps is not None and sets.sps != self._sets.sps:
                width, height, self.interlaced = h264.sps_picture(sets.sps)
                self.size = (width, height)
        except MalformedPacketError:
            self.dropped["broken parameter set"] += 1
            return
        self._sets = sets
