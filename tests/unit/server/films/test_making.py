"""A lesson's film shows what the class saw at each moment, and sounds as it did: libav reads it.

Each picture has its number in it, each sound its marks: what stands still, is missing or comes from
elsewhere cannot pass for them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mixer.composite.arrange import Cast, PictureId, ProgramSeat, arrange
from mixer.composite.layouts import Box, ProgramLayout
from recorder.lesson_file_order import share_file_of
from recorder.manifest import Manifest, manifest_from
from recorder.records import PROGRAM_SEAT
from server.children.once import Limits, ask_once
from server.films.making import HEIGHT, WIDTH, answer_to
from server.films.order import FilmOrder
from tests.recorded_lesson import Packet, RecordedLesson
from tests.recorded_media import (
    FRAME_RATE,
    SOUND,
    VIDEO,
    Encoded,
    Stream,
    brightness,
    decoded_counters,
    decoded_marks,
    encode_marks,
    encode_video,
    packetise,
    read_counter,
    with_ssrc,
)

SECONDS = 8.0
FLOOR_S = 4.0  # the room is called on
LEAD, ROOM = PictureId("lead", "teacher"), PictureId("room1", "students")
ROOM_FIRST = 500
PROGRAM_FIRST = 2000


def sent(track: str, stream: Stream, frames: list[Encoded]) -> list[Packet]:
    return [Packet(at, track, data) for at, data in packetise(stream, frames)]


def video(codec: str, first: int = 0) -> list[Encoded]:
    return encode_video(codec, SECONDS, width=320, height=180, first=first)


def lesson_in(folder: Path, *, with_program: bool) -> Manifest:
    """A lead (VP8) and a room (H.264) that is called on in the middle."""
    lesson = RecordedLesson(folder)
    lesson.open()
    room = with_ssrc(VIDEO["H264"], 0x4444)
    lesson.track("v", VIDEO["VP8"])
    lesson.track("a", SOUND)
    lesson.track("rv", room, seat="room1", source="students")
    packets = sent("v", VIDEO["VP8"], video("VP8")) + sent("a", SOUND, encode_marks(SECONDS))
    packets += sent("rv", room, video("H264", ROOM_FIRST))
    if with_program:
        program = with_ssrc(VIDEO["H264"], 0x7777)
        lesson.track("pv", program, seat=PROGRAM_SEAT, source="program", device="program")
        packets += sent("pv", program, video("H264", PROGRAM_FIRST))
        mix = with_ssrc(SOUND, 0x8888)
        lesson.track("pa", mix, seat=PROGRAM_SEAT, source="mix", device="program")
        packets += sent("pa", mix, encode_marks(SECONDS))
    lesson.receive(packets, until=SECONDS + 1)
    members = lesson.close()
    members["events"] = [
        event("seat_joined", 0.0, seat_id="lead", role="lead"),
        event("seat_joined", 0.0, seat_id="room1", role="room"),
        event("floor_given", FLOOR_S, seat_id="room1"),
    ]
    return manifest_from(members, where="this test")


def event(kind: str, at_s: float, **members: Any) -> dict[str, Any]:
    return {"type": kind, "at": 1_790_000_000.0 + at_s, "start_s": at_s, **members}


def order_for(folder: Path, manifest: Manifest, path: Path) -> FilmOrder:
    return FilmOrder(
        path=path,
        title="圆的面积",
        manifest=manifest.members(),
        parts={part.file: folder / part.file for part in manifest.parts},
    )


def made(folder: Path, manifest: Manifest, path: Path) -> Path:
    shares: list[float] = []
    told = answer_to(order_for(folder, manifest, path).model_dump_json().encode(), shares.append)
    assert (told.code, told.text) == ("", "")
    assert told.bytes == path.stat().st_size
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert shares == sorted(shares) and 0 < shares[0] < 0.3 and shares[-1] >= 1
    return path


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    folder = tmp_path_factory.mktemp("lesson") / "rec1"
    return folder, lesson_in(folder, with_program=False)


@pytest.fixture(scope="module")
def film(lesson: tuple[Path, Manifest], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(*lesson, tmp_path_factory.mktemp("film") / "film.mp4")


def pictures(path: Path) -> list[tuple[float, np.ndarray]]:
    with av.open(str(path)) as container:
        frames = container.decode(container.streams.video[0])
        return [(float(frame.time or 0), brightness(frame)) for frame in frames]


def tiles(large: PictureId, beside: PictureId) -> dict[PictureId, Box]:
    seats = [ProgramSeat("lead", "lead", ("teacher",)), ProgramSeat("room1", "room", ("students",))]
    laid = arrange(ProgramLayout.SPEAKER, seats, WIDTH, HEIGHT, Cast(large, beside))
    assert laid[0].picture == large
    return {tile.picture: tile.box for tile in laid}


def number_in(picture: np.ndarray, box: Box) -> int:
    return read_counter(picture[box.y : box.bottom, box.x : box.right])


def test_it_is_one_picture_and_one_sound_that_every_player_takes(film: Path) -> None:
    data = film.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # a browser plays it while it comes
    with av.open(str(film)) as container:
        told = [(one.codec.name, one.type) for one in container.streams]
        assert told == [("h264", "video"), ("aac", "audio")]
        assert (container.streams.video[0].width, container.streams.video[0].height) == (1280, 720)
        assert container.metadata["title"] == "圆的面积"
        assert (container.duration or 0) / 1e6 == pytest.approx(SECONDS, abs=0.3)


def test_every_picture_stands_at_its_place_and_at_its_moment(film: Path) -> None:
    """The lead large until the room is called on; then the room, and the lead beside it."""
    before, after = tiles(LEAD, ROOM), tiles(ROOM, LEAD)
    seen = 0
    for at, picture in pictures(film):
        if not (0.5 < at < SECONDS - 0.5) or abs(at - FLOOR_S - 0.4) < 0.5:
            continue
        places = before if at < FLOOR_S else after
        numbers = {who: number_in(picture, box) for who, box in places.items()}
        expected = {LEAD: at * FRAME_RATE, ROOM: ROOM_FIRST + at * FRAME_RATE}
        for who, number in numbers.items():
            assert number == pytest.approx(expected[who], abs=2), (at, who)
        seen += 1
    assert seen > 6 * 10


def test_sound_and_picture_are_in_step(film: Path) -> None:
    marks = decoded_marks(film)
    assert len(marks) >= 2 * SECONDS - 2
    for mark in marks:
        assert mark.time == pytest.approx(mark.number * 0.5, abs=0.04)


def test_a_program_that_was_recorded_is_copied(tmp_path: Path) -> None:
    folder = tmp_path / "lesson" / "rec1"
    manifest = lesson_in(folder, with_program=True)
    (program,) = [part for part in manifest.parts if part.is_program]
    (tmp_path / "film").mkdir()
    path = made(folder, manifest, tmp_path / "film" / "film.mp4")
    assert [number for _, number in decoded_counters(path)] == [
        number for _, number in decoded_counters(folder / program.file)
    ]
    for mark in (marks := decoded_marks(path)):
        assert mark.time == pytest.approx(mark.number * 0.5, abs=0.04)
    assert len(marks) >= 2 * SECONDS - 2


def harmed_part(folder: Path, manifest: Manifest) -> Manifest:
    (part,) = [one for one in manifest.parts if one.seat_id == "room1"]
    data = bytearray((folder / part.file).read_bytes())
    for at in range(len(data) // 2, len(data), 97):
        data[at] ^= 0xFF
    (folder / part.file).write_bytes(data)
    return manifest


def missing_part(folder: Path, manifest: Manifest) -> Manifest:
    (part,) = [one for one in manifest.parts if one.seat_id == "room1"]
    (folder / part.file).unlink()
    return manifest


def odd_events(_folder: Path, manifest: Manifest) -> Manifest:
    members = manifest.members()
    members["events"] += [
        event("floor_given", 1.0, seat_id=7),
        event("layout", 1.0, layout="upside-down"),
        event("spotlight", 2.0, seat_id="nobody", source="attic"),
        event("places", 2.0, places=[{"seat_id": None}, "x", {"seat_id": "nobody"}]),
        event("speech", 2.0, seat_id="room1", since="soon", until=None),
        event("hand_raised", 2.0, seat_id="nobody"),
        event("directing", 2.0, directing=["loud"]),
        event("of-a-later-version", 2.0, seat_id="room1"),
    ]
    return manifest_from(members, where="this test")


@pytest.mark.parametrize("harm", [harmed_part, missing_part, odd_events])
def test_what_cannot_be_read_costs_its_own_tile_alone(
    lesson: tuple[Path, Manifest], tmp_path: Path, harm: Callable[[Path, Manifest], Manifest]
) -> None:
    folder = tmp_path / "rec1"
    folder.mkdir()
    for part in lesson[1].parts:
        (folder / part.file).write_bytes((lesson[0] / part.file).read_bytes())
    manifest = harm(folder, lesson[1])
    order = order_for(folder, manifest, tmp_path / "film.mp4")
    assert answer_to(order.model_dump_json().encode()).code == ""
    places = tiles(LEAD, ROOM)
    shown = [number_in(picture, places[LEAD]) for at, picture in pictures(order.path) if at < 0.9]
    assert shown == pytest.approx(
        [at * FRAME_RATE for at, _ in pictures(order.path) if at < 0.9], abs=2
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"version": 99}, "film-failed"), ({"parts": [], "duration_s": 0.0}, "nothing-to-play")],
)
def test_what_is_no_lesson_is_no_film(
    lesson: tuple[Path, Manifest], tmp_path: Path, changes: dict[str, Any], code: str
) -> None:
    order = order_for(lesson[0], lesson[1], tmp_path / "film.mp4")
    told = answer_to(
        order.model_copy(update={"manifest": order.manifest | changes}).model_dump_json().encode()
    )
    assert told.code == code
    assert list(tmp_path.iterdir()) == []


async def test_a_child_within_its_limits_makes_it_and_tells_how_far_it_is(
    lesson: tuple[Path, Manifest], tmp_path: Path
) -> None:
    order = order_for(lesson[0], lesson[1], tmp_path / "film.mp4")
    limits = Limits(memory_bytes=2 << 30, processor_s=120, output_bytes=1 << 30, wait_s=120)
    told = json.loads(
        await ask_once("server.films.making", order.model_dump_json().encode(), limits=limits)
    )
    assert (told["code"], told["bytes"]) == ("", order.path.stat().st_size)
    assert float(share_file_of(order.path).read_text()) > 0.9
