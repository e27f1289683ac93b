"""Pictures as cameras send them, recorded whole: in another order than shown, in fields, in slices.

Real streams through a real track into real files; read back by FFmpeg, every picture by its number.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import av
import pytest

from mixer.rtp import h264
from recorder.part_file import decoding_order
from recorder.track import KEYFRAME_GIVEN_UP_S
from tests.camera_media import B_FRAMES, ENCODERS, AccessUnit, encode_h264, packetise, without_sets
from tests.recorded_lesson import BEGAN, Packet, RecordedLesson
from tests.recorded_media import FRAME_RATE, VIDEO, decoded_counters

SECONDS = 4.0
STREAM = VIDEO["H264"]

CAMERAS = {
    **ENCODERS,
    "b-frames": B_FRAMES,
    "b-frames one of another": {
        **B_FRAMES,
        "x264-params": "bframes=3:b-adapt=0:b-pyramid=normal:rc-lookahead=8",
    },
    "b-frames, many": {
        **B_FRAMES,
        "x264-params": "bframes=12:b-adapt=0:b-pyramid=normal:rc-lookahead=20",
    },
    "b-frames, interlaced": {
        **B_FRAMES,
        "x264-params": "bframes=2:b-adapt=0:interlaced=1:rc-lookahead=8",
    },
}


def packets_of(
    pictures: list[AccessUnit], *, first_sequence: int = 0, mark_all: bool = False
) -> list[Packet]:
    """As a live encoder sends them: each when it is coded."""
    places = {id(picture): place for place, picture in enumerate(pictures)}
    return [
        Packet(
            places[id(picture)] / FRAME_RATE,
            "v",
            replace(packet, marker=packet.marker or mark_all).serialize(),
        )
        for picture, packet in packetise(
            pictures,
            ssrc=STREAM.ssrc,
            payload_type=STREAM.payload_type,
            first_sequence=first_sequence,
        )
    ]


def recorded(folder: Path, packets: list[Packet], *, killed: bool = False) -> Path:
    """The file of the one part that was made of these packets."""
    lesson = RecordedLesson(folder)
    lesson.open()
    lesson.track("v", STREAM)
    lesson.receive(packets, until=packets[-1].at)
    if killed:
        lesson.kill()
    (part,) = lesson.close()["parts"]
    return folder / part["file"]


def assert_playable(file: Path) -> None:
    """No picture is to be shown before it is decoded, and all are decoded one after another."""
    with av.open(str(file)) as container:
        times = [(p.dts, p.pts) for p in container.demux(video=0) if p.size]
    assert all(dts is not None and pts is not None and dts <= pts for dts, pts in times)
    decoded = [dts for dts, _ in times if dts is not None]
    assert decoded == sorted(set(decoded))


@pytest.mark.parametrize("camera", CAMERAS)
def test_every_picture_is_recorded_in_its_time(tmp_path: Path, camera: str) -> None:
    pictures = encode_h264(CAMERAS[camera], SECONDS)
    goes_back = any(a.time > b.time for a, b in itertools.pairwise(pictures))
    assert goes_back is ("b-frames" in camera)
    file = recorded(tmp_path / "rec", packets_of(pictures))
    seen = decoded_counters(file)
    assert [number for _, number in seen] == list(range(round(SECONDS * FRAME_RATE)))
    steps = [b - a for (a, _), (b, _) in itertools.pairwise(seen)]
    assert steps == pytest.approx([1 / FRAME_RATE] * len(steps), abs=0.001)
    assert_playable(file)


PACSI = bytes([30]) + b"zz"  # RFC 6190: "payload content scalability information"


def with_extension(picture: AccessUnit, *, aggregated: bool) -> AccessUnit:
    """Alone before the picture, or in one packet with its first units, as far as these fit."""
    if not aggregated:
        return replace(picture, units=(PACSI, *picture.units))
    first = tuple(itertools.takewhile(lambda unit: len(unit) < 300, picture.units))
    together = h264.aggregate((PACSI, *first))
    return replace(picture, units=(together, *picture.units[len(first) :]))


@pytest.mark.parametrize(
    "sent",
    ["a marker on each packet", "an extension before each picture", "an extension in its packet"],
)
def test_odd_packets_cost_no_pictures(tmp_path: Path, sent: str) -> None:
    """RFC 6184 §5.1: nobody may rely on markers; §5.2: what is reserved is passed over."""
    pictures = encode_h264(ENCODERS["slices"], SECONDS)
    if sent == "a marker on each packet":
        packets = packets_of(pictures, mark_all=True)
    else:
        aggregated = sent == "an extension in its packet"
        packets = packets_of([with_extension(each, aggregated=aggregated) for each in pictures])
    seen = [number for _, number in decoded_counters(recorded(tmp_path / "rec", packets))]
    # Without a marker to go by, the last one has no end.
    assert seen[: len(pictures) - 1] == list(range(len(pictures) - 1))


REFRESHED = {  # after their first picture no IDR, or none that is asked for
    "little by little": {"profile": "main", "x264-params": "intra-refresh=1:bframes=0"},
    "open groups": {
        "profile": "main",
        "tune": "psnr",
        "x264-params": "open-gop=1:bframes=2:b-adapt=0:rc-lookahead=8",
    },
    "never": {"profile": "main", "x264-params": "keyint=infinite:bframes=0"},
}


@pytest.mark.parametrize("camera", REFRESHED)
def test_one_lost_picture_does_not_end_the_recording(tmp_path: Path, camera: str) -> None:
    seconds, lost = 16.0, 60
    pictures = encode_h264(REFRESHED[camera], seconds)
    assert sum(5 in picture.types for picture in pictures) == 1
    at = lost / FRAME_RATE  # each comes at a time of its own
    file = recorded(tmp_path / "rec", [p for p in packets_of(pictures) if p.at != at])
    seen = decoded_counters(file)
    assert set(range(lost - 8)) <= {number for _, number in seen}
    if camera == "never":  # what was lost stays unreadable, but the picture goes on
        resumed = lost + (KEYFRAME_GIVEN_UP_S + 1) * FRAME_RATE
        assert sum(at * FRAME_RATE > resumed for at, _ in seen) >= len(pictures) - resumed - 2
    else:
        resumed = lost + round(2.5 * FRAME_RATE)
        assert set(range(resumed, len(pictures) - 8)) <= {number for _, number in seen}


def test_a_source_without_any_idr_is_recorded(tmp_path: Path) -> None:
    """A recorder that comes later gets a picture that says decoding may start at it."""
    pictures = encode_h264(REFRESHED["little by little"], 4.0)
    file = recorded(tmp_path / "rec", packets_of(pictures[10:]))
    numbers = {number for _, number in decoded_counters(file)}
    assert set(range(75, len(pictures))) <= numbers


def test_a_picture_in_order_begins_its_file_at_nought(tmp_path: Path) -> None:
    """Decoded as shown: no player has anything to wait for."""
    file = recorded(tmp_path / "rec", packets_of(encode_h264(ENCODERS["baseline"], 1.0)))
    with av.open(str(file)) as container:
        first = next(container.demux(video=0))
    assert (first.dts, first.pts) == (0, 0)


def test_a_crash_costs_no_more_of_pictures_that_come_out_of_order(tmp_path: Path) -> None:
    packets = packets_of(encode_h264(B_FRAMES, SECONDS))
    file = recorded(tmp_path / "rec", packets, killed=True)
    numbers = [number for _, number in decoded_counters(file)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > (SECONDS - 1.0) * FRAME_RATE


def test_sets_that_came_once_are_enough(tmp_path: Path) -> None:
    pictures = without_sets(encode_h264(ENCODERS["delimiters"], SECONDS), but_first=True)
    file = recorded(tmp_path / "rec", packets_of(pictures))
    assert [n for _, n in decoded_counters(file)] == list(range(round(SECONDS * FRAME_RATE)))


@pytest.mark.parametrize("back_s", [0.5, 3.0])
def test_a_count_that_is_set_back_is_followed(tmp_path: Path, back_s: float) -> None:
    """By more than any encoder's order of pictures explains: they come as evenly as before."""
    pictures = encode_h264(ENCODERS["baseline"], SECONDS)
    half = len(pictures) // 2
    back = [AccessUnit(p.time - back_s, p.units, p.keyframe) for p in pictures[half:]]
    file = recorded(tmp_path / "rec", packets_of([*pictures[:half], *back]))
    seen = decoded_counters(file)
    assert [number for _, number in seen] == list(range(len(pictures)))
    assert [at for at, _ in seen] == pytest.approx([n / FRAME_RATE for _, n in seen], abs=0.04)


def test_what_a_recorder_begins_with_stands_at_its_time_though_it_came_all_at_once(
    tmp_path: Path,
) -> None:
    """The last group of pictures of a source that answers no request: three seconds in a burst."""
    late_s = 3.0
    packets = packets_of(encode_h264(ENCODERS["baseline"], 8.0, keyframe_every=100))
    came = [Packet(max(late_s, packet.at), "v", packet.data) for packet in packets]
    lesson = RecordedLesson(tmp_path / "rec")
    lesson.open()
    lesson.receive([], until=late_s)
    lesson.track("v", STREAM)
    lesson.receive(came, until=came[-1].at)
    manifest = lesson.close()
    (part,) = manifest["parts"]
    seen = decoded_counters(tmp_path / "rec" / part["file"])
    assert [number for _, number in seen] == list(range(round(8.0 * FRAME_RATE)))
    begins = manifest["started_at"] + part["start_s"] - BEGAN
    times = [begins + at for at, _ in seen]
    assert times == pytest.approx([n / FRAME_RATE for n in range(len(seen))], abs=0.02)


TIMES = {
    "in order": ([0, 40, 80], [(0, 0), (40, 40), (80, 80)]),
    "two at one time": ([0, 40, 40], [(0, 0), (40, 40), (41, 41)]),
    "b-frames": (
        [0, 120, 40, 80, 240, 160, 200],
        [(0, -40), (120, 0), (40, 40), (80, 80), (240, 120), (160, 160), (200, 200)],
    ),
    "before the part": ([-50, -10, 30], [(0, 0), (1, 1), (30, 30)]),
    "none": ([], []),
}


@pytest.mark.parametrize(("times", "placed"), TIMES.values(), ids=TIMES)
def test_when_pictures_are_decoded(times: list[int], placed: list[tuple[int, int]]) -> None:
    assert [(one.shown, one.decoded) for one in decoding_order(times)] == placed
