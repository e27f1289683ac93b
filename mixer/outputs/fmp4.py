"""Fragmented MP4 (ISO/IEC 14496-12 §8.8) of one picture and one sound, as bytes. Pure.

H.264 stands as ISO/IEC 14496-15 has it: parameter sets in the header (`avcC`), the other NAL units
with their length in front. `recorder` writes its files by libav, whose muxer does not say where a
part of 200 ms ends; here every byte is ours.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from mixer.boxes import box, full_box
from mixer.outputs.sound_format import BITRATE_BPS, CONFIG, SOUND_RATE
from mixer.rtp.h264 import NAL_PPS, NAL_SPS, sps_size

PICTURE_RATE = 90_000
PICTURE, SOUND = 1, 2  # track ids

_START_CODE = b"\x00\x00\x00\x01"
_ACCESS_UNIT_DELIMITER, _FILLER = 9, 12
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)

# §8.8.3.1: a sample that others depend on alone; one that depends on others and is no sync sample.
_SYNC, _NOT_SYNC = 0x0200_0000, 0x0101_0000

# Flags of `tfhd` (§8.8.7): offsets count from the moof; of `trun` (§8.8.8): which fields stand.
_BASE_IS_MOOF = 0x02_0000
_DATA_OFFSET, _DURATION, _SIZE, _FLAGS = 0x1, 0x100, 0x200, 0x400


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture or one frame of sound; `duration` in ticks of its track."""

    data: bytes
    duration: int
    sync: bool = True


@dataclass(frozen=True, slots=True)
class H264Header:
    """The parameter sets of a picture."""

    sps: bytes
    pps: bytes

    @property
    def codec(self) -> str:
        """As a playlist names it (RFC 6381)."""
        return f"avc1.{self.sps[1:4].hex()}"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height. Raises `mixer.rtp.errors.MalformedPacketError`."""
        return sps_size(self.sps)


def nal_units(access_unit: bytes) -> list[bytes]:
    """The NAL units of an access unit in annex B form with four-byte start codes."""
    return [unit for unit in access_unit.split(_START_CODE) if unit]


def header_of(access_unit: bytes) -> H264Header | None:
    """The parameter sets that stand in a keyframe; None where one is missing."""
    sps = pps = None
    for unit in nal_units(access_unit):
        kind = unit[0] & 0x1F
        if kind == NAL_SPS and len(unit) >= 4:
            sps = unit
        elif kind == NAL_PPS:
            pps = unit
    return H264Header(sps, pps) if sps is not None and pps is not None else None


def without_header(access_unit: bytes) -> bytes:
    """The picture as a sample: lengths in front, without what the header says."""
    left_out = {NAL_SPS, NAL_PPS, _ACCESS_UNIT_DELIMITER, _FILLER}
    units = (unit for unit in nal_units(access_unit) if unit[0] & 0x1F not in left_out)
    return b"".join(struct.pack(">I", len(unit)) + unit for unit in units)


def header_segment(header: H264Header) -> bytes:
    """What a player reads first: `ftyp` and `moov`, without a sample."""
    width, height = header.size
    return box(b"ftyp", b"iso6", struct.pack(">I", 1), b"iso6cmfcmp41") + box(
        b"moov",
        full_box(
            b"mvhd", 0, 0, struct.pack(">4I", 0, 0, 1000, 0), _VOLUME, _MATRIX, bytes(24), _NEXT
        ),
        _track(PICTURE, PICTURE_RATE, _avc1(header, width, height), size=(width, height)),
        _track(SOUND, SOUND_RATE, _mp4a()),
        box(
            b"mvex",
            *(full_box(b"trex", 0, 0, struct.pack(">5I", track, 1, 0, 0, 0)) for track in _TRACKS),
        ),
    )


def fragment(
    number: int,
    pictures: Sequence[Sample],
    pictures_at: int,
    sounds: Sequence[Sample],
    sounds_at: int,
) -> bytes:
    """`moof` and `mdat`: samples that follow each other, from the given ticks of their tracks."""
    runs = [
        (track, at, samples)
        for track, at, samples in (
            (PICTURE, pictures_at, pictures),
            (SOUND, sounds_at, sounds),
        )
        if samples
    ]
    length = len(_moof(number, runs, [0] * len(runs)))
    offsets, at = [], length + 8
    for _, _, samples in runs:
        offsets.append(at)
        at += sum(len(sample.data) for sample in samples)
    data = b"".join(sample.data for _, _, samples in runs for sample in samples)
    return _moof(number, runs, offsets) + box(b"mdat", data)


_TRACKS = (PICTURE, SOUND)
_VOLUME = struct.pack(">IH10x", 0x10000, 0x0100)
_NEXT = struct.pack(">I", SOUND + 1)


def _moof(
    number: int, runs: Sequence[tuple[int, int, Sequence[Sample]]], offsets: Sequence[int]
) -> bytes:
    return box(
        b"moof",
        full_box(b"mfhd", 0, 0, struct.pack(">I", number)),
        *(
            box(
                b"traf",
                full_box(b"tfhd", 0, _BASE_IS_MOOF, struct.pack(">I", track)),
                full_box(b"tfdt", 1, 0, struct.pack(">Q", at)),
                _run(samples, offset),
            )
            for (track, at, samples), offset in zip(runs, offsets, strict=True)
        ),
    )


def _run(samples: Sequence[Sample], offset: int) -> bytes:
    rows = (
        struct.pack(">3I", one.duration, len(one.data), _SYNC if one.sync else _NOT_SYNC)
        for one in samples
    )
    flags = _DATA_OFFSET | _DURATION | _SIZE | _FLAGS
    return full_box(b"trun", 0, flags, struct.pack(">Ii", len(samples), offset), *rows)


def _track(number: int, rate: int, entry: bytes, *, size: tuple[int, int] = (0, 0)) -> bytes:
    is_picture = number == PICTURE
    header = full_box(b"vmhd", 0, 1, bytes(8)) if is_picture else full_box(b"smhd", 0, 0, bytes(4))
    handler = b"vide" if is_picture else b"soun"
    empty = (b"stts", b"stsc", b"stco")
    return box(
        b"trak",
        full_box(
            b"tkhd",
            0,
            3,  # enabled, in the movie
            struct.pack(">5I", 0, 0, number, 0, 0),
            bytes(8),
            struct.pack(">4H", 0, 0, 0 if is_picture else 0x0100, 0),
            _MATRIX,
            struct.pack(">2I", size[0] << 16, size[1] << 16),
        ),
        box(
            b"mdia",
            full_box(b"mdhd", 0, 0, struct.pack(">4I2H", 0, 0, rate, 0, 0x55C4, 0)),  # und
            full_box(b"hdlr", 0, 0, bytes(4), handler, bytes(12), b"program\0"),
            box(
                b"minf",
                header,
                box(
                    b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1))
                ),
                box(
                    b"stbl",
                    full_box(b"stsd", 0, 0, struct.pack(">I", 1), entry),
                    *(full_box(name, 0, 0, bytes(4)) for name in empty),
                    full_box(b"stsz", 0, 0, bytes(8)),
                ),
            ),
        ),
    )


def _avc1(header: H264Header, width: int, height: int) -> bytes:
    sets = (
        struct.pack(">BBBBBB", 1, *header.sps[1:4], 0xFF, 0xE1)  # lengths of four bytes, one SPS
        + struct.pack(">H", len(header.sps))
        + header.sps
        + struct.pack(">BH", 1, len(header.pps))
        + header.pps
    )
    return box(
        b"avc1",
        struct.pack(">6xH16x2H2I4xH32xHh", 1, width, height, 0x480000, 0x480000, 1, 0x18, -1),
        box(b"avcC", sets),
    )


def _mp4a() -> bytes:
    # ISO/IEC 14496-1 §7.2.6: the stream's descriptor, its decoder's, what that needs, and the rest.
    needs = _descriptor(5, CONFIG)
    decoder = _descriptor(4, struct.pack(">BB3x2I", 0x40, 0x15, BITRATE_BPS, BITRATE_BPS), needs)
    stream = _descriptor(3, struct.pack(">HB", SOUND, 0), decoder, _descriptor(6, b"\x02"))
    return box(
        b"mp4a",
        struct.pack(">6xH8x2H4xI", 1, 1, 16, SOUND_RATE << 16),
        full_box(b"esds", 0, 0, stream),
    )


def _descriptor(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">BB", tag, len(body)) + body
