"""One file of a whole lesson: every picture and sound in step, read back by libav."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from recorder import lesson_file
from recorder.gapless_sound import SoundPacket
from recorder.lesson_file import answer_to
from recorder.lesson_file_order import FileMade, FileOrder, PartOrder, TrackOrder
from recorder.lesson_tracks import lesson_tracks
from recorder.manifest import manifest_from
from recorder.sound_sum import SoundSum
from server.children.once import Limits, ask_once
from tests.recorded_lesson import Packet, RecordedLesson
from tests.recorded_media import (
    FRAME_RATE,
    SOUND,
    VIDEO,
    Encoded,
    Stream,
    brightness,
    encode_marks,
    encode_video,
    marks_in,
    packetise,
    read_counter,
    with_ssrc,
)

LATE_S = 2.25  # when the room comes
AWAY_S = (1.0, 2.5)  # when the lead's camera is off
SECONDS = 4.0


def sent(track: str, stream: Stream, frames: list[Encoded], begins: float) -> list[Packet]:
    return [Packet(begins + at, track, data) for at, data in packetise(stream, frames)]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A lead whose camera (H.264) goes and comes back larger, a room (VP8) that comes late."""
    folder = tmp_path_factory.mktemp("rec1")
    lesson = RecordedLesson(folder)
    lesson.open()
    again = with_ssrc(VIDEO["H264"], 0x4444)
    heard = with_ssrc(SOUND, 0x5555)
    lesson.track("v", VIDEO["H264"])
    lesson.track("a", SOUND)
    before = encode_video("H264", AWAY_S[0])
    marks = encode_marks(SECONDS)
    packets = sent("v", VIDEO["H264"], before, 0.0) + sent("a", SOUND, marks, 0.0)
    lesson.receive([one for one in packets if one.at < LATE_S], until=LATE_S)
    lesson.track("rv", VIDEO["VP8"], seat="room1", source="students")
    lesson.track("ra", heard, seat="room1")
    later = sent("rv", VIDEO["VP8"], encode_video("VP8", SECONDS - LATE_S), LATE_S)
    later += sent("ra", heard, encode_marks(SECONDS - LATE_S), LATE_S)
    later += [one for one in packets if one.at >= LATE_S]
    lesson.receive([one for one in later if one.at < AWAY_S[1]], until=AWAY_S[1])
    lesson.track("v2", again)
    larger = encode_video("H264", SECONDS - AWAY_S[1], width=480, height=320, first=500)
    later += sent("v2", again, larger, AWAY_S[1])
    lesson.receive([one for one in later if one.at >= AWAY_S[1]], until=SECONDS + 1)
    return folder, lesson.close()


def order_for(folder: Path, manifest: dict[str, Any], path: Path) -> FileOrder:
    tracks = lesson_tracks(manifest_from(manifest, where="this test"))
    return FileOrder(
        path=path,
        title="圆的面积",
        sum_title="全部声音",
        duration_s=manifest["duration_s"],
        tracks=tuple(
            TrackOrder(
                kind=track.kind,
                title=f"{track.parts[0].seat_id} {track.source}",
                parts=tuple(
                    PartOrder(path=folder / part.file, start_s=part.start_s) for part in track.parts
                ),
            )
            for track in tracks
        ),
    )


def left_in(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


@pytest.fixture(scope="module")
def made(recorded: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of that lesson."""
    folder, manifest = recorded
    path = tmp_path_factory.mktemp("made") / "lesson.mkv"
    told = answer_to(order_for(folder, manifest, path).model_dump_json().encode())
    assert (told.code, told.text) == ("", "")
    assert told.bytes == path.stat().st_size
    assert left_in(path.parent) == ["lesson.mkv"]
    return path


def test_each_picture_and_sound_is_a_track_with_a_title(made: Path) -> None:
    with av.open(str(made)) as container:
        tracks = [
            (one.codec.name, one.metadata["title"], bool(one.disposition & Disposition.default))
            for one in container.streams
        ]
        assert container.metadata["title"] == "圆的面积"
        assert (container.duration or 0) / 1e6 == pytest.approx(SECONDS, abs=0.2)
    assert tracks == [
        ("h264", "lead teacher", True),
        ("vp8", "room1 students", False),
        ("opus", "全部声音", True),
        ("opus", "lead room", False),
        ("opus", "room1 room", False),
    ]


def pictures(path: Path, track: int) -> list[tuple[float, int]]:
    with av.open(str(path)) as container:
        frames = container.decode(container.streams.video[track])
        return [(float(one.time or 0), read_counter(brightness(one))) for one in frames]


def test_pictures_stand_at_their_place_in_the_lesson_over_a_hole_and_another_size(
    made: Path,
) -> None:
    lead = pictures(made, 0)
    early = [(at, number) for at, number in lead if number < 500]
    late = [(at, number - 500) for at, number in lead if number >= 500]
    assert len(early) == AWAY_S[0] * FRAME_RATE
    assert len(late) == round((SECONDS - AWAY_S[1]) * FRAME_RATE)
    for shown, begins in ((early, 0.0), (late, AWAY_S[1])):
        for at, number in shown:
            assert at == pytest.approx(begins + number / FRAME_RATE, abs=0.06)
    # H.264 says its size beside the stream, once, and again in each picture that stands alone.
    with av.open(str(made)) as container:
        sizes = [(one.width, one.height) for one in container.decode(container.streams.video[0])]
    assert sizes == [(320, 240)] * len(early) + [(480, 320)] * len(late)
    for at, number in pictures(made, 1):
        assert at == pytest.approx(LATE_S + number / FRAME_RATE, abs=0.06)


def sound(path: Path, track: int) -> np.ndarray:
    """Its samples from the lesson's beginning on."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[track]
        pieces = [frame.to_ndarray().mean(axis=0) for frame in container.decode(stream)]
    return np.concatenate(pieces).astype(np.float64)


def heard(path: Path, track: int) -> dict[float, int]:
    return {round(mark.time, 2): mark.number for mark in marks_in(sound(path, track), 48_000)}


def test_sounds_stand_at_their_place_and_the_sum_has_all_of_them(made: Path) -> None:
    lead, room = heard(made, 1), heard(made, 2)
    assert list(lead.values()) == list(range(8))
    assert list(room.values()) == list(range(4))
    for begins, marks in ((0.0, lead), (LATE_S, room)):
        for at, number in marks.items():
            assert at == pytest.approx(begins + number * 0.5, abs=0.04)
    both = sorted([*lead.items(), *room.items()])
    mixed = sorted(heard(made, 0).items())
    assert [number for _, number in mixed] == [number for _, number in both]
    for (at, _), (expected, _) in zip(mixed, both, strict=True):
        assert at == pytest.approx(expected, abs=0.03)


def test_one_sound_needs_no_sum(recorded: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, manifest = recorded
    alone = [part for part in manifest["parts"] if part["seat_id"] == "lead"]
    order = order_for(folder, {**manifest, "parts": alone}, tmp_path / "alone.mkv")
    assert answer_to(order.model_dump_json().encode()).code == ""
    with av.open(str(order.path)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]


def test_a_damaged_part_is_told_and_nothing_stands_there(
    recorded: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, manifest = recorded
    order = order_for(folder, manifest, tmp_path / "lesson.mkv")
    broken = order.tracks[1].parts[0].path
    torn = tmp_path / broken.name
    torn.write_bytes(broken.read_bytes()[:100])
    order = FileOrder.model_validate_json(order.model_dump_json().replace(str(broken), str(torn)))
    assert answer_to(order.model_dump_json().encode()).code == "part-unreadable"
    assert left_in(tmp_path) == [torn.name]


def long_packets(path: Path, milliseconds: int) -> TrackOrder:
    """Four seconds of a tone, in packets of this length."""
    times = np.arange(4 * 48_000) / 48_000
    tone = (0.2 * np.sin(2 * np.pi * 440 * times) * 32_767).astype(np.int16)
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream(
            "libopus", rate=48_000, layout="mono", options={"frame_duration": str(milliseconds)}
        )
        size = milliseconds * 48
        for at in range(0, len(tone) - size + 1, size):
            frame = av.AudioFrame.from_ndarray(tone[None, at : at + size], "s16", "mono")
            frame.sample_rate, frame.pts = 48_000, at
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return TrackOrder(kind="sound", title="", parts=(PartOrder(path=path, start_s=0.0),))


@pytest.mark.parametrize("milliseconds", [60, 120])
def test_the_sum_has_long_packets_to_their_end(tmp_path: Path, milliseconds: int) -> None:
    """The longest of Opus, over the end of a second; what comes after the lesson is left."""
    seats = [long_packets(tmp_path / f"{seat}.mp4", milliseconds) for seat in range(2)]
    path = tmp_path / "lesson.mkv"
    order = FileOrder(path=path, title="", sum_title="", duration_s=2.0, tracks=tuple(seats))
    assert answer_to(order.model_dump_json().encode()) == FileMade(bytes=path.stat().st_size)
    samples = sound(path, 0)[4_800 : 48_000 + 38_400]
    loudness = np.sqrt(np.mean((samples / np.abs(samples).max()).reshape(-1, 480) ** 2, axis=1))
    assert loudness.min() > 0.6


def test_what_the_sum_cannot_decode_is_counted(
    recorded: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums = SoundSum(1)
    sums.add(0, SoundPacket(0, 960, b"\x03"))  # a count of frames is announced, and not there
    sums.add(0, SoundPacket(960, 960, b"\xf8\xff\xfe"))
    assert (sums.undecoded, float(np.abs(sums.second()).max())) == (1, 0.0)

    class Deaf(SoundSum):
        def add(self, seat: int, packet: SoundPacket) -> None:
            super().add(seat, SoundPacket(packet.pts, packet.samples, b"\x03"))

    monkeypatch.setattr(lesson_file, "SoundSum", Deaf)
    folder, manifest = recorded
    order = order_for(folder, manifest, tmp_path / "lesson.mkv")
    told = answer_to(order.model_dump_json().encode())
    assert (told.code, told.undecoded > 200) == ("", True)


async def test_a_disk_that_takes_no_more_leaves_nothing_behind(
    recorded: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, manifest = recorded
    order = order_for(folder, manifest, tmp_path / "lesson.mkv").model_dump_json().encode()
    limits = Limits(output_bytes=30_000, wait_s=300.0)
    answer = await ask_once("recorder.lesson_file", order, limits=limits)
    assert FileMade.model_validate_json(answer).code == "disk-error"
    assert left_in(tmp_path) == []
