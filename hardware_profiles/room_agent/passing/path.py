"""A camera's packets in, packets to send out.

What browsers need and cameras leave out is added: parameter sets before every keyframe (sent once,
or only in the description, the picture is black for ever). What they cannot use is left out:
another sender's packets, those that come twice, and all before the first keyframe.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence

from hardware_profiles.room_agent.passing.clock import PictureClock
from hardware_profiles.room_agent.passing.fitness import Unfit, shows_b_frames, unfit_profile
from hardware_profiles.room_agent.passing.group import LastGroup, Passed
from hardware_profiles.room_agent.passing.pieces import Pieces, fitting
from hardware_profiles.room_agent.passing.sender import OneSender
from mixer.rtp import h264
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import Goodbye, SenderReport, parse_compound

_NO_PAYLOAD_TYPE = -1
# An RTP header without anything that is optional, and the two bytes of a fragment (RFC 6184 §5.8).
_FRAGMENT = struct.Struct("!BBHQBB")
_FU_END = 0x40


class CameraPath:
    """One camera's picture, over all its connections. `dropped` and `lost` are counted, `unfit`
    says why browsers would not play it.
    """

    def __init__(self, first_timestamp: int) -> None:
        self.clock = PictureClock(first_timestamp)
        self.group = LastGroup()
        self.dropped: Counter[str] = Counter()
        self.lost = 0
        self.ended = False
        self.size: tuple[int, int] | None = None
        self.unfit: Unfit | None = None
        self._sets = h264.ParameterSets()
        self._sender = OneSender(_NO_PAYLOAD_TYPE, self.dropped)
        self._timestamp: int | None = None
        self._in_picture: set[int] = set()  # the parameter sets of this picture so far
        self._began = False
        self._pieces = Pieces()
        self._owed_lost, self._owed_start = 0, False  # of packets that left nothing to send yet
        self._sent = 0  # the timestamp of this picture as it goes out
        self._next: tuple[int, ...] | None = None  # how the next packet begins, if its unit goes on

    def begin(self, payload_type: int, parameter_sets: tuple[bytes, ...]) -> None:
        """A new connection, with what its description says."""
        self.clock.begin()
        self.group.forget()
        self.ended = False
        self.unfit = None
        self._sender = OneSender(payload_type, self.dropped)
        self._timestamp = None
        self._began = False
        self._pieces.forget()
        self._owed_lost, self._owed_start = 0, False
        self._next = None
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
            if isinstance(packet, SenderReport) and packet.ssrc == self._sender.ssrc:
                self.clock.report(packet.ntp, packet.rtp_timestamp, at, unix)
            elif isinstance(packet, Goodbye) and self._sender.ssrc in packet.ssrcs:
                self.ended = True

    def packet(self, data: bytes, at: float) -> Sequence[Passed]:
        """What to send on of an RTP packet that came `at`."""
        if len(data) > _FRAGMENT.size and _FRAGMENT.unpack_from(data) == self._next:
            return self._goes_on(data, at)
        return self._any(data, at)

    def _goes_on(self, data: bytes, at: float) -> Sequence[Passed]:
        """Of the next packet of a unit that neither begins nor ends with it: nine of ten of a
        camera, about which nothing is to be found out.
        """
        assert self._next is not None  # by `packet`
        version, kind, sequence, stream, indicator, unit = self._next
        self._sender.goes_on(sequence, at)
        self._next = version, kind, (sequence + 1) & 0xFFFF, stream, indicator, unit
        pieces = self._pieces.middle(indicator & 0xE0, unit, data[_FRAGMENT.size :])
        if not pieces:
            return ()
        out = [Passed(payload, self._sent, marker=False) for payload in pieces]
        if self._owed_lost or self._owed_start:
            out[0] = out[0]._replace(lost_before=self._owed_lost, starts_group=self._owed_start)
            self._owed_lost, self._owed_start = 0, False
        for one in out:
            self.group.add(one)
        return out

    def _any(self, data: bytes, at: float) -> Sequence[Passed]:
        try:
            packet = RtpPacket.parse(data)
            parts = h264.split(packet.payload) if packet.payload else ()
        except MalformedPacketError:
            self.dropped["broken"] += 1
            return []
        lost = self._sender.missing_before(packet, at)
        if lost is None:
            return []
        if self._sender.began_anew:
            self.clock.begin()
        if lost:
            self._pieces.forget()
        if packet.timestamp != self._timestamp:
            self._pieces.forget()
            self._timestamp = packet.timestamp
            self._in_picture = set()
        keyframe = self._look(packet.payload, parts)
        if not self._began:
            if not keyframe:
                self.dropped["before the first keyframe"] += 1
                return []
            self._began, lost = True, 0
        self.lost += lost
        self._owed_lost += lost
        self._owed_start |= keyframe
        self._next = None
        if data[0] == 0x80 and not packet.marker and len(data) > _FRAGMENT.size:
            version, kind, sequence, stream, indicator, unit = _FRAGMENT.unpack_from(data)
            if indicator & 0x1F == h264.FU_A and not unit & _FU_END:
                after = (sequence + 1) & 0xFFFF
                self._next = version, kind, after, stream, indicator, unit & 0x1F
        return self._passed(packet, parts, at)

    def _passed(
        self, packet: RtpPacket, parts: tuple[h264.NalPart, ...], at: float
    ) -> list[Passed]:
        self._sent = timestamp = self.clock.sent(packet.timestamp, at)
        payloads = self._missing_sets(parts)
        if packet.payload:
            payloads += self._pieces.fit(packet.payload, parts, last=packet.marker)
        out = [
            Passed(
                payload,
                timestamp,
                marker=packet.marker and place == len(payloads) - 1,
                lost_before=self._owed_lost if place == 0 else 0,
                starts_group=self._owed_start and place == 0,
            )
            for place, payload in enumerate(payloads)
        ]
        if out:
            self._owed_lost, self._owed_start = 0, False
        for one in out:
            self.group.add(one)
        return out

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
        elif any(shows_b_frames(part) for part in parts):
            self.unfit = Unfit.B_FRAMES
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
                width, height, interlaced = h264.sps_picture(sets.sps)
                self.size = (width, height)
                if interlaced:
                    self.unfit = Unfit.INTERLACED
                elif unfit_profile(sets.sps):
                    self.unfit = Unfit.DEPTH
        except MalformedPacketError:
            self.dropped["broken parameter set"] += 1
            return
        self._sets = sets
