"""A fragmented MP4 as an ordinary one, with the whole file inside it, byte for byte.

From `file:` a browser plays only what one `<video src>` plays, and Firefox neither seeks a
fragmented MP4 nor knows how long it is. So an export puts an index before it: `ftyp`, a `moov` that
names every sample where it stands, and one `mdat` whose content is the fragmented file as it is.
Whoever imports it takes that content out again: nothing is copied twice, and nothing is lost.

A picture that begins later than its sound stands from the beginning: Firefox passes over an edit
that shows nothing, and would show all of it too early.

Boxes after ISO/IEC 14496-12 (2022): fragments §8.8, sample tables §8.6 and §8.7, edit lists §8.6.6.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mixer.boxes import LARGE_HEAD_BYTES, BoxError, box, children, in_file
from recorder.track_fragments import Defaults, Run, Runs, track_fragments

# Of a box that is read into memory; a day's `moov` without samples, or one `moof`, is far shorter.
_MOST_BOX_BYTES = 16 << 20
_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf"})

Box = tuple[bytes, bytes]
# How long nothing is shown, how long then what (the movie's ticks), from where (the track's).
_Edit = tuple[int, int, int]


class NotWrapped(ValueError):
    """The file is no fragmented MP4 of the kind that is known here."""


@dataclass(slots=True)
class _Track:
    """A track's samples, in the order of decoding; times in its own ticks."""

    boxes: list[Box]
    timescale: int
    begins: int | None = None  # decode time of the first sample
    ends: int = 0
    sizes: array[int] = field(default_factory=lambda: array("I"))
    lasts: array[int] = field(default_factory=lambda: array("I"))
    shown: array[int] = field(default_factory=lambda: array("i"))  # so much after they are decoded
    syncs: array[int] = field(default_factory=lambda: array("I"))  # counted from 1
    chunks: list[tuple[int, int]] = field(default_factory=list)  # place, samples
    defaults: Defaults = field(default_factory=Defaults)


def index_before(path: Path) -> bytes:
    """What stands before a fragmented MP4 so that both together are an ordinary one.

    Raises `NotWrapped`, `OSError`.
    """
    try:
        with path.open("rb") as file:
            return _index(file, path.stat().st_size)
    except (BoxError, struct.error, IndexError, KeyError, StopIteration, OverflowError) as error:
        raise NotWrapped(f"{path.name}: {error}") from None


def is_fragmented(path: Path) -> bool:
    """Whether an MP4 has its samples in fragments. Raises `OSError`."""
    with path.open("rb") as file:
        return any(kind == b"moof" for kind, *_ in _top_level(file, path.stat().st_size))


def _index(file: BinaryIO, size: int) -> bytes:
    tracks: dict[int, _Track] = {}
    movie: list[Box] = []
    for kind, at, body, end in _top_level(file, size):
        if kind == b"moov":
            movie = list(children(_content(file, body, end)))
            tracks = _tracks(movie)
        elif kind == b"moof":
            if not tracks:
                raise NotWrapped("a fragment comes before its tracks are named")
            _read_fragment(_content(file, body, end), at, tracks)
    held = {number: track for number, track in tracks.items() if track.sizes}
    if not held:
        raise NotWrapped("no fragment has a sample")
    kinds = box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41")
    edits = _edits(movie, held)
    # The index is as long with other places of the chunks, which are of eight bytes each.
    length = len(kinds) + len(_moov(movie, held, edits, 0)) + LARGE_HEAD_BYTES
    inside = struct.pack(">I4sQ", 1, b"mdat", LARGE_HEAD_BYTES + size)
    return kinds + _moov(movie, held, edits, length) + inside


# --- reading ------------------------------------------------------------------------------------


def _top_level(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Type, place, and where body and end are, of each whole box of the file."""
    at = 0
    try:
        for kind, body, end in in_file(file, 0, size):
            yield kind, at, body, end
            at = end
    except BoxError:
        return


def _content(file: BinaryIO, body: int, end: int) -> bytes:
    if end - body > _MOST_BOX_BYTES:
        raise NotWrapped(f"a box of {end - body} bytes")
    file.seek(body)
    return file.read(end - body)


def _inner(boxes: list[Box], *path: bytes) -> bytes:
    """The content of the first box at this path."""
    for kind in path:
        content = next(data for name, data in boxes if name == kind)
        boxes = list(children(content)) if kind in _CONTAINERS else []
    return content


def _tracks(movie: list[Box]) -> dict[int, _Track]:
    defaults: dict[int, Defaults] = {}
    for kind, data in movie:
        if kind == b"mvex":
            for name, trex in children(data):
                if name == b"trex":
                    number, _, *rest = struct.unpack_from(">5I", trex, 4)
                    defaults[number] = Defaults(*rest)
    tracks: dict[int, _Track] = {}
    for kind, data in movie:
        if kind == b"trak":
            boxes = list(children(data))
            header = _inner(boxes, b"tkhd")
            (number,) = struct.unpack_from(">I", header, 20 if header[0] else 12)
            media = _inner(boxes, b"mdia", b"mdhd")
            (timescale,) = struct.unpack_from(">I", media, 20 if media[0] else 12)
            sizes = _inner(boxes, b"mdia", b"minf", b"stbl", b"stsz")
            if struct.unpack_from(">I", sizes, 8)[0]:
                raise NotWrapped("samples stand outside its fragments")
            tracks[number] = _Track(boxes, timescale, defaults=defaults.get(number, Defaults()))
    return tracks


def _read_fragment(data: bytes, at: int, tracks: dict[int, _Track]) -> None:
    follows = at  # where the data of a run begins that does not say it
    for told in track_fragments(data, {number: one.defaults for number, one in tracks.items()}):
        track = tracks[told.track]
        base = at if told.base_is_moof else follows
        base = base if told.base is None else told.base
        if told.time is not None:
            _go_on_at(track, told.time)
        follows = base
        for run in told.runs:
            follows = _take_run(track, run, follows if run.offset is None else base + run.offset)


def _go_on_at(track: _Track, begins: int) -> None:
    """The last sample stands until this one: a fragment says when it begins."""
    if track.begins is None:
        track.begins = track.ends = begins
    elif track.lasts and begins != track.ends:
        last = track.lasts[-1] + begins - track.ends
        if last < 0:
            raise NotWrapped("a fragment begins before the one before it")
        track.lasts[-1] = last
        track.ends = begins


def _take_run(track: _Track, run: Run, at: int) -> int:
    """Takes a run's samples, which lie at `at`; where its data ends."""
    track.begins = track.begins or 0
    track.chunks.append((at, run.count))
    first = len(track.sizes) + 1
    samples = Runs([run])
    durations = samples.durations()
    track.sizes.extend(samples.sizes().tolist())
    track.lasts.extend(durations.tolist())
    track.shown.extend(samples.later().tolist())
    track.syncs.extend((np.flatnonzero(samples.keys()) + first).tolist())
    track.ends += int(durations.sum())
    return at + run.bytes


# --- writing ------------------------------------------------------------------------------------


def _edits(movie: list[Box], tracks: dict[int, _Track]) -> list[_Edit]:
    """Each track's; a picture that would have an empty one begins earlier instead."""
    header = _inner(movie, b"mvhd")
    (timescale,) = struct.unpack_from(">I", header, 20 if header[0] else 12)
    edits = []
    for track in tracks.values():
        before, begins = _edit(track, timescale)
        if before and _is_picture(track):
            _begin_earlier(track, round(before * track.timescale / timescale))
            before = 0
        lasts = round((track.ends - (track.begins or 0) - begins) * timescale / track.timescale)
        edits.append((before, lasts, begins))
    return edits


def _moov(movie: list[Box], tracks: dict[int, _Track], edits: list[_Edit], moved: int) -> bytes:
    """`moved` is how far behind its place in the fragmented file each byte stands."""
    header = _inner(movie, b"mvhd")
    longest = max(before + lasts for before, lasts, _ in edits)
    written = [
        _trak(track, edit, moved) for track, edit in zip(tracks.values(), edits, strict=True)
    ]
    return box(b"moov", box(b"mvhd", _lasting(header, 24, 16, longest)), *written)


def _is_picture(track: _Track) -> bool:
    media = children(_inner(track.boxes, b"mdia"))
    return _inner(list(media), b"hdlr")[8:12] == b"vide"


def _begin_earlier(track: _Track, ticks: int) -> None:
    """Its first picture is shown so much longer, from before on."""
    track.lasts[0] += ticks
    track.begins = (track.begins or 0) - ticks


def _edit(track: _Track, timescale: int) -> tuple[int, int]:
    """How long nothing is shown (the movie's ticks), and from where in the track (its own)."""
    empty, media_time = 0, 0
    for kind, data in track.boxes:
        if kind != b"edts":
            continue
        entries = next(content for name, content in children(data) if name == b"elst")
        form = ">Qq4x" if entries[0] else ">Ii4x"
        for number in range(struct.unpack_from(">I", entries, 4)[0]):
            place = 8 + number * struct.calcsize(form)
            duration, begins = struct.unpack_from(form, entries, place)
            if begins < 0:
                empty += duration
            else:
                media_time = begins
                break
    late = (track.begins or 0) - media_time
    if late >= 0:
        return empty + round(late * timescale / track.timescale), 0
    return empty, -late


def _trak(track: _Track, edit: _Edit, moved: int) -> bytes:
    before, lasts, begins = edit
    contents = []
    for kind, data in track.boxes:
        if kind == b"tkhd":
            contents.append(box(kind, _lasting(data, 28, 20, before + lasts)))
            if before or begins:  # an edit list that says nothing moves pictures in libav
                contents.append(box(b"edts", _edit_list(before, lasts, begins)))
        elif kind == b"mdia":
            contents.append(_mdia(track, data, moved))
        elif kind != b"edts":
            contents.append(box(kind, data))
    return box(b"trak", *contents)


def _edit_list(before: int, lasts: int, begins: int) -> bytes:
    entries = [(before, -1)] if before else []
    entries.append((lasts, begins))
    packed = b"".join(struct.pack(">QqI", *entry, 0x10000) for entry in entries)
    return box(b"elst", struct.pack(">II", 1 << 24, len(entries)), packed)


def _lasting(header: bytes, wide_at: int, narrow_at: int, duration: int) -> bytes:
    """A header's content with another duration."""
    changed = bytearray(header)
    if header[0]:
        struct.pack_into(">Q", changed, wide_at, duration)
    else:
        struct.pack_into(">I", changed, narrow_at, min(duration, 0xFFFFFFFF))
    return bytes(changed)


def _mdia(track: _Track, data: bytes, moved: int) -> bytes:
    contents = []
    for kind, content in children(data):
        if kind == b"mdhd":
            lasts = track.ends - (track.begins or 0)
            contents.append(box(kind, _lasting(content, 24, 16, lasts)))
        elif kind == b"minf":
            inner = [
                _stbl(track, inside, moved) if name == b"stbl" else box(name, inside)
                for name, inside in children(content)
            ]
            contents.append(box(kind, *inner))
        else:
            contents.append(box(kind, content))
    return box(b"mdia", *contents)


def _stbl(track: _Track, data: bytes, moved: int) -> bytes:
    """The sample tables (§8.5.1), with what describes the samples as it was."""
    described = [box(kind, content) for kind, content in children(data) if kind == b"stsd"]
    shown = _runs(track.shown)
    tables = [_table(b"stts", _runs(track.lasts), ">II")]
    if any(track.shown):
        tables.append(_table(b"ctts", shown, ">Ii", version=1))
    if len(track.syncs) < len(track.sizes):
        tables.append(_table(b"stss", [(number,) for number in track.syncs], ">I"))
    chunks, last = [], 0
    for number, (_, count) in enumerate(track.chunks, start=1):
        if count != last:
            chunks.append((number, count, 1))
        last = count
    tables.append(_table(b"stsc", chunks, ">III"))
    sizes = struct.pack(f">{len(track.sizes)}I", *track.sizes)
    tables.append(box(b"stsz", struct.pack(">III", 0, 0, len(track.sizes)), sizes))
    places = [(place + moved,) for place, _ in track.chunks]
    tables.append(_table(b"co64", places, ">Q"))
    return box(b"stbl", *described, *tables)


def _runs(values: array[int]) -> list[tuple[int, int]]:
    """Values as (how many, value)."""
    runs: list[tuple[int, int]] = []
    for value in values:
        if runs and runs[-1][1] == value:
            runs[-1] = (runs[-1][0] + 1, value)
        else:
            runs.append((1, value))
    return runs


def _table(
    kind: bytes,
    entries: Sequence[tuple[int, ...]],
    form: str,
    *,
    version: int = 0,
) -> bytes:
    packed = b"".join(struct.pack(form, *entry) for entry in entries)
    return box(kind, struct.pack(">II", version << 24, len(entries)), packed)
