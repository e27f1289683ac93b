"""Parts of pieces: the index says where each lies, and a piece alone plays from its keyframe on."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import av
import pytest

from mixer.boxes import BoxError, child
from recorder.finish import finish
from recorder.manifest import Part
from recorder.segmented_part import MOST_PIECE_S, count_samples
from tests.recorded_lesson import Packet, RecordedLesson
from tests.recorded_media import (
    FRAME_RATE,
    SOUND,
    VIDEO,
    decoded_beeps,
    decoded_counters,
    encode_sound,
    encode_video,
    packetise,
    read_counter,
)

SECONDS = 12.0
KEYFRAME_EVERY = 50  # pictures: two seconds
BEEPS = (1.5, 6.5, 10.5)
STOOD_STILL = (4.0, 30.0)  # from, to: of a picture that went away while somebody spoke


def recorded(folder: Path, pictures: Iterable[tuple[float, bytes]], seconds: float) -> Part:
    """A teacher's picture (when, packet) beside sound of so many seconds, finished."""
    lesson = RecordedLesson(folder)
    lesson.open()
    lesson.track("v", VIDEO["H264"])
    lesson.track("a", SOUND)
    sound = packetise(SOUND, encode_sound(seconds, beeps=BEEPS))
    packets = [Packet(at, "v", data) for at, data in pictures]
    packets += [Packet(at, "a", data) for at, data in sound]
    lesson.receive(packets, until=seconds + 0.5)
    lesson.close()
    (part,) = finish(folder).parts
    return part


@dataclass(frozen=True)
class Indexed:
    """A part as its own index tells it."""

    data: bytes
    part: Part
    pieces: list[tuple[int, int, float, bool]]  # offset, bytes, seconds, begins with a keyframe
    sound_bytes: list[int]

    @property
    def head(self) -> bytes:
        return self.data[: self.part.index_bytes]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("segmented") / "rec1"


@pytest.fixture(scope="module")
def indexed(folder: Path) -> Indexed:
    pictures = encode_video("H264", SECONDS, keyframe_every=KEYFRAME_EVERY)
    return read_index(folder, recorded(folder, packetise(VIDEO["H264"], pictures), SECONDS))


def read_index(folder: Path, part: Part) -> Indexed:
    data = (folder / part.file).read_bytes()
    sidx, ssix = (child(data[: part.index_bytes], kind) for kind in (b"sidx", b"ssix"))
    _, rate, _, first, _, count = struct.unpack_from(">IIQQHH", sidx, 4)
    assert first == len(ssix) + 8
    offset, pieces = part.index_bytes, []
    for number in range(count):
        size, ticks, sap = struct.unpack_from(">III", sidx, 32 + 12 * number)
        pieces.append((offset, size, ticks / rate, bool(sap >> 31)))
        offset += size
    assert offset == len(data), "the last piece ends with the file"
    heard = [struct.unpack_from(">I", ssix, 12 + 12 * n)[0] & 0xFF_FFFF for n in range(count)]
    return Indexed(data, part, pieces, heard)


def counters(data: bytes) -> list[tuple[float, int]]:
    with av.open(io.BytesIO(data), "r") as container:
        return [
            (frame.time or 0.0, read_counter(frame.to_ndarray(format="gray")))
            for frame in container.decode(video=0)
        ]


def test_every_piece_alone_shows_its_own_pictures_at_their_times(indexed: Indexed) -> None:
    whole = counters(indexed.data)
    assert [number for _, number in whole] == list(range(round(SECONDS * FRAME_RATE)))
    told_s, shown = 0.0, 0
    assert len(indexed.pieces) == round(SECONDS * FRAME_RATE / KEYFRAME_EVERY)
    for offset, size, lasts_s, begins_with_key in indexed.pieces:
        piece = counters(indexed.head + indexed.data[offset : offset + size])
        assert begins_with_key
        assert piece == whole[shown : shown + KEYFRAME_EVERY]
        assert piece[0][0] == pytest.approx(told_s, abs=0.05)
        told_s, shown = told_s + lasts_s, shown + len(piece)
    assert told_s == pytest.approx(indexed.part.duration_s, abs=0.001)


def test_a_pieces_sound_comes_first_and_can_be_had_alone(indexed: Indexed) -> None:
    heard = indexed.head + b"".join(
        indexed.data[offset : offset + sound]
        for (offset, *_), sound in zip(indexed.pieces, indexed.sound_bytes, strict=True)
    )
    assert len(heard) < len(indexed.data) * 0.75
    with av.open(io.BytesIO(heard), "r") as container:
        kinds = [packet.stream.type for packet in container.demux() if packet.size]
    assert set(kinds) == {"audio"}
    assert len(kinds) == pytest.approx(SECONDS * 50, abs=3)


def test_the_codecs_are_what_browsers_are_asked_for(indexed: Indexed) -> None:
    assert indexed.part.codecs.startswith("avc1.42")  # baseline, as the encoder was asked
    assert indexed.part.codecs.endswith(",opus")
    assert len(indexed.part.codecs) == len("avc1.42e01f,opus")


def test_another_player_of_hls_shows_and_hears_all_of_it(folder: Path, indexed: Indexed) -> None:
    path = folder / indexed.part.playlist
    assert [number for _, number in decoded_counters(path)] == list(
        range(round(SECONDS * FRAME_RATE))
    )
    assert decoded_beeps(path) == pytest.approx(
        decoded_beeps(folder / indexed.part.file), abs=0.001
    )


def test_a_picture_that_stands_still_keeps_no_sound_waiting(tmp_path: Path) -> None:
    """Of a camera that was away the sound goes on in pieces of some seconds."""
    began, ended = STOOD_STILL
    before, after = (encode_video("H264", seconds) for seconds in (began, 4.0))
    timed = [*before, *(replace(one, time=one.time + ended) for one in after)]
    folder = tmp_path / "rec1"
    part = recorded(folder, packetise(VIDEO["H264"], timed), ended + 4.0)
    indexed = read_index(folder, part)
    assert max(lasts for _, _, lasts, _ in indexed.pieces) <= 2 * MOST_PIECE_S
    assert all(indexed.sound_bytes)
    at, quiet = 0.0, []
    for _, _, lasts, begins_with_key in indexed.pieces:
        if began + MOST_PIECE_S < at < ended - 2 * MOST_PIECE_S:
            quiet.append(begins_with_key)
        at += lasts
    assert quiet and not any(quiet), "nobody may begin there without what stood before"


def test_a_part_that_is_not_whole_does_not_pass(tmp_path: Path, indexed: Indexed) -> None:
    path = tmp_path / "part.mp4"
    path.write_bytes(indexed.data)
    assert count_samples(path)[0] == round(SECONDS * FRAME_RATE)
    path.write_bytes(indexed.data[:-1])
    with pytest.raises((ValueError, BoxError)):
        count_samples(path)
    last = indexed.pieces[-1][0]
    path.write_bytes(indexed.data[:last])  # whole boxes, a piece too few
    assert count_samples(path)[0] == round(SECONDS * FRAME_RATE) - KEYFRAME_EVERY
