"""Packets of one camera in, whole coded pictures out.

A picture with a hole is not given on, nor what was predicted from it: decoders smear without an
error. So after a loss it waits for the next picture that decoding may start with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hardware_profiles.room_agent.passing.sender import OneSender
from hardware_profiles.room_agent.whole import h265
from hardware_profiles.room_agent.whole.jpeg import JpegParts
from mixer.rtp import h264
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.packet import RtpPacket

# A keyframe of 4K at its best has about 2 MB; beyond twice that somebody fills our memory.
MOST_PICTURE_BYTES = 4 << 20
_START_CODE = b"\0\0\0\1"


@dataclass(frozen=True, slots=True)
class WholePicture:
    """One coded picture: Annex B of H.264 and H.265, a file of JPEG. It came whole `at`."""

    data: bytes
    timestamp: int
    at: float
    keyframe: bool


class Parts(Protocol):
    """Collects one picture's payloads."""

    predicts: bool  # whether a picture needs those before it

    @property
    def size(self) -> int: ...

    @property
    def begins_whole(self) -> bool:
        """Whether what has come is surely a picture's beginning."""
        ...

    def add(self, payload: bytes) -> None:
        """Raises `MalformedPacketError`."""
        ...

    def take(self) -> tuple[bytes, bool]:
        """The picture and whether decoding may start with it; b"" when there is none."""
        ...

    def forget(self) -> None: ...


class WholePictures:
    """One connection's. `codec` is H264, H265 or JPEG; `sets` are those of the description."""

    def __init__(self, codec: str, payload_type: int, sets: tuple[bytes, ...]) -> None:
        """Raises `KeyError` for another codec."""
        self.dropped: Counter[str] = Counter()
        self.lost = 0
        self.sender = OneSender(payload_type, self.dropped)
        self._parts: Parts = _PARTS[codec](sets)
        self._timestamp: int | None = None
        self._at = 0.0
        self._waits = self._parts.predicts
        self._holed = False

    def packet(self, data: bytes, at: float) -> list[WholePicture]:
        """The pictures that this RTP packet, which came `at`, completes: one at most, mostly."""
        try:
            packet = RtpPacket.parse(data)
        except MalformedPacketError:
            self.dropped["broken"] += 1
            return []
        missing = self.sender.missing_before(packet, at)
        if missing is None or not packet.payload:
            return []
        out: list[WholePicture] = []
        if self._timestamp is not None and packet.timestamp != self._timestamp:
            self._hole(missing)  # it may have been the older one's end
            out += self._end()
        begins = self._timestamp is None
        if missing:
            self._waits = self._parts.predicts
            self._hole(0 if begins else missing)
        self.lost += missing
        self._timestamp, self._at = packet.timestamp, at
        try:
            self._parts.add(packet.payload)
        except MalformedPacketError:
            self.dropped["broken"] += 1
            self._hole(1)
        if begins and missing and not self._parts.begins_whole:
            self._hole(missing)
        if self._parts.size > MOST_PICTURE_BYTES:
            self.dropped["too large"] += 1
            self._parts.forget()
            self._hole(1)
        return out + (self._end() if packet.marker else [])

    def _hole(self, missing: int) -> None:
        if missing:
            self._holed = True

    def _end(self) -> list[WholePicture]:
        picture, keyframe = self._parts.take()
        timestamp, self._timestamp = self._timestamp, None
        holed, self._holed = self._holed, False
        if holed:
            self._waits = self._parts.predicts
            return []
        if timestamp is None or not picture:
            return []
        if self._waits and not keyframe:
            self.dropped["waits for a keyframe"] += 1
            return []
        self._waits = False
        return [WholePicture(picture, timestamp, self._at, keyframe)]


class _Units:
    """H.264's and H.265's: NAL units behind each other (annex B of both)."""

    predicts = True

    def __init__(self, sets: tuple[bytes, ...]) -> None:
        self._sets = b"".join(_START_CODE + unit for unit in sets)
        self._data = bytearray()
        self._keyframe = self._has_sets = False

    @property
    def size(self) -> int:
        return len(self._data)

    @property
    def begins_whole(self) -> bool:
        return self._has_sets

    def take(self) -> tuple[bytes, bool]:
        sets = self._sets if self._keyframe and not self._has_sets else b""
        picture, keyframe = bytes(self._data), self._keyframe
        self.forget()
        return (sets + picture if picture else b""), keyframe

    def forget(self) -> None:
        self._data = bytearray()
        self._keyframe = self._has_sets = False

    def _add(self, data: bytes, *, start: bool, keyframe: bool, is_set: bool) -> None:
        self._data += _START_CODE + data if start else data
        self._keyframe |= keyframe
        self._has_sets |= is_set


class _H264(_Units):
    def add(self, payload: bytes) -> None:
        for part in h264.split(payload):
            is_set = part.start and part.type == h264.NAL_SPS
            # Who refreshes his picture little by little sends an IDR picture only once (§D.1.8).
            recovers = part.type == h264.NAL_SEI and h264.tells_recovery_point(part.data)
            begins = is_set or recovers or (part.start and part.type == h264.NAL_IDR)
            self._add(part.data, start=part.start, keyframe=begins, is_set=is_set)


class _H265(_Units):
    def add(self, payload: bytes) -> None:
        for part in h265.split(payload):
            self._add(
                part.data,
                start=part.start,
                keyframe=part.begins_group,
                is_set=part.start and part.is_set,
            )


class _Jpeg(JpegParts):
    predicts = False

    def __init__(self, _sets: tuple[bytes, ...]) -> None:
        super().__init__()

    @property
    def begins_whole(self) -> bool:
        return self.size > 0  # a part that follows nothing is refused

    def take(self) -> tuple[bytes, bool]:
        return self.picture(), True


_PARTS: dict[str, Callable[[tuple[bytes, ...]], Parts]] = {
    "H264": _H264,
    "H265": _H265,
    "JPEG": _Jpeg,
}
