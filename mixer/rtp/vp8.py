"""VP8 in RTP: the payload descriptor, keyframes and their size.

RFC 7741 §4.2 (descriptor), §4.3 (payload header), RFC 6386 §9.1 (frame header). Rewriting picture
ids when a layer changes is the pump's.
"""

from __future__ import annotations

from dataclasses import dataclass

from mixer.rtp.errors import MalformedPacketError

KEYFRAME_START_CODE = b"\x9d\x01\x2a"


@dataclass(frozen=True, slots=True)
class Vp8Descriptor:
    """The bytes before a VP8 payload.

    `picture_id` has `picture_id_bits` (7 or 15); fields that are not in the packet are None.
    `size` is the descriptor's length in bytes.
    """

    start_of_partition: bool
    partition_index: int
    non_reference: bool = False
    picture_id: int | None = None
    picture_id_bits: int = 15
    tl0_picture_index: int | None = None
    temporal_index: int | None = None
    layer_sync: bool = False
    key_index: int | None = None
    size: int = 1

    @classmethod
    def parse(cls, payload: bytes) -> Vp8Descriptor:
        """Read the descriptor at the start of a payload. Raises `MalformedPacketError`."""
        reader = _Reader(payload)
        first = reader.byte()
        picture_id = tl0 = temporal = key = None
        bits, sync = 15, False
        if first & 0x80:
            flags = reader.byte()
            if flags & 0x80:
                picture_id, bits = reader.byte(), 7
                if picture_id & 0x80:
                    picture_id, bits = (picture_id & 0x7F) << 8 | reader.byte(), 15
            if flags & 0x40:
                tl0 = reader.byte()
            if flags & 0x30:
                third = reader.byte()
                if flags & 0x20:
                    temporal, sync = third >> 6, bool(third & 0x20)
                if flags & 0x10:
                    key = third & 0x1F
        return cls(
            start_of_partition=bool(first & 0x10),
            partition_index=first & 0x07,
            non_reference=bool(first & 0x20),
            picture_id=picture_id,
            picture_id_bits=bits,
            tl0_picture_index=tl0,
            temporal_index=temporal,
            layer_sync=sync,
            key_index=key,
            size=reader.at,
        )

    def serialize(self) -> bytes:
        """The descriptor as bytes. Raises `ValueError` when a value does not fit its field."""
        if not 0 <= self.partition_index <= 7:
            raise ValueError("partition index is 0…7")
        first = 0x20 * self.non_reference | 0x10 * self.start_of_partition | self.partition_index
        flags, rest = 0, bytearray()
        if self.picture_id is not None:
            flags |= 0x80
            if not 0 <= self.picture_id < 1 << self.picture_id_bits:
                raise ValueError(f"picture id {self.picture_id} has more bits than it may")
            if self.picture_id_bits == 7:
                rest.append(self.picture_id)
            else:
                rest += (0x8000 | self.picture_id).to_bytes(2, "big")
        if self.tl0_picture_index is not None:
            flags |= 0x40
            rest += self.tl0_picture_index.to_bytes(1, "big")
        if self.temporal_index is not None or self.key_index is not None:
            third = 0
            if self.temporal_index is not None:
                flags |= 0x20
                third |= (self.temporal_index & 3) << 6 | 0x20 * self.layer_sync
            if self.key_index is not None:
                flags |= 0x10
                third |= self.key_index & 0x1F
            rest.append(third)
        if not flags:
            return bytes([first])
        return bytes([0x80 | first, flags]) + bytes(rest)


def starts_keyframe(payload: bytes) -> bool:
    """Whether this RTP payload is the first packet of a keyframe. Raises `MalformedPacketError`."""
    descriptor = Vp8Descriptor.parse(payload)
    if not descriptor.start_of_partition or descriptor.partition_index != 0:
        return False
    if len(payload) <= descriptor.size:
        raise MalformedPacketError("VP8: descriptor without a payload")
    return not payload[descriptor.size] & 0x01  # P bit: 0 is a keyframe


def keyframe_size(payload: bytes) -> tuple[int, int] | None:
    """(width, height) if this RTP payload starts a keyframe and tells it, else None."""
    if not starts_keyframe(payload):
        return None
    frame = payload[Vp8Descriptor.parse(payload).size :]
    if len(frame) < 10 or frame[3:6] != KEYFRAME_START_CODE:
        return None
    return _size(frame[6:10])


def picture_size(data: bytes) -> tuple[int, int]:
    """(width, height) from the four bytes that tell them. Raises `MalformedPacketError`."""
    if len(data) != 4 or 0 in _size(data):
        raise MalformedPacketError("VP8: a picture of no size")
    return _size(data)


def _size(data: bytes) -> tuple[int, int]:
    """14 bits each; the upper two are a scaling hint (RFC 6386 §9.1)."""
    width, height = int.from_bytes(data[:2], "little"), int.from_bytes(data[2:], "little")
    return width & 0x3FFF, height & 0x3FFF


class _Reader:
    __slots__ = ("_data", "at")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def byte(self) -> int:
        if self.at >= len(self._data):
            raise MalformedPacketError("VP8: descriptor is cut off")
        self.at += 1
        return self._data[self.at - 1]
