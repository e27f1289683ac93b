"""A part as fragmented MP4: an index in front, then pieces of some seconds that begin at keyframes.

    ftyp moov sidx [ssix] ( [moof mdat of the sound] [moof mdat of the picture] )*

Whoever plays it takes the head (`index_bytes`), knows from `sidx` (ISO/IEC 14496-12 §8.16.3) where
each piece lies, and asks for pieces; `ssix` (§8.16.4) says how much at a piece's beginning is its
sound, for a line on which the picture must wait. Samples and their descriptions are copied from the
tracks byte for byte; only their times are new. Box version and flags: ISO/IEC 14496-12 §8.8.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from mixer.boxes import HEAD_BYTES, box, changed, child, full_box
from recorder.gapless_sound import RATE, SoundPacket
from recorder.muxing import PICTURE_RATE
from recorder.samples import Samples
from recorder.track_fragments import Ticks, track_fragments

# Nearer keyframes share a piece: a request a second is enough. Where none comes, a piece ends all
# the same, so that a weak line has something to play: the player begins at the keyframe before it.
LEAST_PIECE_S = 1.0
MOST_PIECE_S = 4.0
# `sidx` counts in 16 bits.
MOST_PIECES = 60_000

_PICTURE, _SOUND = 1, 2  # numbers of the tracks
_MOVIE_RATE = 1000  # of `mvhd` and `mehd`
_KEY_FLAGS, _OTHER_FLAGS = 0x0200_0000, 0x0101_0000
_DEFAULT_BASE_IS_MOOF = 0x02_0000
_MOST_SSIX = 0xFF_FFFF  # a range's 24 bits


@dataclass(frozen=True, slots=True)
class PictureTime:
    """When a picture is shown, and when it is decoded, in ticks of the part's time."""

    shown: int
    decoded: int


@dataclass(frozen=True, slots=True)
class Pictures:
    """The picture of a part: its samples, in the file they are copied from, and their times."""

    file: Path
    samples: Samples
    times: Sequence[PictureTime]
    last_s: float  # how long the last one stands


@dataclass(frozen=True, slots=True)
class Piece:
    """What is asked for at once: where it lies in the file, how long it lasts in picture ticks."""

    offset: int
    bytes: int
    sound_bytes: int
    ticks: int
    begins_with_key: bool


@dataclass(frozen=True, slots=True)
class SegmentedFile:
    """What was written: `header_bytes` to the end of `moov`, `index_bytes` to the first piece."""

    header_bytes: int
    index_bytes: int
    codecs: str
    pieces: tuple[Piece, ...]
    frames: int
    sounds: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class _Cut:
    """A piece begins at `ticks` with the picture `first`."""

    ticks: int
    first: int
    key: bool


def write_segmented(
    path: Path,
    pictures: Pictures,
    sounds: Iterator[SoundPacket] | None,
    sound_header: bytes,
    duration_s: float,
) -> SegmentedFile:
    """Write the part. `sounds` are in order, None without any; `sound_header` is the body of their
    track's `moov`. Raises `OSError`, `BoxError` for a header that is none.
    """
    shown = np.array([time.shown for time in pictures.times], np.int64)
    # Nothing is decoded before the part begins, and no two at once.
    ordinal = np.arange(len(shown))
    decoded = np.array([time.decoded for time in pictures.times], np.int64) - ordinal
    decoded = np.maximum.accumulate(np.maximum(0, decoded)) + ordinal
    picture_end = int(shown.max()) + round(pictures.last_s * PICTURE_RATE)
    end = max(picture_end, round(duration_s * PICTURE_RATE) if sounds is not None else 0)
    cuts = list(_cuts(decoded.tolist(), pictures.samples.key.tolist(), end, sounds is not None))
    header = _header(pictures.samples.header, sound_header if sounds is not None else b"", end)
    index_bytes = len(header) + len(_index([_NO_PIECE] * len(cuts), 0, sounds is not None))
    lasts = np.diff(decoded, append=max(int(decoded[-1]) + 1, picture_end))
    pieces: list[Piece] = []
    waiting: SoundPacket | None = None
    sound_count, sound_end = 0, 0.0
    number = 1
    with path.open("wb") as out, pictures.file.open("rb") as source:
        out.seek(index_bytes)
        for at, cut in enumerate(cuts):
            until = cuts[at + 1].ticks if at + 1 < len(cuts) else None
            last = cuts[at + 1].first if at + 1 < len(cuts) else len(decoded)
            offset, sound_bytes = out.tell(), 0
            if sounds is not None:
                heard, waiting = _until(sounds, waiting, until)
                if heard:
                    sound_count += len(heard)
                    sound_end = (heard[-1].pts + heard[-1].samples) / RATE
                    sound_bytes = _write_sound(out, number, heard)
                    number += 1
            if last > cut.first:
                of_piece = slice(cut.first, last)
                of_samples = _Table(
                    lasts[of_piece],
                    pictures.samples.size[of_piece],
                    pictures.samples.key[of_piece],
                    (shown - decoded)[of_piece],
                )
                moof = _picture_moof(number, int(decoded[cut.first]), of_samples)
                size = int(pictures.samples.size[of_piece].sum())
                out.write(moof + struct.pack(">I4s", HEAD_BYTES + size, b"mdat"))
                _copy(source, out, pictures.samples, of_piece)
                number += 1
            ticks = (until if until is not None else end) - cut.ticks
            pieces.append(Piece(offset, out.tell() - offset, sound_bytes, ticks, cut.key))
        out.seek(0)
        out.write(header + _index(pieces, cuts[0].ticks, sounds is not None))
        out.flush()
    return SegmentedFile(
        header_bytes=len(header),
        index_bytes=index_bytes,
        codecs=codecs_of(pictures.samples.header) + (",opus" if sounds is not None else ""),
        pieces=tuple(pieces),
        frames=len(shown),
        sounds=sound_count,
        duration_s=max(picture_end / PICTURE_RATE, sound_end),
    )


def codecs_of(moov: bytes) -> str:
    """The picture's codec as RFC 6381 §3.3 writes it: profile, compatibility, level."""
    stsd = child(moov, b"trak", b"mdia", b"minf", b"stbl", b"stsd")
    entry = stsd[8 + HEAD_BYTES :]  # version, flags, how many; the first one's head
    avcc = child(
        entry[78:], b"avcC"
    )  # §12.1.3: a visual sample entry has 78 bytes before its boxes
    return f"avc1.{avcc[1:4].hex()}"


def _cuts(
    decoded: Sequence[int], keys: Sequence[bool], end: int, has_sound: bool
) -> Iterator[_Cut]:
    longer = max(1.0, end / PICTURE_RATE / MOST_PIECES / LEAST_PIECE_S)
    least = round(LEAST_PIECE_S * longer * PICTURE_RATE)
    most = round(MOST_PIECE_S * longer * PICTURE_RATE)
    last = 0 if has_sound else decoded[0]
    yield _Cut(last, 0, keys[0])
    for at, (ticks, key) in enumerate(zip(decoded, keys, strict=True)):
        if not at or ticks - last < (least if key else most):
            continue
        while has_sound and ticks - last > 2 * most:  # it stood still, and somebody spoke
            last += most
            yield _Cut(last, at, False)
        last = ticks
        yield _Cut(last, at, key)
    while has_sound and end - last > 2 * most:  # nobody was seen any more
        last += most
        yield _Cut(last, len(decoded), False)


def _until(
    sounds: Iterator[SoundPacket], waiting: SoundPacket | None, until: int | None
) -> tuple[list[SoundPacket], SoundPacket | None]:
    """The packets that begin before `until`, and the first one that does not."""
    heard: list[SoundPacket] = []
    most = None if until is None else until * RATE / PICTURE_RATE
    while waiting is not None or (waiting := next(sounds, None)) is not None:
        if most is not None and waiting.pts >= most:
            return heard, waiting
        heard.append(waiting)
        waiting = None
    return heard, None


# --- the head -----------------------------------------------------------------------------------

_NO_PIECE = Piece(0, 0, 0, 0, True)


def _header(picture: bytes, sound: bytes, end: int) -> bytes:
    brands = b"iso6" + struct.pack(">I", 0x200) + b"iso6cmfcmp41"
    traks = [_trak(picture, _PICTURE)] + ([_trak(sound, _SOUND)] if sound else [])
    tracks = (_PICTURE, _SOUND)[: len(traks)]
    ends = round(end * _MOVIE_RATE / PICTURE_RATE)
    mvex = [full_box(b"mehd", 1, 0, struct.pack(">Q", ends))]
    mvex += [full_box(b"trex", 0, 0, struct.pack(">5I", track, 1, 0, 0, 0)) for track in tracks]
    if sound:  # §8.8.13: which of the ranges of `ssix` has which track; 2: all of a track
        levels = b"".join(struct.pack(">IB", track, 2) for track in (_SOUND, _PICTURE))
        mvex.append(full_box(b"leva", 0, 0, b"\x02", levels))
    mvhd = child(picture, b"mvhd")
    mvhd = mvhd[:-4] + struct.pack(">I", len(traks) + 1)  # next_track_ID
    return box(b"ftyp", brands) + box(
        b"moov", box(b"mvhd", mvhd), *traks, box(b"mvex", b"".join(mvex))
    )


def _trak(moov: bytes, number: int) -> bytes:
    """The only track of a header, numbered anew."""

    def numbered(tkhd: bytes) -> bytes:
        at = 20 if tkhd[0] == 1 else 12  # version, flags, two times (§8.3.2)
        return tkhd[:at] + struct.pack(">I", number) + tkhd[at + 4 :]

    return box(b"trak", changed(child(moov, b"trak"), (b"tkhd",), numbered))


def _index(pieces: Sequence[Piece], begins: int, has_sound: bool) -> bytes:
    ssix = b""
    if has_sound:
        ranges = [
            struct.pack(
                ">IIHH",
                2,
                1 << 24 | min(_MOST_SSIX, piece.sound_bytes),
                2 << 8 | min(_MOST_SSIX, piece.bytes - piece.sound_bytes) >> 16,
                min(_MOST_SSIX, piece.bytes - piece.sound_bytes) & 0xFFFF,
            )
            for piece in pieces
        ]
        ssix = full_box(b"ssix", 0, 0, struct.pack(">I", len(pieces)), *ranges)
    references = [
        # §8.16.3.3: it begins with a keyframe (SAP type 1), or who knows
        struct.pack(">III", piece.bytes, piece.ticks, 0x9000_0000 if piece.begins_with_key else 0)
        for piece in pieces
    ]
    head = struct.pack(">IIQQHH", _PICTURE, PICTURE_RATE, begins, len(ssix), 0, len(pieces))
    return full_box(b"sidx", 1, 0, head, *references) + ssix


# --- the pieces ---------------------------------------------------------------------------------


def _moof(number: int, traf: Sequence[bytes], trun: tuple[int, int, bytes]) -> bytes:
    """`trun` is its version with flags, how many samples, and their table."""
    told, count, table = trun

    def boxes(data_offset: int) -> bytes:
        run = box(b"trun", struct.pack(">IIi", told, count, data_offset), table)
        mfhd = full_box(b"mfhd", 0, 0, struct.pack(">I", number))
        return box(b"moof", mfhd, box(b"traf", *traf, run))

    return boxes(len(boxes(0)) + HEAD_BYTES)


@dataclass(frozen=True, slots=True)
class _Table:
    """What a fragment says of its pictures; `later` is by how much each is shown after decoding."""

    lasts: Ticks
    size: Ticks
    key: npt.NDArray[np.bool_]
    later: Ticks


def _picture_moof(number: int, decoded: int, samples: _Table) -> bytes:
    columns = [samples.lasts, samples.size, np.where(samples.key, _KEY_FLAGS, _OTHER_FLAGS)]
    told = 0x701  # data offset, durations, sizes, flags
    if samples.later.any():
        columns.append(samples.later & 0xFFFF_FFFF)
        told = 1 << 24 | told | 0x800  # version 1: signed
    table = np.stack(columns, axis=1).astype(">u4").tobytes()
    tfhd = full_box(b"tfhd", 0, _DEFAULT_BASE_IS_MOOF, struct.pack(">I", _PICTURE))
    tfdt = full_box(b"tfdt", 1, 0, struct.pack(">Q", decoded))
    return _moof(number, (tfhd, tfdt), (told, len(samples.size), table))


def _write_sound(out: BinaryIO, number: int, heard: Sequence[SoundPacket]) -> int:
    lasts = heard[0].samples
    even = all(packet.samples == lasts for packet in heard)
    if even:
        told = 0x201  # data offset, sizes
        table = struct.pack(f">{len(heard)}I", *(len(packet.data) for packet in heard))
    else:
        told = 0x301  # and durations
        each = [value for packet in heard for value in (packet.samples, len(packet.data))]
        table = struct.pack(f">{len(each)}I", *each)
    tfhd = full_box(
        b"tfhd",
        0,
        _DEFAULT_BASE_IS_MOOF | 0x28,  # default duration and flags
        struct.pack(">III", _SOUND, lasts, _KEY_FLAGS),
    )
    tfdt = full_box(b"tfdt", 1, 0, struct.pack(">Q", heard[0].pts))
    moof = _moof(number, (tfhd, tfdt), (told, len(heard), table))
    data = b"".join(packet.data for packet in heard)
    out.write(moof + box(b"mdat", data))
    return len(moof) + HEAD_BYTES + len(data)


def _copy(source: BinaryIO, out: BinaryIO, samples: Samples, of_piece: slice) -> None:
    """The samples' bytes; those that lie end to end at once. Raises `OSError`."""
    offsets, sizes = samples.offset[of_piece], samples.size[of_piece]
    breaks = np.flatnonzero(offsets[1:] != offsets[:-1] + sizes[:-1]) + 1
    firsts = [0, *breaks.tolist()]
    lasts = [*(breaks - 1).tolist(), len(offsets) - 1]
    for first, last in zip(firsts, lasts, strict=True):
        begins = int(offsets[first])
        length = int(offsets[last] + sizes[last]) - begins
        data = os.pread(source.fileno(), length, begins)
        if len(data) != length:
            raise OSError(f"{source.name} is shorter than it was")
        out.write(data)


# --- reading back -------------------------------------------------------------------------------


def count_samples(path: Path) -> tuple[int, int]:
    """(pictures, sound packets) in the boxes of a part, each with its bytes in the file.

    Raises `OSError`, and `BoxError` or `ValueError` for a file that is none of ours.
    """
    counts = {_PICTURE: 0, _SOUND: 0}
    held = 0  # bytes that the last moof's samples take
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        at = 0
        while at < size:
            head = os.pread(file.fileno(), HEAD_BYTES, at)
            length, kind = int.from_bytes(head[:4], "big"), head[4:]
            if length < HEAD_BYTES or at + length > size:
                raise ValueError(f"{path.name}: a box at {at} does not fit")
            if kind == b"moof":
                body = os.pread(file.fileno(), length - HEAD_BYTES, at + HEAD_BYTES)
                track, count, held = _told(body)
                counts[track] += count
            elif kind == b"mdat" and held != length - HEAD_BYTES:
                raise ValueError(f"{path.name}: the samples at {at} are not whole")
            at += length
    return counts[_PICTURE], counts[_SOUND]


def _told(moof: bytes) -> tuple[int, int, int]:
    """(track, samples, their bytes) of a fragment of ours."""
    (told,) = track_fragments(moof)
    return told.track, sum(run.count for run in told.runs), told.bytes
