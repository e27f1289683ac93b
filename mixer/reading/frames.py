"""RTP payloads into whole frames: VP8 (RFC 7741), H.264 (RFC 6184), Opus (RFC 7587).

Each assembler takes one track's packets in order, with the losses between them, and gives frames
as a file wants them. A frame with a hole is dropped, and with it all frames up to the next at which
decoding may start: they would show what was never sent. Reading the payload structures is
`mixer.rtp`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mixer.reading.errors import PayloadError
from mixer.reading.reorder import Arrived
from mixer.rtp import h264, opus, vp8
from mixer.rtp.errors import MalformedPacketError

# A 4K keyframe at its best has about 2 MB; beyond twice that somebody fills our memory.
MAX_FRAME_BYTES = 4 << 20

START_CODE = b"\x00\x00\x00\x01"
NAL_FILLER = 12
_SLICES = frozenset({h264.NAL_SLICE, 2, h264.NAL_IDR})  # 2: data partition A


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame.

    `rtp` is its unwrapped timestamp, `duration` is in ticks (0: unknown), `data` is a VP8 frame,
    an H.264 access unit in Annex B form, or an Opus packet. `parameters` names what a file keeps
    in its header; when it changes, a new file is needed. Only keyframes carry it. A keyframe is one
    at which decoding may start.
    """

    rtp: int
    data: bytes
    keyframe: bool
    duration: int = 0
    width: int = 0
    height: int = 0
    parameters: str = ""


class FrameAssembler(Protocol):
    """Packets of one track in, frames out."""

    needs_keyframe: bool
    dropped_frames: int

    def push(self, arrived: Arrived, rtp: int) -> list[Frame]:
        """Take the next packet in order; `rtp` is its unwrapped timestamp.

        Raises `PayloadError` when the payload is not what its codec says; the frame it belongs
        to is lost then, and the assembler goes on.
        """
        ...


def assembler_for(codec: str, fmtp: str = "") -> FrameAssembler:
    """The assembler for a codec by its SDP name. Raises `ValueError` for one we do not record."""
    match codec.lower():
        case "vp8":
            return Vp8Frames()
        case "h264":
            return H264Frames(fmtp)
        case "opus":
            return OpusFrames()
    raise ValueError(f"codec {codec!r} is not recorded: only VP8, H264 and opus are")


class OpusFrames:
    """RFC 7587 §4.2: one RTP packet is one Opus packet."""

    needs_keyframe = False

    def __init__(self) -> None:
        self.dropped_frames = 0

    def push(self, arrived: Arrived, rtp: int) -> list[Frame]:
        payload = arrived.packet.payload
        if not payload:
            return []
        try:
            shape = opus.OpusPacket.parse(payload)
        except MalformedPacketError as error:
            self.dropped_frames += 1
            raise PayloadError(str(error)) from error
        return [Frame(rtp, payload, keyframe=True, duration=shape.samples, parameters="opus")]


class _VideoFrames:
    """What both pictures' assemblers share: one frame is collected, ended by its marker."""

    def __init__(self) -> None:
        self.needs_keyframe = True
        self.dropped_frames = 0
        self._after_loss = False  # packets were lost right before what is being collected
        self._rtp: int | None = None  # of the frame being collected
        self._ended: int | None = None  # by a marker, the last one
        self._markers_end = True
        self._parts: list[bytes] = []
        self._bytes = 0

    def push(self, arrived: Arrived, rtp: int) -> list[Frame]:
        packet = arrived.packet
        if arrived.lost_before:
            self._abandon()
            self.needs_keyframe = True
            self._after_loss = True
        frames = []
        if self._rtp is not None and rtp != self._rtp:
            # The marker is a hint (RFC 3550 §5.1): a new timestamp ends a frame as well.
            frames = self._end_frame(self._rtp)
        if not packet.payload:
            return frames  # padding only: a bandwidth probe
        if self._rtp is None and rtp == self._ended:
            # It goes on behind its marker: this sender marks slices, or parameter sets, and not
            # pictures. Nobody may rely on markers (RFC 6184 §5.1); from now on timestamps end them.
            self._markers_end = False
        try:
            self._rtp = rtp
            self._take(packet.payload)
            if self._bytes > MAX_FRAME_BYTES:
                raise PayloadError(f"a frame of more than {MAX_FRAME_BYTES} bytes")
        except (MalformedPacketError, PayloadError) as error:
            self._abandon()
            self.needs_keyframe = True
            raise PayloadError(str(error)) from error
        if packet.marker and self._markers_end:
            self._ended = rtp
            frames += self._end_frame(rtp)
        return frames

    def _add(self, part: bytes) -> None:
        self._parts.append(part)
        self._bytes += len(part)

    def _take(self, payload: bytes) -> None:
        raise NotImplementedError

    def _whole_frame(self, rtp: int, data: bytes) -> Frame | None:
        """The frame of the collected parts; None if it is not one to keep."""
        raise NotImplementedError

    def _end_frame(self, rtp: int) -> list[Frame]:
        data = b"".join(self._parts)
        frame = self._whole_frame(rtp, data) if data else None
        self._clear()
        if frame is None:
            return []
        if self.needs_keyframe and not frame.keyframe:
            self.dropped_frames += 1
            return []
        self.needs_keyframe = False
        return [frame]

    def _broken(self) -> Frame | None:
        """A frame that cannot be kept: nothing can be, up to the next keyframe."""
        self.needs_keyframe = True
        self.dropped_frames += 1
        return None

    def _abandon(self) -> None:
        if self._parts:
            self.dropped_frames += 1
        self._clear()

    def _clear(self) -> None:
        self._after_loss = False
        self._rtp = None
        self._parts = []
        self._bytes = 0


class Vp8Frames(_VideoFrames):
    """RFC 7741 §4: a frame begins with S=1 in partition 0 and ends with the marker."""

    def _take(self, payload: bytes) -> None:
        descriptor = vp8.Vp8Descriptor.parse(payload)
        begins = descriptor.start_of_partition and descriptor.partition_index == 0
        if not begins and not self._parts and self.needs_keyframe:
            return  # the rest of a frame whose beginning was lost
        if begins == bool(self._parts):
            raise PayloadError("VP8: a frame that begins in its middle, or twice")
        self._add(payload[descriptor.size :])

    def _whole_frame(self, rtp: int, data: bytes) -> Frame | None:
        if data[0] & 0x01:
            return Frame(rtp, data, keyframe=False)
        # A one-byte descriptor makes the frame a payload again, which mixer.rtp reads.
        size = vp8.keyframe_size(b"\x10" + data)
        if size is None or 0 in size:
            return self._broken()
        width, height = size
        return Frame(
            rtp,
            data,
            keyframe=True,
            width=width,
            height=height,
            parameters=f"vp8 {width}x{height}",
        )


class H264Frames(_VideoFrames):
    """RFC 6184 §5, modes 0 and 1. Keyframes always carry their parameter sets.

    Where one is needed, a picture that says so of itself is as good as an IDR: one with parameter
    sets before it, or a recovery point. Some encoders send nothing else after their first picture.
    """

    def __init__(self, fmtp: str = "") -> None:
        super().__init__()
        self._sets = _sets_from_fmtp(fmtp)
        self._fragment: list[bytes] | None = None
        self._types: set[int] = set()
        self._sets_in_band = False  # this sender puts parameter sets before its keyframes
        self._begins = False  # the first slice is the picture's first
        self._may_start = False  # decoding, though it is no IDR

    def _take(self, payload: bytes) -> None:
        for part in h264.split(payload):
            if part.start and part.end:
                if self._fragment is not None:
                    raise PayloadError("H264: a NAL unit inside a fragmented one")
                self._take_nal(part.type, part.data)
            elif part.start:
                if self._fragment is not None:
                    raise PayloadError("H264: a fragmented NAL unit that never ended")
                self._fragment = [part.data]
                self._bytes += len(part.data)
            elif self._fragment is None:
                if self.needs_keyframe:
                    continue  # the rest of a frame whose beginning was lost
                raise PayloadError("H264: a fragment without its start")
            else:
                self._fragment.append(part.data)
                self._bytes += len(part.data)
                if part.end:
                    nal = b"".join(self._fragment)
                    self._fragment = None
                    self._bytes -= len(nal)
                    self._take_nal(part.type, nal)

    def _take_nal(self, kind: int, nal: bytes) -> None:
        if kind == NAL_FILLER:
            return
        if kind == h264.NAL_SPS:
            self._sets = h264.ParameterSets(nal, self._sets.pps)
            self._may_start = True
        elif kind == h264.NAL_SEI:
            self._may_start |= h264.tells_recovery_point(nal)
        elif kind == h264.NAL_PPS:
            self._sets = h264.ParameterSets(self._sets.sps, nal)
        if kind in _SLICES and not self._types & _SLICES:
            # first_mb_in_slice 0 is the single bit 1 (H.264 §7.3.3, §9.1).
            self._begins = len(nal) > 1 and bool(nal[1] & 0x80)
        self._types.add(kind)
        self._add(START_CODE + nal)

    def _whole_frame(self, rtp: int, data: bytes) -> Frame | None:
        types = self._types
        if not types & _SLICES and self._fragment is None:
            # Parameter sets alone, under a timestamp of their own: remembered, not a picture.
            return None
        if self._fragment is not None or not self._begins:
            return self._broken()
        if h264.NAL_IDR not in types and not (self.needs_keyframe and self._may_start):
            return Frame(rtp, data, keyframe=False)
        return self._keyframe(rtp, data, has_sets=types >= {h264.NAL_SPS, h264.NAL_PPS})

    def _keyframe(self, rtp: int, data: bytes, *, has_sets: bool) -> Frame | None:
        if self._after_loss and self._sets_in_band and not has_sets:
            return self._broken()  # they were lost, and may have been new ones
        self._sets_in_band |= has_sets
        sps, pps = self._sets.sps, self._sets.pps
        if sps is None or pps is None:
            return self._broken()
        try:
            width, height = h264.sps_size(sps)
        except MalformedPacketError:
            return self._broken()
        if not has_sets:
            data = START_CODE + sps + START_CODE + pps + data
        # The profile and the size decide what a file's header says; other changes of a parameter
        # set go in band, where every decoder takes them.
        parameters = f"h264 {sps[1]} {width}x{height}"
        return Frame(rtp, data, keyframe=True, width=width, height=height, parameters=parameters)

    def _clear(self) -> None:
        super()._clear()
        self._fragment = None
        self._types = set()
        self._may_start = False


def _sets_from_fmtp(fmtp: str) -> h264.ParameterSets:
    sps = pps = None
    for item in fmtp.split(";"):
        name, _, value = item.strip().partition("=")
        if name.lower() != "sprop-parameter-sets":
            continue
        for unit in h264.sprop_parameter_sets(value):
            if unit[0] & 0x1F == h264.NAL_SPS:
                sps = unit
            else:
                pps = unit
    return h264.ParameterSets(sps, pps)
