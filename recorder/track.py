"""One track: datagrams of its tap in; frames, new files and journal records out.

Sans-IO. Order is made by `reorder`, frames by `frames`; here timestamps are unwrapped, sender
reports and arrivals noted, files begun where their headers would change, and keyframes asked for:
after a loss, and now and then, because a player can only seek to a keyframe and live senders make
none by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mixer.reading.errors import PayloadError
from mixer.reading.frames import Frame, assembler_for
from mixer.reading.least_delay import LeastDelay, PicturesInOrder
from mixer.reading.reorder import Arrived, ReorderBuffer
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.feedback import Pli
from mixer.rtp.packet import DatagramKind, RtpPacket, datagram_kind
from mixer.rtp.rtcp import SenderReport, parse_compound, serialize_compound
from mixer.rtp.sequence import unix_ns_from_ntp
from recorder.records import AnyRecord, ClockPoint, CountBroken, Gap, SyncPoint, TrackEnded
from recorder.segment_file import REORDER_S
from recorder.sender_count import PICTURES_SHOWN_LATER, SenderCount, Verdict

# Who seeks loads from the keyframe before: with keyframes every second a seek took 0.5 s, every ten
# seconds 3.5 s. One every three seconds costs a teacher's picture about a tenth of its bits.
KEYFRAME_INTERVAL_S = 3.0

# How often we ask again while a keyframe is needed; below that the answer is still on its way.
KEYFRAME_RETRY_S = 1.0

# A source that gives none for so long gives none at all: a picture that smears until it has been
# refreshed is better than none until the lesson's end.
KEYFRAME_GIVEN_UP_S = 10.0

# A source that sent nothing for so long is paused; a still screen sends at least a frame a second.
SILENT_S = 3.0

# Senders report every second to every five; more often tells nothing new.
SYNC_INTERVAL_S = 1.0

# How far ahead of the media that has come a report may speak. While a microphone stands still, the
# media core counts its last report on; a picture that does not change sends nothing for long.
REPORT_AHEAD_S = {"audio": 1.0, "video": 10.0}


@dataclass(frozen=True, slots=True)
class TrackFormat:
    """What arrives at the tap: the media core's `TapInfo`, as far as a track needs it."""

    kind: str
    codec: str
    payload_type: int
    clock_rate: int
    channels: int
    ssrc: int
    fmtp: str = ""


@dataclass(frozen=True, slots=True)
class NewFile:
    """The frames that follow go to a new file, whose timestamp 0 is `rtp`."""

    rtp: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class FrameReady:
    """A frame for the file begun last; `pts` counts ticks from the file's beginning."""

    frame: Frame
    pts: int


@dataclass(frozen=True, slots=True)
class Feedback:
    """A datagram for the media core: a request for a keyframe (RFC 4585 §6.3.1)."""

    data: bytes


Output = NewFile | FrameReady | Feedback | AnyRecord


class Track:
    """The state of one track. `now` is a steady clock, `wall` Unix time, both in seconds."""

    def __init__(self, track_id: str, track_format: TrackFormat) -> None:
        """Raises `ValueError` for a codec that is not recorded."""
        self._track_id = track_id
        self._format = track_format
        self._reorder = ReorderBuffer()
        self._assembler = assembler_for(track_format.codec, track_format.fmtp)
        self._least_delay = LeastDelay(track_format.clock_rate)
        self._parameters = ""
        self._file_rtp = 0
        self._last_frame_rtp: int | None = None  # of the frame that is shown last
        # H.264 may come in another order than it is shown, as far as a file can take it.
        reorders = track_format.codec.lower() == "h264"
        self._count = SenderCount(
            track_format.clock_rate, shown_later=PICTURES_SHOWN_LATER if reorders else 0
        )
        self._most_back = round(REORDER_S * track_format.clock_rate) if reorders else 0
        self._in_order = PicturesInOrder() if reorders else None
        self._keyframe_rtp: int | None = None  # nothing after it is shown before it
        self._last_keyframe_at: float | None = None
        self._heard_at: float | None = None
        self._asked_at: float | None = None
        self._needed_since: float | None = None
        self._synced_at: float | None = None
        self.packets = 0
        self.malformed_packets = 0
        self.dropped_frames = 0

    def handle_datagram(self, data: bytes, now: float, wall: float) -> list[Output]:
        """A datagram arrived at the tap. What cannot be read is counted and dropped."""
        kind = datagram_kind(data)
        try:
            if kind is DatagramKind.RTP:
                return self._handle_rtp(RtpPacket.parse(data), now, wall)
            if kind is DatagramKind.RTCP:
                return self._handle_rtcp(data, now, wall)
        except MalformedPacketError:
            pass
        self.malformed_packets += 1
        return []

    def poll(self, now: float, wall: float) -> list[Output]:
        """What time alone brings: holes given up, keyframes asked for."""
        out: list[Output] = []
        for arrived in self._reorder.poll(now):
            out += self._take(arrived, now, wall)
        return out + self._ask_for_keyframe(now)

    def overflow(self, now: float, wall: float) -> list[Output]:
        """The disk did not take a frame: a picture must begin anew at a keyframe."""
        self.dropped_frames += 1
        if self._format.kind != "video":
            return []
        self._assembler.needs_keyframe = True
        return [self._gap("overflow", 0, wall), *self._ask_for_keyframe(now)]

    def end(self, now: float, wall: float) -> list[Output]:
        """The tap is closed: what is held comes out, and the track's last records."""
        out: list[Output] = []
        for arrived in self._reorder.flush():
            out += self._take(arrived, now, wall)
        out += self._clock_points(self._least_delay.take())
        ended = TrackEnded(
            at=wall,
            track_id=self._track_id,
            packets=self.packets,
            lost_packets=self._reorder.lost_packets,
            dropped_frames=self.dropped_frames + self._assembler.dropped_frames,
        )
        return [*out, ended]

    def _handle_rtp(self, packet: RtpPacket, now: float, wall: float) -> list[Output]:
        if packet.ssrc != self._format.ssrc or packet.payload_type != self._format.payload_type:
            self.malformed_packets += 1
            return []
        out: list[Output] = []
        verdict = self._count.judge(packet.sequence_number, packet.timestamp, wall)
        if verdict is Verdict.HAS_NO_PLACE:
            self.malformed_packets += 1
            return []
        if verdict is Verdict.BEGINS_ANEW:
            out = self._begin_count_anew(packet, now, wall)
        self.packets += 1
        if self._heard_at is None:
            self._asked_at = now  # opening the tap has asked already
        self._heard_at = now
        out += self._observe(self._count.take(packet.timestamp), wall)
        for arrived in self._reorder.push(packet, now):
            out += self._take(arrived, now, wall)
        return out + self._ask_for_keyframe(now)

    def _observe(self, rtp: int, wall: float) -> list[Output]:
        arrivals = [(rtp, wall)] if self._in_order is None else self._in_order.take(rtp, wall)
        return [
            record
            for arrival in arrivals
            for record in self._clock_points(self._least_delay.observe(*arrival))
        ]

    def _handle_rtcp(self, data: bytes, now: float, wall: float) -> list[Output]:
        out: list[Output] = []
        for report in parse_compound(data):
            if not isinstance(report, SenderReport) or report.ssrc != self._format.ssrc:
                continue
            if report.ntp == 0 or self._count.newest is None:
                continue  # no clock to tell (RFC 3550 §6.4.1), or nothing to tie it to yet
            if self._synced_at is not None and now - self._synced_at < SYNC_INTERVAL_S:
                continue
            rtp = self._count.peek(report.rtp_timestamp)
            most_ahead_s = REPORT_AHEAD_S[self._format.kind]
            if rtp - self._count.newest > most_ahead_s * self._format.clock_rate:
                continue
            self._synced_at = now
            ntp = unix_ns_from_ntp(report.ntp) / 1e9
            out.append(SyncPoint(track_id=self._track_id, rtp=rtp, ntp=ntp, at=wall))
        return out

    def _take(self, arrived: Arrived, now: float, wall: float) -> list[Output]:
        # A count that breaks lets go of all that is held: what comes out is of the count that is.
        rtp = self._count.peek(arrived.packet.timestamp)
        out: list[Output] = []
        if arrived.lost_before:
            out.append(self._gap("lost", arrived.lost_before, wall))
        try:
            frames = self._assembler.push(arrived, rtp)
        except PayloadError:
            out.append(self._gap("unreadable", 1, wall))
            return out
        for frame in frames:
            out += self._place(frame, now, wall)
        return out

    def _place(self, frame: Frame, now: float, wall: float) -> list[Output]:
        newest = self._last_frame_rtp
        if newest is not None and not self._has_place(frame, newest):
            self.dropped_frames += 1
            return [self._gap("reordered", 0, wall)]
        if frame.rtp == newest:  # the second field of a picture
            frame = replace(frame, rtp=frame.rtp + 1)
        out: list[Output] = []
        if frame.keyframe:
            self._last_keyframe_at = now
            self._keyframe_rtp = frame.rtp
            if frame.parameters != self._parameters:
                self._parameters = frame.parameters
                self._file_rtp = frame.rtp
                out += self._clock_points(self._least_delay.begin_anew())
                out.append(NewFile(frame.rtp, frame.width, frame.height))
        self._last_frame_rtp = frame.rtp if newest is None else max(newest, frame.rtp)
        out.append(FrameReady(frame, frame.rtp - self._file_rtp))
        return out

    def _has_place(self, frame: Frame, newest: int) -> bool:
        """Whether it may be shown at its time: after what is shown already, but for B-frames."""
        if newest - frame.rtp >= self._most_back or (frame.keyframe and frame.rtp < newest):
            return False
        return self._keyframe_rtp is None or frame.rtp >= self._keyframe_rtp

    def _begin_count_anew(self, packet: RtpPacket, now: float, wall: float) -> list[Output]:
        out: list[Output] = []
        for held in self._reorder.flush():
            out += self._take(held, now, wall)
        out += self._clock_points(self._least_delay.begin_anew())
        if self._in_order is not None:
            self._in_order.begin_anew()
        begins = self._count.begin_anew(packet.sequence_number, packet.timestamp, wall)
        out.append(CountBroken(at=wall, track_id=self._track_id, rtp=begins))
        return out

    def _ask_for_keyframe(self, now: float) -> list[Output]:
        if self._format.kind != "video":
            return []
        if self._heard_at is None or now - self._heard_at > SILENT_S:
            return []  # a paused source has nothing to send
        stale = (
            self._last_keyframe_at is not None
            and now - self._last_keyframe_at >= KEYFRAME_INTERVAL_S
        )
        self._give_up_keyframe(now)
        if not self._assembler.needs_keyframe and not stale:
            return []
        if self._asked_at is not None and now - self._asked_at < KEYFRAME_RETRY_S:
            return []
        self._asked_at = now
        # Our own ssrc never sends: 0 is as good as any (RFC 3550 has no reserved value).
        return [Feedback(serialize_compound([Pli(0, self._format.ssrc)]))]

    def _give_up_keyframe(self, now: float) -> None:
        if not self._assembler.needs_keyframe:
            self._needed_since = None
        elif self._needed_since is None:
            self._needed_since = now
        elif now - self._needed_since >= KEYFRAME_GIVEN_UP_S and self._keyframe_rtp is not None:
            self._assembler.needs_keyframe = False

    def _gap(self, reason: str, packets: int, wall: float) -> Gap:
        rtp = self._count.newest if self._count.newest is not None else 0
        return Gap.model_validate(
            {
                "at": wall,
                "track_id": self._track_id,
                "rtp": rtp,
                "reason": reason,
                "packets": packets,
            }
        )

    def _clock_points(self, points: list[tuple[int, float]]) -> list[Output]:
        return [ClockPoint(track_id=self._track_id, rtp=rtp, at=at) for rtp, at in points]
